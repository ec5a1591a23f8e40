/* ttkit.hpp: ttkit.h for C++17: handles that free themselves, failures as exceptions.
 *
 *   auto train = ttkit::make<ttk_train>(ttk_svd, &array, nullptr);   // throws ttkit::error
 *   ttkit::check(ttk_train_norm(train.get(), &norm));
 *
 * Nothing more: every function of ttkit.h is called as it is. Header only, no other dependency.     */
#ifndef TTKIT_HPP
#define TTKIT_HPP

#include <complex>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ttkit.h"

namespace ttkit {

/* A failed call: its status, and the library's sentence on it as what(). */
class error : public std::runtime_error {
 public:
  explicit error(ttk_status status)
      : std::runtime_error(*ttk_last_error() ? ttk_last_error() : ttk_status_name(status)),
        status_(status) {}
  ttk_status status() const noexcept { return status_; }

 private:
  ttk_status status_;
};

/* Throws unless the status is TTK_OK. */
inline void check(ttk_status status) {
  if (status != TTK_OK) throw error(status);
}

/* Calls the right ttk_*_destroy. */
struct destroyer {
  void operator()(ttk_train *p) const noexcept { ttk_train_destroy(p); }
  void operator()(ttk_train_matrix *p) const noexcept { ttk_train_matrix_destroy(p); }
  void operator()(ttk_linear *p) const noexcept { ttk_linear_destroy(p); }
  void operator()(ttk_linear_plan *p) const noexcept { ttk_linear_plan_destroy(p); }
  void operator()(ttk_embedding *p) const noexcept { ttk_embedding_destroy(p); }
  void operator()(ttk_embedding_plan *p) const noexcept { ttk_embedding_plan_destroy(p); }
  void operator()(ttk_recipe *p) const noexcept { ttk_recipe_destroy(p); }
  void operator()(ttk_model *p) const noexcept { ttk_model_destroy(p); }
};

template <class T>
using handle = std::unique_ptr<T, destroyer>;

/* function(arguments..., &result) as a handle: for every function whose last parameter is one. */
template <class T, class Function, class... Arguments>
handle<T> make(Function function, Arguments &&...arguments) {
  T *result = nullptr;
  check(function(std::forward<Arguments>(arguments)..., &result));
  return handle<T>(result);
}

/* An options or report struct with its size set and every field at its default. */
template <class T>
T sized() {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}

template <class T> struct dtype_of;
template <> struct dtype_of<float> { static constexpr ttk_dtype value = TTK_FLOAT32; };
template <> struct dtype_of<double> { static constexpr ttk_dtype value = TTK_FLOAT64; };
template <> struct dtype_of<std::complex<float>> { static constexpr ttk_dtype value = TTK_COMPLEX64; };
template <> struct dtype_of<std::complex<double>> { static constexpr ttk_dtype value = TTK_COMPLEX128; };
template <> struct dtype_of<std::int8_t> { static constexpr ttk_dtype value = TTK_INT8; };
template <> struct dtype_of<std::int32_t> { static constexpr ttk_dtype value = TTK_INT32; };
template <> struct dtype_of<std::int64_t> { static constexpr ttk_dtype value = TTK_INT64; };

/* A row-major array that belongs to somebody else. Keep it alive while view() is in use. */
template <class T>
class array {
 public:
  array(T *data, std::vector<std::int64_t> shape) : data_(data), shape_(std::move(shape)) {}
  ttk_array view() const {
    return {data_, shape_.data(), nullptr, static_cast<std::int32_t>(shape_.size()),
            dtype_of<T>::value};
  }

 private:
  T *data_;
  std::vector<std::int64_t> shape_;
};

}  // namespace ttkit
#endif
