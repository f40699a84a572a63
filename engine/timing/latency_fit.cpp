#include "mcunet/engine/timing/latency_fit.hpp"

#include <fmt/format.h>

#include <Eigen/QR>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"

namespace mcunet::engine {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kFolds = 5;
constexpr char kHeader[] =
    "core,network,kind,kernel_height,kernel_width,stride,input_height,input_width,input_channels,"
    "output_height,output_width,output_channels,low,high";

std::size_t index_of(LayerClass layer) { return static_cast<std::size_t>(layer); }

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> fields(1);
  for (char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

double parse_cycles(const std::string& text, const std::string& place) {
  double cycles = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cycles);
  if (error != std::errc() || end != text.data() + text.size() || !(cycles > 0) ||
      !std::isfinite(cycles)) {
    throw Error("{}: cycles must be greater than 0, are {}", place, text);
  }
  return cycles;
}

LayerMeasurement parse_line(std::string_view line, const std::string& place) {
  const std::vector<std::string> fields = split(line);
  constexpr std::size_t kFields = 14;
  if (fields.size() != kFields) {
    throw Error("{}: must have {} fields, has {}", place, kFields, fields.size());
  }
  const std::optional<OpKind> kind = kind_named(fields[2]);
  if (!kind) throw Error("{}: {} is no operator", place, fields[2]);
  std::array<std::int32_t, 9> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string& text = fields[i + 3];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc() || end != text.data() + text.size() || numbers[i] < 1) {
      throw Error("{}: must be a whole number of at least 1, is {}", place, text);
    }
  }
  LayerMeasurement result{.core = fields[0],
                          .network = fields[1],
                          .layer = {.kind = *kind,
                                    .kernel_height = numbers[0],
                                    .kernel_width = numbers[1],
                                    .stride = numbers[2],
                                    .input = {numbers[3], numbers[4], numbers[5]},
                                    .output = {numbers[6], numbers[7], numbers[8]}},
                          .low = parse_cycles(fields[12], place),
                          .high = parse_cycles(fields[13], place)};
  if (result.high < result.low) {
    throw Error("{}: high must be at least low, {}, is {}", place, fields[12], fields[13]);
  }
  return result;
}

// Least squares with coefficients of at least zero: negative ones are dropped, the most negative
// first, until none is left.
WorkAmounts fit_class(const std::vector<const LayerMeasurement*>& rows) {
  std::vector<std::size_t> kinds;
  for (std::size_t i = 0; i < kWorkKinds; ++i) {
    const bool occurs = std::any_of(rows.begin(), rows.end(), [i](const LayerMeasurement* row) {
      return work_of(row->layer)[i] > 0;
    });
    if (occurs) kinds.push_back(i);
  }
  while (!kinds.empty()) {
    const auto columns = static_cast<Eigen::Index>(kinds.size());
    MatrixXd x(static_cast<Eigen::Index>(rows.size()), columns);
    const VectorXd y = VectorXd::Ones(x.rows());
    for (Eigen::Index r = 0; r < x.rows(); ++r) {
      const LayerMeasurement& row = *rows[static_cast<std::size_t>(r)];
      const WorkAmounts work = work_of(row.layer);
      for (Eigen::Index c = 0; c < columns; ++c) {
        x(r, c) = work[kinds[static_cast<std::size_t>(c)]] / row.cycles();
      }
    }
    // Columns of like size, for the rank to be judged.
    const VectorXd scale = x.colwise().norm();
    const VectorXd fitted = MatrixXd(x * scale.cwiseInverse().asDiagonal())
                                .completeOrthogonalDecomposition()
                                .solve(y)
                                .cwiseQuotient(scale);
    Eigen::Index worst = 0;
    const VectorXd contributions = fitted.cwiseProduct(scale);
    if (contributions.minCoeff(&worst) >= 0) {
      WorkAmounts costs{};
      for (Eigen::Index c = 0; c < columns; ++c) {
        costs[kinds[static_cast<std::size_t>(c)]] = fitted[c];
      }
      return costs;
    }
    kinds.erase(kinds.begin() + worst);
  }
  return {};
}

LayerCosts fit_all(const std::vector<const LayerMeasurement*>& rows, const LayerCosts& base) {
  std::array<std::vector<const LayerMeasurement*>, kLayerClasses> by_class;
  for (const LayerMeasurement* row : rows) by_class[index_of(class_of(row->layer))].push_back(row);
  LayerCosts costs = base;
  for (std::size_t i = 0; i < kLayerClasses; ++i) {
    if (!by_class[i].empty()) costs[i] = fit_class(by_class[i]);
  }
  return costs;
}

double told(const LayerCosts& costs, const LayerShape& layer) {
  LatencyModel model;
  model.costs = costs;
  return model.cycles(layer);
}

// Sums for R² and errors over pairs of what was measured and what was told.
struct Comparison {
  std::vector<double> measured;
  std::vector<double> expected;

  void add(double m, double e) {
    measured.push_back(m);
    expected.push_back(e);
  }
  double r2() const {
    const auto n = static_cast<double>(measured.size());
    double mean = 0;
    for (double m : measured) mean += m / n;
    double residual = 0;
    double total = 0;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      residual += (measured[i] - expected[i]) * (measured[i] - expected[i]);
      total += (measured[i] - mean) * (measured[i] - mean);
    }
    return total > 0 ? 1 - residual / total : 0;
  }
  double mean_error() const {
    double sum = 0;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      sum += std::abs(expected[i] - measured[i]) / measured[i];
    }
    return measured.empty() ? 0 : sum / static_cast<double>(measured.size());
  }
};

// What is told of each measurement by a fit to the networks of other parts.
std::vector<double> tell_held_out(std::span<const LayerMeasurement> measurements,
                                  const std::map<std::string, int>& networks,
                                  const LayerCosts& base) {
  std::vector<double> expected(measurements.size());
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<const LayerMeasurement*> learnt;
    for (const LayerMeasurement& m : measurements) {
      if (networks.at(m.network) % kFolds != fold) learnt.push_back(&m);
    }
    const LayerCosts costs = fit_all(learnt, base);
    for (std::size_t i = 0; i < measurements.size(); ++i) {
      if (networks.at(measurements[i].network) % kFolds != fold) continue;
      expected[i] = told(costs, measurements[i].layer);
    }
  }
  return expected;
}

}  // namespace

std::vector<LayerMeasurement> read_measurements(std::string_view csv, const std::string& source) {
  std::vector<LayerMeasurement> measurements;
  bool has_header = false;
  int number = 0;
  while (!csv.empty()) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    const std::string_view line = csv.substr(0, end);
    csv.remove_prefix(std::min(end + 1, csv.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = fmt::format("{}:{}", source, number);
    if (!has_header) {
      if (line != kHeader) throw Error("{}: must be the header {}", place, kHeader);
      has_header = true;
      continue;
    }
    measurements.push_back(parse_line(line, place));
  }
  return measurements;
}

namespace {

// A field ends at a comma, a line at its end, and one that begins with # is none.
std::string csv_field(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == ',' || c == '#') c = '_';
  }
  return text;
}

}  // namespace

std::string write_measurements(std::span<const LayerMeasurement> measurements) {
  std::string csv = std::string(kHeader) + "\n";
  for (const LayerMeasurement& m : measurements) {
    const LayerShape& l = m.layer;
    csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(m.core),
                       csv_field(m.network), name_of(l.kind), l.kernel_height, l.kernel_width,
                       l.stride, l.input.height, l.input.width, l.input.channels, l.output.height,
                       l.output.width, l.output.channels, m.low, m.high);
  }
  return csv;
}

LatencyFit fit_latency(std::span<const LayerMeasurement> measurements, const LayerCosts& base) {
  std::map<std::string, int> networks;
  for (const LayerMeasurement& m : measurements) {
    networks.emplace(m.network, static_cast<int>(networks.size()));
  }
  if (networks.size() < 2) {
    throw Error("a latency model needs measurements of at least 2 networks, not {}",
                networks.size());
  }
  LatencyFit fit{.core = measurements[0].core};
  double low = 0;
  double high = 0;
  std::vector<const LayerMeasurement*> all;
  for (const LayerMeasurement& m : measurements) {
    if (m.core != fit.core) {
      throw Error("a latency model is of one core, not of {} and {}", fit.core, m.core);
    }
    low += m.low;
    high += m.high;
    all.push_back(&m);
  }
  fit.spread = (high - low) / (high + low);
  fit.costs = fit_all(all, base);
  const std::vector<double> held_out = tell_held_out(measurements, networks, base);

  for (std::size_t layer = 0; layer < kLayerClasses; ++layer) {
    Comparison fitted;
    Comparison unseen;
    for (std::size_t i = 0; i < measurements.size(); ++i) {
      if (index_of(class_of(measurements[i].layer)) != layer) continue;
      fitted.add(measurements[i].cycles(), told(fit.costs, measurements[i].layer));
      unseen.add(measurements[i].cycles(), held_out[i]);
    }
    if (fitted.measured.empty()) continue;
    fit.classes.push_back({.layer = static_cast<LayerClass>(layer),
                           .measurements = static_cast<int>(fitted.measured.size()),
                           .r2 = fitted.r2(),
                           .held_out_r2 = unseen.r2(),
                           .held_out_error = unseen.mean_error()});
  }
  std::vector<double> measured(networks.size(), 0);
  std::vector<double> expected(networks.size(), 0);
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const auto n = static_cast<std::size_t>(networks.at(measurements[i].network));
    measured[n] += measurements[i].cycles();
    expected[n] += held_out[i];
  }
  fit.networks = static_cast<int>(networks.size());
  for (std::size_t n = 0; n < measured.size(); ++n) {
    const double error = std::abs(expected[n] - measured[n]) / measured[n];
    fit.network_error += error / static_cast<double>(measured.size());
    fit.max_network_error = std::max(fit.max_network_error, error);
  }
  return fit;
}

}  // namespace mcunet::engine
