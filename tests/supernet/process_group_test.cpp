#include "mcunet/supernet/process_group.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

#include "core/temporary_folder.hpp"
#include "supernet/rank_threads.hpp"

namespace mcunet::supernet {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr char kNoError[] = "(no error)";

TEST(ProcessGroup, OfOneRankDoesEverythingAtOnce) {
  ProcessGroup group;
  const at::Tensor tensor = at::ones({3});
  group.sum(tensor);
  EXPECT_TRUE(tensor.equal(at::ones({3})));
  EXPECT_EQ(group.broadcast("a"), "a");
  EXPECT_THAT(group.gather("a"), ElementsAre("a"));
  EXPECT_TRUE(group.leads());
  EXPECT_FALSE(group.fail("something"));
  group.leave();
}

TEST(ProcessGroup, RanksTalkToEachOther) {
  std::atomic<std::int64_t> numbers = 0;
  const auto errors = errors_of_ranks(3, [&](const std::shared_ptr<ProcessGroup>& group) {
    const at::Tensor tensor = at::full({1000}, group->rank() + 0.5);
    const at::Tensor other = at::full({2}, static_cast<double>(group->rank()), at::kDouble);
    const auto wait = group->start_sum(tensor);
    group->sum(other);
    wait();
    EXPECT_TRUE(tensor.equal(at::full({1000}, 4.5)));
    EXPECT_TRUE(other.equal(at::full({2}, 3.0, at::kDouble)));
    EXPECT_GT(group->wait_seconds(), 0);

    EXPECT_EQ(group->broadcast(group->leads() ? "word" : "another"), "word");
    EXPECT_EQ(group->broadcast(""), "");
    const std::string own(static_cast<std::size_t>(group->rank() * 2), 'x');
    EXPECT_THAT(group->gather(own), ElementsAre("", "xx", "xxxx"));

    for (const std::string text : {"first", "second"}) {
      if (group->leads()) {
        group->tell(text);
      } else {
        EXPECT_EQ(group->hear(), text);
      }
    }
    numbers += group->count_up("number");
    if (group->rank() == 1) group->post("by", "one");
    group->gather("");
    EXPECT_EQ(group->read("by"), "one");
    EXPECT_EQ(group->read("nothing"), std::nullopt);
    group->leave();
  });
  EXPECT_THAT(errors, Each(kNoError));
  EXPECT_EQ(numbers, 0 + 1 + 2);
}

TEST(ProcessGroup, SaysWhoDidNotCome) {
  GroupOptions options = patient();
  options.join_seconds = 1;
  const RankPlace place{.ranks = 3, .address = "127.0.0.1", .port = free_port()};
  EXPECT_THAT(
      error_of([&] { ProcessGroup(place, options); }),
      MatchesRegex("rank 0 of 3 has waited 1 s at 127.0.0.1:[0-9]+; not there are the ranks "
                   "1 2"));
  EXPECT_THAT(error_of([&] {
                RankPlace other = place;
                other.rank = 1;
                ProcessGroup(other, options);
              }),
              MatchesRegex("rank 1 of 3: rank 0 cannot be reached at 127.0.0.1:[0-9]+"));
  EXPECT_THAT(error_of([&] {
                RankPlace other = place;
                other.address = "no such host";
                ProcessGroup(other, options);
              }),
              HasSubstr("rank 0's address no such host: "));
}

// Those who wait for it are told within the time that they give it.
TEST(ProcessGroup, NoticesWhenARankIsGone) {
  for (const int gone : {0, 1}) {
    std::mutex mutex;
    std::multiset<std::string> reasons;
    GroupOptions options{.silence_seconds = 1, .on_break = [&](const std::string& reason) {
                           const std::lock_guard lock(mutex);
                           reasons.insert(reason);
                         }};
    const auto errors = errors_of_ranks(
        3,
        [&](const std::shared_ptr<ProcessGroup>& group) {
          if (group->rank() == gone) return;
          group->sum(at::ones({1}));
          group->leave();
        },
        options);
    EXPECT_EQ(errors[static_cast<std::size_t>(gone)], kNoError);
    EXPECT_EQ(reasons.size(), 2u);
    const auto why = gone == 0
                         ? MatchesRegex("rank [12] of 3: rank 0 at 127.0.0.1:[0-9]+ has ended")
                         : MatchesRegex("rank 1 of 3, on .*, has given no sign of life for 1 s");
    EXPECT_THAT(reasons, Each(why));
    EXPECT_THAT(errors[2], why);
  }
}

// Nobody is left waiting, and one says it.
TEST(ProcessGroup, OneThatCannotGoOnEndsAll) {
  GroupOptions options{.silence_seconds = 1, .on_break = [](const std::string&) {}};
  const auto errors = errors_of_ranks(
      2,
      [&](const std::shared_ptr<ProcessGroup>& group) {
        if (group->rank() == 0) group->sum(at::ones({1}));
        if (group->rank() == 1) {
          EXPECT_TRUE(group->fail("its disk is full"));
        }
      },
      options);
  EXPECT_THAT(errors, ElementsAre("rank 1 of 2: its disk is full", kNoError));
}

TEST(ProcessGroup, TakesItsTimeFromTheEnvironment) {
  EXPECT_EQ(group_options().silence_seconds, 30);
  {
    const ScopedVariable variable("MCUNET_RANK_TIMEOUT", "2.5");
    EXPECT_EQ(group_options().silence_seconds, 2.5);
  }
  const ScopedVariable variable("MCUNET_RANK_TIMEOUT", "0");
  EXPECT_EQ(error_of([] { group_options(); }),
            "MCUNET_RANK_TIMEOUT: must be a number of seconds, 1 or more, is 0");
}

}  // namespace
}  // namespace mcunet::supernet
