#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

// ZIP archives as torch.save writes them: entries stored as they are, in a folder of the archive's
// name, with the 64-bit records that large archives need.
namespace mcunet::supernet {

// Views into an archive by the entries' names, without the folder.
using ZipEntries = std::map<std::string, std::string_view>;

// Nothing in the archive is trusted: places and sizes are checked against its length, contents
// against their checksums. Throws Error that says what is wrong; compressed or encrypted entries,
// and entries that share their bytes, are refused.
ZipEntries read_stored_zip(std::string_view archive);

// The checksum of an entry (ISO 3309, as in zlib).
std::uint32_t crc32(std::string_view bytes);

}  // namespace mcunet::supernet
