#include "decoded_cache.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "file_bytes.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr char kMagic[8] = {'m', 'c', 'u', 'c', 'a', 'c', 'h', '1'};

struct Header {
  char magic[8];
  std::int32_t rows;
  std::int32_t columns;
  std::int32_t element_bytes;
  std::int32_t reserved;
  std::uint64_t checksum;
};

// FNV-1a, on 8 bytes at a time where there are so many.
std::uint64_t hash_of(std::span<const std::uint8_t> bytes, std::uint64_t hash) {
  constexpr std::uint64_t kPrime = 0x100000001B3;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 32;
    bytes = bytes.subspan(8);
  }
  for (std::uint8_t byte : bytes) hash = (hash ^ byte) * kPrime;
  return hash ^ hash >> 29;
}

constexpr std::uint64_t kBasis = 0xCBF29CE484222325;

}  // namespace

fs::path DecodedCache::file_of(const fs::path& source, const std::string& parameters) const {
  std::error_code error;
  const auto time = fs::last_write_time(source, error).time_since_epoch().count();
  const std::string key = fmt::format("{}|{}|{}", fs::absolute(source).string(), time, parameters);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  const std::string name =
      fmt::format("{:016x}{:016x}", hash_of(bytes, kBasis), hash_of(bytes, ~kBasis));
  return fs::path(folder_) / name.substr(0, 2) / name.substr(2);
}

std::optional<CachedArray> DecodedCache::read(const fs::path& source,
                                              const std::string& parameters) const {
  if (!is_on()) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  Header header{};
  if (!read_file_bytes(file_of(source, parameters), bytes) || bytes.size() < sizeof header) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.erase(bytes.begin(), bytes.begin() + sizeof header);
  const bool is_whole = std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 && header.rows > 0 &&
                        header.columns > 0 && header.element_bytes > 0 &&
                        std::uint64_t(header.rows) * std::uint64_t(header.columns) *
                                std::uint64_t(header.element_bytes) ==
                            bytes.size() &&
                        header.checksum == hash_of(bytes, kBasis);
  if (!is_whole) return std::nullopt;
  return CachedArray{header.rows, header.columns, header.element_bytes, std::move(bytes)};
}

// Without fsync, unlike the project's results: a file that a crash has damaged fails its checksum
// and is made again.
void DecodedCache::write(const fs::path& source, const std::string& parameters,
                         const CachedArray& array) const {
  if (!is_on()) return;
  static std::atomic<int> counter = 0;
  const fs::path file = file_of(source, parameters);
  const fs::path temporary =
      fmt::format("{}.{}.{}.partial", file.string(), ::getpid(), counter.fetch_add(1));
  Header header{
      {}, array.rows, array.columns, array.element_bytes, 0, hash_of(array.bytes, kBasis)};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  std::FILE* stream = std::fopen(temporary.c_str(), "wb");
  bool good = stream != nullptr && std::fwrite(&header, sizeof header, 1, stream) == 1 &&
              std::fwrite(array.bytes.data(), 1, array.bytes.size(), stream) == array.bytes.size();
  int error = errno;
  if (stream != nullptr && std::fclose(stream) != 0) {
    error = good ? errno : error;
    good = false;
  }
  if (good && std::rename(temporary.c_str(), file.c_str()) == 0) return;
  if (good) error = errno;
  ::unlink(temporary.c_str());
  throw Error("dataset.cache: {}: cannot be written: {}", file.string(), std::strerror(error));
}

}  // namespace mcunet::datasets
