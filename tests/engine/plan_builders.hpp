#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mcunet/core/random.hpp"
#include "mcunet/engine/planning/memory_planner.hpp"

// Planning problems for tests.
namespace mcunet::engine {

struct RandomProblem {
  int buffers = 5;
  int steps = 5;
  int max_size = 4;
  double in_place_share = 0.3;
  double growth_share = 0.2;
};

inline std::vector<BufferRequest> make_random_requests(const RandomProblem& problem,
                                                       RandomStream& random) {
  std::vector<BufferRequest> requests;
  std::vector<bool> is_taken_over;
  for (int i = 0; i < problem.buffers; ++i) {
    BufferRequest request;
    request.size_bytes = 1 + random.index(static_cast<std::uint32_t>(problem.max_size));
    request.first_step = static_cast<std::int32_t>(random.index(problem.steps));
    if (i > 0 && random.uniform() < problem.in_place_share) {
      const auto source = static_cast<std::int32_t>(random.index(i));
      const bool is_momentary = requests[source].in_place_of != kNoId &&
                                requests[source].first_step == requests[source].last_step;
      if (!is_taken_over[source] && !is_momentary) {
        request.in_place_of = source;
        request.first_step = requests[source].last_step;
        is_taken_over[source] = true;
      }
    }
    const auto left = static_cast<std::uint32_t>(problem.steps - request.first_step);
    request.last_step = request.first_step + static_cast<std::int32_t>(random.index(left));
    const bool stays = request.in_place_of == kNoId || request.first_step < request.last_step;
    if (stays && random.uniform() < problem.growth_share) {
      request.growth_bytes = 1 + random.index(static_cast<std::uint32_t>(problem.max_size));
    }
    requests.push_back(request);
    is_taken_over.push_back(false);
  }
  return requests;
}

// The least arena by trying every offset for every buffer, with none of the planner's reasoning.
// For tiny problems only.
class BruteForce {
 public:
  explicit BruteForce(const std::vector<BufferRequest>& requests) : requests_(requests) {
    for (const BufferRequest& request : requests) {
      best_ += request.size_bytes + request.growth_bytes;
    }
    offsets_.resize(requests.size());
  }

  std::int64_t least_arena() {
    place(0, 0);
    return best_;
  }

 private:
  static std::int64_t size_in(const BufferRequest& request, int step) {
    return request.size_bytes + (step == request.last_step ? request.growth_bytes : 0);
  }

  bool collides(std::size_t a, std::size_t b) const {
    const BufferRequest& x = requests_[a];
    const BufferRequest& y = requests_[b];
    bool share_bytes = false;
    int common_steps = 0;
    for (int step = x.first_step; step <= x.last_step; ++step) {
      if (step < y.first_step || step > y.last_step) continue;
      ++common_steps;
      share_bytes |= offsets_[a] < offsets_[b] + size_in(y, step) &&
                     offsets_[b] < offsets_[a] + size_in(x, step);
    }
    const bool is_handover = y.in_place_of == static_cast<std::int32_t>(a) && common_steps == 1;
    return share_bytes && !is_handover;
  }

  void place(std::size_t index, std::int64_t height) {
    if (height >= best_ && index > 0) return;
    if (index == requests_.size()) {
      best_ = height;
      return;
    }
    const std::int32_t source = requests_[index].in_place_of;
    const std::int64_t size = requests_[index].size_bytes + requests_[index].growth_bytes;
    for (std::int64_t offset = 0; offset + size <= best_; ++offset) {
      if (source != kNoId && offset != offsets_[source]) continue;
      offsets_[index] = offset;
      bool fits = true;
      for (std::size_t other = 0; other < index && fits; ++other) fits = !collides(other, index);
      if (fits) place(index + 1, std::max(height, offset + size));
    }
  }

  const std::vector<BufferRequest>& requests_;
  std::vector<std::int64_t> offsets_;
  std::int64_t best_ = 0;
};

}  // namespace mcunet::engine
