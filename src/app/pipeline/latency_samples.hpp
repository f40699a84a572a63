#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "mcunet/deploy/device.hpp"
#include "mcunet/engine/timing/latency_fit.hpp"
#include "mcunet/search/space/search_space.hpp"

// Cycles to fit a latency model to: of networks made for the purpose, estimated on an emulated core,
// or from what a board logs.
namespace mcunet::pipeline {

struct LatencySampleOptions {
  int networks = 48;
  // Every other network is a member of the space at one of these; the others are chains of layers
  // of every kind with shapes at random.
  std::vector<double> widths = {0.2, 0.3, 0.4, 0.5, 0.6};
  std::vector<int> resolutions = {48, 64, 80, 96, 112, 128};
  std::uint64_t seed = 0;
};

// Compiles random networks and estimates the cycles of each step on an emulated board with the
// device's core, with memory enough for the scratch that makes kernels fastest. `advance` is called after each network. Throws Error.
std::vector<engine::LayerMeasurement> sample_cycles(const search::space::SearchSpace& space,
                                                    const deploy::Device& device,
                                                    const LatencySampleOptions& options,
                                                    const std::function<void()>& advance = {});

// The layers that a folder of `mcunet compile` runs, step by step. Throws Error if it does not hold
// its model, or if that has other steps.
std::vector<engine::LayerShape> step_layers(const std::filesystem::path& folder);

// Cycles per step, the median over all inferences, from the console of firmware that was linked by
// link_profiling_firmware; other lines are passed over. Throws Error, naming `source`, if a step
// below `steps` is missing.
std::vector<std::int64_t> parse_cycle_log(const std::string& log, int steps,
                                          const std::string& source);

}  // namespace mcunet::pipeline
