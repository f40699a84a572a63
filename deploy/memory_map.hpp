#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mcunet/deploy/device.hpp"

// Where the linker puts a program.
namespace mcunet::deploy {

struct MemoryMap {
  MemoryBank flash;                      // code, constants, and the initial values of variables
  MemoryBank sram;                       // the arena; the rest too if there is no stack_bank
  std::optional<MemoryBank> stack_bank;  // variables and the stack, which begins at its end
  std::int64_t stack_bytes = 0;          // the least that is left to the stack
};

MemoryMap memory_map_of(const Device& device);

// A GNU linker script; `title` is its first line.
std::string linker_script(const MemoryMap& map, const std::string& title);

}  // namespace mcunet::deploy
