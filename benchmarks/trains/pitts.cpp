// A small C layer over PITTS (header-only, C++20) so that svd_peers.py can time its TT-SVD.
//
// c++ -O3 -march=native -ffast-math -fopenmp -std=c++20 -fPIC -shared -DEIGEN_USE_BLAS -DEIGEN_NO_AUTOMATIC_RESIZING
//   -I PITTS/src -I EIGEN -I CEREAL pitts.cpp $(MPI FLAGS) -lopenblas -o libpitts_layer.so
// and TTKIT_PITTS=libpitts_layer.so in the environment of the benchmark.

#include <algorithm>
#include <ctime>
#include <iostream>
#include <streambuf>
#include <vector>

#include "pitts_mkl.hpp"
#include "pitts_parallel.hpp"
#include "pitts_common.hpp"
#include "pitts_multivector.hpp"
#include "pitts_tensortrain.hpp"
#include "pitts_tensortrain_from_dense.hpp"

namespace {

double cpuSeconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

// It prints every singular value.
struct Silent : std::streambuf {
  int overflow(int c) override { return c; }
  std::streamsize xsputn(const char *, std::streamsize n) override { return n; }
};

}  // namespace

// x: column-major tensor. ranks: order + 1. cores: core k column-major (ranks[k], shape[k], ranks[k+1]), one
// after another, at most `capacity` numbers; seconds: CPU time of the decomposition alone, without the copy into
// its container. Returns 0, or 1 if the cores do not fit.
extern "C" int pitts_layer_svd(const double *x, int order, const int *shape, double tolerance, double *seconds,
                               long long *ranks, double *cores, long long capacity) {
  static Silent silent;
  auto *terminal = std::cout.rdbuf(&silent);
  static const bool started = [] {
    PITTS::initialize(nullptr, nullptr, false);
    return true;
  }();
  (void)started;
  const std::vector<int> lengths(shape, shape + order);
  long long columns = lengths.back(), rows = 1;
  for (int k = 0; k + 1 < order; k++) rows *= lengths[k];
  PITTS::MultiVector<double> tensor(rows, columns), work(rows, columns);
  for (long long j = 0; j < columns; j++)
    for (long long i = 0; i < rows; i++) tensor(i, j) = x[i + j * rows];
  const double start = cpuSeconds();
  const auto train = PITTS::fromDense(tensor, work, lengths, tolerance);
  *seconds = cpuSeconds() - start;
  std::cout.rdbuf(terminal);

  long long used = 0;
  for (int k = 0; k < order; k++) {
    const auto &core = train.subTensor(k);
    if (used + core.r1() * core.n() * core.r2() > capacity) return 1;
    ranks[k] = core.r1();
    ranks[k + 1] = core.r2();
    for (long long b = 0; b < core.r2(); b++)
      for (long long i = 0; i < core.n(); i++)
        for (long long a = 0; a < core.r1(); a++) cores[used++] = core(a, i, b);
  }
  return 0;
}
