#include "emulator_board.hpp"

#include <fmt/ranges.h>

#include "mcunet/core/error.hpp"
#include "mcunet/deploy/cores.hpp"

namespace mcunet::deploy {
namespace {

EmulatorBoard mps2(const char* name, const char* core) {
  return {.name = name,
          .core = core,
          .map = {.flash = {.name = "code", .origin = 0, .size_kib = 4096},
                  .sram = {.name = "SRAM", .origin = 0x20000000, .size_kib = 4096},
                  .stack_bank = std::nullopt,
                  .stack_bytes = 64 * 1024},
          .defines = ""};
}

bool runs_programs_of(const EmulatorBoard& board, const std::string& core) {
  return &core_named(core) <= &core_named(board.core);
}

}  // namespace

const std::vector<EmulatorBoard>& emulator_boards() {
  static const std::vector<EmulatorBoard> boards = {
      mps2("mps2-an385", "cortex-m3"),
      mps2("mps2-an386", "cortex-m4"),
      mps2("mps2-an500", "cortex-m7"),
      // An STM32F405.
      {.name = "netduinoplus2",
       .core = "cortex-m4",
       .map = {.flash = {.name = "flash", .origin = 0x08000000, .size_kib = 1024},
               .sram = {.name = "SRAM", .origin = 0x20000000, .size_kib = 128},
               .stack_bank = std::nullopt,
               .stack_bytes = 6 * 1024},
       .defines = "-DTIMER_STM32"},
  };
  return boards;
}

const EmulatorBoard& choose_board(const std::string& name, const std::string& core) {
  std::vector<std::string> names;
  for (const EmulatorBoard& board : emulator_boards()) {
    names.push_back(board.name);
    const bool runs = runs_programs_of(board, core);
    if (name.empty() ? runs : name == board.name) {
      if (runs) return board;
      throw Error("{} has a {}, which cannot run firmware for a {}", name, board.core, core);
    }
  }
  throw Error("{}: is no emulated board (there are {})", name, fmt::join(names, ", "));
}

std::vector<std::string> emulator_command(const EmulatorBoard& board) {
  return {"qemu-system-arm", "-M",       board.name, "-icount", "shift=0",
          "-nographic",      "-monitor", "none",     "-serial", "none"};
}

}  // namespace mcunet::deploy
