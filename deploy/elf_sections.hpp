#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace mcunet::deploy {

// A section that takes memory on the device.
struct ElfSection {
  std::uint32_t address = 0;
  std::uint32_t bytes = 0;

  std::int64_t end() const { return std::int64_t{address} + bytes; }
};

// Of a 32-bit little-endian ELF file, by name. Throws Error if it is none.
std::map<std::string, ElfSection> read_elf_sections(const std::filesystem::path& file);

}  // namespace mcunet::deploy
