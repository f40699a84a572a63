#include "mcunet/datasets/anchors.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet::datasets {
namespace {

constexpr std::size_t kMostBoxes = 20'000;  // whose clusters are sought
constexpr std::uint64_t kStarts = 8;        // k-means finds a local optimum: the best of so many
constexpr int kMostSteps = 100;
constexpr double kLeastDistance = 1e-12;  // of sizes that rounding makes equal

// Boxes of one size.
struct Size {
  Anchor sides;
  double count = 0;
};

double overlap(const Anchor& a, const Anchor& b) {
  const double both = std::min(a.width, b.width) * std::min(a.height, b.height);
  return both / (a.width * a.height + b.width * b.height - both);
}

std::pair<std::size_t, double> nearest(const Anchor& sides, std::span<const Anchor> anchors) {
  std::pair<std::size_t, double> best{0, -1};
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const double value = overlap(sides, anchors[i]);
    if (value > best.second) best = {i, value};
  }
  return best;
}

double mean_overlap_of(std::span<const Size> sizes, std::span<const Anchor> anchors) {
  double sum = 0;
  double count = 0;
  for (const Size& size : sizes) {
    sum += size.count * nearest(size.sides, anchors).second;
    count += size.count;
  }
  return count == 0 ? 0 : sum / count;
}

std::vector<Size> sizes_of(std::span<const Box> boxes) {
  std::map<std::pair<double, double>, double> counts;
  for (const Box& box : boxes) {
    if (box.width() > 0 && box.height() > 0) ++counts[{box.width(), box.height()}];
  }
  std::vector<Size> sizes;
  for (const auto& [sides, count] : counts) sizes.push_back({{sides.first, sides.second}, count});
  return sizes;
}

// Each next one with a chance that grows with its distance to those before (k-means++).
std::vector<Anchor> first_anchors(std::span<const Size> sizes, std::size_t count,
                                  RandomStream& random) {
  std::vector<Anchor> anchors;
  std::vector<double> weights;
  for (const Size& size : sizes) weights.push_back(size.count);
  while (true) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    double drawn = random.uniform() * sum;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (weights[i] <= 0) continue;
      chosen = i;
      drawn -= weights[i];
      if (drawn < 0) break;
    }
    anchors.push_back(sizes[chosen].sides);
    if (anchors.size() == count) return anchors;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto [anchor, value] = nearest(sizes[i].sides, anchors);
      const bool is_chosen = sizes[i].sides == anchors[anchor];
      weights[i] = is_chosen ? 0 : sizes[i].count * std::max(1 - value, kLeastDistance);
    }
  }
}

// Means of the clusters; an anchor without boxes stays where it is.
std::vector<Anchor> means_of(std::span<const Size> sizes, std::vector<Anchor> anchors) {
  std::vector<Size> sums(anchors.size());
  for (const Size& size : sizes) {
    Size& sum = sums[nearest(size.sides, anchors).first];
    sum.sides.width += size.count * size.sides.width;
    sum.sides.height += size.count * size.sides.height;
    sum.count += size.count;
  }
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const Size& sum = sums[i];
    if (sum.count > 0) anchors[i] = {sum.sides.width / sum.count, sum.sides.height / sum.count};
  }
  return anchors;
}

}  // namespace

std::vector<Anchor> choose_anchors(std::span<const Box> boxes, int count, std::uint64_t seed) {
  if (count < 1) throw Error("at least one anchor must be chosen, not {}", count);
  std::vector<Box> some(boxes.begin(), boxes.end());
  if (some.size() > kMostBoxes) {
    RandomStream(seed).shuffle(some);
    some.resize(kMostBoxes);
  }
  const std::vector<Size> sizes = sizes_of(some);
  if (sizes.empty()) throw Error("there are no boxes to choose anchors by");
  const std::size_t wanted = std::min(static_cast<std::size_t>(count), sizes.size());
  std::vector<Anchor> best;
  double best_overlap = -1;
  for (std::uint64_t start = 0; start < kStarts; ++start) {
    RandomStream random(seed, {start});
    std::vector<Anchor> anchors = first_anchors(sizes, wanted, random);
    // With this distance a step may also lead away; the best is kept.
    for (int step = 0; step < kMostSteps; ++step) {
      const double value = mean_overlap_of(sizes, anchors);
      if (value > best_overlap) {
        best_overlap = value;
        best = anchors;
      }
      std::vector<Anchor> next = means_of(sizes, anchors);
      if (next == anchors) break;
      anchors = std::move(next);
    }
  }
  std::sort(best.begin(), best.end(), [](const Anchor& a, const Anchor& b) {
    return std::pair(a.width * a.height, a.width) < std::pair(b.width * b.height, b.width);
  });
  return best;
}

double mean_overlap(std::span<const Box> boxes, std::span<const Anchor> anchors) {
  if (anchors.empty()) return 0;
  return mean_overlap_of(sizes_of(boxes), anchors);
}

}  // namespace mcunet::datasets
