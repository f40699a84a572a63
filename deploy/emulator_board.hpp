#pragma once

#include <string>
#include <vector>

#include "memory_map.hpp"

// The boards of qemu-system-arm that firmware can run on.
namespace mcunet::deploy {

struct EmulatorBoard {
  std::string name;  // as in qemu-system-arm -M
  std::string core;  // that the emulator has; it runs programs of cores before it, too (cores.hpp)
  MemoryMap map;
  std::string defines;  // compiler flags that choose the board's timer; may be empty
};

const std::vector<EmulatorBoard>& emulator_boards();

// The board with a name; the one for a core if the name is empty. Throws Error if there is none, or
// if the board's core cannot run the other's programs.
const EmulatorBoard& choose_board(const std::string& name, const std::string& core);

// The program and its arguments, up to what is particular to one run.
std::vector<std::string> emulator_command(const EmulatorBoard& board);

}  // namespace mcunet::deploy
