#include "file_bytes.hpp"

#include <cstdio>
#include <memory>

namespace mcunet::datasets {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;

}  // namespace

bool read_file_bytes(const std::filesystem::path& file, std::vector<std::uint8_t>& bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error || size > kMostBytes) return false;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"),
                                                               std::fclose);
  if (!stream) return false;
  bytes.resize(size);
  return std::fread(bytes.data(), 1, bytes.size(), stream.get()) == bytes.size();
}

}  // namespace mcunet::datasets
