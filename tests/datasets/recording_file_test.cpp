#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/npy.hpp"
#include "mcunet/datasets/series.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RecordingFile : public testing::Test {
 protected:
  Recording read(const std::string& name, const std::string& contents,
                 const std::vector<std::string>& channels = {}) {
    return read_recording(folder_.write(name, contents), channels);
  }

  // What the error says after the file's name.
  std::string fault_of(const std::string& name, const std::string& contents,
                       const std::vector<std::string>& channels = {}) {
    const std::string error = error_of([&] { read(name, contents, channels); });
    const std::string file = (folder_ / name).string();
    EXPECT_TRUE(error.starts_with(file)) << error;
    return error.substr(std::min(error.size(), file.size()));
  }

  TemporaryFolder folder_;
};

template <typename T>
std::string npy(const char* type, std::vector<std::int64_t> shape, const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return npy_text({type, std::move(shape), bytes});
}

TEST_F(RecordingFile, TablesWithNamesAndWithout) {
  const Recording named = read("a.csv", "time,ax,ay\n0.00,1.5,-2\n0.02,+3e-1,4\n");
  EXPECT_THAT(named.channels, ElementsAre("ax", "ay"));
  EXPECT_THAT(named.values, ElementsAre(1.5F, -2.0F, 0.3F, 4.0F));
  EXPECT_EQ(named.rows(), 2);
  const Recording bare = read("b.csv", "1,2\r\n3,4\r\n5,6\r\n");
  EXPECT_THAT(bare.channels, ElementsAre("0", "1"));
  EXPECT_THAT(bare.values, ElementsAre(1, 2, 3, 4, 5, 6));
  // One row is a recording, and a value that is missing is no name.
  EXPECT_THAT(read("b.csv", "1,2\n").values, ElementsAre(1, 2));
  EXPECT_THAT(fault_of("b.csv", "nan,1\n2,3\n"), HasSubstr("line 1: column 0 holds \"nan\""));
  EXPECT_THAT(read("c.csv", "x\n1e-46\n-1e-300\n").values, ElementsAre(0, 0)) << "too small";
  EXPECT_THAT(read("c.tsv", "x\ty\n1\t2\n").values, ElementsAre(1, 2));
  EXPECT_THAT(read("d.CSV", "\xEF\xBB\xBF\"x\";\"y z\"\n1;2\n").channels, ElementsAre("x", "y z"));
}

TEST_F(RecordingFile, ClocksAndLabelsAreNoChannels) {
  for (const char* other : {"time", "Timestamp", "t", "index", "Unnamed: 0", "", "label",
                            "Activity", "Time (s)", "seconds_elapsed", "subject_id", "time_ms"}) {
    const Recording recording = read("a.csv", std::string(other) + ",gyro\n1,2\n");
    EXPECT_THAT(recording.channels, ElementsAre("gyro")) << other;
    EXPECT_THAT(recording.values, ElementsAre(2)) << other;
    EXPECT_EQ(recording.left_out.size(), 1U) << other;
  }
  EXPECT_EQ(fault_of("b.csv", "time,label\n1,2\n"), ": has no column but clocks and labels");
  // Unless they are asked for, and then may the label be a word.
  EXPECT_THAT(read("c.csv", "t,x,label\n1,2,walk\n", {"x", "t"}).values, ElementsAre(2, 1));
  EXPECT_THAT(read("c.csv", "t,x,label\n1,2,walk\n").values, ElementsAre(2));
}

TEST_F(RecordingFile, ArraysOfAnyPlainType) {
  EXPECT_THAT(read("a.npy", npy<float>("f4", {2, 2}, {1, 2, 3, 4})).values,
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read("b.npy", npy<double>("f8", {3}, {1, 2, 3})).values, ElementsAre(1, 2, 3));
  EXPECT_THAT(read("c.npy", npy<std::int16_t>("i2", {1, 2}, {-300, 300})).values,
              ElementsAre(-300, 300));
  EXPECT_THAT(read("d.npy", npy<std::uint8_t>("u1", {2, 1}, {0, 255})).values, ElementsAre(0, 255));
  EXPECT_THAT(read("e.npy", npy<std::int64_t>("i8", {1, 3}, {7, 8, 9}), {"2", "0"}).values,
              ElementsAre(9, 7));
  NpyArray by_columns{"u1", {2, 3}, std::string("\x01\x04\x02\x05\x03\x06", 6), true};
  EXPECT_THAT(read("f.npy", npy_text(by_columns)).values, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(RecordingFile, FaultsAreNamedWithTheirPlace) {
  EXPECT_EQ(fault_of("a.csv", ""), ": has no rows");
  EXPECT_EQ(fault_of("a.csv", "x,y\n"), ": has no rows");
  EXPECT_EQ(fault_of("a.csv", "x,y,x\n1,2,3\n"), ": has several columns x");
  EXPECT_EQ(fault_of("a.npy", npy<float>("f4", {1, 65}, std::vector<float>(65))),
            ": has 65 channels, at most 64 are taken: dataset.series.channels names them");
  EXPECT_EQ(fault_of("a.csv", "x,y\n1,2\n3\n"), ":3: has 1 cells, the first line 2");
  EXPECT_EQ(fault_of("a.csv", "x,y\n1,2\n3,oops\n"),
            ": line 3: column y holds \"oops\", no number");
  EXPECT_EQ(fault_of("a.csv", "x,y\n1,\n"), ": line 2: column y holds \"\", no number");
  for (const char* number : {"nan", "inf", "-Infinity", "1e99", "0x10", "1,5", "1 2"}) {
    EXPECT_THAT(fault_of("a.csv", fmt::format("x\ty\n1\t{}\n", number)), HasSubstr("no number"))
        << number;
  }
  EXPECT_EQ(fault_of("a.csv", "x,y\n1,2\n", {"x", "w"}),
            ": has no column w, which dataset.series.channels names; its columns are x, y");
  EXPECT_THAT(fault_of("a.csv", std::string("x,y\n1,\0\n", 8)), HasSubstr("no text in UTF-8"));
  EXPECT_EQ(fault_of("a.npy", "x,y\n1,2\n"), ": is no .npy file");
  EXPECT_EQ(fault_of("a.npy", npy<float>("f4", {1, 2, 1}, {1, 2})),
            ": must be an array of [rows, channels] or [rows], has the shape [1, 2, 1]");
  EXPECT_EQ(fault_of("a.npy", npy<float>("f4", {0, 2}, {})), ": holds no values");
  EXPECT_EQ(fault_of("a.npy", npy<std::int16_t>("f2", {1}, {0})),
            ": holds values of the type f2, which is not read");
  EXPECT_THAT(fault_of("a.npy", npy<float>("f4", {1}, {std::numeric_limits<float>::infinity()})),
              HasSubstr("no finite"));
  EXPECT_THAT(fault_of("a.npy", npy<double>("f8", {1}, {1e300})), HasSubstr("no finite"));
  EXPECT_THAT(error_of([&] { read_recording(folder_ / "none.csv", {}); }), HasSubstr("none.csv"));
}

}  // namespace
}  // namespace mcunet::datasets
