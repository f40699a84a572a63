#pragma once

#include <string>
#include <vector>

#include "mcunet/engine/codegen/compiler.hpp"

namespace mcunet::engine {

// Bytes that a kernel reads from flash: packed weights, tables, row numbers.
struct FlashArray {
  std::string name;
  std::vector<unsigned char> bytes;
};

// The C of one step.
struct StepCode {
  std::string body;                 // statements
  std::vector<std::string> stages;  // of several operators: what each does with a band of rows
  std::vector<FlashArray> arrays;
  std::vector<std::string> kernels;  // files of engine/kernels that hold what it calls
};

StepCode generate_step(const CompiledGraph& compiled, std::int32_t step);

// What one operator of the step does, the first one being 0: all of a step of one.
StepCode generate_operator(const CompiledGraph& compiled, std::int32_t step, std::int32_t op);

// Of a step of several operators (streaming.cpp).
StepCode generate_bands(const CompiledGraph& compiled, std::int32_t step);

}  // namespace mcunet::engine
