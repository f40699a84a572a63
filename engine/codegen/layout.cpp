// Steps that move values, or place them between others.
#include <fmt/format.h>

#include "codegen/loops.hpp"
#include "codegen/step_writer.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"

namespace mcunet::engine {
namespace {

// The values stay in their order.
void write_copy(StepWriter& step) {
  if (step.is_in_place()) {
    step.statements("  // In place: nothing to do.\n");
    return;
  }
  step.statements(fmt::format("  memcpy({}, {}, {});\n", step.output_address(),
                              step.input_address(), step.graph().output_of(step.op()).bytes()));
}

std::vector<unsigned char> as_uint16(const std::vector<std::int32_t>& values) {
  std::vector<unsigned char> bytes;
  for (std::int32_t value : values) {
    bytes.push_back(static_cast<unsigned char>(value & 0xff));
    bytes.push_back(static_cast<unsigned char>(value >> 8));
  }
  return bytes;
}

// As the kernel has them: first, second and weight of each.
std::vector<unsigned char> as_uint16(const std::vector<Interpolation>& places) {
  std::vector<std::int32_t> values;
  for (const Interpolation& place : places) {
    values.insert(values.end(), {place.first, place.second, place.weight});
  }
  return as_uint16(values);
}

// Rows and columns of the input that are named for each of the output.
void write_gathered(StepWriter& step, const std::vector<std::int32_t>& rows,
                    const std::vector<std::int32_t>& columns) {
  const std::string row_numbers = step.add_array("rows", as_uint16(rows));
  const std::string column_numbers = step.add_array("columns", as_uint16(columns));
  step.layer(
      "mcunet_resize_nearest_layer",
      {member("input_width", step.input().width), member("channels", step.input().channels),
       member("output_height", step.output().height), member("output_width", step.output().width)});
  step.call({step.input_address(), step.output_address(), "&layer",
             "(const uint16_t*)(const void*)" + row_numbers,
             "(const uint16_t*)(const void*)" + column_numbers});
}

}  // namespace

void write_reshape(StepWriter& step) { write_copy(step); }

void write_transpose(StepWriter& step) {
  if (!is_transposing(step.graph(), step.op())) return write_copy(step);
  const auto& permutation = step.details().permutation;
  const Shape& output = step.output();
  const std::int64_t strides[] = {std::int64_t{step.input().width} * step.input().channels,
                                  step.input().channels, 1};
  step.layer("mcunet_transpose_layer",
             {fmt::format(".sizes = {{{}, {}, {}}}", output.height, output.width, output.channels),
              fmt::format(".strides = {{{}, {}, {}}}", strides[permutation[0]],
                          strides[permutation[1]], strides[permutation[2]])});
  step.call({step.input_address(), step.output_address(), "&layer"});
}

void write_pad(StepWriter& step) {
  const OpDetails& details = step.details();
  // Of four bits, pixels are padded as bytes of two channels each.
  const bool is_int4 = step.has_int4_input();
  if (is_int4 && step.input().channels % 8 != 0) {
    throw Error("{}: pads {} channels of int4, which are no multiple of 8", describe(step.op()),
                step.input().channels);
  }
  const std::int32_t value = border_of(step.graph(), step.op());
  const Padding& p = step.op().window.padding;
  const std::vector<std::string> border = {
      member("input_height", step.input().height),
      member("input_width", step.input().width),
      member("channels", step.input().channels / (is_int4 ? 2 : 1)),
      member("top", p.top),
      member("bottom", p.bottom),
      member("left", p.left),
      member("right", p.right),
      member("value", is_int4 ? static_cast<std::int8_t>(0x11 * (value + 8)) : value)};
  const bool pads_channels = details.channels_before != 0 || details.channels_after != 0;
  if (pads_channels) {
    step.layer("mcunet_pad_channels_layer",
               {nested_member("border", border), member("before", details.channels_before),
                member("after", details.channels_after)});
  } else {
    step.layer("mcunet_pad_layer", border);
  }
  step.call({step.input_address(), step.output_address(), "&layer"});
}

// Along any axis, an input is `pixels` runs of values, `output_stride` apart in the output.
void write_concatenation(StepWriter& step) {
  const Axis axis = step.details().axis;
  const auto runs_of = [axis](const Shape& shape) -> std::int64_t {
    return axis == Axis::kHeight  ? 1
           : axis == Axis::kWidth ? shape.height
                                  : std::int64_t{shape.height} * shape.width;
  };
  const std::int64_t runs = runs_of(step.output());
  const std::int64_t stride = step.output().elements() / runs;
  std::int64_t begin = 0;
  for (int i = 0; i < step.op().input_count; ++i) {
    const Shape& input = step.input(i);
    const std::int64_t length = input.elements() / runs_of(input);
    step.statements(
        fmt::format("  {}const struct mcunet_copy_channels_layer layer_{} = {{\n"
                    "      .pixels = {}, .channels = {}, .output_stride = {}}};\n",
                    step.is_in_bands() ? "" : "static ", i,
                    step.in_rows(runs / step.output().height, runs_of(input)), length, stride));
    step.call({step.input_address(i), fmt::format("{} + {}", step.output_address(), begin),
               fmt::format("&layer_{}", i), "0"});
    begin += length;
  }
}

void write_resize_nearest_neighbor(StepWriter& step) {
  const Shape& input = step.input();
  const Shape& output = step.output();
  write_gathered(step, nearest_neighbors(input.height, output.height, step.details()),
                 nearest_neighbors(input.width, output.width, step.details()));
}

void write_mirror_pad(StepWriter& step) {
  const Shape& input = step.input();
  const Shape& output = step.output();
  const Padding& p = step.op().window.padding;
  write_gathered(step, mirrored(input.height, p.top, output.height, step.details()),
                 mirrored(input.width, p.left, output.width, step.details()));
}

void write_strided_slice(StepWriter& step) {
  const OpDetails& details = step.details();
  const Strides input = strides_of(step.input());
  std::int64_t begin = 0;
  Strides strides = {};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    begin += details.begin[axis] * input[axis];
    strides[axis] = details.stride[axis] * input[axis];
  }
  const Shape& part = details.part;
  const Loops loops = merged({{part.height, part.width, part.channels}, {strides}});
  step.layer("mcunet_slice_layer", {member("begin", begin), ".sizes = " + braced(loops.sizes),
                                    ".strides = " + braced(loops.strides[0])});
  step.call({step.input_address(), step.output_address(), "&layer"});
}

void write_resize_bilinear(StepWriter& step) {
  const Shape& input = step.input();
  const Shape& output = step.output();
  const std::string rows = step.add_array(
      "rows", as_uint16(interpolations(input.height, output.height, step.details())));
  const std::string columns = step.add_array(
      "columns", as_uint16(interpolations(input.width, output.width, step.details())));
  step.layer("mcunet_resize_bilinear_layer",
             {member("input_width", input.width), member("channels", input.channels),
              member("output_height", output.height), member("output_width", output.width)});
  const auto places = [](const std::string& array) {
    return "(const struct mcunet_interpolation*)(const void*)" + array;
  };
  step.call({step.input_address(), step.output_address(), "&layer", places(rows), places(columns)});
}

}  // namespace mcunet::engine
