#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/planning/memory_requests.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// Plays a schedule through in the arena that a plan gives it, byte by byte: every byte of the arena knows of
// which byte of which tensor it holds the value, and whatever reads a tensor finds its bytes or is told of.
// Kernels may write as early as their headers allow: a band, or an output that shares no memory with its
// input, before anything is read; a convolution a row before its window is; a depthwise one a channel, an
// elementwise one an element, right after it was read. Scratch is overwritten at once.
namespace mcunet::engine {

class MemorySimulation {
 public:
  MemorySimulation(const Graph& graph, const Schedule& schedule, const MemoryRequests& requests,
                   const MemoryPlan& plan)
      : graph_(graph),
        schedule_(schedule),
        requests_(requests),
        plan_(plan),
        arena_(static_cast<std::size_t>(plan.arena_bytes), kNothing) {}

  // The first byte that is not what it should be, or nothing.
  std::string run() {
    for (const TensorId input : graph_.inputs) {
      if (requests_.tensor_buffer[input] != kNoId) write_tensor(input);
    }
    for (step_ = 0; step_ < static_cast<std::int32_t>(schedule_.steps.size()); ++step_) {
      run_step(schedule_.steps[step_]);
    }
    for (const TensorId output : graph_.outputs) {
      if (!schedule_.lifetimes[output].is_kept) read_tensor(output);
    }
    return error_;
  }

 private:
  static constexpr std::int64_t kNothing = -1;

  // What a byte holds: of tensors, and of the sums of operators, which are numbered behind them.
  static std::int64_t mark(std::int32_t what, std::int64_t byte) {
    return (std::int64_t{what} << 32) + byte;
  }
  std::int32_t sums_of(OpId op) const {
    return static_cast<std::int32_t>(graph_.tensors.size()) + op;
  }

  bool is_inside(std::int64_t offset, std::int64_t bytes) {
    const bool is_it = offset >= 0 && offset + bytes <= std::ssize(arena_);
    if (!is_it && error_.empty()) error_ = fmt::format("step {} leaves the arena", step_);
    return is_it;
  }
  void clobber(std::int64_t offset, std::int64_t bytes) {
    if (is_inside(offset, bytes)) std::fill_n(arena_.begin() + offset, bytes, kNothing);
  }
  void write(std::int64_t offset, std::int32_t what, std::int64_t first, std::int64_t bytes) {
    if (!is_inside(offset, bytes)) return;
    for (std::int64_t i = 0; i < bytes; ++i) arena_[offset + i] = mark(what, first + i);
  }
  void read(std::int64_t offset, std::int32_t what, std::int64_t first, std::int64_t bytes) {
    if (!error_.empty() || !is_inside(offset, bytes)) return;
    for (std::int64_t i = 0; i < bytes; ++i) {
      const std::int64_t found = arena_[offset + i];
      if (found == mark(what, first + i)) continue;
      error_ = fmt::format("step {} reads byte {} of {}, finds byte {} of {}", step_, first + i,
                           what, found & 0xffffffff, found >> 32);
      return;
    }
  }
  void move(std::int64_t to, std::int64_t from, std::int64_t bytes) {
    if (!is_inside(to, bytes) || !is_inside(from, bytes)) return;
    const std::vector<std::int64_t> moved(arena_.begin() + from, arena_.begin() + from + bytes);
    std::copy(moved.begin(), moved.end(), arena_.begin() + to);
  }

  std::int64_t offset_of(TensorId tensor) const {
    return plan_.offsets[requests_.tensor_buffer[tensor]];
  }
  // Where the tensor lies while the step runs.
  std::int64_t place_of(TensorId tensor) const {
    return offset_of(tensor) + schedule_.moved_in(graph_, schedule_.steps[step_], tensor);
  }
  void write_tensor(TensorId tensor) {
    write(offset_of(tensor), tensor, 0, graph_.tensors[tensor].bytes());
  }
  void read_tensor(TensorId tensor) {
    read(offset_of(tensor), tensor, 0, graph_.tensors[tensor].bytes());
  }

  void run_step(const Step& step) {
    const std::int32_t scratch = requests_.step_scratch_buffer[step_];
    if (scratch != kNoId) {
      clobber(plan_.offsets[scratch], requests_.buffers[scratch].size_bytes);
    }
    if (step.overlaps) {
      const TensorId input = schedule_.in_place_of[ops_of(graph_, step).back().output];
      move(place_of(input), offset_of(input), graph_.tensors[input].bytes());
    }
    if (step.is_in_bands()) return run_bands(step);
    const Op& op = graph_.ops[step.first_op];
    if (step.overlaps) return run_by_row(op);
    if (schedule_.in_place_of[op.output] == kNoId) {
      write_tensor(op.output);
      for (const TensorId input : graph_.inputs_of(op)) {
        if (!schedule_.lifetimes[input].is_kept) read_tensor(input);
      }
    } else if (traits_of(op.kind).overwriting == Overwriting::kChannelwise) {
      run_by_channel(op);
    } else {
      run_by_element(op);
    }
  }

  void run_by_row(const Op& op) {
    const TensorId input = graph_.inputs_of(op)[0];
    const RowWindow window = row_window_of(graph_, op);
    const std::int64_t row = row_bytes_of(graph_.tensors[input]);
    const std::int64_t output_row = row_bytes_of(graph_.output_of(op));
    for (std::int32_t y = 0; y < graph_.output_of(op).shape.height; ++y) {
      write(offset_of(op.output) + y * output_row, op.output, y * output_row, output_row);
      const std::int32_t top = y * window.stride - window.pad;
      const std::int32_t first = std::max(top, 0);
      const std::int32_t end = std::min(top + window.span, graph_.tensors[input].shape.height);
      read(place_of(input) + first * row, input, first * row, (end - first) * row);
    }
  }

  void run_by_channel(const Op& op) {
    const TensorId input = graph_.inputs_of(op)[0];
    const std::int32_t channels = graph_.tensors[input].shape.channels;
    for (std::int32_t c = 0; c < channels; ++c) {
      for (std::int64_t at = c; at < graph_.tensors[input].bytes(); at += channels) {
        read(offset_of(input) + at, input, at, 1);
      }
      for (std::int64_t at = c; at < graph_.output_of(op).bytes(); at += channels) {
        write(offset_of(op.output) + at, op.output, at, 1);
      }
    }
  }

  void run_by_element(const Op& op) {
    const std::int64_t bytes = graph_.output_of(op).bytes();
    for (std::int64_t at = 0; at < bytes; ++at) {
      for (const TensorId input : graph_.inputs_of(op)) {
        if (graph_.tensors[input].bytes() == bytes) {
          read(offset_of(input) + at, input, at, 1);
        } else {
          read_tensor(input);
        }
      }
      write(offset_of(op.output) + at, op.output, at, 1);
    }
  }

  // What holds rows of a tensor in a step.
  struct Held {
    TensorId tensor = kNoId;
    BandStage stage;
    std::int64_t offset = 0;
    std::int32_t height = 0;
    std::int64_t row_bytes = 0;

    std::int32_t made(std::int32_t band) const {
      return std::clamp(stage.rows_per_band * band + stage.lead, 0, height);
    }
    // That has a place in memory.
    std::int32_t first(std::int32_t band) const {
      if (stage.is_whole) return 0;
      const std::int32_t row = std::min(stage.rows_per_band * band + stage.kept, height);
      return std::max(row, stage.holds_padding ? -stage.held_rows : 0);
    }
    std::int64_t place(std::int32_t row, std::int32_t band) const {
      return offset + (row - first(band)) * row_bytes;
    }
  };

  void run_bands(const Step& step) {
    const RowBands bands = plan_row_bands(graph_, step);
    const std::span<const Op> ops = ops_of(graph_, step);
    const std::int32_t buffer = requests_.step_scratch_buffer[step_];
    const std::int64_t scratch = buffer == kNoId ? 0 : plan_.offsets[buffer];
    const auto hold = [&](TensorId tensor, const BandStage& stage, std::int32_t height) {
      held_.push_back({tensor, stage,
                       stage.is_whole ? offset_of(tensor) : scratch + stage.buffer_offset, height,
                       row_bytes_of(graph_.tensors[tensor])});
    };
    held_.clear();
    if (bands.input) {
      hold(graph_.inputs[0], *bands.input, graph_.tensors[graph_.inputs[0]].shape.height);
    }
    for (std::size_t i = 0; i < ops.size(); ++i) {
      hold(ops[i].output, bands.stages[i], band_height(graph_, ops[i]));
    }
    for (std::int32_t band = bands.first_band; band < bands.end_band; ++band) {
      if (bands.input) advance(held_.front(), band);
      for (std::size_t i = 0; i < ops.size(); ++i) {
        const Held& output = held_[i + (bands.input ? 1 : 0)];
        if (accumulates(graph_, ops[i])) {
          accumulate(ops[i], scratch + output.stage.buffer_offset, output, band);
          continue;
        }
        const RowReuse reuse = output.stage.reuse;
        if (reuse == RowReuse::kNone) advance(output, band);
        if (output.made(band) == output.made(band + 1)) continue;
        clobber(scratch + bands.buffer_bytes,
                buffer == kNoId ? 0 : requests_.buffers[buffer].size_bytes - bands.buffer_bytes);
        if (reuse == RowReuse::kByChannel) {
          overwrite_by_channel(ops[i], output, band);
        } else if (reuse == RowReuse::kByPixel) {
          overwrite_by_pixel(ops[i], output, band);
        } else {
          read_for(ops[i], output.made(band), output.made(band + 1), band);
        }
      }
    }
  }

  // Rows that are still held move to the beginning, those of the band come after them.
  void advance(const Held& held, std::int32_t band) {
    const std::int32_t begin = held.made(band);
    const std::int32_t end = held.made(band + 1);
    const std::int32_t oldest = std::clamp(held.first(band), 0, begin);
    if (!held.stage.is_whole) {
      move(held.place(oldest, band), held.place(oldest, band - 1),
           (begin - oldest) * held.row_bytes);
    }
    write(held.place(begin, band), held.tensor, begin * held.row_bytes,
          (end - begin) * held.row_bytes);
  }

  void accumulate(const Op& op, std::int64_t sums, const Held& rows, std::int32_t band) {
    const std::int32_t begin = rows.made(band);
    const std::int32_t end = rows.made(band + 1);
    if (begin == end) return;
    const std::int32_t what = sums_of(static_cast<OpId>(&op - graph_.ops.data()));
    const std::int64_t bytes = sum_bytes_of(graph_, op);
    if (begin > 0) read(sums, what, 0, bytes);
    write(sums, what, 0, bytes);
    read_for(op, begin, end, band);
    if (end == rows.height) write_tensor(op.output);
  }

  // Calls read_rows(offset, tensor, first byte, bytes) for the rows that the operator reads of each input for
  // these of its output.
  template <typename ReadRows>
  void for_rows_read(const Op& op, std::int32_t begin, std::int32_t end, std::int32_t band,
                     ReadRows read_rows) {
    const RowWindow window = row_window_of(graph_, op);
    for (const TensorId input : graph_.inputs_of(op)) {
      if (repeats_input(graph_, op, input)) {
        read_tensor(input);
        continue;
      }
      const std::int32_t height = graph_.tensors[input].shape.height;
      const std::int64_t row = row_bytes_of(graph_.tensors[input]);
      const std::int32_t top = begin * window.stride - window.pad;
      const std::int32_t first = std::max(top, 0);
      const std::int32_t last =
          std::min(top + (end - begin - 1) * window.stride + window.span, height);
      const auto source = std::find_if(held_.begin(), held_.end(),
                                       [&](const Held& held) { return held.tensor == input; });
      const std::int64_t at =
          source == held_.end() ? place_of(input) + first * row : source->place(first, band);
      read_rows(at, input, first * row, (last - first) * row);
    }
  }

  void read_for(const Op& op, std::int32_t begin, std::int32_t end, std::int32_t band) {
    for_rows_read(op, begin, end, band, [&](auto... rows) { read(rows...); });
  }

  // Byte by byte of a pixel, which is one channel or, of nibbles, two.
  void overwrite_by_channel(const Op& op, const Held& output, std::int32_t band) {
    const std::int32_t begin = output.made(band);
    const std::int32_t end = output.made(band + 1);
    const std::int64_t pixel = output.row_bytes / graph_.output_of(op).shape.width;
    for (std::int64_t channel = 0; channel < pixel; ++channel) {
      for_rows_read(op, begin, end, band,
                    [&](std::int64_t at, TensorId input, std::int64_t first, std::int64_t bytes) {
                      for (std::int64_t i = channel; i < bytes; i += pixel) {
                        read(at + i, input, first + i, 1);
                      }
                    });
      for (std::int64_t i = channel; i < (end - begin) * output.row_bytes; i += pixel) {
        write(output.place(begin, band) + i, output.tensor, begin * output.row_bytes + i, 1);
      }
    }
  }

  void overwrite_by_pixel(const Op& op, const Held& output, std::int32_t band) {
    const std::int64_t width = graph_.output_of(op).shape.width;
    const std::int64_t pixel = output.row_bytes / width;
    for (std::int32_t y = output.made(band); y < output.made(band + 1); ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        for_rows_read(op, y, y + 1, band,
                      [&](std::int64_t at, TensorId input, std::int64_t first, std::int64_t bytes) {
                        const std::int64_t size = bytes / width;
                        read(at + x * size, input, first + x * size, size);
                      });
        write(output.place(y, band) + x * pixel, output.tensor, y * output.row_bytes + x * pixel,
              pixel);
      }
    }
  }

  const Graph& graph_;
  const Schedule& schedule_;
  const MemoryRequests& requests_;
  const MemoryPlan& plan_;
  std::vector<std::int64_t> arena_;
  std::int32_t step_ = 0;
  std::vector<Held> held_;
  std::string error_;
};

}  // namespace mcunet::engine
