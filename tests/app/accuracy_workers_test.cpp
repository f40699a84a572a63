#include "pipeline/accuracy_workers.hpp"

#include <signal.h>

#include <set>

#include "child_processes.hpp"
#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

using search::space::Subnet;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

class AccuracyWorkersTest : public TinyRun {
 protected:
  AccuracyWorkers workers(const std::vector<std::string>& overrides = {
                              "search.devices=[cpu, cpu]"}) const {
    return {
        experiment(overrides), space(), run_folder(), {MCUNET_TRAIN_BINARY, "-q", "search-worker"}};
  }

  std::vector<Subnet> subnets(int count) const {
    std::vector<Subnet> some = {search::space::largest(space()), search::space::smallest(space())};
    for (std::uint64_t i = 2; i < static_cast<std::uint64_t>(count); ++i) {
      RandomStream random(7, {i});
      some.push_back(
          search::space::sample(space(), search::space::Sampling::kUniformGenes, random));
    }
    return some;
  }
};

TEST_F(AccuracyWorkersTest, TellWhatOneProcessTells) {
  SupernetEstimator alone(experiment(), space(), run_folder());
  const std::vector<Subnet> some = subnets(12);
  const std::vector<double> expected = alone.estimate_all(some);
  EXPECT_THAT(std::set<double>(expected.begin(), expected.end()), SizeIs(testing::Gt(2)))
      << "networks that are all alike show nothing";
  for (const char* devices : {"[cpu]", "[cpu, cpu]", "[cpu, cpu, cpu]"}) {
    AccuracyWorkers together = workers({std::string("search.devices=") + devices});
    EXPECT_EQ(together.identity(), alone.identity());
    EXPECT_EQ(together.estimate_all(some), expected) << devices;
    EXPECT_EQ(together.estimate(some[1]), expected[1]);
    EXPECT_TRUE(together.estimate_all({}).empty());
  }
}

TEST_F(AccuracyWorkersTest, DivideTheThreads) {
  AccuracyWorkers together =
      workers({"search.devices=[cpu, cpu]", "train.threads=4", "train.data_workers=3"});
  SupernetEstimator alone(experiment({"train.threads=2"}), space(), run_folder());
  const std::vector<Subnet> some = subnets(6);
  EXPECT_EQ(together.estimate_all(some), alone.estimate_all(some));
}

TEST_F(AccuracyWorkersTest, StartWhenTheyAreNeededAndLeaveNothing) {
  const std::size_t descriptors = descriptors_of(::getpid()).size();
  {
    AccuracyWorkers together = workers();
    EXPECT_THAT(children_of(::getpid()), IsEmpty());
    together.estimate(subnets(1).front());
    EXPECT_THAT(children_of(::getpid()), SizeIs(2));
    together.stop();
    EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
    together.estimate_all(subnets(3));
    EXPECT_THAT(children_of(::getpid()), SizeIs(2));
  }
  EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
  EXPECT_EQ(descriptors_of(::getpid()).size(), descriptors);
}

TEST_F(AccuracyWorkersTest, OneThatDiesIsToldAndWhatCameBeforeIsKept) {
  AccuracyWorkers together = workers();
  const std::vector<Subnet> some = subnets(40);
  const std::vector<double> expected = together.estimate_all(some);
  std::size_t told = 0;
  const std::string error = error_of([&] {
    together.estimate_each(some, [&](std::size_t index, double accuracy) {
      EXPECT_EQ(accuracy, expected[index]);
      if (++told == 3) ::kill(children_of(::getpid()).front(), SIGKILL);
    });
  });
  EXPECT_THAT(error, MatchesRegex(
                         "search worker [12] of 2 \\(cpu\\): was killed by signal 9 \\(Killed\\)"));
  EXPECT_GE(told, 3u);
  EXPECT_LT(told, 40u);
  EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
  EXPECT_EQ(together.estimate_all(some), expected) << "others take their place";
}

// What is thrown where accuracies are kept comes out as it is.
TEST_F(AccuracyWorkersTest, AnErrorOfTheOneWhoAsksEndsThem) {
  AccuracyWorkers together = workers();
  const std::vector<Subnet> some = subnets(5);
  EXPECT_EQ(error_of([&] {
              together.estimate_each(some, [](std::size_t, double) { throw Error("disk full"); });
            }),
            "disk full");
  EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
}

TEST_F(AccuracyWorkersTest, WhatOneCannotLoadIsTold) {
  const std::string file = (run_folder() / kWeightsFile).string();
  folder_.write("run/supernet.pt", read_file(file).substr(0, 1000));
  AccuracyWorkers damaged = workers();
  EXPECT_THAT(
      error_of([&] { damaged.estimate_all(subnets(2)); }),
      MatchesRegex("search worker [12] of 2 \\(cpu\\): .*/run/supernet.pt: is no tensor file: .*"));
  // A supernet that has been replaced since.
  write_supernet(1);
  AccuracyWorkers replaced = workers();
  write_supernet(2);
  EXPECT_THAT(error_of([&] { replaced.estimate_all(subnets(2)); }),
              HasSubstr("found supernet.pt "));
  std::filesystem::remove(file);
  EXPECT_EQ(error_of([&] { workers(); }),
            run_folder().string() + ": holds no trained supernet: supernet.pt is not there");
}

TEST_F(AccuracyWorkersTest, RefuseWhatIsNoDevice) {
  const auto complaint = [&](const std::string& devices) {
    return error_of([&] { workers({"search.devices=" + devices}); });
  };
  EXPECT_THAT(complaint("[cpu, cuda:63]"),
              testing::StartsWith("search.devices: device: cuda:63 is not there: libtorch finds "));
  EXPECT_EQ(complaint("[tpu]"),
            "search.devices: device: must be cpu, cuda, cuda:INDEX or auto, is tpu");
  EXPECT_THAT(complaint("cpu"), HasSubstr("search.devices: must be a list"));
  EXPECT_THAT(children_of(::getpid(), /*zombies=*/true), IsEmpty());
}

TEST_F(AccuracyWorkersTest, AProgramThatIsNoneIsTold) {
  AccuracyWorkers broken(experiment({"search.devices=[cpu]"}), space(), run_folder(),
                         {"/no/such/program"});
  EXPECT_EQ(error_of([&] { broken.estimate_all(subnets(2)); }),
            "/no/such/program: is not installed");
  AccuracyWorkers wrong(experiment({"search.devices=[cpu]"}), space(), run_folder(), {"false"});
  EXPECT_EQ(error_of([&] { wrong.estimate_all(subnets(2)); }),
            "search worker 1 of 1 (cpu): ended with exit code 1");
}

}  // namespace
}  // namespace mcunet::pipeline
