#include "elf_sections.hpp"

#include <elf.h>

#include <cstring>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::deploy {
namespace {

template <typename T>
T read_at(const std::string& bytes, std::uint64_t offset, const std::filesystem::path& file) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    throw Error("{}: ends within a header", file.string());
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace

std::map<std::string, ElfSection> read_elf_sections(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  const auto header = read_at<Elf32_Ehdr>(bytes, 0, file);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS32 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB) {
    throw Error("{}: is no 32-bit ELF file", file.string());
  }
  const auto section = [&](std::uint64_t index) {
    return read_at<Elf32_Shdr>(bytes, header.e_shoff + index * sizeof(Elf32_Shdr), file);
  };
  const std::uint64_t names = section(header.e_shstrndx).sh_offset;
  std::map<std::string, ElfSection> sections;
  for (int i = 0; i < header.e_shnum; ++i) {
    const Elf32_Shdr entry = section(i);
    if ((entry.sh_flags & SHF_ALLOC) == 0) continue;
    const std::uint64_t name = names + entry.sh_name;
    read_at<char>(bytes, name, file);
    sections[bytes.c_str() + name] = {.address = entry.sh_addr, .bytes = entry.sh_size};
  }
  return sections;
}

}  // namespace mcunet::deploy
