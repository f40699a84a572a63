#include "mcunet/search/pareto.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace mcunet::search {
namespace {

// The volume between a point and the reference.
double box(const Point& point, const Point& reference) {
  double volume = 1;
  for (std::size_t i = 0; i < point.size(); ++i) volume *= reference[i] - point[i];
  return volume;
}

// Points sorted by their first value: strips between one point and the next.
double area(std::vector<Point> points, const Point& reference) {
  std::sort(points.begin(), points.end());
  double sum = 0;
  double lowest = reference[1];
  for (const Point& point : points) {
    if (point[1] >= lowest) continue;
    sum += (reference[0] - point[0]) * (lowest - point[1]);
    lowest = point[1];
  }
  return sum;
}

std::vector<Point> front_points(std::span<const Point> points) {
  std::vector<Point> front;
  for (std::size_t i : front_of(points)) front.push_back(points[i]);
  return front;
}

// While et al. 2012: what a point adds to those after it is its box without what of it they
// dominate, which are again points, each no better than it anywhere.
double volume_of_front(std::vector<Point> front, const Point& reference) {
  if (front.empty()) return 0;
  if (reference.size() == 2) return area(std::move(front), reference);
  std::sort(front.begin(), front.end(), std::greater<>());
  double sum = 0;
  for (std::size_t i = 0; i < front.size(); ++i) {
    std::vector<Point> limited(front.begin() + static_cast<std::ptrdiff_t>(i) + 1, front.end());
    for (Point& other : limited) {
      for (std::size_t d = 0; d < other.size(); ++d) other[d] = std::max(other[d], front[i][d]);
    }
    sum += box(front[i], reference) - volume_of_front(front_points(limited), reference);
  }
  return sum;
}

}  // namespace

std::string_view name_of(Objective objective) {
  switch (objective) {
    case Objective::kAccuracy:
      return "accuracy";
    case Objective::kSram:
      return "sram";
    case Objective::kFlash:
      return "flash";
    case Objective::kMacs:
      return "macs";
    case Objective::kLatency:
      return "latency";
    case Objective::kEnergy:
      return "energy";
  }
  return "";
}

double value_of(const Candidate& candidate, Objective objective) {
  switch (objective) {
    case Objective::kAccuracy:
      return candidate.accuracy;
    case Objective::kSram:
      return static_cast<double>(candidate.resources.peak_sram_bytes);
    case Objective::kFlash:
      return static_cast<double>(candidate.resources.flash_bytes);
    case Objective::kMacs:
      return static_cast<double>(candidate.resources.macs);
    case Objective::kLatency:
      return candidate.resources.latency_ms;
    case Objective::kEnergy:
      return candidate.resources.energy_mj;
  }
  return 0;
}

std::vector<Point> points_of(std::span<const Candidate> candidates,
                             std::span<const Objective> objectives) {
  std::vector<Point> points;
  for (const Candidate& candidate : candidates) {
    Point& point = points.emplace_back();
    for (Objective objective : objectives) {
      const double value = value_of(candidate, objective);
      point.push_back(objective == Objective::kAccuracy ? -value : value);
    }
  }
  return points;
}

bool dominates(const Point& a, const Point& b) {
  bool is_better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    is_better = is_better || a[i] < b[i];
  }
  return is_better;
}

// Deb's fast sorting: how many points dominate each, and whom each dominates; points of the next
// rank are those left without a dominator.
std::vector<int> nondominated_ranks(std::span<const Point> points) {
  std::vector<std::vector<std::size_t>> dominated(points.size());
  std::vector<int> dominators(points.size(), 0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      if (dominates(points[i], points[j])) {
        dominated[i].push_back(j);
        ++dominators[j];
      } else if (dominates(points[j], points[i])) {
        dominated[j].push_back(i);
        ++dominators[i];
      }
    }
  }
  std::vector<int> ranks(points.size(), 0);
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (dominators[i] == 0) front.push_back(i);
  }
  for (int rank = 1; !front.empty(); ++rank) {
    std::vector<std::size_t> next;
    for (std::size_t i : front) {
      for (std::size_t j : dominated[i]) {
        if (--dominators[j] > 0) continue;
        ranks[j] = rank;
        next.push_back(j);
      }
    }
    front = std::move(next);
  }
  return ranks;
}

// In the order of their values a point can only be dominated by one before it.
std::vector<std::size_t> front_of(std::span<const Point> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return points[a] < points[b]; });
  std::vector<std::size_t> front;
  for (std::size_t i : order) {
    const bool is_beaten = std::any_of(front.begin(), front.end(), [&](std::size_t f) {
      return points[f] == points[i] || dominates(points[f], points[i]);
    });
    if (!is_beaten) front.push_back(i);
  }
  std::sort(front.begin(), front.end());
  return front;
}

std::vector<double> crowding_distances(std::span<const Point> points) {
  std::vector<double> distances(points.size(), 0);
  if (points.empty()) return distances;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t d = 0; d < points.front().size(); ++d) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return points[a][d] < points[b][d]; });
    const double range = points[order.back()][d] - points[order.front()][d];
    distances[order.front()] = kInfinity;
    distances[order.back()] = kInfinity;
    if (range <= 0) continue;
    for (std::size_t i = 1; i + 1 < order.size(); ++i) {
      distances[order[i]] += (points[order[i + 1]][d] - points[order[i - 1]][d]) / range;
    }
  }
  return distances;
}

double hypervolume(std::span<const Point> points, const Point& reference) {
  std::vector<Point> inside;
  for (const Point& point : points) {
    bool is_inside = true;
    for (std::size_t i = 0; i < point.size(); ++i) is_inside &= point[i] < reference[i];
    if (is_inside) inside.push_back(point);
  }
  if (inside.empty()) return 0;
  if (reference.size() == 1) {
    return reference[0] - std::min_element(inside.begin(), inside.end())->front();
  }
  return volume_of_front(front_points(inside), reference);
}

}  // namespace mcunet::search
