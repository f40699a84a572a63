#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "assessment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/datasets/dataset.hpp"

// What the network is shown, as JPEG files in a run, for its report.
namespace mcunet::pipeline {

inline constexpr std::size_t kMostPicturedClasses = 12;

// Of examples of a class, by its number; of a mistake, by its place in an Assessment.
inline std::filesystem::path class_picture(std::size_t label) {
  return "pictures/class_" + std::to_string(label) + ".jpg";
}
inline std::filesystem::path mistake_picture(std::size_t index) {
  return "pictures/mistake_" + std::to_string(index) + ".jpg";
}

// Replaces the pictures of a run: of examples of the first classes that have any, and of
// the examples that were got wrong.
void write_pictures(const RunDirectory& run, const datasets::Dataset& test,
                    const Assessment& result, std::uint64_t seed);

}  // namespace mcunet::pipeline
