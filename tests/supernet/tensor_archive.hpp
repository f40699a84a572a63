#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zip_archive.hpp"

// Archives and pickles byte by byte, so that a test can spoil any field of them.
namespace mcunet::supernet {

template <typename T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  return bytes;
}

// An entry of an archive; what is not given is as it should be.
struct RawEntry {
  std::string name;
  std::string contents;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::optional<std::uint32_t> checksum = {};
  std::optional<std::uint32_t> size = {};    // in the directory
  std::optional<std::uint32_t> stored = {};  // the same, compressed
  std::optional<std::uint32_t> place = {};   // of the local record
  std::string local_name = {};
};

struct RawDirectory {
  std::optional<std::uint16_t> entries = {};
  std::optional<std::uint32_t> size = {};
  std::optional<std::uint32_t> place = {};
  std::optional<std::uint64_t> place64 = {};  // of 64-bit end record, which there is none
};

inline std::string make_zip(const std::vector<RawEntry>& entries, const RawDirectory& spoilt = {}) {
  std::string zip;
  std::string directory;
  for (const RawEntry& entry : entries) {
    const auto size = static_cast<std::uint32_t>(entry.contents.size());
    const std::string name = "archive/" + entry.name;
    const std::string local = entry.local_name.empty() ? name : entry.local_name;
    const std::string sums = little_endian(entry.checksum.value_or(crc32(entry.contents))) +
                             little_endian(entry.stored.value_or(size)) +
                             little_endian(entry.size.value_or(size));
    const std::string kind = little_endian(entry.flags) + little_endian(entry.method) +
                             little_endian(std::uint32_t{0}) + sums;
    directory += "PK\x01\x02" + little_endian(std::uint32_t{0}) + kind +
                 little_endian(static_cast<std::uint16_t>(name.size())) + std::string(12, '\0') +
                 little_endian(entry.place.value_or(static_cast<std::uint32_t>(zip.size()))) + name;
    zip += "PK\x03\x04" + little_endian(std::uint16_t{0}) + kind +
           little_endian(static_cast<std::uint16_t>(local.size())) + std::string(2, '\0') + local +
           entry.contents;
  }
  const auto place = static_cast<std::uint32_t>(zip.size());
  const auto count = spoilt.entries.value_or(static_cast<std::uint16_t>(entries.size()));
  zip += directory;
  if (spoilt.place64) {
    zip +=
        "PK\x06\x07" + std::string(4, '\0') + little_endian(*spoilt.place64) + std::string(4, '\0');
  }
  return zip + "PK\x05\x06" + std::string(4, '\0') + little_endian(count) + little_endian(count) +
         little_endian(spoilt.size.value_or(static_cast<std::uint32_t>(directory.size()))) +
         little_endian(spoilt.place.value_or(place)) + std::string(2, '\0');
}

// The pickle of a dictionary, in pieces.
inline std::string pickled(std::int64_t value) { return "\x8a\x08" + little_endian(value); }

inline std::string pickled(const std::string& text) {
  return "X" + little_endian(static_cast<std::uint32_t>(text.size())) + text;
}

inline std::string pickled(const std::vector<std::int64_t>& values) {
  std::string tuple = "(";
  for (const std::int64_t value : values) tuple += pickled(value);
  return tuple + "t";
}

struct RawTensor {
  std::string type = "FloatStorage";
  std::string key = "0";
  std::int64_t elements = 6;
  std::int64_t first = 0;
  std::vector<std::int64_t> sizes = {2, 3};
  std::vector<std::int64_t> strides = {3, 1};
  std::string view = {};  // the opcodes of what it is a view of, where the format has that
};

inline std::string pickled(const RawTensor& tensor) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\n" + tensor.type +
         "\n" + pickled(tensor.key) + pickled("cpu") + pickled(tensor.elements) + tensor.view +
         "tQ" + pickled(tensor.first) + pickled(tensor.sizes) + pickled(tensor.strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

// A whole pickle of one dictionary with these opcodes for its items.
inline std::string pickled_dictionary(const std::string& items) {
  return "\x80\x02}(" + items + "u.";
}

// An archive of a pickle, with 24 bytes of elements.
inline std::string make_archive(const std::string& pickle) {
  return make_zip({{"data.pkl", pickle}, {"data/0", std::string(24, '\0')}, {"version", "3\n"}});
}

}  // namespace mcunet::supernet
