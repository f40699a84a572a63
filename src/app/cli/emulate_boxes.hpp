#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "emulate_inputs.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "pipeline/postprocessing_code.hpp"

// What a detector's firmware found, for people and for programs.
namespace mcunet::cli {

struct FoundObjects {
  datasets::Detections detections;
  bool is_exact = false;               // the host finds the same in the firmware's output
  std::vector<datasets::Box> pixels;   // of the boxes, where the input is an image
  std::string picture;                 // PNG; empty where the input is none
  std::filesystem::path picture_file;  // empty: not written
};

// How the host decodes the output of a detector; nothing if the model is none. Throws Error.
std::optional<datasets::DetectionTables> read_detector(const std::string& folder,
                                                       const deploy::ModelDescription& model);

// One for each inference of a detector.
std::vector<FoundObjects> find_objects(const datasets::DetectionTables& detector,
                                       const deploy::ModelDescription& model,
                                       const NamedInputs& inputs,
                                       const deploy::EmulationResult& result,
                                       const pipeline::MediaReader& media);

// folder/NAME.boxes.png for each input that is an image, else empty. Throws Error, before anything is
// done, if two are the same or if one is there and no PNG.
std::vector<std::filesystem::path> picture_files(const std::filesystem::path& folder,
                                                 const NamedInputs& inputs);

// [{"class", "score", "box": [left, top, right, bottom], "pixels": likewise}]: shares of what the
// network sees, and, of an image, its pixels.
nlohmann::ordered_json to_json(const FoundObjects& found, const std::vector<std::string>& classes);

void print_objects(const std::vector<FoundObjects>& found, const NamedInputs& inputs,
                   const std::vector<std::string>& classes);

}  // namespace mcunet::cli
