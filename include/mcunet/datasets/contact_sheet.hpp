#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

// A PNG of what a network sees: a row of up to `columns` examples for each of the first `max_rows`
// classes that have any. Boxes are drawn over their images; spectrograms have low frequencies at the
// top; unreadable files are red.
std::string draw_contact_sheet(const Dataset& dataset, int columns, int max_rows,
                               std::uint64_t seed);

// Up to `most` examples of each class, drawn by the seed: [class][example]. An image is one of each
// class that has an object on it.
std::vector<std::vector<std::int64_t>> choose_examples(const Dataset& dataset, std::size_t most,
                                                       std::uint64_t seed);

// A JPEG of these examples beside each other, as a contact sheet shows them.
std::string draw_examples(const Dataset& dataset, std::span<const std::int64_t> examples,
                          std::uint64_t seed);

// An image twice, side by side, as JPEG: with its objects, and with what a detector found there.
std::string draw_found(const Dataset& dataset, std::int64_t example, const Detections& found,
                       std::uint64_t seed);

}  // namespace mcunet::datasets
