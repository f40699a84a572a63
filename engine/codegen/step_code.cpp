#include "codegen/step_code.hpp"

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
  return compiled.schedule.steps[step].op_count == 1 ? generate_operator(compiled, step, 0)
                                                     : generate_bands(compiled, step);
}

}  // namespace mcunet::engine
