#pragma once

#include <cstdint>
#include <string>

#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

// A PNG of what a network sees: a row of up to `columns` examples for each of the first `max_rows`
// classes that have any. Spectrograms have low frequencies at the top; unreadable files are red.
std::string draw_contact_sheet(const Dataset& dataset, int columns, int max_rows,
                               std::uint64_t seed);

}  // namespace mcunet::datasets
