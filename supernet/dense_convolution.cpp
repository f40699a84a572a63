#include "dense_convolution.hpp"

#include <ATen/Context.h>
#include <ATen/Functions.h>

#include <mutex>

namespace mcunet::supernet {
namespace {

// On a GPU in 32-bit floats, a product of matrices takes half of the time of cuDNN's convolution; in 16-bit floats
// cuDNN's is the faster one.
bool is_product(const at::Tensor& input, const at::Tensor& weight, std::int64_t stride) {
  return input.is_cuda() && input.scalar_type() == at::kFloat && stride == 1 &&
         weight.size(2) == 1 && weight.size(3) == 1;
}

// [n, channels, height, width] -> [n * height * width, channels], and back.
at::Tensor as_rows(const at::Tensor& pixels) {
  return pixels.permute({0, 2, 3, 1}).reshape({-1, pixels.size(1)});
}

at::Tensor as_pixels(const at::Tensor& rows, const at::Tensor& like) {
  return rows.view({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

at::Tensor as_matrix(const at::Tensor& weight) { return weight.select(3, 0).select(2, 0); }

// While there is one, products of matrices have as many bits as convolutions, which libtorch decides apart, and for
// the whole process.
class BitsOfConvolutions {
 public:
  BitsOfConvolutions() {
    at::globalContext().setAllowTF32CuBLAS(at::globalContext().allowTF32CuDNN());
  }
  ~BitsOfConvolutions() { at::globalContext().setAllowTF32CuBLAS(before_); }
  BitsOfConvolutions(const BitsOfConvolutions&) = delete;
  BitsOfConvolutions& operator=(const BitsOfConvolutions&) = delete;

 private:
  static inline std::mutex mutex_;
  std::lock_guard<std::mutex> lock_{mutex_};
  bool before_ = at::globalContext().allowTF32CuBLAS();
};

at::Tensor product_of(const at::Tensor& a, const at::Tensor& b) {
  const BitsOfConvolutions bits;
  return at::mm(a, b);
}

}  // namespace

at::Tensor dense_convolution(const at::Tensor& input, const at::Tensor& weight,
                             std::int64_t stride) {
  if (is_product(input, weight, stride)) {
    return as_pixels(product_of(as_rows(input), as_matrix(weight).t()), input);
  }
  return at::conv2d(input, weight.to(input.scalar_type()), {}, stride,
                    {weight.size(2) / 2, weight.size(3) / 2})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

ConvolutionGradients dense_convolution_gradients(const at::Tensor& gradient,
                                                 const at::Tensor& input, const at::Tensor& weight,
                                                 std::int64_t stride, bool wants_input,
                                                 bool wants_weight) {
  ConvolutionGradients result;
  if (is_product(input, weight, stride)) {
    const at::Tensor rows = as_rows(gradient);
    if (wants_input) result.input = as_pixels(product_of(rows, as_matrix(weight)), gradient);
    if (wants_weight) result.weight = product_of(rows.t(), as_rows(input)).view(weight.sizes());
    return result;
  }
  const auto gradients = at::convolution_backward(
      gradient, input, weight.to(input.scalar_type()), at::OptionalIntArrayRef(), {stride, stride},
      {weight.size(2) / 2, weight.size(3) / 2}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1,
      {wants_input, wants_weight, false});
  result = {std::get<0>(gradients), std::get<1>(gradients)};
  if (wants_weight) result.weight = result.weight.to(at::kFloat);
  return result;
}

}  // namespace mcunet::supernet
