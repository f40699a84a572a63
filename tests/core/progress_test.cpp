#include "mcunet/core/progress.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace mcunet {
namespace {

TEST(FormatDuration, PicksTheUnit) {
  EXPECT_EQ(format_duration(0), "0.0 s");
  EXPECT_EQ(format_duration(1.26), "1.3 s");
  EXPECT_EQ(format_duration(10), "10 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(200), "3 min 20 s");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
  EXPECT_EQ(format_duration(360'000), "100 h 00 min");
}

TEST(FormatDuration, RoundsUpIntoTheNextUnit) {
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(3599.7), "1 h 00 min");
}

TEST(Progress, ShortWorkPrintsNothing) {
  testing::internal::CaptureStderr();
  {
    Progress progress("Working", 10, "things");
    for (int i = 0; i < 10; ++i) progress.advance();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, TellsRateAndTimeLeftOfThisRunAlone) {
  testing::internal::CaptureStderr();
  {
    Progress progress("Working", 100, "things", /*already_done=*/90);
    progress.note("almost there");
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    progress.advance(5);
  }
  const std::string text = testing::internal::GetCapturedStderr();
  // 5 things in 1.1 s: 5 are left for as long.
  EXPECT_NE(text.find("Working: 95/100 things (95 %), 5 things/s, 1.1 s left, almost there"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace mcunet
