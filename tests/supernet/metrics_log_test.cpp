#include "metrics_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::supernet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kEvents[] = "tensorboard/events.out.tfevents.0.mcunet";

class MetricsLogTest : public testing::Test {
 protected:
  static void write(MetricsLog& log, std::int64_t step, double loss) {
    log.write(step, "largest", 0.5, "train", std::vector<Scalar>{{"loss", loss}});
  }
  static std::string line(int step, const char* loss) {
    return fmt::format("{{\"step\":{},\"phase\":\"largest\",\"epoch\":0.5,\"loss\":{}}}\n", step,
                       loss);
  }
  std::string jsonl() const { return read_file(folder_ / "train.jsonl"); }
  std::size_t event_bytes() const { return read_file(folder_ / kEvents).size(); }

  TemporaryFolder folder_;
};

TEST_F(MetricsLogTest, WritesBothFiles) {
  MetricsLog log(folder_.path(), {});
  const std::size_t start = event_bytes();
  EXPECT_EQ(start, event_file_start(0).size());
  write(log, 1, 2.5);
  write(log, 2, 1.25);
  EXPECT_EQ(jsonl(), line(1, "2.5") + line(2, "1.25"));
  EXPECT_EQ(event_bytes(),
            start + 2 * scalars_event(0, 1, std::vector<Scalar>{{"train/loss", 2.5}}).size());
  const MetricsLog::Position position = log.flush();
  EXPECT_EQ(position.jsonl_bytes, static_cast<std::int64_t>(jsonl().size()));
  EXPECT_EQ(position.event_bytes, static_cast<std::int64_t>(event_bytes()));
}

TEST_F(MetricsLogTest, GoesOnWithoutDuplicates) {
  MetricsLog::Position position;
  {
    MetricsLog log(folder_.path(), {});
    write(log, 1, 2.5);
    position = log.flush();
    write(log, 2, 1.25);
  }
  const std::size_t before = event_bytes();
  MetricsLog log(folder_.path(), position);
  write(log, 2, 1.5);
  EXPECT_EQ(jsonl(), line(1, "2.5") + line(2, "1.5"));
  EXPECT_EQ(event_bytes(), before);
}

TEST_F(MetricsLogTest, BeginsAnew) {
  {
    MetricsLog log(folder_.path(), {});
    write(log, 1, 2.5);
  }
  MetricsLog log(folder_.path(), {});
  EXPECT_EQ(jsonl(), "");
  EXPECT_EQ(event_bytes(), event_file_start(0).size());
}

TEST_F(MetricsLogTest, WhatIsNotFiniteIsNull) {
  MetricsLog log(folder_.path(), {});
  write(log, 1, std::numeric_limits<double>::infinity());
  EXPECT_EQ(jsonl(), line(1, "null"));
}

TEST_F(MetricsLogTest, SaysThatItCannotWrite) {
  EXPECT_THAT(error_of([&] {
                std::filesystem::create_directories(folder_ / "x/train.jsonl");
                MetricsLog log(folder_ / "x", {});
              }),
              HasSubstr("x/train.jsonl: cannot be written: Is a directory"));
}

}  // namespace
}  // namespace mcunet::supernet
