#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mcunet/cycles/instruction.hpp"
#include "mcunet/engine/codegen/model_names.hpp"

// Which blocks of a program an emulator ran, counted by its plugin (cycles/block_counter.c).
namespace mcunet::deploy {

// The plugin's file. Throws Error if it is missing.
std::filesystem::path find_block_counter();

// What QEMU is told for a program of emulator_main.c that was built with -DMODEL_PROFILE. Each step is a
// segment, and so is what comes behind the last one; a segment before them if features are extracted, and one
// behind all if objects are found.
// `counts` is the file that the emulator will write. Throws Error if the plugin or a function is missing.
std::vector<std::string> block_counter_arguments(const cycles::Disassembly& program,
                                                 const engine::ModelNames& names,
                                                 const std::string& counts);

}  // namespace mcunet::deploy
