#pragma once

#include <ATen/Parallel.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/error_text.hpp"
#include "mcunet/core/rank_place.hpp"
#include "mcunet/supernet/process_group.hpp"

// The ranks of a job as threads of one process.
namespace mcunet::supernet {

inline GroupOptions patient() {
  return {.on_break = [](const std::string&) {}};
}

// Runs something as each of so many ranks, with one thread of libtorch, and gives what each throws.
inline std::vector<std::string> errors_of_ranks(
    int ranks, const std::function<void(const std::shared_ptr<ProcessGroup>&)>& work,
    const GroupOptions& options = patient()) {
  std::vector<std::string> errors(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  const int port = free_port();
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      at::set_num_threads(1);
      errors[static_cast<std::size_t>(rank)] = error_of([&] {
        work(std::make_shared<ProcessGroup>(RankPlace{.rank = rank,
                                                      .ranks = ranks,
                                                      .local_rank = rank,
                                                      .local_ranks = ranks,
                                                      .address = "127.0.0.1",
                                                      .port = port},
                                            options));
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

}  // namespace mcunet::supernet
