#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Inputs and outputs of networks in NumPy's array files.
namespace mcunet::deploy {

struct TensorValues {
  engine::DataType type = engine::DataType::kInt8;
  std::vector<std::int64_t> shape;
  std::vector<std::int8_t> bytes;  // of the values in C order, little-endian
};

// Throws Error with `name` if the contents are no .npy file of int8, uint8 or float32 in C order,
// or damaged.
TensorValues parse_npy(std::string_view contents, std::string_view name);

// Of an array of any numbers. Throws Error with `name` if the contents are no .npy file, or damaged.
std::vector<std::int64_t> npy_shape(std::string_view contents, std::string_view name);

// Throws Error.
void write_npy(const std::filesystem::path& file, const TensorValues& array);

}  // namespace mcunet::deploy
