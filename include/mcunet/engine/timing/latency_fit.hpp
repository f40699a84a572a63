#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/timing/latency_model.hpp"

// Least squares from layers, whose cycles were estimated in an emulator or measured on a board, to
// the costs of a latency model.
namespace mcunet::engine {

struct LayerMeasurement {
  std::string core;
  std::string network;  // layers of one network are held out together
  LayerShape layer;
  double low = 0;  // cycles, at the least and at the most; the same where they were measured
  double high = 0;

  double cycles() const { return (low + high) / 2; }
  bool operator==(const LayerMeasurement&) const = default;
};

// The file of measurements: a header line, one layer a line; lines that begin with # are comments.
// Throws Error, naming `source` and the line.
std::vector<LayerMeasurement> read_measurements(std::string_view csv, const std::string& source);
std::string write_measurements(std::span<const LayerMeasurement> measurements);

// How well the costs tell what was measured.
struct FitQuality {
  LayerClass layer = LayerClass::kPointwise;
  int measurements = 0;
  double r2 = 0;              // of all measurements, in cycles
  double held_out_r2 = 0;     // each network told by a fit to the others, five parts
  double held_out_error = 0;  // mean relative error then
};

struct LatencyFit {
  std::string core;
  double spread = 0;  // of all cycles, as LatencyModel has it
  LayerCosts costs = {};
  std::vector<FitQuality> classes;  // those that were measured
  // Of the sum over the layers of a network held out.
  double network_error = 0;  // mean relative error
  double max_network_error = 0;
  int networks = 0;
};

// Minimizes relative errors; costs are not negative, so that more work never takes less. Classes
// without measurements keep the costs of `base`. Throws Error if there are fewer than two networks, or
// more cores than one.
LatencyFit fit_latency(std::span<const LayerMeasurement> measurements, const LayerCosts& base);

}  // namespace mcunet::engine
