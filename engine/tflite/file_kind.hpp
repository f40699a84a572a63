#pragma once

#include <cstddef>
#include <span>
#include <string>

// What people give in place of a `.tflite` file, told by its first bytes.
namespace mcunet::engine {

// What the file is and how to get a model from it, to stand behind its name: "is empty". `contents`
// do not have the format's identifier.
std::string describe_foreign_file(std::span<const std::byte> contents);

}  // namespace mcunet::engine
