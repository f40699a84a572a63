// How fast the constraint oracle is, and how the search-space optimization scales.
//
//   build/release/bin/space_benchmark
//
// PlanNetworks: networks sampled, lowered, scheduled and planned per second by one thread.
// OptimizeSpace/N/T/S: the whole grid of 108 spaces at N networks each, on T threads (0: all), planned
// in place (S = 0) or streaming (1). Time is linear in N; the peak memory of the process is a counter.

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <filesystem>

#include "mcunet/search/space_optimizer.hpp"

namespace mcunet::search {
namespace {

space::SearchSpace load_space() {
  return space::read_search_space(
      load_config(std::filesystem::path(MCUNET_SOURCE_DIR) / "configs/spaces/proxyless.yaml"));
}

double peak_memory_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

engine::SchedulePolicy schedule_of(std::int64_t streaming) {
  return streaming == 0 ? engine::SchedulePolicy::kInPlace : engine::SchedulePolicy::kStreaming;
}

void PlanNetworks(benchmark::State& state) {
  const space::SearchSpace space = load_space().at(0.5, 144);
  const auto scratch = static_cast<engine::ScratchPolicy>(state.range(0));
  engine::ResourceOracle oracle(
      {.schedule = schedule_of(state.range(1)), .scratch = scratch, .settles_steps = false});
  RandomStream random(0);
  space::Subnet subnet;
  space::Network network;
  engine::Graph graph;
  for (auto _ : state) {
    space::sample(space, space::Sampling::kUniformGenes, random, subnet);
    space::build_network(space, subnet, network);
    graph.clear();
    space::lower(network, graph);
    benchmark::DoNotOptimize(oracle.measure(graph));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PlanNetworks)
    ->ArgNames({"own_scratch", "streaming"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({1, 1});

void OptimizeSpace(benchmark::State& state) {
  const space::SearchSpace space = load_space();
  SpaceOptimizerOptions options;
  options.samples = static_cast<int>(state.range(0));
  options.threads = static_cast<int>(state.range(1));
  options.sweep_sram_bytes = {192 << 10, 256 << 10, 320 << 10, 384 << 10, 448 << 10, 512 << 10};
  options.sweep_flash_bytes = {512 << 10, 1024 << 10, 1536 << 10, 2048 << 10};
  const engine::Budget budget{.sram_bytes = 320 << 10, .flash_bytes = 1024 << 10};
  const engine::OracleOptions oracle{.schedule = schedule_of(state.range(2))};
  for (auto _ : state) benchmark::DoNotOptimize(optimize_space(space, oracle, budget, options));
  state.SetItemsProcessed(state.iterations() * 108 * state.range(0));
  state.counters["peak_MiB"] = peak_memory_mib();
}
BENCHMARK(OptimizeSpace)
    ->ArgNames({"samples", "threads", "streaming"})
    ->Args({1000, 0, 0})
    ->Args({1000, 1, 0})
    ->Args({1000, 0, 1})
    ->Args({10'000, 0, 0})
    ->Args({100'000, 0, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace mcunet::search

BENCHMARK_MAIN();
