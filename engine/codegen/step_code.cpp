#include "codegen/step_code.hpp"

#include "codegen/step_writer.hpp"

namespace mcunet::engine {
namespace {

void write(StepWriter& step) {
  switch (step.op().kind) {
    case OpKind::kConv2d:
      return write_convolution(step);
    case OpKind::kDepthwiseConv2d:
      return write_depthwise(step);
    case OpKind::kFullyConnected:
      return write_fully_connected(step);
    case OpKind::kAveragePool2d:
      return write_average_pool(step);
    case OpKind::kMaxPool2d:
      return write_max_pool(step);
    case OpKind::kMean:
      return write_mean(step);
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
      return write_elementwise(step);
    case OpKind::kRelu:
    case OpKind::kRelu6:
    case OpKind::kLogistic:
    case OpKind::kHardSwish:
      return write_lookup(step);
    case OpKind::kQuantize:
    case OpKind::kDequantize:
      return write_conversion(step);
    case OpKind::kSoftmax:
      return write_softmax(step);
    case OpKind::kReshape:
    case OpKind::kTranspose:
      return write_relayout(step);
    case OpKind::kPad:
      return write_pad(step);
    case OpKind::kConcatenation:
      return write_concatenation(step);
    case OpKind::kResizeNearestNeighbor:
      return write_resize(step);
  }
}

}  // namespace

StepCode generate_step(const CompiledGraph& compiled, std::int32_t step) {
  StepWriter writer(compiled, step);
  write(writer);
  return writer.take();
}

}  // namespace mcunet::engine
