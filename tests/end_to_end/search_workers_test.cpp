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
  // A supernet, and the search of one process.
  void train_and_search() {
    ASSERT_EQ(run(long_job("train", "trained", {})).exit_code, 0);
    ASSERT_EQ(run(search("alone", {})).exit_code, 0);
  }

  // With a search that is long enough to be disturbed.
  static std::vector<std::string> long_job(const std::string& command, const std::string& out,
                                           std::vector<std::string> more) {
    for (const char* option : {"search.population=60", "search.iterations=4"}) {
      more.insert(more.end(), {"--set", option});
    }
    return job(command, out, more);
  }

  // In a folder of its own with the same supernet.
  std::vector<std::string> search(const std::string& out, const std::vector<std::string>& more) {
    if (fs::exists(folder_ / "work/trained") && !fs::exists(folder_ / "work" / out)) {
      fs::copy(folder_ / "work/trained", folder_ / "work" / out, fs::copy_options::recursive);
    }
    return long_job("search", out, more);
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

  // What standard error holds but for lines of progress, which come if it takes a while.
  static std::string without_progress(const std::string& err) {
    std::string rest;
    std::istringstream text(err);
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with("Evolution: ") && !line.starts_with("Random search: ")) {
        rest += line + "\n";
      }
    }
    return rest;
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
  train_and_search();
  const Outcome outcome = run(spread("together", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(without_progress(outcome.err), "");
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

TEST_F(SearchWorkers, HoweverTheSearchEndsNothingIsLeftAndItGoesOn) {
  train_and_search();
  const auto disturb = [&](const std::string& out, auto&& end) {
    const pid_t child = start(spread(out));
    wait_for_accuracies(out, 5);
    const std::vector<pid_t> workers = children_of(child);
    EXPECT_EQ(workers.size(), 2u);
    end(child, workers);
    Outcome outcome = finish(child);
    outcome.err = without_progress(outcome.err);
    EXPECT_EQ(outcome.out, "");
    expect_gone(workers);
    const std::string known = read(out + "/search/accuracies.jsonl");
    // On whatever devices.
    const bool alone = out == "worker-killed";
    EXPECT_EQ(run(alone ? search(out, {"--resume"}) : spread(out, {"--resume"})).exit_code, 0);
    EXPECT_TRUE(
        read(out + "/search/accuracies.jsonl").starts_with(known.substr(0, known.rfind('\n'))));
    expect_same_search(out, "alone");
    return outcome;
  };
  using Processes = std::vector<pid_t>;
  const Outcome worker_killed = disturb(
      "worker-killed", [](pid_t, const Processes& workers) { ::kill(workers.back(), SIGKILL); });
  EXPECT_EQ(worker_killed.exit_code, 1);
  EXPECT_THAT(
      worker_killed.err,
      MatchesRegex(
          "mcunet: search worker [12] of 2 \\(cpu\\): was killed by signal 9 \\(Killed\\)\n"));
  const Outcome killed =
      disturb("killed", [](pid_t child, const Processes&) { ::kill(child, SIGKILL); });
  EXPECT_EQ(killed.exit_code, -1);
  // As a terminal or a batch system does it: all processes hear it.
  const Outcome stopped = disturb("stopped", [](pid_t child, const Processes& workers) {
    for (const pid_t worker : workers) ::kill(worker, SIGTERM);
    ::kill(child, SIGTERM);
  });
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, MatchesRegex("mcunet: stopped; go on with: mcunet search .*--resume\n"));
}

TEST_F(SearchWorkers, ADeviceThatIsNotThere) {
  write("out/supernet.pt", "");
  EXPECT_THAT(
      failure(search("out", {"--set", "search.devices=[cuda:63]"})),
      MatchesRegex(
          "search.devices: device: cuda:63 is not there: libtorch finds [0-9]+ CUDA devices"));
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
