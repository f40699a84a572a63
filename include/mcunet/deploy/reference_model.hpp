#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "mcunet/engine/codegen/compiler.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

// What firmware must compute: a model file under the reference executor, with the borders that
// generated code has. Those are int8 where the caller of the firmware converts: the tensors behind
// the file's own float or uint8 are given and returned then.
namespace mcunet::deploy {

class ReferenceModel {
 public:
  // Throws Error.
  explicit ReferenceModel(const std::filesystem::path& model_file,
                          engine::Borders borders = engine::Borders::kCaller);

  // The bytes of all inputs one after another in the file's order, in the types that the borders
  // have; the outputs in the same way, apart. Throws Error if the sizes do not agree, or if a
  // border that must be int8 has no such form. State goes on from the call before.
  std::vector<std::vector<std::int8_t>> run(std::span<const std::int8_t> input);

 private:
  engine::TensorBytes to_graph_input(engine::TensorId tensor,
                                     std::span<const std::int8_t> input) const;

  engine::Graph graph_;
  std::vector<engine::TensorBytes> states_;  // as they are now
  engine::Borders borders_;
};

// The model in a folder of C: its model.tflite or model.mcunet. Nothing if it has neither.
std::optional<std::filesystem::path> find_model_file(const std::filesystem::path& folder);

}  // namespace mcunet::deploy
