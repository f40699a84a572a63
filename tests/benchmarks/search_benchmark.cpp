// How fast evolution is apart from the accuracies, which cost nothing here.
//
//   build/release/bin/search_benchmark
//
// Plan: networks lowered, scheduled and planned per second by one thread, alone.
// Evolve/T: the whole of Appendix D on T threads. plans_per_second counts the time of proposing and
// planning; against_plan is its ratio to Plan per thread; overhead_ms is all time that a search
// takes per evaluated network.

#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>

#include "mcunet/core/stopwatch.hpp"
#include "mcunet/search/evolution.hpp"
#include "mcunet/search/subnet_oracle.hpp"

namespace mcunet::search {
namespace {

SearchProblem make_problem(int threads) {
  return {.space = space::read_search_space(load_config(std::filesystem::path(MCUNET_SOURCE_DIR) /
                                                        "configs/spaces/proxyless.yaml"))
                       .at(0.5, 160),
          .budget = {.sram_bytes = 240 << 10, .flash_bytes = 650 << 10},
          .threads = threads};
}

class LargerIsBetter : public AccuracyEstimator {
 public:
  double estimate(const space::Subnet& subnet) override {
    double sum = 0;
    for (const space::BlockGenes& genes : subnet.blocks) sum += genes.kernel * genes.expand_ratio;
    return 1 - std::exp(-sum / 300);
  }
};

double plan_networks_per_second() {
  const SearchProblem problem = make_problem(1);
  SubnetOracle oracle(problem.oracle);
  RandomStream random(0);
  std::vector<space::Subnet> subnets;
  for (int i = 0; i < 5000; ++i) {
    subnets.push_back(sample(problem.space, space::Sampling::kUniformGenes, random));
  }
  const Stopwatch stopwatch;
  for (const space::Subnet& subnet : subnets) {
    benchmark::DoNotOptimize(oracle.measure(problem.space, subnet));
  }
  return static_cast<double>(subnets.size()) / stopwatch.seconds();
}

void Plan(benchmark::State& state) {
  double best = 0;
  for (auto _ : state) best = std::max(best, plan_networks_per_second());
  state.counters["plans_per_second"] = best;
}
BENCHMARK(Plan)->Unit(benchmark::kMillisecond);

void Evolve(benchmark::State& state) {
  const SearchProblem problem = make_problem(static_cast<int>(state.range(0)));
  LargerIsBetter accuracy;
  double best = 0;
  double alone = 0;
  double overhead_ms = 1e9;
  for (auto _ : state) {
    alone = std::max(alone, plan_networks_per_second());
    const SearchState result = evolve(problem, accuracy, {});
    best = std::max(best, static_cast<double>(result.plans) / result.planning_seconds);
    overhead_ms = std::min(overhead_ms, 1e3 * (result.seconds - result.accuracy_seconds) /
                                            static_cast<double>(result.evaluated.size()));
  }
  state.counters["plans_per_second"] = best;
  state.counters["against_plan"] = best / (alone * static_cast<double>(problem.threads));
  state.counters["overhead_ms"] = overhead_ms;
}
BENCHMARK(Evolve)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace mcunet::search

BENCHMARK_MAIN();
