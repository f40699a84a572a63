#include "planning/buffer_groups.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

void check_request(std::span<const BufferRequest> requests, std::size_t index) {
  const BufferRequest& request = requests[index];
  if (request.size_bytes < 1 || request.growth_bytes < 0) {
    throw Error("buffer {}: has a size of {} bytes", index, request.size_bytes);
  }
  if (request.first_step < 0 || request.last_step < request.first_step) {
    throw Error("buffer {}: lives from step {} to step {}", index, request.first_step,
                request.last_step);
  }
  if (request.in_place_of == kNoId) return;
  if (request.growth_bytes > 0 && request.first_step == request.last_step) {
    throw Error("buffer {}: grows in the step in which it takes over another", index);
  }
  const bool is_earlier =
      request.in_place_of >= 0 && static_cast<std::size_t>(request.in_place_of) < index;
  if (!is_earlier || requests[request.in_place_of].last_step != request.first_step) {
    throw Error("buffer {}: is in place of buffer {}, which does not end at step {}", index,
                request.in_place_of, request.first_step);
  }
  const BufferRequest& source = requests[request.in_place_of];
  if (source.in_place_of != kNoId && source.first_step == source.last_step) {
    throw Error("buffer {}: takes over buffer {} in the step in which that one took over another",
                index, request.in_place_of);
  }
}

std::int32_t begin_group(BufferGroups& result) {
  result.groups.push_back({0, 0, 0, kNoId, kNoId, kNoId});
  return static_cast<std::int32_t>(result.groups.size()) - 1;
}

void append_piece(BufferGroups& result, std::int32_t group_id, std::int32_t first_step,
                  std::int32_t last_step, std::int64_t bytes) {
  BufferGroups::Group& group = result.groups[group_id];
  if (group.last_piece != kNoId && result.pieces[group.last_piece].bytes == bytes) {
    result.pieces[group.last_piece].last_step = last_step;
  } else {
    const auto piece = static_cast<std::int32_t>(result.pieces.size());
    result.pieces.push_back({first_step, last_step, bytes, kNoId});
    if (group.last_piece == kNoId) {
      group.first_piece = piece;
      group.first_step = first_step;
    } else {
      result.pieces[group.last_piece].next = piece;
    }
    group.last_piece = piece;
  }
  group.last_step = last_step;
  group.bytes = std::max(group.bytes, bytes);
}

// Sums by differences: each piece adds its bytes where it begins and takes them away after its end;
// at a transition the smaller of both pieces is not counted.
void sum_live_bytes(BufferGroups& result, std::int32_t step_count) {
  std::vector<std::int64_t>& live = result.live_bytes;
  live.assign(static_cast<std::size_t>(step_count) + 2, 0);
  for (const BufferGroups::Piece& piece : result.pieces) {
    live[piece.first_step] += piece.bytes;
    live[piece.last_step + 1] -= piece.bytes;
    if (piece.next != kNoId) {
      const std::int64_t smaller = std::min(piece.bytes, result.pieces[piece.next].bytes);
      live[piece.last_step] -= smaller;
      live[piece.last_step + 1] += smaller;
    }
  }
  for (std::int32_t step = 1; step < step_count; ++step) live[step] += live[step - 1];
  live.resize(static_cast<std::size_t>(step_count));
}

// Counting sort of the groups by the steps in which they are alive.
void list_alive_groups(BufferGroups& result, std::int32_t step_count) {
  std::vector<std::int32_t>& begin = result.alive_begin;
  begin.assign(static_cast<std::size_t>(step_count) + 1, 0);
  std::int32_t total = 0;
  for (const BufferGroups::Group& group : result.groups) {
    for (std::int32_t step = group.first_step; step <= group.last_step; ++step) ++begin[step];
    total += group.last_step - group.first_step + 1;
  }
  // begin[s] becomes the end of step s, from which the groups are filled in downwards.
  for (std::int32_t step = 1; step <= step_count; ++step) begin[step] += begin[step - 1];
  result.alive.resize(static_cast<std::size_t>(total));
  for (std::int32_t id = result.size() - 1; id >= 0; --id) {
    const BufferGroups::Group& group = result.groups[id];
    for (std::int32_t step = group.first_step; step <= group.last_step; ++step) {
      result.alive[--begin[step]] = id;
    }
  }
}

// The most that a group needs over the steps first..last.
std::int64_t most_bytes(const BufferGroups& groups, int group, std::int32_t first,
                        std::int32_t last) {
  const BufferGroups::Group& g = groups.groups[group];
  if (g.first_piece == g.last_piece) return g.bytes;
  std::int64_t most = 0;
  for (std::int32_t p = g.first_piece; p != kNoId; p = groups.pieces[p].next) {
    const BufferGroups::Piece& piece = groups.pieces[p];
    if (piece.first_step <= last && piece.last_step >= first) most = std::max(most, piece.bytes);
  }
  return most;
}

}  // namespace

void group_requests(std::span<const BufferRequest> requests, std::int64_t alignment,
                    BufferGroups& result) {
  result.groups.clear();
  result.pieces.clear();
  result.group_of.resize(requests.size());
  std::int32_t step_count = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    check_request(requests, i);
    const BufferRequest& request = requests[i];
    const bool continues = request.in_place_of != kNoId;
    const std::int32_t group =
        continues ? result.group_of[request.in_place_of] : begin_group(result);
    if (continues && result.groups[group].last_request != request.in_place_of) {
      throw Error("buffer {}: is in place of buffer {}, which another one has taken over", i,
                  request.in_place_of);
    }
    const auto aligned = [&](std::int64_t bytes) {
      return (bytes + alignment - 1) & ~(alignment - 1);
    };
    append_piece(result, group, request.first_step, request.last_step, aligned(request.size_bytes));
    if (request.growth_bytes > 0) {
      append_piece(result, group, request.last_step, request.last_step,
                   aligned(request.size_bytes + request.growth_bytes));
    }
    result.groups[group].last_request = static_cast<std::int32_t>(i);
    result.group_of[i] = group;
    step_count = std::max(step_count, request.last_step + 1);
  }
  sum_live_bytes(result, step_count);
  list_alive_groups(result, step_count);
}

Clearance clearance(const BufferGroups& groups, int a, int b) {
  const std::int32_t first = std::max(groups.groups[a].first_step, groups.groups[b].first_step);
  const std::int32_t last = std::min(groups.groups[a].last_step, groups.groups[b].last_step);
  return {most_bytes(groups, a, first, last), most_bytes(groups, b, first, last)};
}

void FirstFit::reset(const BufferGroups& groups) {
  groups_ = &groups;
  offsets_.assign(groups.groups.size(), 0);
  is_placed_.assign(groups.groups.size(), 0);
  seen_by_.assign(groups.groups.size(), kNoId);
  height_ = 0;
}

void FirstFit::place(int group) {
  collect_taken(group);
  std::int64_t offset = 0;
  for (const Taken& entry : taken_) {
    if (offset <= entry.begin) break;
    offset = std::max(offset, entry.end);
  }
  place_at(group, offset);
}

void FirstFit::place_at(int group, std::int64_t offset) {
  offsets_[group] = offset;
  is_placed_[group] = 1;
  height_ = std::max(height_, offset + groups_->groups[group].bytes);
}

void FirstFit::collect_taken(int group) {
  const BufferGroups::Group& g = groups_->groups[group];
  taken_.clear();
  const std::int32_t begin = groups_->alive_begin[g.first_step];
  const std::int32_t end = groups_->alive_begin[g.last_step + 1];
  for (std::int32_t i = begin; i < end; ++i) {
    const std::int32_t other = groups_->alive[i];
    if (is_placed_[other] == 0 || seen_by_[other] == group) continue;
    seen_by_[other] = group;
    const Clearance apart = clearance(*groups_, other, group);
    const Taken entry{offsets_[other] - apart.below, offsets_[other] + apart.above};
    auto position = taken_.end();
    while (position != taken_.begin() && std::prev(position)->begin > entry.begin) --position;
    taken_.insert(position, entry);
  }
}

}  // namespace mcunet::engine
