#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/codegen/compiler.hpp"

// C11 specialised to one quantized network: model.h, model.c, weights.h, weights.c, and of the
// kernels only those that it calls. Nothing is interpreted or allocated when it runs, and it
// computes exactly what the reference executor computes. What the files look like is in
// engine/codegen/templates/.
namespace mcunet::engine {

struct GeneratedFile {
  std::string path;  // relative: "model.c", "kernels/conv2d_1x1.c"
  std::string contents;
};

struct GeneratedCode {
  std::vector<GeneratedFile> files;
  std::int64_t constant_bytes = 0;  // weights, biases, multipliers, tables
};

// Throws Error if an operator has no kernel, naming it.
GeneratedCode generate_code(const CompiledGraph& compiled);

// Files of engine/kernels/ and all that they need, under the folder kernels/. Throws Error for a
// name that is not there.
std::vector<GeneratedFile> kernel_sources(const std::vector<std::string>& names);

// A string of C with these bytes. Whatever is not plain ASCII is written by number.
std::string c_string(std::string_view bytes);

}  // namespace mcunet::engine
