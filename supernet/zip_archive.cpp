#include "zip_archive.hpp"

#include <array>

#include "mcunet/core/error.hpp"

// The records of the format, from the end of the archive to its beginning: the end record, whose
// fields are all ones where a 64-bit end record before it has their values; the central directory,
// with a record for each entry; and a local record in front of each entry's contents.
namespace mcunet::supernet {
namespace {

constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kLocatorBytes = 20;
constexpr std::uint64_t kEnd64Bytes = 56;
constexpr std::uint64_t kCentralBytes = 46;
constexpr std::uint64_t kLocalBytes = 30;

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kLocatorSignature = 0x07064b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;

constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint16_t kSizes64 = 1;  // the kind of extra field that has 64-bit values
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320 : 0);
    table[byte] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

std::string_view part(std::string_view bytes, std::uint64_t at, std::uint64_t size) {
  if (at > bytes.size() || size > bytes.size() - at) {
    throw Error("its directory points outside of it");
  }
  return bytes.substr(at, size);
}

// Little-endian.
template <typename T>
T number(std::string_view bytes, std::uint64_t at) {
  T value = 0;
  int shift = 0;
  for (const char byte : part(bytes, at, sizeof(T))) {
    value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(byte)) << shift);
    shift += 8;
  }
  return value;
}

bool has_signature(std::string_view bytes, std::uint64_t at, std::uint32_t signature) {
  return at <= bytes.size() && bytes.size() - at >= 4 &&
         number<std::uint32_t>(bytes, at) == signature;
}

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
};

Directory find_directory(std::string_view archive) {
  if (archive.size() < kEndBytes ||
      !has_signature(archive, archive.size() - kEndBytes, kEndSignature)) {
    throw Error("it lacks its end");
  }
  const std::uint64_t end = archive.size() - kEndBytes;
  if (end < kLocatorBytes || !has_signature(archive, end - kLocatorBytes, kLocatorSignature)) {
    return {number<std::uint16_t>(archive, end + 10), number<std::uint32_t>(archive, end + 16),
            number<std::uint32_t>(archive, end + 12)};
  }
  const auto end64 = number<std::uint64_t>(archive, end - kLocatorBytes + 8);
  const std::string_view record = part(archive, end64, kEnd64Bytes);
  if (!has_signature(record, 0, kEnd64Signature)) throw Error("it lacks its end");
  return {number<std::uint64_t>(record, 32), number<std::uint64_t>(record, 48),
          number<std::uint64_t>(record, 40)};
}

struct Entry {
  std::string_view name;
  std::uint32_t checksum = 0;
  std::uint64_t size = 0;
  std::uint64_t local_record = 0;
};

// 64-bit values stand in an extra field, in this order, for those whose own field is all ones.
void read_sizes64(std::string_view extra, std::initializer_list<std::uint64_t*> values) {
  std::uint64_t at = 0;
  while (at + 4 <= extra.size() && number<std::uint16_t>(extra, at) != kSizes64) {
    at += 4 + std::uint64_t{number<std::uint16_t>(extra, at + 2)};
  }
  at += 4;
  for (std::uint64_t* value : values) {
    if (*value != kIn64) continue;
    *value = number<std::uint64_t>(extra, at);
    at += 8;
  }
}

// One record of the central directory, which is removed from its front.
Entry take_entry(std::string_view& directory) {
  const std::string_view record = part(directory, 0, kCentralBytes);
  if (!has_signature(record, 0, kCentralSignature)) throw Error("its directory is damaged");
  const std::uint64_t name_bytes = number<std::uint16_t>(record, 28);
  const std::uint64_t extra_bytes = number<std::uint16_t>(record, 30);
  const std::uint64_t comment_bytes = number<std::uint16_t>(record, 32);
  Entry entry{.name = part(directory, kCentralBytes, name_bytes),
              .checksum = number<std::uint32_t>(record, 16),
              .size = number<std::uint32_t>(record, 24),
              .local_record = number<std::uint32_t>(record, 42)};
  std::uint64_t stored = number<std::uint32_t>(record, 20);
  read_sizes64(part(directory, kCentralBytes + name_bytes, extra_bytes),
               {&entry.size, &stored, &entry.local_record});
  const std::uint64_t whole = kCentralBytes + name_bytes + extra_bytes + comment_bytes;
  part(directory, 0, whole);
  directory.remove_prefix(whole);
  const bool is_encrypted = (number<std::uint16_t>(record, 8) & kEncrypted) != 0;
  if (is_encrypted || number<std::uint16_t>(record, 10) != 0 || stored != entry.size) {
    throw Error("its entry {} is compressed or encrypted, expected it to be stored as it is",
                entry.name);
  }
  return entry;
}

std::string_view contents_of(const Entry& entry, std::string_view before_directory) {
  const std::string_view record = part(before_directory, entry.local_record, kLocalBytes);
  const std::uint64_t name_bytes = number<std::uint16_t>(record, 26);
  const std::uint64_t extra_bytes = number<std::uint16_t>(record, 28);
  const std::uint64_t name_at = entry.local_record + kLocalBytes;
  if (!has_signature(record, 0, kLocalSignature) ||
      part(before_directory, name_at, name_bytes) != entry.name) {
    throw Error("its directory does not agree with its entry {}", entry.name);
  }
  const std::string_view contents =
      part(before_directory, name_at + name_bytes + extra_bytes, entry.size);
  if (crc32(contents) != entry.checksum) throw Error("its entry {} is damaged", entry.name);
  return contents;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  return ~crc;
}

ZipEntries read_stored_zip(std::string_view archive) {
  const Directory place = find_directory(archive);
  std::string_view directory = part(archive, place.begin, place.size);
  std::uint64_t left = place.begin;  // for contents: what entries share would be counted twice
  ZipEntries entries;
  for (std::uint64_t i = 0; i < place.entries; ++i) {
    const Entry entry = take_entry(directory);
    if (entry.size > left) throw Error("its entries take more bytes than it has");
    left -= entry.size;
    const std::string_view contents = contents_of(entry, archive.substr(0, place.begin));
    const std::string name(entry.name.substr(entry.name.find('/') + 1));
    if (!entries.emplace(name, contents).second) throw Error("it has two entries {}", name);
  }
  if (!directory.empty()) throw Error("its directory is damaged");
  return entries;
}

}  // namespace mcunet::supernet
