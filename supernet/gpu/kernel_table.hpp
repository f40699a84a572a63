#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <type_traits>

#include "gpu/threads.hpp"

// The kernels of threads.hpp, made of what Run::run() does with a kernel: it lets each of its threads work.
namespace mcunet::supernet::gpu {

template <typename Run>
struct KernelTable {
  // Calls call(T{}) with the type of the elements.
  template <typename Call>
  static void with_type(Element element, const Call& call) {
    switch (element) {
      case Element::kFloat32:
        return call(float{});
      case Element::kBfloat16:
        return call(c10::BFloat16{});
      case Element::kFloat16:
        return call(c10::Half{});
    }
  }

  // Calls call(T{}, kernel, stride), both as constants.
  template <typename Call>
  static void with_window(const DepthwiseShape& shape, Element element, const Call& call) {
    with_type(element, [&](auto type) {
      const auto with_stride = [&](auto kernel) {
        if (shape.stride == 1) {
          call(type, kernel, std::integral_constant<int, 1>());
        } else {
          call(type, kernel, std::integral_constant<int, 2>());
        }
      };
      if (shape.kernel == 3) return with_stride(std::integral_constant<int, 3>());
      if (shape.kernel == 5) return with_stride(std::integral_constant<int, 5>());
      return with_stride(std::integral_constant<int, 7>());
    });
  }

  static void depthwise(const DepthwiseShape& shape, Element element, const void* input,
                        const float* taps, void* output) {
    with_window(shape, element, [&](auto type, auto kernel, auto stride) {
      using T = decltype(type);
      Run::run(Depthwise<T, decltype(kernel)::value, decltype(stride)::value>{
          shape, static_cast<const T*>(input), taps, static_cast<T*>(output)});
    });
  }

  static void depthwise_input_gradient(const DepthwiseShape& shape, Element element,
                                       const void* gradient, const float* taps,
                                       void* input_gradient) {
    with_window(shape, element, [&](auto type, auto kernel, auto stride) {
      using T = decltype(type);
      Run::run(DepthwiseInputGradient<T, decltype(kernel)::value, decltype(stride)::value>{
          shape, static_cast<const T*>(gradient), taps, static_cast<T*>(input_gradient)});
    });
  }

  static void depthwise_weight_gradient(const DepthwiseShape& shape, Element element,
                                        const void* input, const void* gradient, float* sums) {
    with_window(shape, element, [&](auto type, auto kernel, auto stride) {
      using T = decltype(type);
      Run::run(DepthwiseWeightGradient<T, decltype(kernel)::value, decltype(stride)::value>{
          shape, static_cast<const T*>(input), static_cast<const T*>(gradient), sums,
          weight_gradient_parts(shape)});
    });
  }

  static void add_moments(const Pixels& pixels, Element element, const void* x, float* sums) {
    with_type(element, [&](auto type) {
      using Values = Moments<decltype(type)>;
      Run::run(RowSums<Values>{pixels, Values{static_cast<const decltype(type)*>(x)}, sums,
                               row_parts(pixels)});
    });
  }

  static void coefficients(std::int64_t channels, Element element, const Normalization& norm) {
    with_type(element, [&](auto type) { Run::run(Coefficients<decltype(type)>{channels, norm}); });
  }

  static void normalize(const Pixels& pixels, Element element, const void* x, const void* residual,
                        void* out, const ScaleShiftClamp& norm) {
    with_type(element, [&](auto type) {
      using T = decltype(type);
      Run::run(Normalize<T>{pixels, static_cast<const T*>(x), static_cast<const T*>(residual),
                            static_cast<T*>(out), norm});
    });
  }

  static void add_gradient_sums(const Pixels& pixels, Element element, const void* gradient,
                                const void* x, const ScaleShiftClamp& norm, const float* mean,
                                float* sums) {
    with_type(element, [&](auto type) {
      using T = decltype(type);
      using Values = GradientSums<T>;
      Run::run(RowSums<Values>{
          pixels, Values{static_cast<const T*>(gradient), static_cast<const T*>(x), norm, mean},
          sums, row_parts(pixels)});
    });
  }

  static void coefficient_gradients(std::int64_t channels, const NormalizationGradient& gradient) {
    Run::run(CoefficientGradients{channels, gradient});
  }

  static void norm_gradient(const Pixels& pixels, Element element, const void* gradient,
                            const void* x, const ScaleShiftClamp& norm, const float* line,
                            void* out) {
    with_type(element, [&](auto type) {
      using T = decltype(type);
      Run::run(NormGradient<T>{pixels, static_cast<const T*>(gradient), static_cast<const T*>(x),
                               static_cast<T*>(out), norm, line});
    });
  }

  static constexpr Kernels all() {
    return {
        depthwise, depthwise_input_gradient, depthwise_weight_gradient, add_moments,  coefficients,
        normalize, add_gradient_sums,        coefficient_gradients,     norm_gradient};
  }
};

}  // namespace mcunet::supernet::gpu
