#include <signal.h>

#include "child_processes.hpp"
#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_job.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

// Searches that are spread over two processes.
class SearchWorkers : public SmallJobTest {
 protected:
  void SetUp() override { ASSERT_EQ(run(job("train", "trained")).exit_code, 0); }

  // Of a folder of its own with the same supernet; long enough to be disturbed.
  std::vector<std::string> search(const std::string& out, const std::vector<std::string>& more) {
    if (!fs::exists(folder_ / "work" / out)) {
      fs::copy(folder_ / "work/trained", folder_ / "work" / out, fs::copy_options::recursive);
    }
    std::vector<std::string> arguments = job("search", out, more);
    for (const char* option : {"search.population=40", "search.iterations=4"}) {
      arguments.insert(arguments.end(), {"--set", option});
    }
    return arguments;
  }
  std::vector<std::string> spread(const std::string& out, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--set", "search.devices=[cpu, cpu]"});
    return search(out, more);
  }

  // Until some accuracies are on disk.
  void wait_for_accuracies(const std::string& out, std::ptrdiff_t count) const {
    wait_for_content(out + "/search/accuracies.jsonl");
    for (int i = 0; i < 60'000; ++i) {
      const std::string text = read(out + "/search/accuracies.jsonl");
      if (std::count(text.begin(), text.end(), '\n') > count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << "no accuracies came";
  }

  void expect_same_search(const std::string& out, const std::string& other) const {
    EXPECT_EQ(read(out + "/search.csv"), read(other + "/search.csv"));
    const auto winner = [&](const std::string& folder) {
      return nlohmann::json::parse(read(folder + "/search.json")).at("winner");
    };
    EXPECT_EQ(winner(out), winner(other));
  }

  // A few seconds are given to processes that have been killed.
  static void expect_gone(const std::vector<pid_t>& processes) {
    for (const pid_t process : processes) {
      for (int i = 0; i < 5000 && is_running(process); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      EXPECT_FALSE(is_running(process));
    }
  }
};

TEST_F(SearchWorkers, FindWhatOneProcessFinds) {
  ASSERT_EQ(run(search("alone", {})).exit_code, 0);
  const Outcome outcome = run(spread("together", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(nlohmann::json::parse(outcome.out),
            nlohmann::json::parse(read("together/search.json")));
  expect_same_search("together", "alone");
  const auto accuracies = [&](const std::string& out) {
    std::vector<std::string> lines;
    std::istringstream text(read(out + "/search/accuracies.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  EXPECT_EQ(accuracies("together"), accuracies("alone"));
  // A complete search needs no processes.
  const Outcome again = run(spread("together", {"--json", "--resume"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, outcome.out);
}

TEST_F(SearchWorkers, WhenOneIsKilledTheSearchSaysSoAndGoesOnLater) {
  ASSERT_EQ(run(search("alone", {})).exit_code, 0);
  const pid_t child = start(spread("together"));
  wait_for_accuracies("together", 5);
  const std::vector<pid_t> workers = children_of(child);
  ASSERT_EQ(workers.size(), 2u);
  ::kill(workers.back(), SIGKILL);
  const Outcome outcome = finish(child);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, MatchesRegex("mcunet: search worker [12] of 2 \\(cpu\\): was killed by "
                                        "signal 9 \\(Killed\\)\n"));
  expect_gone(workers);
  const std::string known = read("together/search/accuracies.jsonl");
  // On whatever devices.
  ASSERT_EQ(run(search("together", {"--resume"})).exit_code, 0);
  EXPECT_TRUE(read("together/search/accuracies.jsonl").starts_with(known));
  expect_same_search("together", "alone");
}

TEST_F(SearchWorkers, EndWithTheSearchHoweverItEnds) {
  ASSERT_EQ(run(search("alone", {})).exit_code, 0);
  const auto disturb = [&](const std::string& out, auto&& end) {
    const pid_t child = start(spread(out, {"--resume"}));
    wait_for_accuracies(out, 5);
    const std::vector<pid_t> workers = children_of(child);
    EXPECT_EQ(workers.size(), 2u);
    end(child, workers);
    const Outcome outcome = finish(child);
    expect_gone(workers);
    return outcome;
  };
  EXPECT_EQ(disturb("killed", [](pid_t child, auto&&) { ::kill(child, SIGKILL); }).exit_code, -1);
  ASSERT_EQ(run(spread("killed", {"--resume"})).exit_code, 0);
  expect_same_search("killed", "alone");

  // As a terminal or a batch system does it: all processes hear it.
  const Outcome stopped = disturb("stopped", [](pid_t child, const std::vector<pid_t>& workers) {
    for (const pid_t worker : workers) ::kill(worker, SIGTERM);
    ::kill(child, SIGTERM);
  });
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, MatchesRegex("mcunet: stopped; go on with: mcunet search .*--resume\n"));
  ASSERT_EQ(run(spread("stopped", {"--resume"})).exit_code, 0);
  expect_same_search("stopped", "alone");
}

TEST_F(SearchWorkers, ADeviceThatIsNotThere) {
  EXPECT_THAT(failure(search("out", {"--set", "search.devices=[cuda:63]"})),
              MatchesRegex("search.devices: device: cuda:63 is not there: libtorch finds [0-9]+ "
                           "CUDA devices"));
  // Before a whole job does anything.
  EXPECT_THAT(failure(job("run", "job", {"--set", "search.devices=[cpu, tpu]"})),
              "search.devices: device: must be cpu, cuda, cuda:INDEX or auto, is tpu");
  EXPECT_THAT(created(), Not(Contains(testing::StartsWith("job/"))));
}

TEST_F(SearchWorkers, AreNotToBeStartedByHand) {
  const std::string program = (fs::path(MCUNET_BINARY).parent_path() / "mcunet-train").string();
  const Outcome outcome = run({"search-worker"}, program);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "mcunet: standard input is no connection to a search, which alone can start this\n");
  EXPECT_THAT(run({"--help"}, program).out, Not(testing::HasSubstr("search-worker")));
}

}  // namespace
}  // namespace mcunet
