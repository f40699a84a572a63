#include "mcunet/search/space_optimizer.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "space/test_spaces.hpp"

namespace mcunet::search {
namespace {

using engine::Resources;

SpaceOptimizerOptions small_grid() {
  SpaceOptimizerOptions options;
  options.widths = {0.3, 0.5};
  options.resolutions = {96, 128, 160};
  options.samples = 300;
  options.seed = 4;
  options.sweep_sram_bytes = {100 << 10, 200 << 10};
  options.sweep_flash_bytes = {512 << 10, 1024 << 10};
  return options;
}

const engine::Budget kBudget{.sram_bytes = 200 << 10, .flash_bytes = 900 << 10};

SpaceRanking rank(const SpaceOptimizerOptions& options, const engine::Budget& budget = kBudget) {
  return optimize_space(space::load_shipped_space("proxyless"), {}, budget, options);
}

// The same networks, measured one by one in the plainest way.
std::vector<Resources> measure_all(const SpaceOptimizerOptions& options, double width,
                                   int resolution) {
  const space::SearchSpace space = space::load_shipped_space("proxyless").at(width, resolution);
  std::vector<Resources> results;
  for (int i = 0; i < options.samples; ++i) {
    RandomStream random(options.seed,
                        {static_cast<std::uint64_t>(std::llround(1e6 * width)),
                         static_cast<std::uint64_t>(resolution), static_cast<std::uint64_t>(i)});
    const space::Subnet subnet = sample(space, options.sampling, random);
    engine::ResourceOracle oracle({});
    results.push_back(oracle.measure(lower(build_network(space, subnet))));
    EXPECT_THAT(
        validate_plan(oracle.requests().buffers, oracle.plan(), engine::PlannerOptions{}.alignment),
        testing::IsEmpty());
  }
  return results;
}

// Where every sample is too large, the smallest network of the space decides.
TEST(SpaceOptimizer, NothingFitsOnlyIfTheSmallestNetworkDoesNot) {
  SpaceOptimizerOptions options = small_grid();
  options.samples = 20;
  const auto least = [&](double width, int resolution) {
    const space::SearchSpace space = space::load_shipped_space("proxyless").at(width, resolution);
    return engine::ResourceOracle({}).measure(lower(build_network(space, smallest(space))));
  };
  const Resources smallest = least(0.3, 96);
  engine::Budget budget{.flash_bytes = smallest.flash_bytes};
  const SpaceRanking ranking = rank(options, budget);
  EXPECT_TRUE(ranking.is_feasible());
  const SpaceStatistics& best = ranking.spaces.front();
  EXPECT_EQ(best.width, 0.3);
  EXPECT_EQ(best.satisfying, 0);
  EXPECT_TRUE(best.smallest_fits);
  EXPECT_EQ(best.mean_macs, static_cast<double>(least(0.3, best.resolution).macs));
  EXPECT_FALSE(ranking.spaces.back().is_feasible());

  *budget.flash_bytes -= 1;
  const SpaceRanking none = rank(options, budget);
  EXPECT_FALSE(none.is_feasible());
  EXPECT_THAT(explain_infeasible(none.needs, budget),
              testing::ElementsAre(
                  fmt::format("flash: the limit is {} bytes, the smallest of the networks needs {}",
                              *budget.flash_bytes, smallest.flash_bytes)));
}

TEST(SpaceOptimizer, StatisticsAreThoseOfTheNetworksThatFit) {
  const SpaceOptimizerOptions options = small_grid();
  for (const SpaceStatistics& space : rank(options).spaces) {
    std::vector<double> macs;
    for (const Resources& r : measure_all(options, space.width, space.resolution)) {
      if (r.peak_sram_bytes <= *kBudget.sram_bytes && r.flash_bytes <= *kBudget.flash_bytes) {
        macs.push_back(static_cast<double>(r.macs));
      }
    }
    ASSERT_EQ(static_cast<std::size_t>(space.satisfying), macs.size());
    EXPECT_EQ(space.sampled, options.samples);
    if (macs.empty()) continue;
    std::sort(macs.begin(), macs.end());
    double mean = 0;
    for (double value : macs) mean += value / static_cast<double>(macs.size());
    EXPECT_NEAR(space.mean_macs, mean, 1e-6 * mean);
    EXPECT_EQ(static_cast<double>(space.max_macs), macs.back());
    // The top 20 % have at least as many.
    const auto at_least = std::count_if(macs.begin(), macs.end(), [&](double value) {
      return value >= static_cast<double>(space.top20_macs);
    });
    EXPECT_GE(static_cast<double>(at_least), 0.2 * static_cast<double>(macs.size()));
    EXPECT_LE(static_cast<double>(at_least), 0.2 * static_cast<double>(macs.size()) + 1);
    EXPECT_EQ(space.cdf.back().share, 1.0);
    EXPECT_EQ(space.cdf.back().macs, space.max_macs);
  }
}

TEST(SpaceOptimizer, RanksByMeanMacs) {
  const SpaceRanking ranking = rank(small_grid());
  ASSERT_EQ(ranking.spaces.size(), 6u);
  EXPECT_TRUE(ranking.is_feasible());
  for (std::size_t i = 1; i < ranking.spaces.size(); ++i) {
    EXPECT_GE(ranking.spaces[i - 1].mean_macs, ranking.spaces[i].mean_macs);
  }
}

TEST(SpaceOptimizer, GivesTheSameForAnyNumberOfThreads) {
  SpaceOptimizerOptions options = small_grid();
  options.threads = 1;
  const SpaceRanking alone = rank(options);
  for (int threads : {2, 8}) {
    options.threads = threads;
    const SpaceRanking together = rank(options);
    ASSERT_EQ(together.spaces.size(), alone.spaces.size());
    for (std::size_t i = 0; i < alone.spaces.size(); ++i) {
      EXPECT_EQ(together.spaces[i].width, alone.spaces[i].width);
      EXPECT_EQ(together.spaces[i].resolution, alone.spaces[i].resolution);
      EXPECT_EQ(together.spaces[i].mean_macs, alone.spaces[i].mean_macs);
      EXPECT_EQ(together.spaces[i].mean_macs_error, alone.spaces[i].mean_macs_error);
      EXPECT_EQ(together.spaces[i].top20_macs, alone.spaces[i].top20_macs);
      EXPECT_EQ(together.spaces[i].satisfying, alone.spaces[i].satisfying);
    }
  }
}

TEST(SpaceOptimizer, ASpaceDoesNotDependOnTheOthersOfTheGrid) {
  SpaceOptimizerOptions options = small_grid();
  const SpaceRanking grid = rank(options);
  options.widths = {0.5};
  options.resolutions = {128};
  const SpaceStatistics alone = rank(options).spaces.front();
  for (const SpaceStatistics& space : grid.spaces) {
    if (space.width != 0.5 || space.resolution != 128) continue;
    EXPECT_EQ(space.mean_macs, alone.mean_macs);
  }
}

TEST(SpaceOptimizer, OtherSeedsGiveOtherNetworks) {
  SpaceOptimizerOptions options = small_grid();
  const double first = rank(options).spaces.front().mean_macs;
  options.seed = 5;
  EXPECT_NE(rank(options).spaces.front().mean_macs, first);
}

TEST(SpaceOptimizer, TheConfidenceIntervalCoversTheMeanOfManySamples) {
  SpaceOptimizerOptions options = small_grid();
  options.widths = {0.5};
  options.resolutions = {128};
  options.samples = 20'000;
  const double truth = rank(options).spaces.front().mean_macs;
  options.samples = 200;
  int covered = 0;
  for (int seed = 100; seed < 200; ++seed) {
    options.seed = static_cast<std::uint64_t>(seed);
    const SpaceStatistics space = rank(options).spaces.front();
    covered += std::abs(space.mean_macs - truth) <= space.mean_macs_error ? 1 : 0;
  }
  EXPECT_GE(covered, 88) << "of 100 intervals at 95 %";
}

TEST(SpaceOptimizer, TheSweepFindsTheBestSpaceUnderEachPairOfLimits) {
  const SpaceOptimizerOptions options = small_grid();
  const SpaceRanking ranking = rank(options);
  ASSERT_EQ(ranking.sweep.size(), 4u);
  for (const SweepCell& cell : ranking.sweep) {
    const SpaceStatistics best =
        rank(options, {.sram_bytes = cell.sram_bytes, .flash_bytes = cell.flash_bytes})
            .spaces.front();
    EXPECT_EQ(cell.width, best.width);
    EXPECT_EQ(cell.resolution, best.resolution);
    EXPECT_NEAR(cell.mean_macs, best.mean_macs, 1e-6 * best.mean_macs);
  }
}

TEST(SpaceOptimizer, ALatencyBoundRulesOutLargeNetworks) {
  const SpaceOptimizerOptions options = small_grid();
  engine::Budget budget = kBudget;
  budget.latency_ms = 120.0;
  const SpaceRanking bounded = rank(options, budget);
  const double most_macs = 120e-3 * 216e6 / 1.6;  // all of them convolutions
  EXPECT_TRUE(bounded.is_feasible());
  for (const SpaceStatistics& space : bounded.spaces) {
    EXPECT_LE(static_cast<double>(space.max_macs), most_macs);
  }
}

TEST(SpaceOptimizer, NothingFitsAnImpossibleBudget) {
  const SpaceRanking ranking = rank(small_grid(), {.sram_bytes = 1024});
  EXPECT_FALSE(ranking.is_feasible());
  for (const SpaceStatistics& space : ranking.spaces) {
    EXPECT_EQ(space.satisfying, 0);
    EXPECT_GT(space.least.peak_sram_bytes, 1024);
  }
}

TEST(SpaceOptimizer, FewSatisfyingNetworksRankBehindOnRequest) {
  SpaceOptimizerOptions options = small_grid();
  options.min_satisfying_share = 0.5;
  const SpaceRanking ranking = rank(options);
  bool was_below = false;
  for (const SpaceStatistics& space : ranking.spaces) {
    const bool is_below = space.satisfying_share() < 0.5;
    EXPECT_FALSE(was_below && !is_below);
    was_below = is_below;
  }
}

TEST(SpaceOptimizer, ReportsItsProgress) {
  const SpaceOptimizerOptions options = small_grid();
  std::atomic<std::int64_t> planned = 0;
  optimize_space(space::load_shipped_space("proxyless"), {}, kBudget, options,
                 [&](std::int64_t count) { planned += count; });
  EXPECT_EQ(planned, 6 * 300);
}

TEST(SpaceOptimizer, TellsWhatEachScheduleMakesOfTheSpaces) {
  SpaceOptimizerOptions options = small_grid();
  options.comparison_samples = 40;
  const space::SearchSpace base = space::load_shipped_space("proxyless");
  const engine::OracleOptions own{.scratch = engine::ScratchPolicy::kOwn};
  const SpaceRanking ranking = optimize_space(base, own, kBudget, options);
  const auto effects = compare_schedules(base, own, kBudget, options, ranking);
  ASSERT_EQ(effects.size(), engine::kSchedulePolicies.size());
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const ScheduleEffect& effect = effects[i];
    EXPECT_EQ(effect.schedule, engine::kSchedulePolicies[i]);
    // As if the job had that schedule, and fewer samples.
    SpaceOptimizerOptions fewer = options;
    fewer.samples = 40;
    engine::OracleOptions oracle = own;
    oracle.schedule = effect.schedule;
    const SpaceRanking alone = optimize_space(base, oracle, kBudget, fewer);
    EXPECT_EQ(effect.best.width, alone.spaces.front().width);
    EXPECT_EQ(effect.best.mean_macs, alone.spaces.front().mean_macs);
    EXPECT_EQ(effect.best.sampled, 40);
    EXPECT_EQ(effect.in_best.width, ranking.spaces.front().width);
    EXPECT_EQ(effect.in_best.resolution, ranking.spaces.front().resolution);
    if (i == 0) continue;
    EXPECT_GE(effect.in_best.satisfying, effects[i - 1].in_best.satisfying) << "needs less memory";
  }
  EXPECT_GT(effects.back().best.mean_macs, effects.front().best.mean_macs);
  EXPECT_EQ(effects.front().scratch, engine::ScratchPolicy::kTflm);
  EXPECT_EQ(effects.back().scratch, engine::ScratchPolicy::kOwn);
}

TEST(SpaceOptimizer, ComparesSchedulesThatThereAre) {
  SpaceOptimizerOptions options = small_grid();
  options.samples = 3;
  const space::SearchSpace base = space::load_shipped_space("proxyless");
  engine::OracleOptions oracle{.scratch = engine::ScratchPolicy::kOwn};
  oracle.widths = {.weights = 4, .activations = 4};
  const SpaceRanking ranking = optimize_space(base, oracle, kBudget, options);
  const auto narrow = compare_schedules(base, oracle, kBudget, options, ranking);
  ASSERT_EQ(narrow.size(), engine::kSchedulePolicies.size() - 1) << "tflm has no int4 activations";
  EXPECT_EQ(narrow.front().schedule, engine::SchedulePolicy::kOpByOp);
  EXPECT_EQ(narrow.front().best.sampled, 3);
  options.comparison_samples = 0;
  EXPECT_THAT(compare_schedules(base, oracle, kBudget, options, ranking), testing::IsEmpty());
}

TEST(SpaceOptimizer, RefusesOptionsWithoutWork) {
  SpaceOptimizerOptions options = small_grid();
  options.samples = 0;
  EXPECT_THROW(rank(options), Error);
  options = small_grid();
  options.widths.clear();
  EXPECT_THROW(rank(options), Error);
}

}  // namespace
}  // namespace mcunet::search
