#include "mcunet/core/rank_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/error_text.hpp"

namespace mcunet {
namespace {

using Values = std::map<std::string, std::string>;

RankPlace place_in(const Values& values) {
  return rank_place([&](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
}

const Values kTorchrun = {{"RANK", "5"},          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},    {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "a.b"}, {"MASTER_PORT", "29500"}};

const Values kSlurm = {{"SLURM_STEP_NUM_TASKS", "7"},
                       {"SLURM_PROCID", "6"},
                       {"SLURM_LOCALID", "0"},
                       {"SLURM_NODEID", "3"},
                       {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"},
                       {"SLURM_STEP_NODELIST", "gpu[007-009,12]"},
                       {"SLURM_JOB_ID", "1234567"}};

Values with(Values values, const std::string& name, const std::string& value) {
  values[name] = value;
  return values;
}

std::string error_without(Values values, const std::string& name) {
  values.erase(name);
  return error_of([&] { place_in(values); });
}

TEST(RankPlace, IsOneRankByDefault) {
  const RankPlace place = place_in({{"RANK", "3"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}});
  EXPECT_EQ(place.rank, 0);
  EXPECT_EQ(place.ranks, 1);
  EXPECT_EQ(place_in({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).ranks, 1);
  EXPECT_EQ(place_in({{"SLURM_STEP_NUM_TASKS", "1"}}).ranks, 1);
}

TEST(RankPlace, ComesFromTorchrun) {
  const RankPlace place = place_in(kTorchrun);
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.ranks, 8);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.local_ranks, 4);
  EXPECT_EQ(place.address, "a.b");
  EXPECT_EQ(place.port, 29500);
}

TEST(RankPlace, ComesFromSlurm) {
  const RankPlace place = place_in(kSlurm);
  EXPECT_EQ(place.rank, 6);
  EXPECT_EQ(place.ranks, 7);
  EXPECT_EQ(place.local_rank, 0);
  EXPECT_EQ(place.local_ranks, 1);
  EXPECT_EQ(place.address, "gpu007");
  EXPECT_EQ(place.port, 24567);
  EXPECT_EQ(place_in(with(kSlurm, "SLURM_NODEID", "2")).local_ranks, 2);
  EXPECT_EQ(place_in(with(kSlurm, "SLURM_STEP_NODELIST", "a1,b[2-3]")).address, "a1");
  EXPECT_EQ(place_in(with(kSlurm, "SLURM_STEP_NODELIST", "r[1-2]n[05,7],x")).address, "r1n05");
  const RankPlace chosen =
      place_in(with(with(kSlurm, "MASTER_ADDR", "10.0.0.1"), "MASTER_PORT", "77"));
  EXPECT_EQ(chosen.address, "10.0.0.1");
  EXPECT_EQ(chosen.port, 77);
}

TEST(RankPlace, NamesTheVariableAtFault) {
  EXPECT_EQ(error_without(kTorchrun, "RANK"), "RANK: is not set, but WORLD_SIZE is");
  EXPECT_EQ(error_without(kTorchrun, "MASTER_ADDR"), "MASTER_ADDR: is not set, but WORLD_SIZE is");
  EXPECT_EQ(error_of([] { place_in(with(kTorchrun, "RANK", "8")); }),
            "RANK: must be a number from 0 to 7, is 8");
  EXPECT_EQ(error_of([] { place_in(with(kTorchrun, "MASTER_PORT", "http")); }),
            "MASTER_PORT: must be a number from 1 to 65535, is http");
  EXPECT_EQ(error_without(kSlurm, "SLURM_LOCALID"),
            "SLURM_LOCALID: is not set, but SLURM_STEP_NUM_TASKS is");
  EXPECT_EQ(error_of([] { place_in(with(kSlurm, "SLURM_STEP_NODELIST", "a[1-2")); }),
            "SLURM_STEP_NODELIST: makes no sense: a[1-2");
}

TEST(RankPlace, FindsAFreePort) {
  const int port = free_port();
  EXPECT_GT(port, 0);
  EXPECT_LT(port, 65'536);
}

}  // namespace
}  // namespace mcunet
