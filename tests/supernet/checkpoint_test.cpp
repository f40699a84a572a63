#include "checkpoint.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::supernet {
namespace {

using testing::ElementsAre;
using testing::EndsWith;

class CheckpointTest : public testing::Test {
 protected:
  static Checkpoint make(std::int64_t step) {
    return {.step = step,
            .identity = R"({"train":{"momentum":0.9}})",
            .state = R"({"best":null})",
            .tensors = {{"weight", at::full({2, 3}, static_cast<double>(step))}}};
  }
  void damage(const std::string& name, std::size_t keep) const {
    std::string bytes = read_file(folder_ / name);
    bytes.resize(std::min(keep, bytes.size()));
    write_file_atomically(folder_ / name, bytes);
  }

  TemporaryFolder folder_;
  CheckpointStore store_{folder_.path()};
};

TEST_F(CheckpointTest, GoesAround) {
  EXPECT_FALSE(store_.load_newest());
  EXPECT_EQ(store_.newest_file(), "");
  store_.save(make(17));
  const auto checkpoint = store_.load_newest();
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->step, 17);
  EXPECT_EQ(checkpoint->identity, make(17).identity);
  EXPECT_EQ(checkpoint->state, make(17).state);
  EXPECT_TRUE(checkpoint->tensors.at("weight").equal(make(17).tensors.at("weight")));
  EXPECT_EQ(store_.newest_file(), folder_ / "rank-0-step-000000000017.checkpoint");
}

TEST_F(CheckpointTest, KeepsTheTwoNewest) {
  for (const std::int64_t step : {1, 2, 3}) store_.save(make(step));
  EXPECT_THAT(folder_.list(), ElementsAre("rank-0-step-000000000002.checkpoint",
                                          "rank-0-step-000000000003.checkpoint"));
}

TEST_F(CheckpointTest, DamageOfAnyKindIsSeen) {
  store_.save(make(1));
  const std::string name = "rank-0-step-000000000001.checkpoint";
  const std::string good = read_file(folder_ / name);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, good.size() / 2, good.size() - 1}) {
    damage(name, size);
    EXPECT_THAT(error_of([&] { read_checkpoint(folder_ / name); }), EndsWith(": is damaged"));
    write_file_atomically(folder_ / name, good);
  }
  for (std::size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    write_file_atomically(folder_ / name, bad);
    EXPECT_THAT(error_of([&] { read_checkpoint(folder_ / name); }), EndsWith(": is damaged")) << i;
  }
}

// With a checksum that is right, as of a program with a fault.
TEST_F(CheckpointTest, DamageBehindAGoodChecksumIsSeen) {
  const std::string tensors = to_archive(make(1).tensors);
  const auto error_of_body = [&](const std::string& body, const char* version = "1") {
    folder_.write("x.checkpoint",
                  fmt::format("mcunet-checkpoint {} {:08x}\n", version, crc32c(body)) + body);
    const std::string error = error_of([&] { read_checkpoint(folder_ / "x.checkpoint"); });
    const std::string file = (folder_ / "x.checkpoint").string() + ": ";
    EXPECT_TRUE(error.starts_with(file)) << error;
    return error.substr(std::min(file.size(), error.size()));
  };
  const std::string good = R"({"step": 1, "identity": {}, "state": {}})";
  EXPECT_EQ(error_of_body(good + "\n" + tensors, "2"), "is of another version");
  EXPECT_EQ(error_of_body(good + "\n"), "is no tensor file: it lacks its end");
  EXPECT_EQ(error_of_body(good), "is damaged");
  for (const char* header :
       {"", "[]", "{}", "{", R"({"step": -1, "identity": {}, "state": {}})",
        R"({"step": 1e300, "identity": {}, "state": {}})",
        R"({"step": "1", "identity": {}, "state": {}})", R"({"step": 1, "identity": {}})"}) {
    EXPECT_THAT(error_of_body(std::string(header) + "\n" + tensors),
                testing::StartsWith("is damaged: "))
        << header;
  }
}

TEST_F(CheckpointTest, FallsBackToTheOneBefore) {
  store_.save(make(1));
  store_.save(make(2));
  damage("rank-0-step-000000000002.checkpoint", 100);
  EXPECT_EQ(store_.load_newest()->step, 1);
  damage("rank-0-step-000000000001.checkpoint", 100);
  EXPECT_THAT(error_of([&] { store_.load_newest(); }),
              EndsWith(": holds no checkpoint that is whole"));
}

}  // namespace
}  // namespace mcunet::supernet
