#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// NumPy's array files (.npy, versions 1 to 3) of numbers.
namespace mcunet {

struct NpyArray {
  std::string type;  // of an element, as NumPy names it: "i1", "u2", "f4"; little-endian
  std::vector<std::int64_t> shape;
  std::string bytes;             // of the elements
  bool is_column_major = false;  // Fortran's order: the first index runs fastest
};

// Throws Error, without a file's name, if the contents are no such file, or damaged.
NpyArray parse_npy(std::string_view contents);

// The contents of a file.
std::string npy_text(const NpyArray& array);

}  // namespace mcunet
