#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mcunet/engine/planning/schedule.hpp"

// How a step of several operators executes: in bands of rows. For every band of the last operator's
// output, each operator in turn computes the rows that those behind it need and do not have yet, so
// that nothing is computed twice; of what lies between two operators only those rows are held that
// are still to be read.
//
//   1. The last operator computes rows 0 .. n - 1, n .. 2n - 1, and so on. What this takes of the
//      others follows from strides, windows and padding: before band b, an operator has computed
//      rows_per_band * b + lead rows, as far as its output has them.
//   2. A window of k rows that moves on by s rows reads (n - 1) s + k rows for a band of n; so many
//      its input holds. What several operators read, such as the input of a residual block, is held
//      until the last of them has read it.
//   3. Bands begin before the first row, where only what is ahead has rows to compute.
//   4. A depthwise convolution computes channel by channel, so that its rows may take the place of those that it
//      is the last to read, at the beginning of its input's memory. For the first bands, whose windows begin
//      above the map, that has room for rows above the map. What computes pixel by pixel, from rows that nobody
//      reads later, writes over these.
//   5. What needs all rows for its one result, a mean or an average over the map, takes them into sums, band by
//      band, at the end of a step. Its bands are of its input's rows.
namespace mcunet::engine {

// How the rows of an operator's output may take the place of rows of an input, within a step.
enum class RowReuse : std::uint8_t {
  kNone,
  kByChannel,  // a channel is written once it has been read: a depthwise convolution
  kByPixel,    // a pixel is: a 1x1 convolution that makes no more channels, an elementwise operator
};

// One operator of the step, with the rows of its output.
struct BandStage {
  std::int32_t rows_per_band = 0;
  std::int32_t lead = 0;  // rows computed before band b: rows_per_band * b + lead, within the map
  std::int32_t kept = 0;  // first row held in band b: rows_per_band * b + kept, within the map
  std::int32_t held_rows = 0;  // of its buffer
  bool holds_padding =
      false;  // rows above the map have a place in the buffer, too: kept may be below 0
  RowReuse reuse = RowReuse::kNone;  // else its buffer is the beginning of an input's
  bool is_whole = false;  // other steps read the output: all of it is in the tensor's own memory
  // Else: in the scratch of the step, in bytes. Of what accumulates its sums lie there.
  std::int64_t buffer_offset = 0;
};

struct RowBands {
  std::vector<BandStage> stages;   // per operator of the step
  std::optional<BandStage> input;  // of the graph, if the step pulls it
  std::int32_t first_band = 0;     // not above 0
  std::int32_t end_band = 0;
  std::int64_t buffer_bytes = 0;  // of all buffers, a multiple of 4: the kernels' scratch follows
};

// Of one step.
inline constexpr std::int32_t kMostBandOps = 80;

// Whether the operator can compute a band of rows, or take one: it has such a kernel, its tensors are of int8
// or int4, and every window lies within the map by at least one row.
bool works_in_bands(const Graph& graph, const Op& op);

// Of what works in bands: whether it takes rows into sums, and has its result with the last one.
bool accumulates(const Graph& graph, const Op& op);

// Of what accumulates, an int32 for each channel.
std::int64_t sum_bytes_of(const Graph& graph, const Op& op);

// Whether all rows of the output read the same of an input, which is then there before the step.
bool repeats_input(const Graph& graph, const Op& op, TensorId input);

// The rows that bands divide: of the output, or of the input that the operator accumulates.
std::int32_t band_height(const Graph& graph, const Op& op);

// Whether the operator's kernel may overwrite the rows of its input that it is done with, on its own.
bool overwrites_rows(const Graph& graph, const Op& op);

// Of an operator that works in bands.
RowReuse row_reuse_of(const Graph& graph, const Op& op);

// What bands hold of a tensor, of a map that is high enough.
struct HeldRows {
  std::int32_t rows_per_band = 0;
  std::int32_t lead = 0;
  std::int32_t kept = 0;

  std::int32_t count() const { return rows_per_band + lead - kept; }
};

// Whether in every band the output's rows fit in the memory of those of the input that no later band reads. Of an
// operator that alone reads this input within the step.
bool takes_rows(RowReuse reuse, const Tensor& input, const HeldRows& input_rows,
                const Tensor& output, const HeldRows& output_rows);

// How far an operator's first window begins above its input, the rows that it spans, and those that
// it moves on by: 0, 1, 1 without a window, and of what accumulates.
struct RowWindow {
  std::int32_t pad = 0;
  std::int32_t span = 1;
  std::int32_t stride = 1;
};
RowWindow row_window_of(const Graph& graph, const Op& op);

// Throws Error if there are too many operators, if one does not work in bands, or accumulates before the
// last one, or if what the step makes, or pulls, is not all needed at the same pace for its last output.
RowBands plan_row_bands(const Graph& graph, const Step& step);

// An input whose memory the output of a step can take over, and how far it has to be moved up for that:
// while the last operator writes a band, all rows that are still to be read lie behind what is written.
struct Overlap {
  TensorId input = kNoId;  // kNoId: there is none
  std::int64_t headroom_bytes = 0;
  std::int64_t saved_bytes = 0;  // of both tensors together
};

// Of the inputs of the first operator that nobody reads after the step, the one that saves most. A step of
// one operator can do so if it is a convolution, whose kernel promises what this takes.
Overlap find_overlap(const Graph& graph, const Step& step);

// The rows of an input of which `rows_per_band` more are done with in each band, those before
// rows_per_band * band + kept, and of the output.
struct RowTraffic {
  std::int32_t band_rows = 1;
  std::int32_t output_height = 0;
  std::int64_t output_row_bytes = 0;
  std::int32_t input_rows_per_band = 1;
  std::int32_t input_kept = 0;
  std::int32_t input_height = 0;
  std::int64_t input_row_bytes = 0;
  bool is_read_last = false;  // by the operator that writes the output, too
};
Overlap overlap_of(TensorId input, const RowTraffic& traffic);

// Bytes of a row of the tensor.
std::int64_t row_bytes_of(const Tensor& tensor);

}  // namespace mcunet::engine
