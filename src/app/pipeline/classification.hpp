#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What a classifier's predictions on a split of a dataset tell. Every accuracy says on how many of how
// many examples it was measured, and how far chance may have moved it.
namespace mcunet::datasets {
class Dataset;
}

namespace mcunet::pipeline {

struct Interval {
  double low = 0;
  double high = 1;
};

// Of a share, at 95 % confidence, by Wilson's score; 0 to 1 where there are no trials.
Interval wilson_interval(std::int64_t successes, std::int64_t trials);

// A share of examples that were classified rightly.
struct TopOne {
  std::int64_t correct = 0;
  std::int64_t examples = 0;  // that it was measured on
  std::int64_t of = 0;        // in the split

  bool operator==(const TopOne&) const = default;
  double share() const;
  Interval interval() const { return wilson_interval(correct, examples); }
};

// Keys: top1, top1_low, top1_high, correct, examples, of. Reading throws Error if the numbers do not
// go together.
nlohmann::ordered_json to_json(const TopOne& top1);
TopOne top1_from_json(const nlohmann::ordered_json& json);

// "81.25 % (77.4 to 84.6)"; "on 400 examples", "on 400 of 2000 examples".
std::string describe_share(const TopOne& top1);
std::string describe_examples(const TopOne& top1);

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
  TopOne top1;
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

// TopOne's keys, and unreadable, balanced_accuracy, macro_f1, auc (null), near_constant (the
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
