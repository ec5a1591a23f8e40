// A C++17 program that uses the installed headers and ttkit.hpp.
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>

#include <ttkit.hpp>

#include "layouts.h"

static_assert(std::is_standard_layout_v<ttk_array> && std::is_trivial_v<ttk_array>);
static_assert(sizeof(ttkit::handle<ttk_train>) == sizeof(void *), "a handle costs a pointer");
static_assert(!std::is_copy_constructible_v<ttkit::handle<ttk_train>>);

static int failures = 0;

static void expect(bool condition, const char *what) {
  if (condition) return;
  std::fprintf(stderr, "C++: %s\n", what);
  failures++;
}

static void trains() {
  std::vector<double> values(24);
  for (int i = 0; i < 24; i++) values[i] = std::sin(0.1 * i);
  ttkit::array<double> array(values.data(), {2, 3, 4});
  const ttk_array view = array.view();
  auto options = ttkit::sized<ttk_svd_options>();
  options.rtol = 1e-12;
  auto train   = ttkit::make<ttk_train>(ttk_svd, &view, &options);
  auto twice   = ttkit::make<ttk_train>(ttk_train_add, train.get(), train.get());
  auto moved   = std::move(twice);
  double one = 0, two = 0;
  ttkit::check(ttk_train_norm(train.get(), &one));
  ttkit::check(ttk_train_norm(moved.get(), &two));
  expect(std::abs(two - 2 * one) < 1e-12 * one && one > 0, "the norm of t + t is twice that of t");
}

static void layers() {
  float weight[] = {1, 2, 3, 4, 5, 6}, x[] = {1, 1, 1}, y[2] = {};
  ttkit::array<float> array(weight, {2, 3});
  const ttk_array w = array.view();
  auto layer = ttkit::make<ttk_linear>(ttk_linear_fit, &w, "dense", nullptr, nullptr);
  auto plan  = ttkit::make<ttk_linear_plan>(ttk_linear_prepare, layer.get(), nullptr);
  std::vector<char> workspace(ttk_linear_plan_workspace_size(plan.get()) + 1);
  ttkit::check(ttk_linear_execute(plan.get(), x, 1, y, workspace.data(), workspace.size()));
  expect(y[0] == 6 && y[1] == 15, "a dense layer multiplies");
}

static void errors() {
  try {
    ttkit::make<ttk_train>(ttk_svd, nullptr, nullptr);
    expect(false, "NULL is refused");
  } catch (const ttkit::error &error) {
    expect(error.status() == TTK_ERROR_ARGUMENT, "the exception carries the status");
    expect(std::string(error.what()).find("NULL") != std::string::npos, "and the sentence");
  }
}

int main() {
  expect(ttk_version() == TTK_VERSION, "version");
  trains();
  layers();
  errors();
  if (failures == 0) std::puts("C++: ok");
  return failures != 0;
}
