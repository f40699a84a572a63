#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// NumPy's array files, as far as inputs and outputs of networks need them.
namespace mcunet::deploy {

struct NpyArray {
  engine::DataType type = engine::DataType::kInt8;
  std::vector<std::int64_t> shape;
  std::vector<std::int8_t> bytes;  // of the values in C order, little-endian
};

// Throws Error with `name` if the contents are no .npy file of int8, uint8 or float32 in C order,
// or damaged.
NpyArray parse_npy(std::string_view contents, std::string_view name);

// Throws Error.
void write_npy(const std::filesystem::path& file, const NpyArray& array);

}  // namespace mcunet::deploy
