// Any bytes as a `.tflite` file: an Error or a graph. A graph can be written, reads back equal,
// and, if it is small, runs and becomes C. scripts/fuzz.sh builds and runs this.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/codegen/code_writer.hpp"
#include "mcunet/engine/codegen/compiler.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"

namespace {

using mcunet::engine::Graph;
using mcunet::engine::TensorBytes;

constexpr std::int64_t kMaxWork = 200'000;

std::int64_t work_of(const Graph& graph) {
  std::int64_t work = 0;
  for (const auto& op : graph.ops) {
    const std::int64_t window = std::int64_t{op.window.kernel_height} * op.window.kernel_width;
    work += graph.input_of(op).shape.elements();
    work += graph.output_of(op).shape.elements() * (window + 1);
    work += mcunet::engine::cost_of(graph, op).macs;
  }
  return work;
}

void run(const Graph& graph) {
  std::vector<TensorBytes> inputs;
  for (auto id : graph.inputs) {
    inputs.emplace_back(static_cast<std::size_t>(graph.tensors[id].bytes()), std::byte{0x5A});
  }
  mcunet::engine::execute(graph, inputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto contents = std::as_bytes(std::span(data, size));
    const Graph graph = mcunet::engine::read_tflite(contents, "fuzz");
    const Graph again = mcunet::engine::read_tflite(mcunet::engine::write_tflite(graph), "again");
    const Graph third = mcunet::engine::read_tflite(mcunet::engine::write_tflite(again), "third");
    if (again != third) std::abort();
    if (work_of(graph) >= kMaxWork) return 0;
    run(graph);
    mcunet::engine::generate_code(mcunet::engine::compile_graph(graph));
  } catch (const mcunet::Error&) {
    // What damaged files are meant to end in.
  }
  return 0;
}
