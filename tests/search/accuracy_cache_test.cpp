#include "mcunet/search/accuracy_cache.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class AccuracyCacheTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_ / "accuracies.jsonl"; }
  std::string text() const { return read_file(file()); }

  TemporaryFolder folder_;
  space::SearchSpace space_ = make_small_space();
  std::vector<space::Subnet> subnets_ = enumerate(space_);
  SyntheticAccuracy accuracy_{4};
};

TEST_F(AccuracyCacheTest, AsksForEachNetworkOnce) {
  AccuracyCache cache(accuracy_, space_, file(), "a");
  const std::vector<space::Subnet> asked = {subnets_[3], subnets_[1], subnets_[3]};
  const std::vector<double> expected = SyntheticAccuracy(4).estimate_all(asked);
  EXPECT_EQ(cache.estimate_all(asked), expected);
  EXPECT_EQ(accuracy_.asked, 2);
  EXPECT_EQ(cache.estimate_all(asked), expected);
  EXPECT_EQ(accuracy_.asked, 2);
  EXPECT_EQ(cache.evaluations(), 2);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_GE(cache.seconds(), 0);
}

TEST_F(AccuracyCacheTest, RemembersExactlyAcrossProcesses) {
  std::vector<double> first;
  {
    AccuracyCache cache(accuracy_, space_, file(), "a");
    first = cache.estimate_all(std::span(subnets_).first(50));
  }
  SyntheticAccuracy other(99);  // would say something else
  AccuracyCache cache(other, space_, file(), "a");
  EXPECT_EQ(cache.estimate_all(std::span(subnets_).first(50)), first);
  EXPECT_EQ(other.asked, 0);
}

TEST_F(AccuracyCacheTest, SurvivesACutAtEveryByte) {
  {
    AccuracyCache cache(accuracy_, space_, file(), "a");
    cache.estimate_all(std::span(subnets_).first(4));
  }
  const std::string whole = text();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    std::filesystem::remove(file());
    std::ofstream(file(), std::ios::binary) << whole.substr(0, size);
    SyntheticAccuracy again(4);
    {
      AccuracyCache cache(again, space_, file(), "a");
      cache.estimate_all(std::span(subnets_).first(4));
    }
    const auto lines = std::count(whole.begin(), whole.begin() + static_cast<long>(size), '\n');
    EXPECT_EQ(again.asked, lines == 0 ? 4 : 5 - lines);
    EXPECT_EQ(text(), whole);
  }
}

TEST_F(AccuracyCacheTest, SavesEachAsItComes) {
  // Tells them backwards, and fails after the third, as a killed process would.
  class Failing : public SyntheticAccuracy {
   public:
    using SyntheticAccuracy::SyntheticAccuracy;
    void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) override {
      for (std::size_t i = subnets.size(); i-- > 0;) {
        if (asked == 3) throw Error("out of memory");
        arrived(i, estimate(subnets[i]));
      }
    }
  };
  const std::span<const space::Subnet> thirty = std::span(subnets_).first(30);
  Failing failing(4);
  std::int64_t known = 0;
  {
    AccuracyCache cache(failing, space_, file(), "a", [&](std::int64_t more) { known += more; });
    EXPECT_EQ(error_of([&] { cache.estimate_all(thirty); }), "out of memory");
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_EQ(cache.evaluations(), 3);
    EXPECT_EQ(known, 3);
  }
  const std::string saved = text();
  EXPECT_EQ(std::count(saved.begin(), saved.end(), '\n'), 4);
  AccuracyCache cache(accuracy_, space_, file(), "a");
  EXPECT_EQ(cache.estimate_all(thirty), SyntheticAccuracy(4).estimate_all(thirty));
  EXPECT_EQ(accuracy_.asked, 27);
}

TEST_F(AccuracyCacheTest, RefusesAFileOfAnotherIdentity) {
  { AccuracyCache cache(accuracy_, space_, file(), "a"); }
  const std::string before = text();
  EXPECT_THAT(error_of([&] { AccuracyCache(accuracy_, space_, file(), "b"); }),
              HasSubstr("holds accuracies of another supernet or evaluation"));
  EXPECT_EQ(text(), before) << "nothing is lost";
}

TEST_F(AccuracyCacheTest, RefusesDamageBeforeTheLastLine) {
  {
    AccuracyCache cache(accuracy_, space_, file(), "a");
    cache.estimate_all(std::span(subnets_).first(2));
  }
  std::string damaged = text();
  damaged[damaged.find('\n') + 4] = '}';
  folder_.write("accuracies.jsonl", damaged);
  EXPECT_THAT(error_of([&] { AccuracyCache(accuracy_, space_, file(), "a"); }),
              HasSubstr("accuracies.jsonl:2: is damaged: "));
}

TEST_F(AccuracyCacheTest, RefusesASecondUser) {
  AccuracyCache cache(accuracy_, space_, file(), "a");
  EXPECT_THAT(error_of([&] { AccuracyCache(accuracy_, space_, file(), "a"); }),
              HasSubstr("is in use by another process"));
}

TEST_F(AccuracyCacheTest, RefusesValuesThatAreNoAccuracies) {
  class Wrong : public AccuracyEstimator {
   public:
    double estimate(const space::Subnet&) override { return value; }
    void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) override {
      if (value != 0) AccuracyEstimator::estimate_each(subnets, arrived);
    }
    double value = 0;  // 0: none at all
  };
  Wrong wrong;
  AccuracyCache cache(wrong, space_, file(), "a");
  for (double value : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    wrong.value = value;
    EXPECT_THAT(error_of([&] { cache.estimate(subnets_[0]); }),
                HasSubstr("which is not in [0, 1]"));
  }
  wrong.value = 0;
  EXPECT_THAT(error_of([&] { cache.estimate(subnets_[0]); }),
              HasSubstr("gave 0 values for 1 sub-networks"));
  EXPECT_EQ(cache.size(), 0u);
}

TEST_F(AccuracyCacheTest, RefusesAFolderThatIsNotThere) {
  EXPECT_THAT(
      error_of([&] { AccuracyCache(accuracy_, space_, folder_ / "none/accuracies.jsonl", "a"); }),
      HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace mcunet::search
