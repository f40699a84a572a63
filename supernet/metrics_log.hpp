#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "event_file.hpp"

namespace mcunet::supernet {

// The measurements of a training: train.jsonl, one object a line, and tensorboard/, the same
// numbers as event file. Both are appended to; a resumed training cuts off what came after its
// checkpoint, so that nothing appears twice.
class MetricsLog {
 public:
  // Lengths of the files when a checkpoint was written.
  struct Position {
    std::int64_t jsonl_bytes = 0;
    std::int64_t event_bytes = 0;
  };

  // Goes on at a position, or begins anew with {}. Throws Error if the files cannot be written.
  MetricsLog(const std::filesystem::path& folder, const Position& position);
  ~MetricsLog();

  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  // {"step": …, "phase": …, "epoch": …, NAME: VALUE, …}; TensorBoard gets GROUP/NAME. Values that
  // are not finite are null, as JSON has no other word. Throws Error if the disk is full.
  void write(std::int64_t step, const std::string& phase, double epoch, const std::string& group,
             std::span<const Scalar> scalars);

  // Flushes both to disk and tells how long they are.
  Position flush();

 private:
  struct File {
    std::filesystem::path path;
    int descriptor = -1;
    std::int64_t bytes = 0;

    void open_at(std::int64_t position);
    void append(std::string_view text);
    void flush() const;
  };

  File jsonl_;
  File events_;
};

}  // namespace mcunet::supernet
