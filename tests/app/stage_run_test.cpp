#include "pipeline/stage_run.hpp"

#include <gtest/gtest.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

class StageRun : public testing::Test {
 protected:
  RunDirectory open(bool resume = true) const {
    return RunDirectory(folder_.path(), parse_config("{a: 1}", "x.yaml"), 0, resume);
  }

  // A stage that counts its calls and comes to an end, or not.
  Stage<int> stage(bool ends = true) {
    return {
        .name = kSearchStage,
        .read =
            [this] {
              ++reads_;
              return 7;
            },
        .work =
            [this, ends](int& result, const Begin& begin) {
              begin();
              ++works_;
              result = 8;
              return ends;
            },
        .write = [this](int& result, double seconds) { writes_ += result == 8 && seconds >= 0; }};
  }

  TemporaryFolder folder_;
  int reads_ = 0;
  int works_ = 0;
  int writes_ = 0;
};

TEST_F(StageRun, WorksOnceAndThenReads) {
  RunDirectory run = open();
  EXPECT_EQ(run_stage(run, /*resume=*/true, stage()), 8);
  EXPECT_TRUE(open().is_complete(kSearchStage));
  EXPECT_EQ(run_stage(run, /*resume=*/true, stage()), 7);
  EXPECT_EQ(works_, 1);
  EXPECT_EQ(writes_, 1);
  EXPECT_EQ(reads_, 1);
}

TEST_F(StageRun, WhatComesToNoEndIsNotComplete) {
  RunDirectory run = open();
  EXPECT_EQ(run_stage(run, /*resume=*/true, stage(/*ends=*/false)), 8);
  EXPECT_EQ(writes_, 0);
  EXPECT_FALSE(run.is_complete(kSearchStage));
}

TEST_F(StageRun, WhatItNeedsIsLoadedBeforeAnythingIsDiscarded) {
  RunDirectory run = open();
  for (const char* name : kStages) run.mark_complete(name, {});
  Stage<int> failing = stage();
  failing.work = [](int&, const Begin&) -> bool { throw Error("no data"); };
  EXPECT_THROW(run_stage(run, /*resume=*/false, failing), Error);
  const RunDirectory again = open();
  for (const char* name : kStages) EXPECT_TRUE(again.is_complete(name)) << name;
}

TEST_F(StageRun, DiscardsItselfAndWhatFollowsWhenItBegins) {
  RunDirectory run = open();
  for (const char* name : kStages) run.mark_complete(name, {});
  Stage<int> failing = stage();
  failing.work = [](int&, const Begin& begin) -> bool {
    begin();
    throw Error("no memory");
  };
  EXPECT_THROW(run_stage(run, /*resume=*/false, failing), Error);
  const RunDirectory again = open();
  EXPECT_TRUE(again.is_complete(kTrainStage));
  EXPECT_FALSE(again.is_complete(kSearchStage));
  EXPECT_FALSE(again.is_complete(kExportStage));
}

TEST_F(StageRun, MayLeaveLaterStagesAsTheyAre) {
  RunDirectory run = open();
  run.mark_complete(kExportStage, {});
  Stage<int> first = stage();
  first.discards = {};
  run_stage(run, /*resume=*/true, first);
  EXPECT_TRUE(run.is_complete(kExportStage));
}

}  // namespace
}  // namespace mcunet::pipeline
