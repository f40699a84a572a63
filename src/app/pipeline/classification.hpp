#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "score.hpp"

// What a classifier's predictions on a split of a dataset tell.
namespace mcunet::datasets {
class Dataset;
}

namespace mcunet::pipeline {

// Of one example.
struct Prediction {
  std::int64_t example = 0;  // index in the dataset
  std::int32_t label = 0;
  std::int32_t predicted = 0;
  double confidence = 0;  // the probability of `predicted`
  double margin = 0;      // of two classes: the second's logit less the first's
};

// The first of the largest logits wins, as in firmware.
Prediction predict(std::int64_t example, std::int32_t label, std::span<const float> logits);

// Of one class. Shares of nothing are 0.
struct ClassScore {
  std::int64_t examples = 0;   // of the class
  std::int64_t predicted = 0;  // taken for it
  std::int64_t correct = 0;    // both

  bool operator==(const ClassScore&) const = default;
  double recall() const;  // the accuracy on the class
  double precision() const;
  double f1() const;
};

struct Mistake {
  std::int64_t example = 0;
  std::string name;  // of the example
  std::int32_t label = 0;
  std::int32_t predicted = 0;
  double confidence = 0;

  bool operator==(const Mistake&) const = default;
};

struct Classification {
  Score score;                  // top-1
  std::int64_t unreadable = 0;  // of the examples that were chosen
  std::vector<std::string> classes;
  std::vector<ClassScore> scores;       // by class
  std::vector<std::int64_t> confusion;  // counts [label][predicted]; empty beyond kMostInMatrix
  std::optional<double> auc;            // of two classes that both have examples
  std::vector<Mistake> mistakes;        // the surest first, at most kMostMistakes

  static constexpr std::size_t kMostInMatrix = 100;
  static constexpr std::size_t kMostMistakes = 12;

  bool operator==(const Classification&) const = default;
  double balanced_accuracy() const;  // the mean recall of the classes that have examples
  double macro_f1() const;           // the mean over the classes that occur, or are predicted
};

// `chosen` examples of the dataset were to be predicted; those without a prediction were unreadable.
// Of several predictions for an example the first counts.
Classification classify(std::span<const Prediction> predictions, const datasets::Dataset& dataset,
                        std::int64_t chosen);

// The score's keys, and unreadable, balanced_accuracy, macro_f1, auc (null), near_constant (the
// class's name, or null), classes[] {name, examples, predicted, correct, recall, precision, f1}, confusion[][] (null), mistakes[]. Reading throws Error if
// something is missing or makes no sense.
nlohmann::ordered_json to_json(const Classification& result);
Classification classification_from_json(const nlohmann::ordered_json& json);

// The class that examples of `label` are most often taken for, other than itself; -1: none.
std::int32_t most_taken_for(const Classification& result, std::size_t label);

// The class that 95 % of the examples or more are taken for, though not as many are of it; -1: none,
// or there are fewer than ten examples.
std::int32_t near_constant(const Classification& result);

// "takes 72 of 72 examples for dog: it hardly tells the classes apart"; empty if it does.
std::string describe_near_constant(const Classification& result);

// Labels of at most `most` classes that have examples: all in their order, or those of least recall
// first if there are more.
std::vector<std::size_t> classes_to_show(const Classification& result, std::size_t most);

}  // namespace mcunet::pipeline
