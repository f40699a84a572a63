// Steps with packed weights: convolutions and fully connected layers.
#include <fmt/format.h>

#include "codegen/step_writer.hpp"
#include "kernels/mcunet_kernels.h"
#include "kernels/pack.h"
#include "kernels/scratch.h"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

// Of [rows][channels], each row with zeros up to so many channels.
std::vector<std::int8_t> with_channels(const std::vector<std::int8_t>& weights,
                                       std::int32_t channels, std::int32_t padded) {
  if (channels == padded) return weights;
  std::vector<std::int8_t> result;
  for (auto row = weights.begin(); row != weights.end(); row += channels) {
    result.insert(result.end(), row, row + channels);
    result.insert(result.end(), static_cast<std::size_t>(padded - channels), std::int8_t{0});
  }
  return result;
}

// Calls pack(filter, where) with a filter whose arrays live for the call.
template <typename Pack>
std::vector<unsigned char> packed(const StepWriter& step, const std::vector<std::int8_t>& weights,
                                  std::int64_t bytes, Pack pack) {
  const std::vector<std::int32_t> bias = biases_of(step.graph(), step.op());
  std::vector<std::int32_t> multipliers;
  std::vector<std::int32_t> shifts;
  for (std::int32_t c = 0; c < step.output().channels; ++c) {
    const QuantizedMultiplier by = convolution_multiplier(step.graph(), step.op(), c);
    multipliers.push_back(by.multiplier);
    shifts.push_back(-by.shift);
  }
  const mcunet_filter filter{.weights = weights.data(),
                             .bias = bias.data(),
                             .multipliers = multipliers.data(),
                             .shifts = shifts.data(),
                             .output_channels = step.output().channels,
                             .input_zero_point = step.input_zero_point(),
                             .output = step.output_struct()};
  std::vector<unsigned char> result(static_cast<std::size_t>(bytes));
  pack(filter, result.data());
  return result;
}

std::vector<std::int8_t> weights_of(const StepWriter& step) {
  return weight_values(step.graph().constants[step.details().weights]);
}

std::string pack_matmul(StepWriter& step) {
  const WeightLayout layout = weight_layout(step.graph(), step.op());
  const std::int32_t inputs = mcunet_values_of_pixel(layout.inputs, step.has_int4_input() ? 4 : 8);
  const std::int32_t depth = layout.places * inputs;
  const std::vector<std::int8_t> weights = with_channels(weights_of(step), layout.inputs, inputs);
  const auto pack = step.op().weight_bits == 4 ? mcunet_pack_matmul_s4 : mcunet_pack_matmul;
  return step.add_array(
      "weights",
      packed(step, weights, packed_weight_bytes(step.graph(), step.op(), layout),
             [&](const mcunet_filter& filter, void* where) { pack(&filter, depth, where); }));
}

std::string pack_depthwise(StepWriter& step) {
  const WeightLayout layout = weight_layout(step.graph(), step.op());
  const std::int32_t taps = layout.places;
  const auto pack = step.op().weight_bits == 4 ? mcunet_pack_depthwise_s4 : mcunet_pack_depthwise;
  return step.add_array(
      "weights",
      packed(step, weights_of(step), packed_weight_bytes(step.graph(), step.op(), layout),
             [&](const mcunet_filter& filter, void* where) { pack(&filter, taps, where); }));
}

std::vector<std::string> window_members(const StepWriter& step) {
  const Window& w = step.op().window;
  return {member("input_height", step.input_rows()),
          member("input_width", step.input().width),
          member("input_channels", step.input().channels),
          member("output_height", step.output_rows()),
          member("output_width", step.output().width),
          member("output_channels", step.output().channels),
          member("kernel_height", w.kernel_height),
          member("kernel_width", w.kernel_width),
          member("stride_height", w.stride_height),
          member("stride_width", w.stride_width),
          member("pad_top", step.pad_rows()),
          member("pad_left", w.padding.left),
          member("input_zero_point", step.input_zero_point()),
          output_member(step.output_struct())};
}

void write_any_depthwise(StepWriter& step, const std::string& packed_weights) {
  step.layer("mcunet_depthwise_any_layer",
             {nested_member("window", window_members(step)),
              member("depth_multiplier", step.output().channels / step.input().channels),
              member("dilation_height", step.op().window.dilation_height),
              member("dilation_width", step.op().window.dilation_width)});
  step.call({step.input_address(), step.output_address(), "&layer", packed_weights});
}

}  // namespace

void write_conv_2d(StepWriter& step) {
  const Window& w = step.op().window;
  const std::string packed_weights = pack_matmul(step);
  if (step.options().specializes_kernels && has_dense_pointwise(step.op())) {
    step.layer("mcunet_conv2d_1x1_layer", {member("pixels", step.in_rows(step.input().width)),
                                           member("input_channels", step.input().channels),
                                           member("output_channels", step.output().channels),
                                           output_member(step.output_struct())});
    step.call({step.input_address(), step.output_address(), "&layer", packed_weights,
               step.scratch_address()});
    return;
  }
  if (is_dilated(step.op())) {
    step.layer("mcunet_conv2d_dilated_layer", {nested_member("window", window_members(step)),
                                               member("dilation_height", w.dilation_height),
                                               member("dilation_width", w.dilation_width)});
    step.call({step.input_address(), step.output_address(), "&layer", packed_weights,
               step.scratch_address()});
    return;
  }
  step.layer("mcunet_conv2d_layer", window_members(step));
  step.call({step.input_address(), step.output_address(), "&layer", packed_weights,
             step.scratch_address(), std::to_string(step.scratch_bytes())});
}

void write_depthwise_conv_2d(StepWriter& step) {
  const Window& w = step.op().window;
  const std::string packed_weights = pack_depthwise(step);
  const bool is_int4 = step.has_int4_input();
  if (!has_window_kernel(step.graph(), step.op()) ||
      (!step.options().specializes_kernels && !is_int4)) {
    return write_any_depthwise(step, packed_weights);
  }
  step.layer(
      "mcunet_depthwise_layer",
      {member("input_height", step.input_rows()), member("input_width", step.input().width),
       member("output_height", step.output_rows()), member("output_width", step.output().width),
       member("channels", step.input().channels), member("pad_top", step.pad_rows()),
       member("pad_left", w.padding.left), member("input_zero_point", step.input_zero_point()),
       output_member(step.output_struct())});
  std::vector<std::string> arguments = {
      step.input_address(), step.output_address(),  "&layer",
      packed_weights,       step.scratch_address(), std::to_string(step.scratch_bytes())};
  // That of four bits is for all windows, and takes what it needs of this one's own kernel.
  if (is_int4) arguments.push_back(fmt::format("&mcunet_{}_window", step.kernel(1)));
  step.call(arguments);
}

void write_fully_connected(StepWriter& step) {
  const std::int64_t rows = rows_of(step.graph(), step.op());
  const std::int64_t features = step.input().elements() / rows;
  const std::string packed_weights = pack_matmul(step);
  step.layer(
      "mcunet_fully_connected_layer",
      {member("batches", rows), member("input_features", features),
       member("output_features", step.output().channels), output_member(step.output_struct())});
  std::vector<std::string> arguments = {step.input_address(), step.output_address(), "&layer",
                                        packed_weights};
  if (!has_few_outputs(step.graph(), step.op())) arguments.push_back(step.scratch_address());
  step.call(arguments);
}

// The kernel in parts, one for every remainder of the outputs' positions by the stride.
void write_transpose_conv(StepWriter& step) {
  const Window& w = step.op().window;
  const mcunet_conv2d_layer layer{.input_channels = step.input().channels,
                                  .output_channels = step.output().channels,
                                  .kernel_height = w.kernel_height,
                                  .kernel_width = w.kernel_width,
                                  .stride_height = w.stride_height,
                                  .stride_width = w.stride_width};
  const std::vector<std::int8_t> weights = weights_of(step);
  std::vector<std::int8_t> part(weights.size());
  std::vector<unsigned char> all;
  for (std::int32_t row = 0; row < w.stride_height; ++row) {
    for (std::int32_t column = 0; column < w.stride_width; ++column) {
      const std::int32_t depth =
          mcunet_transpose_conv2d_part(&layer, weights.data(), row, column, part.data());
      const std::vector<unsigned char> one = packed(
          step, part,
          static_cast<std::int64_t>(mcunet_packed_matmul_bytes(layer.output_channels, depth)),
          [&](const mcunet_filter& filter, void* where) {
            mcunet_pack_matmul(&filter, depth, where);
          });
      all.insert(all.end(), one.begin(), one.end());
    }
  }
  step.layer("mcunet_conv2d_layer", window_members(step));
  step.call({step.input_address(), step.output_address(), "&layer",
             step.add_array("weights", std::move(all)), step.scratch_address()});
}

}  // namespace mcunet::engine
