#include "metrics_log.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::supernet {
namespace {

double wall_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

[[noreturn]] void fail(const std::filesystem::path& file) {
  throw Error("{}: cannot be written: {}", file.string(), std::strerror(errno));
}

}  // namespace

void MetricsLog::File::open_at(std::int64_t position) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(path);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(path);
  if (status.st_size < position) {
    spdlog::warn("{}: was cut since the checkpoint; measurements are missing", path.string());
    position = status.st_size;
  }
  if (::ftruncate(descriptor, position) != 0) fail(path);
  if (::lseek(descriptor, position, SEEK_SET) != position) fail(path);
  bytes = position;
}

void MetricsLog::File::append(std::string_view text) {
  bytes += static_cast<std::int64_t>(text.size());
  if (!write_all(descriptor, text)) fail(path);
}

void MetricsLog::File::flush() const {
  if (::fsync(descriptor) != 0) fail(path);
}

MetricsLog::MetricsLog(const std::filesystem::path& folder, const Position& position) {
  jsonl_.path = folder / "train.jsonl";
  // TensorBoard takes a file for its own by "tfevents" in the name.
  events_.path = folder / "tensorboard" / "events.out.tfevents.0.mcunet";
  jsonl_.open_at(position.jsonl_bytes);
  events_.open_at(position.event_bytes);
  if (events_.bytes == 0) events_.append(event_file_start(wall_seconds()));
}

MetricsLog::~MetricsLog() {
  ::close(jsonl_.descriptor);
  ::close(events_.descriptor);
}

void MetricsLog::write(std::int64_t step, const std::string& phase, double epoch,
                       const std::string& group, std::span<const Scalar> scalars) {
  nlohmann::ordered_json line = {{"step", step}, {"phase", phase}, {"epoch", epoch}};
  std::vector<Scalar> tagged;
  for (const auto& [name, value] : scalars) {
    line[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr;
    tagged.emplace_back(fmt::format("{}/{}", group, name), value);
  }
  jsonl_.append(line.dump() + "\n");
  events_.append(scalars_event(wall_seconds(), step, tagged));
}

MetricsLog::Position MetricsLog::flush() {
  jsonl_.flush();
  events_.flush();
  return {jsonl_.bytes, events_.bytes};
}

}  // namespace mcunet::supernet
