#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "series_dataset.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kGravity = 9.81;  // m/s^2
constexpr double kTurn = 2 * std::numbers::pi;

// Class k swings along an axis of its own, k + 2 times in a window at first; the next class a little
// faster. Gravity lies somewhere, and noise on everything.
Recording make_motion(std::int32_t label, const DatasetOptions& options, RandomStream& random) {
  const double difficulty = options.synthetic.difficulty;
  const double swings = 2 + 1.5 * label + (0.3 + difficulty) * (2 * random.uniform() - 1);
  const double axis =
      std::numbers::pi * label / options.synthetic.classes + 0.3 * (2 * random.uniform() - 1);
  const double phase = kTurn * random.uniform();
  const double amplitude = 3 * (0.5 + random.uniform());
  const double tilt = kTurn * random.uniform();
  const double noise = 0.5 + 8 * difficulty;
  Recording recording{{"x", "y", "z"}, {}};
  for (int i = 0; i < options.series.window; ++i) {
    const double turn = kTurn * swings * i / options.series.window + phase;
    const double values[kSyntheticSeriesChannels] = {
        amplitude * std::cos(axis) * std::sin(turn) + kGravity * std::sin(tilt),
        amplitude * std::sin(axis) * std::sin(turn),
        0.5 * amplitude * std::cos(turn) + kGravity * std::cos(tilt)};
    for (const double value : values) {
      recording.values.push_back(static_cast<float>(value + noise * (2 * random.uniform() - 1)));
    }
  }
  return recording;
}

}  // namespace

SeriesRecordings synthetic_series(const DatasetOptions& options) {
  SeriesRecordings result;
  result.classes = class_names(options);
  result.channels = {"x", "y", "z"};
  for (std::size_t s = 0; s < result.splits.size(); ++s) {
    const std::int64_t size =
        s == 0 ? options.synthetic.examples : options.synthetic.held_out_examples;
    for (std::int64_t i = 0; i < size; ++i) {
      RandomStream random(options.seed, {s, std::uint64_t(i)});
      const auto label = static_cast<std::int32_t>(i % options.synthetic.classes);
      result.splits[s].push_back(
          {fmt::format("synthetic series {}", i), label, make_motion(label, options, random)});
    }
  }
  return result;
}

}  // namespace mcunet::datasets
