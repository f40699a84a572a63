#include "pipeline/classification.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

// Only what a classification asks for.
class Names : public datasets::Dataset {
 public:
  Names(std::int64_t size, std::vector<std::string> classes)
      : size_(size), classes_(std::move(classes)) {}
  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  datasets::InputShape input_shape() const override { return {}; }
  std::int32_t label(std::int64_t) const override { return 0; }
  std::string name(std::int64_t index) const override { return "file " + std::to_string(index); }
  std::optional<datasets::Target> load(std::int64_t, RandomStream&,
                                       std::span<float>) const override {
    return std::nullopt;
  }

 private:
  std::int64_t size_;
  std::vector<std::string> classes_;
};

struct Pair {
  std::int32_t label;
  std::int32_t predicted;
};

std::vector<Prediction> predictions_of(const std::vector<Pair>& pairs) {
  std::vector<Prediction> predictions;
  for (const auto& [label, predicted] : pairs) {
    const auto example = static_cast<std::int64_t>(predictions.size());
    predictions.push_back(
        {example, label, predicted, 0.5 + 0.01 * static_cast<double>(example), 0});
  }
  return predictions;
}

Classification small() {
  return classify(predictions_of({{0, 0}, {0, 1}, {0, 0}, {1, 1}, {1, 2}, {2, 2}}),
                  Names(10, {"a", "b", "c"}), 7);
}

// Brown, Cai, DasGupta 2001, formula (4); the figures by an independent program.
TEST(WilsonInterval, HasThePublishedFigures) {
  const struct {
    std::int64_t successes, trials;
    double low, high;
  } cases[] = {{8, 10, 0.49016247153664183, 0.9433178485456247},
               {0, 10, 0, 0.2775327998628892},
               {10, 10, 0.7224672001371107, 1},
               {50, 100, 0.4038315303659956, 0.5961684696340044},
               {1, 1, 0.20654931437723745, 1},
               {81, 263, 0.2552885198782742, 0.36620957698280004},
               {9999, 10000, 0.9994337311025987, 0.9999823473263989},
               {0, 0, 0, 1}};
  for (const auto& [successes, trials, low, high] : cases) {
    const Interval interval = wilson_interval(successes, trials);
    EXPECT_NEAR(interval.low, low, 1e-12) << successes << " of " << trials;
    EXPECT_NEAR(interval.high, high, 1e-12) << successes << " of " << trials;
  }
}

TEST(TopOneText, SaysOnHowManyExamples) {
  EXPECT_EQ(describe_share(top_one(8, 10, 10)), "80.00 % (49.0 to 94.3)");
  EXPECT_EQ(describe_examples(top_one(8, 10, 10)), "on 10 examples");
  EXPECT_EQ(describe_examples(top_one(8, 10, 25)), "on 10 of 25 examples");
}

TEST(Predict, TakesTheFirstOfTheLargest) {
  const std::vector<float> logits = {1, 3, 3, -2};
  const Prediction prediction = predict(7, 2, logits);
  EXPECT_EQ(prediction.example, 7);
  EXPECT_EQ(prediction.label, 2);
  EXPECT_EQ(prediction.predicted, 1);
  EXPECT_NEAR(prediction.confidence, 1 / (std::exp(-2.0) + 1 + 1 + std::exp(-5.0)), 1e-12);
  EXPECT_EQ(predict(0, 0, std::vector<float>{-1, 2.5}).margin, 3.5);
  EXPECT_EQ(predict(0, 0, std::vector<float>{1e9F, 0}).confidence, 1);
}

// As scikit-learn 1.4 tells them of the same labels: recall (2/3, 1/2, 1), precision (1, 1/2, 1/2).
TEST(Classify, CountsByHand) {
  const Classification result = small();
  EXPECT_EQ(result.score, top_one(4, 6, 10));
  EXPECT_EQ(result.unreadable, 1);
  EXPECT_THAT(result.confusion, ElementsAre(2, 1, 0, 0, 1, 1, 0, 0, 1));
  EXPECT_THAT(result.scores,
              ElementsAre(ClassScore{3, 2, 2}, ClassScore{2, 2, 1}, ClassScore{1, 2, 1}));
  EXPECT_NEAR(result.scores[0].recall(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(result.scores[0].precision(), 1, 1e-12);
  EXPECT_NEAR(result.scores[0].f1(), 0.8, 1e-12);
  EXPECT_NEAR(result.balanced_accuracy(), (2.0 / 3 + 0.5 + 1) / 3, 1e-12);
  EXPECT_NEAR(result.macro_f1(), (0.8 + 0.5 + 2.0 / 3) / 3, 1e-12);
  EXPECT_FALSE(result.auc.has_value());
  EXPECT_THAT(result.mistakes,
              ElementsAre(Mistake{4, "file 4", 1, 2, 0.54}, Mistake{1, "file 1", 0, 1, 0.51}));
  EXPECT_EQ(most_taken_for(result, 0), 1);
  EXPECT_EQ(most_taken_for(result, 2), -1);
}

TEST(Classify, LeavesOutClassesThatDoNotOccur) {
  const Names dataset(3, {"a", "b", "never", "only predicted"});
  const Classification result = classify(predictions_of({{0, 0}, {0, 3}, {1, 1}}), dataset, 3);
  EXPECT_NEAR(result.balanced_accuracy(), (0.5 + 1) / 2, 1e-12);
  EXPECT_NEAR(result.macro_f1(), (2.0 / 3 + 1 + 0) / 3, 1e-12);
  EXPECT_THAT(classes_to_show(result, 9), ElementsAre(0, 1));
  EXPECT_THAT(classes_to_show(result, 1), ElementsAre(0)) << "the one of least recall";
}

TEST(Classify, CountsAnExampleOnce) {
  std::vector<Prediction> predictions = predictions_of({{0, 0}, {1, 0}});
  predictions.push_back(predictions[1]);  // in place of one that could not be read
  const Classification result = classify(predictions, Names(3, {"a", "b", "c"}), 3);
  EXPECT_EQ(result.score, top_one(1, 2, 3));
  EXPECT_EQ(result.unreadable, 1);
}

TEST(Classify, OfNothingIsNothing) {
  const Classification result = classify({}, Names(5, {"a", "b"}), 0);
  EXPECT_EQ(result.score.value, 0);
  EXPECT_EQ(result.balanced_accuracy(), 0);
  EXPECT_EQ(result.macro_f1(), 0);
  EXPECT_FALSE(result.auc.has_value());
}

// The first case is the example of scikit-learn's roc_auc_score.
TEST(Classify, TellsTheAreaUnderTheCurveOfTwoClasses) {
  const struct {
    std::vector<std::pair<std::int32_t, double>> examples;  // label, margin
    double auc;
  } cases[] = {{{{0, 0.1}, {0, 0.4}, {1, 0.35}, {1, 0.8}}, 0.75},
               {{{0, 0.5}, {1, 0.5}, {0, 0.2}, {1, 0.9}}, 0.875},
               {{{0, -1}, {1, 1}}, 1},
               {{{1, -1}, {0, 1}}, 0},
               {{{1, 3}, {0, 3}, {0, 3}}, 0.5}};
  for (const auto& [examples, auc] : cases) {
    std::vector<Prediction> predictions;
    for (const auto& [label, margin] : examples) {
      predictions.push_back({static_cast<std::int64_t>(predictions.size()), label, 0, 0.5, margin});
    }
    const Classification result = classify(predictions, Names(9, {"no", "yes"}), 9);
    ASSERT_TRUE(result.auc.has_value());
    EXPECT_NEAR(*result.auc, auc, 1e-12);
  }
  EXPECT_FALSE(classify(predictions_of({{1, 1}, {1, 0}}), Names(2, {"no", "yes"}), 2).auc);
}

TEST(Classify, OfMistakesTheSurestAreTold) {
  std::vector<Pair> pairs(40, {0, 1});
  const Classification result = classify(predictions_of(pairs), Names(40, {"a", "b", "c"}), 40);
  ASSERT_EQ(result.mistakes.size(), Classification::kMostMistakes);
  EXPECT_EQ(result.mistakes.front().example, 39);
  EXPECT_EQ(result.mistakes.back().example, 28);
}

TEST(Classify, OfManyClassesThereIsNoMatrix) {
  std::vector<std::string> names(101, "x");
  EXPECT_TRUE(classify(predictions_of({{0, 100}}), Names(1, names), 1).confusion.empty());
  names.pop_back();
  EXPECT_EQ(classify(predictions_of({{0, 99}}), Names(1, names), 1).confusion.size(), 10'000U);
}

TEST(ClassificationJson, GoesToJsonAndBack) {
  std::vector<Prediction> two = predictions_of({{0, 0}, {1, 0}, {1, 1}});
  two[2].margin = 1;
  for (const Classification& result :
       {small(), classify(two, Names(4, {"no", "yes"}), 4),
        classify(predictions_of({{0, 100}}), Names(1, std::vector<std::string>(101, "x")), 1)}) {
    EXPECT_EQ(classification_from_json(Json::parse(to_json(result).dump())), result);
  }
  const Json json = to_json(small());
  EXPECT_EQ(json.at("examples"), 6);
  EXPECT_EQ(json.at("of"), 10);
  EXPECT_NEAR(json.at("top1_low").get<double>(), wilson_interval(4, 6).low, 1e-12);
  EXPECT_NEAR(json.at("top1_high").get<double>(), wilson_interval(4, 6).high, 1e-12);
  EXPECT_EQ(json.at("confusion").dump(), "[[2,1,0],[0,1,1],[0,0,1]]");
  EXPECT_EQ(json.at("classes").at(1).at("name"), "b");
  EXPECT_TRUE(json.at("auc").is_null());
}

TEST(ClassificationJson, RefusesWhatMakesNoSense) {
  const struct {
    const char* pointer;
    Json value;
    const char* told;
  } cases[] = {{"/correct", 7, "do not go together"},
               {"/examples", 11, "do not go together"},
               {"/top1", 0.9, "do not go together"},
               {"/of", -1, "of: must be an integer"},
               {"/classes/0/examples", 0.5, "examples: must be an integer"},
               {"/confusion", Json::array({Json::array({1})}), "must be 3 rows of 3 counts"},
               {"/mistakes/0/label", 3, "label: must be an integer from 0 to 2"},
               {"/mistakes/0/confidence", 2, "confidence: must be a number from 0 to 1"},
               {"/auc", 1.5, "auc: must be a number from 0 to 1"}};
  for (const auto& [pointer, value, told] : cases) {
    Json json = to_json(small());
    json[Json::json_pointer(pointer)] = value;
    EXPECT_THAT(error_of([&, &damaged = json] { classification_from_json(damaged); }),
                HasSubstr(told))
        << pointer;
  }
}

// Takes `for_second` of the examples for the second class, and the first ones right otherwise.
Classification taken(std::int64_t firsts, std::int64_t seconds, std::int64_t for_second) {
  std::vector<Pair> pairs;
  for (std::int64_t i = 0; i < firsts + seconds; ++i) {
    pairs.push_back({i < firsts ? 0 : 1, i < firsts + seconds - for_second ? 0 : 1});
  }
  return classify(predictions_of(pairs), Names(firsts + seconds, {"cat", "dog\n"}), 1000);
}

TEST(Classification, TellsOfANetworkThatAnswersOneClass) {
  const Classification constant = taken(8, 64, 72);
  EXPECT_EQ(describe_near_constant(constant),
            "takes 72 of 72 examples for dog\\x0a: it hardly tells the classes apart");
  EXPECT_EQ(to_json(constant).at("near_constant"), "dog\n");
  EXPECT_EQ(near_constant(taken(50, 50, 95)), 1);
  EXPECT_EQ(near_constant(taken(50, 50, 94)), -1);
  EXPECT_EQ(near_constant(taken(50, 50, 4)), 0);
  EXPECT_EQ(near_constant(taken(4, 96, 96)), -1);    // as many are of it
  EXPECT_EQ(near_constant(taken(4, 96, 100)), 1);    // but nothing else is ever answered
  EXPECT_EQ(near_constant(taken(0, 100, 100)), -1);  // there is nothing else
  EXPECT_EQ(near_constant(taken(4, 5, 9)), -1);
  EXPECT_TRUE(to_json(small()).at("near_constant").is_null());
}

}  // namespace
}  // namespace mcunet::pipeline
