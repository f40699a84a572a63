#pragma once

#include <memory>
#include <optional>

#include "mcunet/datasets/loader.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {

// A dataset's batches as tensors on a device. On a GPU the next batch travels while the network learns from
// this one, by a stream of its own and from page-locked memory; images travel as pixels of 8 bits, which are
// normalized, and their colours jittered, over there.
class BatchFeed {
 public:
  // The dataset must outlive the feed.
  BatchFeed(const datasets::Dataset& data, datasets::LoaderOptions options,
            const at::Device& device);
  ~BatchFeed();

  BatchFeed(const BatchFeed&) = delete;
  BatchFeed& operator=(const BatchFeed&) = delete;

  const datasets::Loader& loader() const;

  // As the loader's.
  void start_epoch(std::int64_t epoch, std::int64_t first_batch = 0);

  // Nothing at the end of the epoch. On a CPU the images share memory, until the next call.
  std::optional<BatchTensors> next();

  // To be called once the work on the last batch has been started: sends the next one after it.
  void prefetch();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mcunet::supernet
