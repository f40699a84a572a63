#include "ranks.hpp"

#include <nlohmann/json.hpp>

#include "finetune_stage.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/logging.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/process_group.hpp"
#include "quantization_aware_stage.hpp"
#include "rank_accuracies.hpp"
#include "train_stage.hpp"

// What rank 0 says to the others, a piece of JSON at a time:
//
//   {"work": "train", "run": "/runs/x", "config": {…}, …}   the work, and the experiment
//   {"work": "end"}                                          the job is done
namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using search::space::SearchSpace;

constexpr char kEnd[] = "end";

const char* name_of(SharedWork work) {
  switch (work) {
    case SharedWork::kTrain:
      return "train";
    case SharedWork::kSearch:
      return "search";
    case SharedWork::kFinetune:
      return "finetune";
    case SharedWork::kQuantizationAware:
      return "quantization_aware";
  }
  throw Error("unknown work {}", static_cast<int>(work));
}

void take_part(const Json& call, const Ranks& ranks, const std::function<bool()>& should_stop) {
  const Experiment experiment =
      read_experiment(parse_config(call.at("config").dump(), "the configuration"));
  const std::filesystem::path run = call.at("run").get<std::string>();
  const SearchSpace space = choose_training_space(experiment, run).space;
  const std::string work = call.at("work");
  if (work == name_of(SharedWork::kTrain)) {
    return take_part_in_training(experiment, run, ranks, should_stop);
  }
  if (work == name_of(SharedWork::kSearch))
    return measure_for_search(experiment, space, run, ranks);
  const auto subnet = [&] {
    return search::space::subnet_from_json(space, call.at("subnet").dump(), "the sub-network");
  };
  if (work == name_of(SharedWork::kFinetune)) {
    return take_part_in_finetuning(experiment, space, subnet(), run, ranks, should_stop);
  }
  if (work == name_of(SharedWork::kQuantizationAware)) {
    return take_part_in_quantization_aware(experiment, space, subnet(), run, ranks, should_stop);
  }
  throw Error("rank 0 calls for {}, which this program does not know", work);
}

void follow(const Ranks& ranks, const std::function<bool()>& should_stop) {
  for (;;) {
    const Json call = Json::parse(ranks->hear());
    if (call.at("work") == kEnd) return;
    take_part(call, ranks, should_stop);
  }
}

}  // namespace

Ranks alone() { return std::make_shared<supernet::ProcessGroup>(); }

int with_ranks(const Listen& listen, const std::function<int(const Ranks&)>& job) {
  const RankPlace place = rank_place();
  if (place.ranks == 1) return job(alone());
  if (place.rank > 0) set_up_logging(Verbosity::kSilent);
  const auto ranks = std::make_shared<supernet::ProcessGroup>(place);
  try {
    int code = 0;
    if (ranks->leads()) {
      code = job(ranks);
      ranks->tell(Json{{"work", kEnd}}.dump());
    } else {
      follow(ranks, listen());
    }
    ranks->leave();
    return code;
  } catch (const std::exception& error) {
    if (ranks->fail(error.what())) return 1;
    throw;
  }
}

void call_ranks(const Ranks& ranks, SharedWork work, const Experiment& experiment,
                const std::filesystem::path& run, const Json& more) {
  if (ranks->ranks() == 1) return;
  Experiment copy = experiment;
  Json call = {{"work", name_of(work)},
               {"run", std::filesystem::absolute(run).string()},
               {"config", Json::parse(to_json_text(write_fields(fields_of(copy))))}};
  call.update(more);
  ranks->tell(call.dump());
}

}  // namespace mcunet::pipeline
