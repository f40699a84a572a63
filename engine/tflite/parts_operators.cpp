// Convolutions with their taps apart, as TensorFlow writes them where it does not see that they are: by dividing the map
// into parts and joining what comes out.
#include <array>

#include "mcunet/core/error.hpp"
#include "tflite/operators.hpp"

namespace mcunet::engine {
namespace {

// How a map is divided, or joined: what stands in operands 1 and 2. A map of three dimensions has no rows.
struct Division {
  std::int16_t block_height = 1;
  std::int16_t block_width = 1;
  Padding border;  // that is added before, or taken off after
};

Division division_of(std::size_t rank, const std::vector<std::int32_t>& block,
                     const std::vector<std::int32_t>& border) {
  if (rank < 3 || rank > 4) throw Error("maps of {} dimensions are not supported", rank);
  if (block.size() != rank - 2 || border.size() != 2 * block.size()) {
    throw Error("has a block of {} values and a border of {}", block.size(), border.size());
  }
  std::array<std::int16_t, 2> sides = {1, 1};
  std::array<std::int16_t, 4> borders = {};
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::size_t axis = i + 2 - block.size();
    sides[axis] = narrow(block[i], "block");
    if (sides[axis] == 0) throw Error("a block of 0");
    borders[2 * axis] = narrow(border[2 * i], "border");
    borders[2 * axis + 1] = narrow(border[2 * i + 1], "border");
  }
  return {sides[0], sides[1], {borders[0], borders[1], borders[2], borders[3]}};
}

// What of a border before is left when one after has been taken off.
std::int16_t left_over(std::int16_t before, std::int16_t after) {
  if (after > before)
    throw Error("takes off more than SPACE_TO_BATCH_ND adds, which is not supported");
  return static_cast<std::int16_t>(before - after);
}

// Without how many parts there are, and the only row that a line of values has where it has four dimensions.
std::vector<std::int32_t> map_in_parts(std::vector<std::int32_t> dims) {
  if (dims.size() == 4 && dims[1] == 1) dims.erase(dims.begin() + 1);
  if (!dims.empty()) dims.erase(dims.begin());
  return dims;
}

}  // namespace

void TfliteOperators::read_space_to_batch_nd() {
  require_inputs(3, 3);
  tensors_.require_map(input(0));
  const Shape& shape = graph_.tensors[activation(input(0))].shape;
  const Division division =
      division_of(tensors_.dims(input(0)).size(), tensors_.short_integers(input(1)),
                  tensors_.short_integers(input(2)));
  const Padding& p = division.border;
  if ((shape.height + p.top + p.bottom) % division.block_height != 0 ||
      (shape.width + p.left + p.right) % division.block_width != 0) {
    throw Error("a map of {}x{} with its border cannot be divided into blocks of {}x{}",
                shape.height, shape.width, division.block_height, division.block_width);
  }
  if (tensors_.info(output()).quantization != tensors_.info(input(0)).quantization) {
    throw Error("changes the quantization");
  }
  parts_[output()] = {.whole = input(0),
                      .block_height = division.block_height,
                      .block_width = division.block_width,
                      .padding = p};
}

// What lies between the two: a convolution, and what gives a map of three dimensions a fourth one and takes it away.
bool TfliteOperators::takes_parts(tflite::BuiltinOperator code) {
  if (!has_input(0) || !parts_.contains(input(0))) return false;
  Parts parts = parts_.at(input(0));
  if (code == tflite::BuiltinOperator_CONV_2D ||
      code == tflite::BuiltinOperator_DEPTHWISE_CONV_2D) {
    if (parts.convolution != nullptr) throw Error("is the second convolution of a map in parts");
    parts.convolution = source_;
    parts.code = code;
  } else if (code == tflite::BuiltinOperator_RESHAPE ||
             code == tflite::BuiltinOperator_EXPAND_DIMS ||
             code == tflite::BuiltinOperator_SQUEEZE) {
    if (map_in_parts(tensors_.dims(input(0))) != map_in_parts(tensors_.dims(output()))) {
      throw Error("gives a map in parts another shape");
    }
  } else {
    return false;
  }
  parts_[output()] = parts;
  return true;
}

void TfliteOperators::read_batch_to_space_nd() {
  require_inputs(3, 3);
  const auto found = parts_.find(input(0));
  if (found == parts_.end() || found->second.convolution == nullptr) {
    throw Error("is supported only behind SPACE_TO_BATCH_ND and a convolution");
  }
  Parts parts = found->second;
  const Division division =
      division_of(tensors_.dims(input(0)).size(), tensors_.short_integers(input(1)),
                  tensors_.short_integers(input(2)));
  if (division.block_height != parts.block_height || division.block_width != parts.block_width) {
    throw Error("joins blocks of {}x{} that were divided as {}x{}", division.block_height,
                division.block_width, parts.block_height, parts.block_width);
  }
  if (tensors_.info(output()).quantization != tensors_.info(input(0)).quantization) {
    throw Error("changes the quantization");
  }
  Padding& p = parts.padding;
  const Padding& crop = division.border;
  p = {left_over(p.top, crop.top), left_over(p.bottom, crop.bottom), left_over(p.left, crop.left),
       left_over(p.right, crop.right)};
  joined_ = &parts;
  joined_output_ = output();
  source_ = parts.convolution;
  if (parts.code == tflite::BuiltinOperator_CONV_2D) {
    op_.kind = OpKind::kConv2d;
    read_conv_2d();
  } else {
    op_.kind = OpKind::kDepthwiseConv2d;
    read_depthwise_conv_2d();
  }
}

}  // namespace mcunet::engine
