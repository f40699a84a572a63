#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/engine/planning/memory_planner.hpp"

// What the planner moves around: requests that share an offset, because each is in place of the one
// before, as one group whose size may change from step to step.
namespace mcunet::engine {

struct BufferGroups {
  // Bytes that a group needs over some steps. Consecutive pieces share the step of their
  // transition.
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
  // The groups alive in step s: alive[alive_begin[s]] up to alive[alive_begin[s + 1]].
  std::vector<std::int32_t> alive_begin;
  std::vector<std::int32_t> alive;

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

// Refills `result`. Sizes are rounded up to the alignment, a power of two. Throws Error on
// malformed requests.
void group_requests(std::span<const BufferRequest> requests, std::int64_t alignment,
                    BufferGroups& result);

// How far two groups that overlap in time must keep apart: b must start at `above` or more over a's
// offset, or end, with its largest common size `below`, at or under a's offset.
struct Clearance {
  std::int64_t above;  // the most that a needs over their common steps
  std::int64_t below;  // the most that b needs over their common steps
};
Clearance clearance(const BufferGroups& groups, int a, int b);

// Places groups one after another, each at the lowest offset that is free over its lifetime.
class FirstFit {
 public:
  // Forgets all groups placed; `groups` must outlive the object's use.
  void reset(const BufferGroups& groups);

  // Places a group where it fits, or where the caller says.
  void place(int group);
  void place_at(int group, std::int64_t offset);

  // Per group; meaningful for placed ones.
  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  std::int64_t height() const { return height_; }

 private:
  // Offsets strictly between begin and end are taken.
  struct Taken {
    std::int64_t begin;
    std::int64_t end;
  };

  void collect_taken(int group);

  const BufferGroups* groups_ = nullptr;
  std::vector<std::int64_t> offsets_;
  std::vector<std::uint8_t> is_placed_;
  std::vector<std::int32_t> seen_by_;
  std::vector<Taken> taken_;  // by rising begin
  std::int64_t height_ = 0;
};

}  // namespace mcunet::engine
