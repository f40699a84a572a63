#include "mcunet/engine/timing/latency_fit.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;

const LayerCosts kTruth = [] {
  LayerCosts costs{};
  costs[static_cast<std::size_t>(LayerClass::kPointwise)] = {400, 0.9, 1.5, 7, 80, 1.2, 3, 30};
  costs[static_cast<std::size_t>(LayerClass::kDepthwise3)] = {900, 0.6, 1, 6, 0, 2.5, 0, 30, 70};
  return costs;
}();

// Layers of ten networks as a core of the true costs would take them, some of them off by up to
// `noise`.
std::vector<LayerMeasurement> make_measurements(double noise) {
  RandomStream random(1);
  LatencyModel model;
  model.costs = kTruth;
  std::vector<LayerMeasurement> measurements;
  for (int i = 0; i < 300; ++i) {
    const auto side = static_cast<std::int32_t>(4 + random.index(60));
    const auto channels = static_cast<std::int32_t>(8 + random.index(100));
    const auto outputs = static_cast<std::int32_t>(8 + random.index(100));
    LayerShape layer{.input = {side, side, channels}, .output = {side, side, outputs}};
    if (i % 2 == 1) {
      layer = {OpKind::kDepthwiseConv2d, 3, 3, 1, layer.input, layer.input};
    }
    const double factor = 1 + noise * (2 * random.uniform() - 1);
    const double cycles = factor * model.cycles(layer);
    measurements.push_back(
        {"cortex-m4", std::to_string(i % 10), layer, 0.75 * cycles, 1.25 * cycles});
  }
  return measurements;
}

TEST(LatencyFit, FindsTheCostsThatMadeTheMeasurements) {
  const LatencyFit fit = fit_latency(make_measurements(0), {});
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    EXPECT_NEAR(fit.costs[0][kind], kTruth[0][kind], 1e-3 + 1e-3 * kTruth[0][kind]);
  }
  // Of 3x3 windows all outputs have nine taps: their costs are one, however they are divided.
  ASSERT_EQ(fit.classes.size(), 2u);
  for (const FitQuality& quality : fit.classes) EXPECT_GT(quality.r2, 0.999999);
  EXPECT_LT(fit.max_network_error, 1e-6);
  EXPECT_EQ(fit.networks, 10);
  EXPECT_EQ(fit.core, "cortex-m4");
  EXPECT_NEAR(fit.spread, 0.25, 1e-9);
}

TEST(LatencyFit, TellsItsErrorOnNetworksItHasNotSeen) {
  const LatencyFit fit = fit_latency(make_measurements(0.1), {});
  ASSERT_EQ(fit.classes.size(), 2u);
  for (const FitQuality& quality : fit.classes) {
    EXPECT_EQ(quality.measurements, 150);
    EXPECT_NEAR(quality.held_out_error, 0.05, 0.015) << "the mean of uniform noise up to 0.1";
    EXPECT_LE(quality.held_out_r2, quality.r2);
  }
  EXPECT_LT(fit.network_error, 0.05) << "errors of layers cancel out";
}

TEST(LatencyFit, CostsAreNeverNegative) {
  // More pixels take less time here.
  std::vector<LayerMeasurement> measurements;
  for (std::int32_t side = 4; side < 40; ++side) {
    const Shape shape{side, side, 8};
    measurements.push_back({"cortex-m4",
                            std::to_string(side % 3),
                            {.input = shape, .output = shape},
                            1000.0 / side,
                            1000.0 / side});
  }
  for (const WorkAmounts& costs : fit_latency(measurements, {}).costs) {
    for (double cost : costs) EXPECT_GE(cost, 0);
  }
}

TEST(LatencyFit, ClassesThatWereNotMeasuredKeepTheirCosts) {
  const LayerCosts base = LatencyModel::default_costs();
  const LatencyFit fit = fit_latency(make_measurements(0), base);
  const auto depthwise7 = static_cast<std::size_t>(LayerClass::kDepthwise7);
  EXPECT_EQ(fit.costs[depthwise7], base[depthwise7]);
}

TEST(LatencyFit, MeasurementsRoundTripThroughTheirFile) {
  const std::vector<LayerMeasurement> measurements = make_measurements(0.1);
  const std::string csv = "# made by hand\n" + write_measurements(measurements);
  EXPECT_EQ(read_measurements(csv, "x.csv"), measurements);
}

TEST(LatencyFit, RefusesFilesOfAnotherForm) {
  const std::string header = write_measurements({});
  const auto complaint = [&](const std::string& text) {
    return error_of([&] { read_measurements(text, "x.csv"); });
  };
  EXPECT_THAT(complaint("a,b\n"), HasSubstr("x.csv:1: must be the header"));
  EXPECT_EQ(complaint(header + "a,b\n"), "x.csv:2: must have 14 fields, has 2");
  EXPECT_EQ(complaint(header + "m,a,conv,1,1,1,1,1,1,1,1,1,5,5\n"), "x.csv:2: conv is no operator");
  EXPECT_EQ(complaint(header + "m,a,conv_2d,1,1,0,1,1,1,1,1,1,5,5\n"),
            "x.csv:2: must be a whole number of at least 1, is 0");
  EXPECT_EQ(complaint(header + "m,a,conv_2d,1,1,1,1,1,1,1,1,1,-5,5\n"),
            "x.csv:2: cycles must be greater than 0, are -5");
  EXPECT_EQ(complaint(header + "m,a,conv_2d,1,1,1,1,1,1,1,1,1,5,4\n"),
            "x.csv:2: high must be at least low, 5, is 4");
  EXPECT_EQ(error_of([&] { fit_latency({}, {}); }),
            "a latency model needs measurements of at least 2 networks, not 0");
  std::vector<LayerMeasurement> mixed = make_measurements(0);
  mixed.back().core = "cortex-m7";
  EXPECT_EQ(error_of([&] { fit_latency(mixed, {}); }),
            "a latency model is of one core, not of cortex-m4 and cortex-m7");
}

}  // namespace
}  // namespace mcunet::engine
