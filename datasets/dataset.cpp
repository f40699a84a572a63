#include "mcunet/datasets/dataset.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::datasets {

std::optional<Picture> Dataset::load_pixels(std::int64_t index, RandomStream&,
                                            std::span<std::uint8_t>) const {
  throw Error("{}: is not made of pixels", name(index));
}

void require_readable(const Dataset& dataset, std::int64_t unreadable, std::int64_t seen,
                      const std::string& first) {
  const std::int64_t of = std::max(seen, std::min<std::int64_t>(1000, dataset.size()));
  const double most = dataset.max_unreadable_share() * static_cast<double>(of);
  if (unreadable == 0 || static_cast<double>(unreadable) <= most) return;
  throw Error(
      "dataset: {} of {} files cannot be read, more than dataset.max_unreadable_share = {}; the "
      "first is {}",
      unreadable, of, dataset.max_unreadable_share(), first);
}

}  // namespace mcunet::datasets
