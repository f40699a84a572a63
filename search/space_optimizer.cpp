#include "mcunet/search/space_optimizer.hpp"

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "mcunet/core/error.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "mcunet/search/subnet_oracle.hpp"

namespace mcunet::search {
namespace {

using engine::Budget;
using engine::Resources;

constexpr int kSamplesPerTask = 128;
constexpr std::size_t kCdfPoints = 200;

// What one thread needs to turn a sample into an answer; all memory is reused.
struct Worker {
  explicit Worker(const engine::OracleOptions& options) : oracle(options) {}

  SubnetOracle oracle;
  space::Subnet subnet;

  Resources measure(const space::SearchSpace& space, space::Sampling sampling,
                    RandomStream& random) {
    space::sample(space, sampling, random, subnet);
    return oracle.measure(space, subnet);
  }
};

using Workers = tbb::enumerable_thread_specific<Worker>;

// The stream of a space depends on its width and resolution, not on its place in the grid.
RandomStream stream_of(const space::SearchSpace& space, std::uint64_t seed, std::int64_t sample) {
  return RandomStream(seed, {static_cast<std::uint64_t>(std::llround(1e6 * space.widths.front())),
                             static_cast<std::uint64_t>(space.resolutions.front()),
                             static_cast<std::uint64_t>(sample)});
}

std::vector<Resources> plan_samples(const space::SearchSpace& space,
                                    const SpaceOptimizerOptions& options, Workers& workers,
                                    const std::function<void(std::int64_t)>& advance) {
  std::vector<Resources> results(static_cast<std::size_t>(options.samples));
  tbb::parallel_for(tbb::blocked_range<int>(0, options.samples, kSamplesPerTask),
                    [&](const tbb::blocked_range<int>& range) {
                      Worker& worker = workers.local();
                      for (int i = range.begin(); i != range.end(); ++i) {
                        RandomStream random = stream_of(space, options.seed, i);
                        results[i] = worker.measure(space, options.sampling, random);
                      }
                      if (advance) advance(static_cast<std::int64_t>(range.size()));
                    });
  return results;
}

// The sample of rank ceil(share * n), counted from the smallest.
std::int64_t quantile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::vector<CdfPoint> summarize_cdf(const std::vector<std::int64_t>& sorted) {
  std::vector<CdfPoint> cdf;
  const std::size_t count = std::min(kCdfPoints, sorted.size());
  for (std::size_t i = 1; i <= count; ++i) {
    const std::size_t rank = i * sorted.size() / count;
    cdf.push_back(
        {sorted[rank - 1], static_cast<double>(rank) / static_cast<double>(sorted.size())});
  }
  return cdf;
}

SpaceStatistics summarize(const space::SearchSpace& space, const std::vector<Resources>& samples,
                          const Resources& smallest, const Budget& budget) {
  SpaceStatistics result;
  result.width = space.widths.front();
  result.resolution = space.resolutions.front();
  result.sampled = static_cast<std::int64_t>(samples.size());
  result.least = smallest;
  result.smallest_fits = engine::fits(smallest, budget);
  std::vector<std::int64_t> macs;
  for (const Resources& sample : samples) {
    take_least(result.least, sample);
    result.unproven_plans += sample.is_optimal ? 0 : 1;
    result.above_bound_plans += sample.peak_sram_bytes > sample.lower_bound_bytes ? 1 : 0;
    if (engine::fits(sample, budget)) macs.push_back(sample.macs);
  }
  result.satisfying = static_cast<std::int64_t>(macs.size());
  if (macs.empty() && result.smallest_fits) macs.push_back(smallest.macs);
  if (macs.empty()) return result;

  std::sort(macs.begin(), macs.end());
  const auto count = static_cast<double>(macs.size());
  double sum = 0;
  for (std::int64_t value : macs) sum += static_cast<double>(value);
  result.mean_macs = sum / count;
  if (macs.size() > 1) {
    double squares = 0;
    for (std::int64_t value : macs) {
      const double difference = static_cast<double>(value) - result.mean_macs;
      squares += difference * difference;
    }
    result.mean_macs_error = 1.96 * std::sqrt(squares / (count - 1) / count);
  }
  result.top20_macs = quantile(macs, 0.8);
  result.max_macs = macs.back();
  result.cdf = summarize_cdf(macs);
  return result;
}

BudgetNeeds needs_of(const std::vector<Resources>& samples, const Resources& smallest,
                     const Budget& budget) {
  BudgetNeeds needs;
  needs.add(smallest, budget);
  for (const Resources& sample : samples) needs.add(sample, budget);
  return needs;
}

// Mean MACs of one space under each pair of limits of the sweep; other limits stay as they are.
std::vector<double> sweep_means(const std::vector<Resources>& samples, const Budget& budget,
                                const SpaceOptimizerOptions& options) {
  const std::size_t flash_count = options.sweep_flash_bytes.size();
  std::vector<double> sums(options.sweep_sram_bytes.size() * flash_count, 0);
  std::vector<std::int64_t> counts(sums.size(), 0);
  const Budget other_limits{.latency_ms = budget.latency_ms, .energy_mj = budget.energy_mj};
  for (const Resources& sample : samples) {
    if (!engine::fits(sample, other_limits)) continue;
    for (std::size_t i = 0; i < options.sweep_sram_bytes.size(); ++i) {
      if (sample.peak_sram_bytes > options.sweep_sram_bytes[i]) continue;
      for (std::size_t j = 0; j < flash_count; ++j) {
        if (sample.flash_bytes > options.sweep_flash_bytes[j]) continue;
        sums[i * flash_count + j] += static_cast<double>(sample.macs);
        ++counts[i * flash_count + j];
      }
    }
  }
  const double needed = options.min_satisfying_share * static_cast<double>(samples.size());
  for (std::size_t cell = 0; cell < sums.size(); ++cell) {
    const auto count = static_cast<double>(counts[cell]);
    sums[cell] = count > 0 && count >= needed ? sums[cell] / count : 0;
  }
  return sums;
}

std::vector<SweepCell> find_best_cells(const std::vector<SpaceStatistics>& spaces,
                                       const std::vector<std::vector<double>>& means,
                                       const SpaceOptimizerOptions& options) {
  std::vector<SweepCell> cells;
  for (std::int64_t sram : options.sweep_sram_bytes) {
    for (std::int64_t flash : options.sweep_flash_bytes) {
      SweepCell best{.sram_bytes = sram, .flash_bytes = flash};
      for (std::size_t s = 0; s < spaces.size(); ++s) {
        const double mean = means[s][cells.size()];
        if (mean <= best.mean_macs) continue;
        best.width = spaces[s].width;
        best.resolution = spaces[s].resolution;
        best.mean_macs = mean;
      }
      cells.push_back(best);
    }
  }
  return cells;
}

void check(const SpaceOptimizerOptions& options) {
  if (options.samples < 1) throw Error("samples: must be at least 1, is {}", options.samples);
  if (options.widths.empty() || options.resolutions.empty()) {
    throw Error("widths and resolutions: must not be empty");
  }
}

}  // namespace

double SpaceStatistics::satisfying_share() const {
  return sampled == 0 ? 0 : static_cast<double>(satisfying) / static_cast<double>(sampled);
}

SpaceRanking optimize_space(const space::SearchSpace& base, const engine::OracleOptions& oracle,
                            const Budget& budget, const SpaceOptimizerOptions& options,
                            const std::function<void(std::int64_t)>& advance) {
  check(options);
  const Stopwatch stopwatch;
  std::vector<space::SearchSpace> grid;
  for (double width : options.widths) {
    for (int resolution : options.resolutions) grid.push_back(base.at(width, resolution));
  }

  SpaceRanking ranking;
  ranking.spaces.resize(grid.size());
  std::vector<std::vector<double>> means(grid.size());
  std::vector<BudgetNeeds> needs(grid.size());
  Workers workers(oracle);
  const auto threads = static_cast<std::size_t>(
      options.threads > 0 ? options.threads : tbb::this_task_arena::max_concurrency());
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] {
    tbb::parallel_for(std::size_t{0}, grid.size(), [&](std::size_t s) {
      const std::vector<Resources> samples = plan_samples(grid[s], options, workers, advance);
      const Resources smallest = workers.local().oracle.measure(grid[s], space::smallest(grid[s]));
      ranking.spaces[s] = summarize(grid[s], samples, smallest, budget);
      if (!ranking.spaces[s].is_feasible()) needs[s] = needs_of(samples, smallest, budget);
      means[s] = sweep_means(samples, budget, options);
    });
  });
  ranking.sweep = find_best_cells(ranking.spaces, means, options);

  std::stable_sort(ranking.spaces.begin(), ranking.spaces.end(),
                   [&](const SpaceStatistics& a, const SpaceStatistics& b) {
                     const bool a_counts = a.satisfying_share() >= options.min_satisfying_share;
                     const bool b_counts = b.satisfying_share() >= options.min_satisfying_share;
                     if (a_counts != b_counts) return a_counts;
                     const auto key = [](const SpaceStatistics& s) {
                       return std::tuple(s.satisfying > 0, s.mean_macs);
                     };
                     return key(a) > key(b);
                   });
  if (!ranking.is_feasible()) {
    for (const BudgetNeeds& of_space : needs) ranking.needs.add(of_space);
  }
  ranking.seconds = stopwatch.seconds();
  return ranking;
}

std::vector<ScheduleEffect> compare_schedules(const space::SearchSpace& base,
                                              const engine::OracleOptions& oracle,
                                              const Budget& budget,
                                              const SpaceOptimizerOptions& options,
                                              const SpaceRanking& ranking,
                                              const std::function<void(std::int64_t)>& advance) {
  SpaceOptimizerOptions fewer = options;
  fewer.samples = std::min(options.comparison_samples, options.samples);
  fewer.sweep_sram_bytes.clear();
  fewer.sweep_flash_bytes.clear();
  std::vector<ScheduleEffect> effects;
  if (fewer.samples == 0) return effects;
  const SpaceStatistics& chosen = ranking.spaces.front();
  for (const engine::SchedulePolicy schedule : engine::kSchedulePolicies) {
    const bool is_tflm = schedule == engine::SchedulePolicy::kTflm;
    if (is_tflm && oracle.widths.activations == 4) continue;
    engine::OracleOptions other = oracle;
    other.schedule = schedule;
    other.pulls_input = oracle.pulls_input && schedule == engine::SchedulePolicy::kStreaming;
    if (is_tflm || oracle.scratch == engine::ScratchPolicy::kTflm) {
      other.scratch = is_tflm ? engine::ScratchPolicy::kTflm : engine::ScratchPolicy::kOwn;
    }
    const SpaceRanking spaces = optimize_space(base, other, budget, fewer, advance);
    const auto same =
        std::find_if(spaces.spaces.begin(), spaces.spaces.end(), [&](const SpaceStatistics& space) {
          return space.width == chosen.width && space.resolution == chosen.resolution;
        });
    effects.push_back({schedule, other.scratch, spaces.spaces.front(), *same});
    effects.back().best.cdf.clear();
    effects.back().in_best.cdf.clear();
  }
  return effects;
}

}  // namespace mcunet::search
