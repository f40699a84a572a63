#include "codegen/step_code.hpp"

#include <fmt/format.h>

#include "codegen/step_writer.hpp"

namespace mcunet::engine {
namespace {

constexpr std::array<void (*)(StepWriter&), kOpKinds> kWriters = {
#define OPERATOR(kind, stem, ...) write_##stem,
#include "mcunet/engine/graph/operators.inc"
};

}  // namespace

StepCode generate_operator(const CompiledGraph& compiled, std::int32_t step, std::int32_t op) {
  StepWriter writer(compiled, step, op);
  kWriters[static_cast<std::size_t>(writer.op().kind)](writer);
  return writer.take();
}

StepCode generate_step(const CompiledGraph& compiled, std::int32_t step) {
  const Step& run = compiled.schedule.steps[step];
  StepCode code =
      run.is_in_bands() ? generate_bands(compiled, step) : generate_operator(compiled, step, 0);
  const TensorId output = ops_of(compiled.graph, run).back().output;
  const std::int64_t headroom = compiled.schedule.headroom[output];
  if (headroom == 0) return code;
  const TensorId input = compiled.schedule.in_place_of[output];
  code.body = fmt::format("  mcunet_move_up(arena + {}, {}, {});\n", compiled.offset_of(input),
                          compiled.graph.tensors[input].bytes(), headroom) +
              code.body;
  code.kernels.emplace_back("move_up.c");
  return code;
}

}  // namespace mcunet::engine
