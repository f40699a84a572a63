#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "mcunet/engine/graph.hpp"
#include "mcunet/engine/reference_executor.hpp"

// What firmware must compute: a .tflite file under the reference executor, with the borders that
// generated code has. Those are int8: where the file has float or uint8 at its borders, conversion
// is left to the caller of the firmware, so the tensors beyond it are given and returned here.
namespace mcunet::deploy {

class ReferenceModel {
 public:
  // Throws Error.
  explicit ReferenceModel(const std::filesystem::path& tflite_file);

  // The inputs in int8, one after another in the file's order; the outputs in the same way, apart.
  // Throws Error if the sizes do not agree, or if a border has no int8 form.
  std::vector<std::vector<std::int8_t>> run(std::span<const std::int8_t> input) const;

 private:
  engine::TensorBytes to_graph_input(engine::TensorId tensor,
                                     std::span<const std::int8_t> input) const;

  engine::Graph graph_;
};

}  // namespace mcunet::deploy
