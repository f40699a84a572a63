#include "mcunet/search/pareto.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "mcunet/core/random.hpp"

namespace mcunet::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Point> random_points(std::uint64_t seed, int count, std::size_t dimensions,
                                 std::uint32_t steps) {
  RandomStream random(seed, {dimensions});
  std::vector<Point> points(static_cast<std::size_t>(count), Point(dimensions));
  for (Point& point : points) {
    for (double& value : point) value = random.index(steps);
  }
  return points;
}

// Counts the unit cells that some point dominates.
double count_cells(const std::vector<Point>& points, const Point& reference) {
  Point cell(reference.size(), 0);
  double count = 0;
  for (;;) {
    for (const Point& point : points) {
      bool is_inside = true;
      for (std::size_t i = 0; i < cell.size(); ++i) is_inside &= point[i] <= cell[i];
      if (is_inside) {
        ++count;
        break;
      }
    }
    std::size_t i = 0;
    while (i < cell.size() && ++cell[i] == reference[i]) cell[i++] = 0;
    if (i == cell.size()) return count;
  }
}

TEST(Pareto, HypervolumeCountsTheCellsBelowTheReference) {
  for (std::size_t dimensions : {1u, 2u, 3u, 4u, 5u}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const std::vector<Point> points = random_points(seed, 12, dimensions, 7);
      const Point reference(dimensions, 6);
      EXPECT_EQ(hypervolume(points, reference), count_cells(points, reference));
    }
  }
  EXPECT_EQ(hypervolume({}, {1, 1}), 0);
  EXPECT_EQ(hypervolume(std::vector<Point>{{2, 0}}, {1, 1}), 0) << "beyond the reference";
}

TEST(Pareto, RanksPeelFrontsOneByOne) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Point> points = random_points(seed, 60, 1 + seed % 4, 6);
    const std::vector<int> ranks = nondominated_ranks(points);
    std::vector<bool> is_left(points.size(), true);
    for (int rank = 0; std::count(is_left.begin(), is_left.end(), true) > 0; ++rank) {
      std::vector<std::size_t> front;
      for (std::size_t i = 0; i < points.size(); ++i) {
        bool is_beaten = !is_left[i];
        for (std::size_t j = 0; j < points.size(); ++j) {
          is_beaten = is_beaten || (is_left[j] && dominates(points[j], points[i]));
        }
        if (!is_beaten) front.push_back(i);
      }
      ASSERT_FALSE(front.empty());
      for (std::size_t i : front) {
        EXPECT_EQ(ranks[i], rank);
        is_left[i] = false;
      }
    }
  }
}

TEST(Pareto, TheFrontHoldsTheFirstOfEqualPoints) {
  const std::vector<Point> points = {{2, 2}, {1, 3}, {2, 2}, {3, 3}, {1, 4}, {0, 9}};
  EXPECT_THAT(front_of(points), ElementsAre(0, 1, 5));
  EXPECT_THAT(front_of(std::vector<Point>{}), IsEmpty());
}

TEST(Pareto, DominanceNeedsOneValueThatIsBetter) {
  EXPECT_TRUE(dominates({1, 2}, {1, 3}));
  EXPECT_FALSE(dominates({1, 2}, {1, 2}));
  EXPECT_FALSE(dominates({1, 2}, {0, 3}));
}

TEST(Pareto, CrowdingIsTheDistanceBetweenNeighbours) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<Point> points = {{0, 10}, {1, 6}, {4, 4}, {10, 0}};
  EXPECT_THAT(crowding_distances(points), ElementsAre(kInfinity, testing::DoubleEq(0.4 + 0.6),
                                                      testing::DoubleEq(0.9 + 0.6), kInfinity));
}

TEST(Pareto, PointsAreSmallWhereCandidatesAreGood) {
  const std::vector<Candidate> candidates = {
      {.subnet = {},
       .resources =
           {.peak_sram_bytes = 1, .flash_bytes = 2, .macs = 3, .latency_ms = 4, .energy_mj = 5},
       .accuracy = 0.5}};
  const std::vector<Objective> objectives = {Objective::kSram,    Objective::kAccuracy,
                                             Objective::kFlash,   Objective::kMacs,
                                             Objective::kLatency, Objective::kEnergy};
  EXPECT_THAT(points_of(candidates, objectives), ElementsAre(ElementsAre(1, -0.5, 2, 3, 4, 5)));
  EXPECT_EQ(value_of(candidates[0], Objective::kAccuracy), 0.5);
  EXPECT_EQ(name_of(Objective::kLatency), "latency");
}

}  // namespace
}  // namespace mcunet::search
