#include <fmt/format.h>
#include <signal.h>

#include "child_processes.hpp"
#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_job.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

// Jobs of several ranks on this machine.
class LaunchCommand : public SmallJobTest {
 protected:
  // Steps of two batches.
  static std::vector<std::string> two_batches(const std::string& command, const std::string& out,
                                              std::vector<std::string> more = {}) {
    more.insert(more.end(),
                {"--set", "train.batch_size=8", "--set", "train.gradient_accumulation=2"});
    return job(command, out, more);
  }

  // With a training for the rounding of int8.
  static std::vector<std::string> aware(const std::string& command, const std::string& out,
                                        std::vector<std::string> more) {
    more.insert(more.end(),
                {"--set", "finetune.quantization_aware={epochs: 2, learning_rate: 0.02}"});
    return two_batches(command, out, std::move(more));
  }

  static std::vector<std::string> launched(std::vector<std::string> command) {
    command.erase(command.begin());  // -q
    command.insert(command.begin(),
                   {"-q", "launch", "--processes", "2", "--threads-per-process", "1"});
    return command;
  }

  static void expect_gone(const std::vector<pid_t>& processes) {
    for (const pid_t process : processes) {
      for (int i = 0; i < 5000 && is_running(process); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      EXPECT_FALSE(is_running(process));
    }
  }

  std::vector<std::string> long_training(const std::string& out,
                                         const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = two_batches("train", out, more);
    arguments.insert(arguments.end(), {"--set", "train.elastic_epochs=4"});
    return arguments;
  }
};

TEST_F(LaunchCommand, ComesToTheNetworkOfOneProcess) {
  const Outcome launch = run(launched(aware("run", "launched", {"--json"})));
  ASSERT_EQ(launch.exit_code, 0) << launch.err;
  const auto json = parse_output(launch);
  EXPECT_TRUE(json.contains("export"));
  EXPECT_THAT(read("launched/train.jsonl"), HasSubstr("\"rank_wait_share\""));
  EXPECT_TRUE(fs::exists(folder_ / "work/launched/report/index.html"));

  // From the same weights, one process finds the same networks. Its own training differs in what the
  // order of sums rounds away.
  fs::copy(folder_ / "work/launched", folder_ / "work/alone", fs::copy_options::recursive);
  fs::remove(folder_ / "work/alone/search.json");
  fs::remove_all(folder_ / "work/alone/search");
  ASSERT_EQ(run(aware("search", "alone", {})).exit_code, 0);
  EXPECT_EQ(read("alone/search.csv"), read("launched/search.csv"));

  const auto last_loss = [&](const std::string& out) {
    const std::string text = read(out + "/train.jsonl");
    double loss = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      loss = nlohmann::json::parse(line).value("loss", loss);
    }
    return loss;
  };

  // With its quantization simulated it trains the same, too.
  const std::string shared = read("launched/quantization_aware/train.jsonl");
  EXPECT_THAT(shared, HasSubstr("\"rank_wait_share\""));
  for (const char* part :
       {"quantization_aware", "quantization_aware.json", "quantization_aware.pt"}) {
    fs::remove_all(folder_ / "work/alone" / part);
  }
  ASSERT_EQ(run(aware("finetune", "alone", {"--resume"})).exit_code, 0);
  EXPECT_NEAR(last_loss("alone/quantization_aware"), last_loss("launched/quantization_aware"),
              1e-2);

  ASSERT_EQ(run(two_batches("train", "trained-alone")).exit_code, 0);
  EXPECT_NEAR(last_loss("launched"), last_loss("trained-alone"), 1e-3);
}

class SlowLaunchCommand : public LaunchCommand {};

TEST_F(SlowLaunchCommand, HoweverARankEndsAllEndAndItGoesOn) {
  ASSERT_EQ(run(launched(long_training("whole"))).exit_code, 0);
  const auto disturb = [&](const std::string& out, auto&& end) {
    const pid_t launcher = start(launched(long_training(out)));
    wait_for_content(out + "/train.jsonl");
    const std::vector<pid_t> ranks = children_of(launcher);
    EXPECT_EQ(ranks.size(), 2u);
    end(launcher, ranks);
    const Outcome outcome = finish(launcher);
    expect_gone(ranks);
    EXPECT_EQ(run(launched(long_training(out, {"--resume"}))).exit_code, 0);
    EXPECT_EQ(read(out + "/supernet.pt"), read("whole/supernet.pt")) << out;
    return outcome;
  };
  using Processes = std::vector<pid_t>;
  const Outcome killed =
      disturb("rank-killed", [](pid_t, const Processes& ranks) { ::kill(ranks.back(), SIGKILL); });
  EXPECT_EQ(killed.exit_code, 1);
  EXPECT_THAT(
      killed.err,
      MatchesRegex("mcunet: rank [01] of 2 was killed by signal 9 \\(Killed\\); all ranks are "
                   "ended, and --resume goes on from the last checkpoint\n"));
  const Outcome stopped =
      disturb("stopped", [](pid_t launcher, const Processes&) { ::kill(launcher, SIGTERM); });
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err,
              MatchesRegex("mcunet: stopped at step [0-9]+ of [0-9]+; go on with: .*\n"));
}

TEST_F(LaunchCommand, RanksEndWithTheirLauncher) {
  const pid_t launcher = start(launched(long_training("out")));
  wait_for_content("out/train.jsonl");
  const std::vector<pid_t> ranks = children_of(launcher);
  ::kill(launcher, SIGKILL);
  EXPECT_EQ(finish(launcher).exit_code, -1);
  expect_gone(ranks);
}

// Ranks that somebody else starts: nobody is told when one of them dies, but for the other.
TEST_F(LaunchCommand, ARankWithoutTheOtherEndsInTime) {
  const std::string port = "29" + std::to_string(100 + ::getpid() % 800);
  const ScopedVariable ranks("WORLD_SIZE", "2");
  const ScopedVariable address("MASTER_ADDR", "127.0.0.1");
  const ScopedVariable master_port("MASTER_PORT", port);
  const ScopedVariable silence("MCUNET_RANK_TIMEOUT", "2");
  const auto start_rank = [&](const std::string& rank) {
    const ScopedVariable variable("RANK", rank);
    return start(long_training("out", {"--set", "train.elastic_epochs=1000"}));
  };
  const pid_t other = start_rank("1");
  const pid_t first = start_rank("0");
  wait_for_content("out/train.jsonl");
  ::kill(other, SIGKILL);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(finish(other).exit_code, -1);
  const Outcome outcome = finish(first);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(
      outcome.err,
      MatchesRegex("mcunet: rank 1 of 2, on .*, has given no sign of life for 2 s; all ranks "
                   "end, and --resume goes on from the last checkpoint\n"));
}

// Two hosts: network namespaces that a cable joins. Needs root and the program ip.
class SlowSplitNetwork : public LaunchCommand {
 protected:
  static constexpr char kNetworks[] =
      "ip netns add mcunet-a && ip netns add mcunet-b && "
      "ip link add mcunet-va netns mcunet-a type veth peer name mcunet-vb netns mcunet-b && "
      "ip -n mcunet-a addr add 10.77.0.1/24 dev mcunet-va && ip -n mcunet-a link set mcunet-va up && "
      "ip -n mcunet-b addr add 10.77.0.2/24 dev mcunet-vb && ip -n mcunet-b link set mcunet-vb up && "
      "ip -n mcunet-a link set lo up && ip -n mcunet-b link set lo up";

  void SetUp() override {
    if (!shell("(" + std::string(kNetworks) + ") 2>/dev/null")) {
      GTEST_SKIP() << "network namespaces need root and the program ip";
    }
  }
  void TearDown() override {
    shell("ip netns del mcunet-a 2>/dev/null");
    shell("ip netns del mcunet-b 2>/dev/null");
  }

  static bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

  // A rank on one of the hosts, whose standard error goes to a file of its name.
  pid_t start_on(const std::string& host, int rank, const std::string& out) const {
    std::string command = fmt::format(
        "exec ip netns exec {} env WORLD_SIZE=2 RANK={} MASTER_ADDR=10.77.0.1 MASTER_PORT=29400 "
        "MCUNET_RANK_TIMEOUT=3 {}",
        host, rank, MCUNET_BINARY);
    for (const std::string& word : long_training(out)) command += " '" + word + "'";
    return start({"-c", command + " 2> " + host + ".err"}, "/bin/sh");
  }
};

TEST_F(SlowSplitNetwork, EndsBothSidesAndTheJobGoesOn) {
  ASSERT_EQ(run(launched(long_training("whole"))).exit_code, 0);
  const pid_t first = start_on("mcunet-a", 0, "out");
  const pid_t other = start_on("mcunet-b", 1, "out");
  wait_for_content("out/train.jsonl");
  EXPECT_TRUE(shell("ip -n mcunet-b link set mcunet-vb down"));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(finish(first).exit_code, 1);
  EXPECT_EQ(finish(other).exit_code, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_THAT(
      read("mcunet-a.err"),
      MatchesRegex("mcunet: rank 1 of 2, on .*, has given no sign of life for 3 s; all .*\n"));
  EXPECT_THAT(
      read("mcunet-b.err"),
      MatchesRegex("mcunet: rank 1 of 2: rank 0 at 10.77.0.1:29400 has not answered for 3 s; "
                   "all .*\n"));
  EXPECT_EQ(run(launched(long_training("out", {"--resume"}))).exit_code, 0);
  EXPECT_EQ(read("out/supernet.pt"), read("whole/supernet.pt"));
}

TEST_F(LaunchCommand, TellsWhatIsWrongOnce) {
  EXPECT_THAT(failure(launched(job("train", "out"))),
              HasSubstr("train.gradient_accumulation: a step has 1 batches of 16, fewer than the 2 "
                        "ranks that share them"));
  EXPECT_THAT(failure(launched(two_batches("train", "tpu", {"--set", "train.device=tpu"}))),
              HasSubstr("device: must be cpu, cuda, cuda:INDEX or auto, is tpu"));
  EXPECT_THAT(
      failure(launched(two_batches("run", "workers", {"--set", "search.devices=[cpu, cpu]"}))),
      HasSubstr("search.devices: the 2 ranks of this job measure"));
  const Outcome usage = run({"launch", "--processes", "2", "export", "job.yaml"});
  EXPECT_EQ(usage.exit_code, 2);
  EXPECT_EQ(usage.err,
            "mcunet: launch: takes one of the commands train, search, finetune and run, not export "
            "(see mcunet launch --help)\n");
  EXPECT_EQ(run({"launch", "--processes", "0", "run", "job.yaml"}).exit_code, 2);
}

}  // namespace
}  // namespace mcunet
