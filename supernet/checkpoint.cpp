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
constexpr char kSuffix[] = ".checkpoint";
constexpr char kMagic[] = "mcunet-checkpoint ";
constexpr char kMagicOfVersion[] = "mcunet-checkpoint 1 ";

std::string first_line(std::string_view body) {
  return fmt::format("{}{:08x}\n", kMagicOfVersion, crc32c(body));
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, int rank)
    : folder_(std::move(folder)), rank_(rank) {}

void CheckpointStore::save(const Checkpoint& checkpoint) {
  make_folder(folder_);
  const Json header = {{"step", checkpoint.step},
                       {"identity", Json::parse(checkpoint.identity)},
                       {"state", Json::parse(checkpoint.state)}};
  const std::string body = header.dump() + "\n" + to_archive(checkpoint.tensors);
  const std::string name = fmt::format("rank-{}-step-{:012}{}", rank_, checkpoint.step, kSuffix);
  write_file_atomically(folder_ / name, first_line(body) + body);
  std::vector<fs::path> all = files();
  std::error_code ignored;
  for (std::size_t i = kKept; i < all.size(); ++i) fs::remove(all[i], ignored);
}

std::vector<fs::path> CheckpointStore::files() const {
  std::vector<fs::path> found;
  std::error_code error;
  const std::string prefix = fmt::format("rank-{}-step-", rank_);
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with(prefix) && path.extension() == kSuffix) {
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
  const std::string text = read_file(file);
  const std::size_t start = text.find('\n') + 1;
  const std::size_t tensors = text.find('\n', start) + 1;
  const std::string_view body = std::string_view(text).substr(start);
  if (start == 0 || tensors == 0 || text.substr(0, start) != first_line(body)) {
    const bool is_other = text.starts_with(kMagic) && !text.starts_with(kMagicOfVersion);
    throw Error("{}: is {}", file.string(), is_other ? "of another version" : "damaged");
  }
  Checkpoint checkpoint;
  try {
    const Json header = Json::parse(text.substr(start, tensors - start));
    checkpoint.step = integer_at(header, "step", 0, kMostCount);
    checkpoint.identity = header.at("identity").dump();
    checkpoint.state = header.at("state").dump();
  } catch (const std::exception& error) {
    throw Error("{}: is damaged: {}", file.string(), error.what());
  }
  checkpoint.tensors = from_archive(text.substr(tensors), file.string());
  return checkpoint;
}

}  // namespace mcunet::supernet
