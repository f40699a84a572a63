#include "rank_accuracies.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/process_group.hpp"

// Rank 0 tells the others of a round, {"round": "search/3", "subnets": […]}, and of the end, {}. On the
// board, search/3/next counts up the sub-networks that somebody took, search/3/done those that the others
// have measured, and search/3/result/K says of the Kth which it was, and its accuracy.
namespace mcunet::pipeline {
namespace {

using search::space::SearchSpace;
using search::space::Subnet;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPause{2};

std::string result_key(const std::string& round, std::int64_t number) {
  return fmt::format("{}/result/{}", round, number);
}

// Gives the next sub-network of a round that nobody took.
SupernetEstimator::Take taker(supernet::ProcessGroup& ranks, const std::string& round,
                              std::size_t count) {
  return [&ranks, key = round + "/next", count]() -> std::optional<std::size_t> {
    const auto next = static_cast<std::size_t>(ranks.count_up(key));
    if (next >= count) return std::nullopt;
    return next;
  };
}

// Who then load what they need at the same time as rank 0.
const Ranks& called(const Ranks& ranks, const Experiment& experiment,
                    const std::filesystem::path& run) {
  call_ranks(ranks, SharedWork::kSearch, experiment, run, Json::object());
  return ranks;
}

}  // namespace

RankAccuracies::RankAccuracies(const Experiment& experiment, const SearchSpace& space,
                               const std::filesystem::path& run, const Ranks& ranks)
    : space_(space), ranks_(called(ranks, experiment, run)), own_(experiment, space, run) {}

double RankAccuracies::estimate(const Subnet& subnet) { return estimate_all({&subnet, 1}).front(); }

void RankAccuracies::estimate_each(std::span<const Subnet> subnets, const Arrival& arrived) {
  const std::string round = fmt::format("search/{}", rounds_++);
  Json list = Json::array();
  for (const Subnet& subnet : subnets) {
    list.push_back(Json::parse(search::space::subnet_to_json(space_, subnet)));
  }
  ranks_->tell(Json{{"round", round}, {"subnets", std::move(list)}}.dump());
  std::size_t left = subnets.size();
  std::int64_t heard = 0;
  const auto collect = [&] {
    while (const std::optional<std::string> text = ranks_->read(result_key(round, heard))) {
      ranks_->erase(result_key(round, heard++));
      const Json result = Json::parse(*text);
      --left;
      arrived(result.at("index").get<std::size_t>(), result.at("accuracy").get<double>());
    }
  };
  own_.estimate_taken(subnets, taker(*ranks_, round, subnets.size()),
                      [&](std::size_t i, double accuracy) {
                        --left;
                        arrived(i, accuracy);
                        collect();
                      });
  for (; left > 0; collect()) std::this_thread::sleep_for(kPause);
}

void RankAccuracies::finish() { ranks_->tell("{}"); }

void measure_for_search(const Experiment& experiment, const SearchSpace& space,
                        const std::filesystem::path& run, const Ranks& ranks) {
  SupernetEstimator own(experiment, space, run);
  for (;;) {
    const Json told = Json::parse(ranks->hear());
    if (told.empty()) return;
    const std::string round = told.at("round");
    std::vector<Subnet> subnets;
    for (const Json& subnet : told.at("subnets")) {
      subnets.push_back(search::space::subnet_from_json(space, subnet.dump(), "the sub-network"));
    }
    own.estimate_taken(
        subnets, taker(*ranks, round, subnets.size()), [&](std::size_t i, double accuracy) {
          const Json result = {{"index", i}, {"accuracy", accuracy}};
          ranks->post(result_key(round, ranks->count_up(round + "/done")), result.dump());
        });
  }
}

}  // namespace mcunet::pipeline
