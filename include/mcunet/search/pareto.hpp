#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "mcunet/search/search_state.hpp"

// Trade-offs between accuracy and resources. Points are vectors of which every value is to be
// small.
namespace mcunet::search {

enum class Objective { kAccuracy, kSram, kFlash, kMacs, kLatency, kEnergy };

std::string_view name_of(Objective objective);

// In its own unit: accuracy in [0, 1], bytes, MACs, ms, mJ.
double value_of(const Candidate& candidate, Objective objective);

using Point = std::vector<double>;

// Accuracy with its sign turned.
std::vector<Point> points_of(std::span<const Candidate> candidates,
                             std::span<const Objective> objectives);

// Nowhere worse and somewhere better.
bool dominates(const Point& a, const Point& b);

// Per point, 0 for those that no other dominates, 1 for those that only these dominate, and so on.
// O(n²) comparisons for n points.
std::vector<int> nondominated_ranks(std::span<const Point> points);

// Indices of the points that no other dominates, in their order; of equal points the first.
std::vector<std::size_t> front_of(std::span<const Point> points);

// Crowding distance (Deb et al. 2002) of each of the points, which should be of one rank: the sum
// over objectives of the distance between its neighbours, as a share of the range; infinite at
// ends.
std::vector<double> crowding_distances(std::span<const Point> points);

// The volume that the points dominate up to a reference point; exact. Quick in two dimensions; in
// more the time grows steeply with the number of points on the front.
double hypervolume(std::span<const Point> points, const Point& reference);

}  // namespace mcunet::search
