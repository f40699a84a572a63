#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mcunet::datasets {

struct CachedArray {
  std::int32_t rows = 0;
  std::int32_t columns = 0;
  std::int32_t element_bytes = 0;
  std::vector<std::uint8_t> bytes;  // [rows, columns, element_bytes]
};

// Decoded examples in a folder, a file each, in place of decoding them again. A file's name is a
// hash of its source, that one's time of change, and the parameters of decoding. Damaged files
// count as absent. Processes may share the folder.
class DecodedCache {
 public:
  // An empty folder name: no cache.
  explicit DecodedCache(std::string folder) : folder_(std::move(folder)) {}

  bool is_on() const { return !folder_.empty(); }

  std::optional<CachedArray> read(const std::filesystem::path& source,
                                  const std::string& parameters) const;

  // Throws Error if the folder cannot be written to.
  void write(const std::filesystem::path& source, const std::string& parameters,
             const CachedArray& array) const;

 private:
  std::filesystem::path file_of(const std::filesystem::path& source,
                                const std::string& parameters) const;

  std::string folder_;
};

}  // namespace mcunet::datasets
