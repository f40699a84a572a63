#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "classification.hpp"
#include "detection.hpp"
#include "regression.hpp"

// What a network told of a split of a dataset, whatever its task.
namespace mcunet::pipeline {

using Assessment = std::variant<Classification, DetectionResult, RegressionResult>;

const Score& score_of(const Assessment& assessment);

// The score's keys and those of the kind; the metric tells which it is. Reading throws Error if
// something is missing or makes no sense.
nlohmann::ordered_json to_json(const Assessment& assessment);
Assessment assessment_from_json(const nlohmann::ordered_json& json);

// Of which pictures are worth a look: what was got wrong, in the order in which it is listed.
std::vector<std::int64_t> examples_to_show(const Assessment& assessment);

// Of an inference as an export tells of it (to_json of an Answer): "cat taken for dog", "2 cat, 1 dog",
// "12.3".
std::string describe_answer(const nlohmann::ordered_json& inference,
                            const std::vector<std::string>& classes);

// What makes the network useless: "takes 72 of 72 examples for dog: …"; empty if nothing does.
std::string describe_defect(const Assessment& assessment);

}  // namespace mcunet::pipeline
