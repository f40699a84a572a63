#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

struct LoaderOptions {
  int batch_size = 64;
  int workers = 2;           // threads that decode; 0: in next()
  int prefetch_batches = 4;  // decoded ahead at most: bounds the memory
  bool shuffle = true;       // by seed and epoch
  bool drop_last = true;     // an epoch has whole batches only
  std::uint64_t seed = 0;
  bool pixels = false;  // batches hold pixels where the dataset has them
  // Of so many processes, which share each `step_batches` batches in a row: rank r has the first but r
  // of them, and every `ranks`th from there on.
  int rank = 0;
  int ranks = 1;
  int step_batches = 1;
};

struct Batch {
  std::vector<float> inputs;               // [examples, height, width, channels]
  std::vector<std::uint8_t> pixels = {};   // the same of datasets with pixel_values(), if asked for
  std::vector<ColourJitter> jitters = {};  // [examples], of the pixels
  std::vector<Target> targets;             // [examples]
  std::vector<std::int64_t> indices = {};  // [examples], in the dataset
  std::int64_t examples() const { return static_cast<std::int64_t>(targets.size()); }

  // For so many examples of so many elements, which are then unspecified.
  void make_room(std::int64_t examples, std::int64_t elements, bool of_pixels);
};

// Decodes a dataset in worker threads. What batch b of epoch e holds depends on the dataset, the
// seed and the batch size alone, not on workers or ranks, so that (epoch, batch) is the whole position. An unreadable example is replaced by the next readable one and listed.
class Loader {
 public:
  // The dataset must outlive the loader.
  Loader(const Dataset& dataset, const LoaderOptions& options);
  ~Loader();

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;  // of all ranks together

  // Begins an epoch, at its first batch or, to resume, at a later one: so many batches are skipped.
  void start_epoch(std::int64_t epoch, std::int64_t first_batch = 0);

  // This rank's next batch; nothing at the end of the epoch. Throws Error as require_readable().
  std::optional<Batch> next();

  // Takes a batch's memory back for a later one; worth a few per cent, never needed.
  void recycle(Batch batch);

  double wait_seconds() const;  // spent waiting in next() since construction
  const std::vector<std::string>& unreadable() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mcunet::datasets
