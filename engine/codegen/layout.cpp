// Steps that move values.
#include <fmt/format.h>

#include "arithmetic/layer_parameters.hpp"
#include "codegen/step_writer.hpp"

namespace mcunet::engine {
namespace {

// Whether the axes longer than 1 change their order.
bool moves_values(const StepWriter& step) {
  if (step.op().kind != OpKind::kTranspose) return false;
  const std::int32_t sizes[] = {step.input().height, step.input().width, step.input().channels};
  int last = -1;
  for (const std::int8_t value : step.details().permutation) {
    const int axis = static_cast<unsigned char>(value);
    if (sizes[axis] == 1) continue;
    if (axis < last) return true;
    last = axis;
  }
  return false;
}

void write_transpose(StepWriter& step) {
  const auto& permutation = step.details().permutation;
  const Shape& output = step.output();
  const std::int64_t strides[] = {std::int64_t{step.input().width} * step.input().channels,
                                  step.input().channels, 1};
  step.layer("mcunet_transpose_layer",
             {fmt::format(".sizes = {{{}, {}, {}}}", output.height, output.width, output.channels),
              fmt::format(".strides = {{{}, {}, {}}}", strides[permutation[0]],
                          strides[permutation[1]], strides[permutation[2]])});
  const bool is_float = step.graph().output_of(step.op()).type == DataType::kFloat32;
  const std::string kernel = is_float ? "transpose_words" : "transpose";
  step.call("mcunet_" + kernel, {step.input_address(), step.output_address(), "&layer"},
            kernel + ".c");
}

std::vector<unsigned char> as_uint16(const std::vector<std::int32_t>& values) {
  std::vector<unsigned char> bytes;
  for (std::int32_t value : values) {
    bytes.push_back(static_cast<unsigned char>(value & 0xff));
    bytes.push_back(static_cast<unsigned char>(value >> 8));
  }
  return bytes;
}

}  // namespace

void write_relayout(StepWriter& step) {
  const Tensor& output = step.graph().output_of(step.op());
  if (moves_values(step)) {
    return write_transpose(step);
  }
  if (step.is_in_place()) {
    step.statements("  // In place: nothing to do.\n");
    return;
  }
  step.statements(fmt::format("  memcpy({}, {}, {});\n", step.output_address(),
                              step.input_address(), output.bytes()));
}

void write_pad(StepWriter& step) {
  const OpDetails& details = step.details();
  const Padding& p = step.op().window.padding;
  const std::vector<std::string> border = {member("input_height", step.input().height),
                                           member("input_width", step.input().width),
                                           member("channels", step.input().channels),
                                           member("top", p.top),
                                           member("bottom", p.bottom),
                                           member("left", p.left),
                                           member("right", p.right),
                                           member("value", step.output_quantization().zero_point)};
  const bool pads_channels = details.channels_before != 0 || details.channels_after != 0;
  const std::string kernel = pads_channels ? "pad_channels" : "pad";
  if (pads_channels) {
    step.layer("mcunet_pad_channels_layer",
               {nested_member("border", border), member("before", details.channels_before),
                member("after", details.channels_after)});
  } else {
    step.layer("mcunet_pad_layer", border);
  }
  step.call("mcunet_" + kernel, {step.input_address(), step.output_address(), "&layer"},
            kernel + ".c");
}

// Along any axis, an input is `pixels` runs of values, `output_stride` apart in the output.
void write_concatenation(StepWriter& step) {
  const Axis axis = step.details().axis;
  const auto runs_of = [axis](const Shape& shape) -> std::int64_t {
    return axis == Axis::kHeight  ? 1
           : axis == Axis::kWidth ? shape.height
                                  : std::int64_t{shape.height} * shape.width;
  };
  const std::int64_t stride = step.output().elements() / runs_of(step.output());
  std::int64_t begin = 0;
  for (int i = 0; i < step.op().input_count; ++i) {
    const Shape& input = step.input(i);
    const std::int64_t length = input.elements() / runs_of(input);
    step.statements(
        fmt::format("  static const struct mcunet_copy_channels_layer layer_{} = {{\n"
                    "      .pixels = {}, .channels = {}, .output_stride = {}}};\n",
                    i, runs_of(input), length, stride));
    step.call("mcunet_copy_channels",
              {step.input_address(i), fmt::format("{} + {}", step.output_address(), begin),
               fmt::format("&layer_{}", i), "0"},
              "copy_channels.c");
    begin += length;
  }
}

void write_resize(StepWriter& step) {
  const Shape& input = step.input();
  const Shape& output = step.output();
  const std::string rows = step.add_array(
      "rows", as_uint16(nearest_neighbors(input.height, output.height, step.details())));
  const std::string columns = step.add_array(
      "columns", as_uint16(nearest_neighbors(input.width, output.width, step.details())));
  step.layer("mcunet_resize_nearest_layer",
             {member("input_width", input.width), member("channels", input.channels),
              member("output_height", output.height), member("output_width", output.width)});
  step.call("mcunet_resize_nearest",
            {step.input_address(), step.output_address(), "&layer",
             "(const uint16_t*)(const void*)" + rows, "(const uint16_t*)(const void*)" + columns},
            "resize_nearest.c");
}

}  // namespace mcunet::engine
