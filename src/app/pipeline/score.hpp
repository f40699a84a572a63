#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

// How good a network is on a split of a dataset, whatever it was trained for. Every score says on how
// many of how many examples it was measured, and, where it can, how far chance may have moved it.
namespace mcunet::pipeline {

// What networks are scored by: 0 to 1, the higher the better.
struct Metric {
  const char* name;   // in files
  const char* title;  // for people
};

inline constexpr Metric kTopOne{"top1", "top-1"};
inline constexpr Metric kMeanAveragePrecision{"map50", "mAP@.5"};
// Coefficient of determination: the share of the variance that is explained; not below 0.
inline constexpr Metric kDetermination{"r2", "R²"};

struct Interval {
  double low = 0;
  double high = 1;
};

// Of a share, at 95 % confidence, by Wilson's score; 0 to 1 where there are no trials.
Interval wilson_interval(std::int64_t successes, std::int64_t trials);

struct Score {
  const Metric* metric = &kTopOne;
  double value = 0;
  std::optional<std::int64_t> correct;  // of the examples, if that is what the value is a share of
  std::int64_t examples = 0;            // that it was measured on
  std::int64_t of = 0;                  // in the split

  bool operator==(const Score&) const = default;
  // At 95 % confidence; nothing where it is not known.
  std::optional<Interval> interval() const;
};

// A share of examples that were classified rightly.
Score top_one(std::int64_t correct, std::int64_t examples, std::int64_t of);

// Keys: the metric's name, NAME_low and NAME_high if there is an interval, correct if that is known,
// examples, of. Reading throws Error if the numbers do not go together.
nlohmann::ordered_json to_json(const Score& score);
Score score_from_json(const nlohmann::ordered_json& json);

// The metric of which the object has a value, by its name. Throws Error if there is none.
const Metric& metric_in(const nlohmann::ordered_json& json);

// "81.25 % (77.4 to 84.6)"; "on 400 examples", "on 400 of 2000 examples".
std::string describe_share(const Score& score);
std::string describe_examples(const Score& score);

}  // namespace mcunet::pipeline
