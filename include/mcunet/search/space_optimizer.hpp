#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/infeasibility.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space/subnet.hpp"

// Search-space optimization (paper, section 3.1): of many spaces, which differ in width multiplier
// and resolution, the best is the one whose networks have the most computation within the budget.
// No training is involved: networks are sampled, and planned by the engine.
namespace mcunet::search {

struct SpaceOptimizerOptions {
  std::vector<double> widths = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
  std::vector<int> resolutions = {48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224};
  int samples = 1000;  // networks per space
  space::Sampling sampling = space::Sampling::kUniformGenes;
  // Spaces of which a smaller share fits are ranked behind the others; the paper has no such limit.
  double min_satisfying_share = 0;
  std::uint64_t seed = 0;
  int threads = 0;  // 0: as many as there are
  // Networks per space that the schedules are compared by, or `samples` if these are fewer; 0: they are not.
  int comparison_samples = 100;
  // SRAM and flash limits for which the sensitivity sweep (Figure 12) finds the best space, in
  // bytes.
  std::vector<std::int64_t> sweep_sram_bytes;
  std::vector<std::int64_t> sweep_flash_bytes;
};

// One point of a cumulative distribution: the share of networks with at most so many MACs.
struct CdfPoint {
  std::int64_t macs = 0;
  double share = 0;
};

// What was learnt of one space. MACs are of the sampled networks within the budget.
struct SpaceStatistics {
  double width = 1;
  int resolution = 224;
  std::int64_t sampled = 0;
  std::int64_t satisfying = 0;
  double mean_macs = 0;
  // Half the width of the 95 % confidence interval of the mean.
  double mean_macs_error = 0;
  std::int64_t top20_macs = 0;  // the top 20 % of the networks have at least so many
  std::int64_t max_macs = 0;
  std::vector<CdfPoint> cdf;  // at most 200 points
  // Of all sampled networks and the smallest of the space: the smallest need of each resource.
  engine::Resources least;
  // Whether the smallest network of the space fits. Where no sample does, the figures above are its.
  bool smallest_fits = false;
  // Plans that the planner could not prove optimal, and the sum of their gaps to the lower bound.
  std::int64_t unproven_plans = 0;
  std::int64_t above_bound_plans = 0;

  double satisfying_share() const;
  bool is_feasible() const { return satisfying > 0 || smallest_fits; }
};

// The best space under one pair of limits; width 0 if nothing fits.
struct SweepCell {
  std::int64_t sram_bytes = 0;
  std::int64_t flash_bytes = 0;
  double width = 0;
  int resolution = 0;
  double mean_macs = 0;
};

// What a schedule makes of the spaces (paper, Table 2: a library that needs less memory leaves room for
// better spaces).
struct ScheduleEffect {
  engine::SchedulePolicy schedule = engine::SchedulePolicy::kInPlace;
  engine::ScratchPolicy scratch = engine::ScratchPolicy::kOwn;
  SpaceStatistics best;     // the space that it would choose; without a CDF
  SpaceStatistics in_best;  // what it makes of the space that the job chose; likewise
};

struct SpaceRanking {
  // The best first: by the mean MACs of the samples that fit; then spaces of which no sample but the
  // smallest network fits, by its MACs; then those of which nothing fits.
  std::vector<SpaceStatistics> spaces;
  std::vector<SweepCell> sweep;           // SRAM by SRAM, flash by flash
  BudgetNeeds needs;                      // of all spaces, if nothing fits
  double seconds = 0;                     // wall time
  std::vector<ScheduleEffect> schedules;  // see compare_schedules(); may be empty

  bool is_feasible() const { return !spaces.empty() && spaces.front().is_feasible(); }
};

// Samples and plans; the result depends on the options alone, not on the number of threads.
// `advance`, if given, is called from any thread with the number of networks planned since its last
// call.
SpaceRanking optimize_space(const space::SearchSpace& base, const engine::OracleOptions& oracle,
                            const engine::Budget& budget, const SpaceOptimizerOptions& options,
                            const std::function<void(std::int64_t)>& advance = {});

// Ranks the spaces anew under each schedule, that which needs most first, by `comparison_samples` networks
// of each; `in_best` is of the width and resolution that come first in `ranking`. Scratch is counted as the
// job does, of tflm and where the job is of tflm as the schedule's own library. Of activations of four
// bits, which that library does not have, without tflm.
std::vector<ScheduleEffect> compare_schedules(
    const space::SearchSpace& base, const engine::OracleOptions& oracle,
    const engine::Budget& budget, const SpaceOptimizerOptions& options, const SpaceRanking& ranking,
    const std::function<void(std::int64_t)>& advance = {});

}  // namespace mcunet::search
