#include "codegen/step_code.hpp"

#include "codegen/step_writer.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

constexpr std::array<void (*)(StepWriter&), kOpKinds> kWriters = {
#define OPERATOR(kind, stem, ...) write_##stem,
#include "mcunet/engine/graph/operators.inc"
};

}  // namespace

StepCode generate_step(const CompiledGraph& compiled, std::int32_t step) {
  const Step& run = compiled.schedule.steps[step];
  if (run.op_count != 1) {
    throw Error("{}: no kernel does this in one step", describe(compiled.graph, run));
  }
  StepWriter writer(compiled, step);
  kWriters[static_cast<std::size_t>(writer.op().kind)](writer);
  return writer.take();
}

}  // namespace mcunet::engine
