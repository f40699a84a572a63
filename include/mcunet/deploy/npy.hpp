#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

// NumPy's array files, as far as inputs and outputs of int8 networks need them.
namespace mcunet::deploy {

struct Int8Array {
  std::vector<std::int64_t> shape;
  std::vector<std::int8_t> values;  // in C order
};

// Throws Error with `name` if the contents are no .npy file of int8 in C order, or damaged.
Int8Array parse_npy(std::string_view contents, std::string_view name);

// Throws Error.
void write_npy(const std::filesystem::path& file, std::span<const std::int64_t> shape,
               std::span<const std::int8_t> values);

}  // namespace mcunet::deploy
