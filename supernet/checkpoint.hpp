#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::supernet {

// All that there is of a training, after a number of steps.
struct Checkpoint {
  std::int64_t step = 0;
  std::string identity;  // JSON: the configuration that the weights depend on
  std::string state;     // JSON: whatever is no tensor
  TensorDictionary tensors;
};

// Its format: the line "mcunet-checkpoint 1 CRC" with the CRC-32C of all that follows, a line of JSON,
// and an archive of tensors. Reading throws Error, which begins with `source`, if the bytes are damaged.
std::string to_bytes(const Checkpoint& checkpoint);
Checkpoint checkpoint_from_bytes(const std::string& bytes, const std::string& source);

// The checkpoints in a folder, of which the two newest are kept. A file is written whole or not at all.
class CheckpointStore {
 public:
  explicit CheckpointStore(std::filesystem::path folder);

  // Throws Error, leaving the older ones, if it cannot be written.
  void save(const Checkpoint& checkpoint);

  // The newest that is whole; warns about each that is damaged. Nothing if there is no file at all.
  // Throws Error if all are damaged.
  std::optional<Checkpoint> load_newest();

  // The file of the newest; empty if there is none.
  std::filesystem::path newest_file() const;

 private:
  std::vector<std::filesystem::path> files() const;  // newest first

  std::filesystem::path folder_;
};

// Throws Error if the file is damaged.
Checkpoint read_checkpoint(const std::filesystem::path& file);

}  // namespace mcunet::supernet
