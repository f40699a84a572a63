#include "buffer_groups.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

void check_request(std::span<const BufferRequest> requests, std::size_t index) {
  const BufferRequest& request = requests[index];
  if (request.size_bytes < 0) {
    throw Error("buffer {}: has a size of {} bytes", index, request.size_bytes);
  }
  if (request.first_step < 0 || request.last_step < request.first_step) {
    throw Error("buffer {}: lives from step {} to step {}", index, request.first_step,
                request.last_step);
  }
  if (request.in_place_of == kNoId) return;
  const bool is_earlier =
      request.in_place_of >= 0 && static_cast<std::size_t>(request.in_place_of) < index;
  if (!is_earlier || requests[request.in_place_of].last_step != request.first_step) {
    throw Error("buffer {}: is in place of buffer {}, which does not end at step {}", index,
                request.in_place_of, request.first_step);
  }
}

std::int32_t begin_group(BufferGroups& result) {
  result.groups.push_back({0, 0, 0, kNoId, kNoId, kNoId});
  return static_cast<std::int32_t>(result.groups.size()) - 1;
}

void append_piece(BufferGroups& result, std::int32_t group_id, const BufferRequest& request,
                  std::int64_t bytes) {
  BufferGroups::Group& group = result.groups[group_id];
  if (group.last_piece != kNoId && result.pieces[group.last_piece].bytes == bytes) {
    result.pieces[group.last_piece].last_step = request.last_step;
  } else {
    const auto piece = static_cast<std::int32_t>(result.pieces.size());
    result.pieces.push_back({request.first_step, request.last_step, bytes, kNoId});
    if (group.last_piece == kNoId) {
      group.first_piece = piece;
      group.first_step = request.first_step;
    } else {
      result.pieces[group.last_piece].next = piece;
    }
    group.last_piece = piece;
  }
  group.last_step = request.last_step;
  group.bytes = std::max(group.bytes, bytes);
}

// Sums by differences: each piece adds its bytes where it begins and takes them away after its end; at
// a transition the smaller of both pieces is not counted.
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
    const std::int64_t bytes = (request.size_bytes + alignment - 1) / alignment * alignment;
    append_piece(result, group, request, bytes);
    result.groups[group].last_request = static_cast<std::int32_t>(i);
    result.group_of[i] = group;
    step_count = std::max(step_count, request.last_step + 1);
  }
  sum_live_bytes(result, step_count);
}

Clearance clearance(const BufferGroups& groups, int a, int b) {
  const std::int32_t first = std::max(groups.groups[a].first_step, groups.groups[b].first_step);
  const std::int32_t last = std::min(groups.groups[a].last_step, groups.groups[b].last_step);
  return {most_bytes(groups, a, first, last), most_bytes(groups, b, first, last)};
}

std::int64_t lowest_free_offset(const BufferGroups& groups, int group, std::span<const int> placed,
                                std::span<const std::int64_t> offsets) {
  struct Blocked {
    std::int64_t begin;  // offsets strictly between begin and end are not free
    std::int64_t end;
  };
  thread_local std::vector<Blocked> blocked;
  blocked.clear();
  for (int other : placed) {
    if (!groups.overlap_in_time(group, other)) continue;
    const Clearance apart = clearance(groups, other, group);
    if (apart.above == 0 || apart.below == 0) continue;
    const Blocked entry{offsets[other] - apart.below, offsets[other] + apart.above};
    auto position = blocked.end();
    while (position != blocked.begin() && std::prev(position)->begin > entry.begin) --position;
    blocked.insert(position, entry);
  }
  std::int64_t offset = 0;
  for (const Blocked& entry : blocked) {
    if (offset <= entry.begin) break;
    offset = std::max(offset, entry.end);
  }
  return offset;
}

}  // namespace mcunet::engine
