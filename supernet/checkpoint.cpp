#include "checkpoint.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"

namespace mcunet::supernet {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kKept = 2;
constexpr char kPrefix[] = "rank-0-step-";  // the rank that wrote it: never another one
constexpr char kSuffix[] = ".checkpoint";
constexpr char kMagic[] = "mcunet-checkpoint ";
constexpr char kMagicOfVersion[] = "mcunet-checkpoint 1 ";

std::string first_line(std::string_view body) {
  return fmt::format("{}{:08x}\n", kMagicOfVersion, crc32c(body));
}

}  // namespace

std::string to_bytes(const Checkpoint& checkpoint) {
  const Json header = {{"step", checkpoint.step},
                       {"identity", Json::parse(checkpoint.identity)},
                       {"state", Json::parse(checkpoint.state)}};
  const std::string body = header.dump() + "\n" + to_archive(checkpoint.tensors);
  return first_line(body) + body;
}

CheckpointStore::CheckpointStore(fs::path folder) : folder_(std::move(folder)) {}

void CheckpointStore::save(const Checkpoint& checkpoint) {
  make_folder(folder_);
  const std::string name = fmt::format("{}{:012}{}", kPrefix, checkpoint.step, kSuffix);
  write_file_atomically(folder_ / name, to_bytes(checkpoint));
  std::vector<fs::path> all = files();
  std::error_code ignored;
  for (std::size_t i = kKept; i < all.size(); ++i) fs::remove(all[i], ignored);
}

std::vector<fs::path> CheckpointStore::files() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with(kPrefix) && path.extension() == kSuffix) {
      found.push_back(path);
    }
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

fs::path CheckpointStore::newest_file() const {
  const std::vector<fs::path> all = files();
  return all.empty() ? fs::path() : all.front();
}

std::optional<Checkpoint> CheckpointStore::load_newest() {
  const std::vector<fs::path> all = files();
  for (const fs::path& file : all) {
    try {
      return read_checkpoint(file);
    } catch (const Error& damage) {
      spdlog::warn("{}; trying the one before", damage.what());
    }
  }
  if (!all.empty()) throw Error("{}: holds no checkpoint that is whole", folder_.string());
  return std::nullopt;
}

Checkpoint read_checkpoint(const fs::path& file) {
  return checkpoint_from_bytes(read_file(file), file.string());
}

Checkpoint checkpoint_from_bytes(const std::string& bytes, const std::string& source) {
  const std::size_t start = bytes.find('\n') + 1;
  const std::size_t tensors = bytes.find('\n', start) + 1;
  const std::string_view body = std::string_view(bytes).substr(start);
  if (start == 0 || tensors == 0 || bytes.substr(0, start) != first_line(body)) {
    const bool is_other = bytes.starts_with(kMagic) && !bytes.starts_with(kMagicOfVersion);
    throw Error("{}: is {}", source, is_other ? "of another version" : "damaged");
  }
  Checkpoint checkpoint;
  try {
    const Json header = Json::parse(bytes.substr(start, tensors - start));
    checkpoint.step = integer_at(header, "step", 0, kMostCount);
    checkpoint.identity = header.at("identity").dump();
    checkpoint.state = header.at("state").dump();
  } catch (const std::exception& error) {
    throw Error("{}: is damaged: {}", source, error.what());
  }
  checkpoint.tensors = from_archive(bytes.substr(tensors), source);
  return checkpoint;
}

}  // namespace mcunet::supernet
