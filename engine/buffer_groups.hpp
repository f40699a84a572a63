#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/engine/memory_planner.hpp"

// What the planner moves around: requests that share an offset, because each is in place of the one
// before, as one group whose size may change from step to step.
namespace mcunet::engine {

struct BufferGroups {
  // Bytes that a group needs over some steps. Consecutive pieces share the step of their transition.
  struct Piece {
    std::int32_t first_step;
    std::int32_t last_step;
    std::int64_t bytes;
    std::int32_t next;  // piece of the same group, or kNoId
  };
  struct Group {
    std::int32_t first_step;
    std::int32_t last_step;
    std::int64_t bytes;  // of the largest piece
    std::int32_t first_piece;
    std::int32_t last_piece;
    std::int32_t last_request;
  };

  std::vector<Group> groups;
  std::vector<Piece> pieces;
  std::vector<std::int32_t> group_of;    // per request
  std::vector<std::int64_t> live_bytes;  // per step, all groups together

  int size() const { return static_cast<int>(groups.size()); }
  bool overlap_in_time(int a, int b) const {
    return groups[a].first_step <= groups[b].last_step &&
           groups[b].first_step <= groups[a].last_step;
  }

  // Calls visit(step, bytes) for each step of a group; the larger piece counts at a transition.
  template <typename Visitor>
  void for_each_step(int group, Visitor visit) const {
    std::int32_t step = groups[group].first_step;
    for (std::int32_t p = groups[group].first_piece; p != kNoId; p = pieces[p].next) {
      const Piece& piece = pieces[p];
      for (; step < piece.last_step; ++step) visit(step, piece.bytes);
      const bool grows = piece.next != kNoId && pieces[piece.next].bytes > piece.bytes;
      if (step == piece.last_step && !grows) visit(step++, piece.bytes);
    }
  }
};

// Refills `result`. Sizes are rounded up to the alignment. Throws Error on malformed requests.
void group_requests(std::span<const BufferRequest> requests, std::int64_t alignment,
                    BufferGroups& result);

// How far two groups that overlap in time must keep apart: b must start at `above` or more over a's
// offset, or end, with its largest common size `below`, at or under a's offset.
struct Clearance {
  std::int64_t above;  // the most that a needs over their common steps
  std::int64_t below;  // the most that b needs over their common steps
};
Clearance clearance(const BufferGroups& groups, int a, int b);

// The lowest offset at which `group` is free of the groups in `placed`.
std::int64_t lowest_free_offset(const BufferGroups& groups, int group, std::span<const int> placed,
                                std::span<const std::int64_t> offsets);

}  // namespace mcunet::engine
