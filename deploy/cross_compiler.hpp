#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mcunet/deploy/firmware.hpp"
#include "memory_map.hpp"

// arm-none-eabi-gcc, with the flags that all firmware is built with.
namespace mcunet::deploy {

std::string cpu_flags(const std::string& core);
extern const char kCompileFlags[];
extern const char kLinkFlags[];

// The words of a line of flags.
std::vector<std::string> split_flags(const std::string& flags);

// model.c, weights.c, features.c if there is one, and kernels/*.c of a project; model.c, by whatever
// name, is first. Throws Error if there is no model.c.
std::vector<std::filesystem::path> model_sources(const std::filesystem::path& project,
                                                 const engine::ModelNames& names);

// Compiles the sources of a project into objects in the same folders below `out`, which must exist.
// Throws Error with what the compiler said first.
std::vector<std::filesystem::path> compile(const std::filesystem::path& project,
                                           const std::vector<std::filesystem::path>& sources,
                                           const std::string& core, const std::string& defines,
                                           const std::filesystem::path& out);

// Links objects to `elf`, a map beside it. Returns false, with no such file, if the memory map has
// no room; `report` has the sizes in both cases. Throws Error if it fails for another reason.
bool link(const std::vector<std::filesystem::path>& objects, const std::filesystem::path& script,
          const std::string& core, const MemoryMap& map, const std::filesystem::path& elf,
          FirmwareReport& report);

// The program's code as text, as cycles::parse_disassembly() reads it.
std::string disassemble(const std::filesystem::path& elf);

// Writes an image of the program: format "binary" or "ihex".
void copy_object(const std::filesystem::path& elf, const std::string& format,
                 const std::filesystem::path& out);

}  // namespace mcunet::deploy
