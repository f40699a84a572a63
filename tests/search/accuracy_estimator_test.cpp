#include "mcunet/search/accuracy_estimator.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

TEST(AccuracyEstimator, EstimatesSeveralInTheirOrder) {
  const std::vector<space::Subnet> subnets = enumerate(make_small_space());
  SyntheticAccuracy accuracy(4);
  const std::vector<double> all = accuracy.estimate_all(std::span(subnets).first(5));
  ASSERT_EQ(all.size(), 5u);
  std::vector<std::size_t> told;
  accuracy.estimate_each(std::span(subnets).first(5), [&](std::size_t index, double value) {
    EXPECT_EQ(value, all.at(index));
    EXPECT_EQ(value, accuracy.estimate(subnets[index]));
    told.push_back(index);
  });
  EXPECT_THAT(told, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_TRUE(accuracy.estimate_all({}).empty());
}

// One that works on several at the same time tells them as they come.
TEST(AccuracyEstimator, PutsThemInOrderHoweverTheyCome) {
  class Backwards : public SyntheticAccuracy {
   public:
    using SyntheticAccuracy::SyntheticAccuracy;
    void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) override {
      for (std::size_t i = subnets.size(); i-- > left_out;) arrived(i, estimate(subnets[i]));
    }
    std::size_t left_out = 0;
  };
  const std::vector<space::Subnet> subnets = enumerate(make_small_space());
  Backwards backwards(4);
  EXPECT_EQ(backwards.estimate_all(subnets), SyntheticAccuracy(4).estimate_all(subnets));
  backwards.left_out = 2;
  EXPECT_EQ(error_of([&] { backwards.estimate_all(std::span(subnets).first(5)); }),
            "the accuracy estimator gave 3 values for 5 sub-networks");
}

}  // namespace
}  // namespace mcunet::search
