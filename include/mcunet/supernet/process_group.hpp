#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/core/rank_place.hpp"

// The ranks of a job and what they say to each other, over libtorch's own c10d (Gloo, and NCCL between GPUs).
namespace mcunet::supernet {

struct GroupOptions {
  double join_seconds = 300;  // until all ranks are there
  // A rank that gave no sign of life for so long is dead, or cut off; so is rank 0 for the others.
  double silence_seconds = 30;
  double collective_seconds = 1800;  // until all ranks have come to an operation of all
  // Called, in a thread of its own, once the group is broken. Absent: rank 0, or who cannot reach it,
  // says why in one line on standard error, and the process ends with exit code 1.
  std::function<void(const std::string& reason)> on_break;
};

// The defaults, with silence_seconds from MCUNET_RANK_TIMEOUT if that is set. Throws Error.
GroupOptions group_options();

// A rank's connection to the others. Each rank shows once a period that it is alive; when one dies or
// a network splits, all that are left end within silence_seconds and a few seconds, whatever they are
// doing. A group of one rank has no connection, and everything is done at once.
//
// "Of all" are operations that all ranks call, in the same order. Throw Error if the group is broken.
class ProcessGroup {
 public:
  ProcessGroup();  // of one rank

  // Waits for all ranks. Throws Error that names those which did not come.
  explicit ProcessGroup(const RankPlace& place, const GroupOptions& options = group_options());
  ~ProcessGroup();

  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const { return place_.rank; }
  int ranks() const { return place_.ranks; }
  bool leads() const { return place_.rank == 0; }

  // Of all: where this rank will have tensors to sum. Those on GPUs are summed by NCCL, if each rank has a GPU
  // of its own, else by Gloo.
  void use_device(const at::Device& device);

  // What sums tensors on the device, and if that is not the fastest way, why: "Gloo, as ranks share a GPU".
  const std::string& transport() const { return transport_; }

  // Of all: a tensor becomes the sum of those of all ranks, with the same bits everywhere. The tensor
  // is to be left alone until what start_sum returns has been called, which waits for it; by NCCL only what is
  // then asked of the GPU does.
  void sum(const at::Tensor& tensor);
  std::function<void()> start_sum(const at::Tensor& tensor);

  // Of all: rank 0's bytes.
  std::string broadcast(std::string bytes);

  // Of all: the bytes of each rank, in their order.
  std::vector<std::string> gather(const std::string& bytes);

  // Spent waiting in operations of all, but for those of NCCL, which wait on the GPU.
  double wait_seconds() const { return wait_seconds_; }

  // What rank 0 says next to the others, who wait for it as long as the group lives.
  void tell(const std::string& text);
  std::string hear();

  // A board that all ranks write on and read from at any time, kept by rank 0.
  void post(const std::string& key, const std::string& value);
  std::optional<std::string> read(const std::string& key);
  void erase(const std::string& key);
  std::int64_t count_up(const std::string& key);  // from 0: each number is given once

  // Ends the group when all is done; rank 0 waits for the others.
  void leave();

  // Ends the group because this rank cannot go on. Whether another rank tells the user of it.
  bool fail(const std::string& reason);

 private:
  struct Connection;

  template <typename Operation>
  auto guarded(const Operation& operation);

  RankPlace place_;
  double wait_seconds_ = 0;
  std::string transport_ = "Gloo";
  std::int64_t told_ = 0;                   // words of rank 0, said or heard
  std::unique_ptr<Connection> connection_;  // none for one rank
};

}  // namespace mcunet::supernet
