#include "search_stage.hpp"

#include <filesystem>
#include <functional>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/search/accuracy_cache.hpp"
#include "stage_run.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using search::SearchState;

constexpr char kSearchFolder[] = "search";
constexpr char kConsole[] = "device.console";  // of no influence on a search

search::SearchProblem problem_of(const Experiment& experiment,
                                 const search::space::SearchSpace& space) {
  return {.space = space,
          .oracle = experiment.oracle,
          .budget = experiment.budget,
          .threads = experiment.search.threads};
}

// What a state belongs to. Threads and devices change nothing.
ConfigNode describe_problem(const Experiment& experiment, const search::space::SearchSpace& space,
                            const std::string& identity) {
  Experiment copy = experiment;
  copy.space = space;
  copy.search.threads = 0;
  ConfigNode all = write_fields(fields_of(copy));
  erase_key(all, "search.devices");
  erase_key(all, kConsole);
  ConfigNode problem{.kind = ConfigNode::Kind::kMap};
  for (const char* key : {"device", "space", "seed", "budget", "engine", "search"}) {
    problem.keys.emplace_back(key);
    problem.items.push_back(*all.find(key));
  }
  problem.keys.emplace_back("weight_bits");
  problem.items.push_back(write_value(experiment.oracle.widths.weights));
  // Those of searches from before they could be otherwise are not stated.
  const engine::OracleOptions& oracle = experiment.oracle;
  problem.keys.emplace_back("activation_bits");
  problem.items.push_back(oracle.widths.activations == 8 ? ConfigNode{}
                                                         : write_value(oracle.widths.activations));
  problem.keys.emplace_back("keep_first_last");
  problem.items.push_back(oracle.keep_first_last ? write_value(true) : ConfigNode{});
  problem.keys.emplace_back("accuracies_of");
  problem.items.push_back(write_value(identity));
  return problem;
}

ConfigNode read_problem(const fs::path& file) {
  try {
    return load_config(file);
  } catch (const Error& error) {
    throw Error("{}; {}", error.what(), kHowToRestore);
  }
}

// The files of one stage: states in search/NAME.json beside search/problem.json, which says whose
// they are.
class StateFiles {
 public:
  StateFiles(const RunDirectory& run, const search::space::SearchSpace& space, ConfigNode problem)
      : run_(run), space_(space), problem_(std::move(problem)) {}

  void start_afresh() const {
    std::error_code error;
    fs::remove_all(run_.folder() / kSearchFolder, error);
    if (error) {
      throw Error("{}: cannot be removed: {}", (run_.folder() / kSearchFolder).string(),
                  error.message());
    }
  }

  // Throws Error if the folder holds a search of something else.
  void open() const {
    const fs::path file = path("problem");
    if (!fs::exists(file)) return run_.write(relative("problem"), to_json_text(problem_) + "\n");
    ConfigNode before = read_problem(file);
    erase_key(before, kConsole);
    const std::string difference = first_difference(before, problem_);
    if (difference.empty()) return;
    throw Error("{}: holds a search of something else ({}); choose another --out",
                file.parent_path().string(), difference);
  }

  SearchState load(const char* name) const {
    const fs::path file = path(name);
    if (!fs::exists(file)) return {};
    return search::state_from_json(space_, read_file(file), file.string());
  }

  void save(const char* name, const SearchState& state) const {
    run_.write(relative(name), search::state_to_json(space_, state));
  }

 private:
  static fs::path relative(const char* name) {
    return fs::path(kSearchFolder) / (std::string(name) + ".json");
  }
  fs::path path(const char* name) const { return run_.folder() / relative(name); }

  const RunDirectory& run_;
  const search::space::SearchSpace& space_;
  ConfigNode problem_;
};

std::string describe(const SearchState& state) {
  const search::GenerationSummary last = search::summarize(state).back();
  return fmt::format("best {:.2f} %, mean {:.2f} %, {:.1f} % of networks fit", 100 * last.best,
                     100 * last.mean, 100 * last.hit_rate);
}

// Of networks that a phase will have evaluated at most.
std::int64_t evolution_size(const search::EvolutionOptions& options) {
  return options.population +
         std::int64_t{options.iterations} * (options.crossovers + options.mutations);
}

class SearchRun {
 public:
  SearchRun(const Experiment& experiment, const search::space::SearchSpace& space,
            const AccuracySource& accuracy, const RunDirectory& run, bool resume)
      : experiment_(experiment),
        problem_(problem_of(experiment, space)),
        files_(run, problem_.space, describe_problem(experiment, space, accuracy.identity)) {
    if (!resume) files_.start_afresh();
    files_.open();
    cache_.emplace(accuracy.estimator, space, run.folder() / kSearchFolder / "accuracies.jsonl",
                   accuracy.identity, [this](std::int64_t known) {
                     if (progress_) progress_->advance(known);
                   });
  }

  search::SearchResult run() {
    search::SearchResult result;
    const SearchStageOptions& options = experiment_.search;
    result.evolution =
        phase("evolution", "Evolution", evolution_size(options.evolution), {},
              [&](SearchState state, const search::SaveState& save) {
                return search::evolve(problem_, *cache_, options.evolution, std::move(state), save);
              });
    if (!result.is_feasible()) return result;
    if (options.random_baseline) {
      const auto evaluations = static_cast<std::int64_t>(result.evolution.evaluated.size());
      const search::RandomSearchOptions random{
          .evaluations = evaluations,
          .batch = options.evolution.population,
          .sampling = options.evolution.sampling,
          .attempts_per_candidate = options.evolution.attempts_per_candidate,
          .seed = options.evolution.seed};
      result.random =
          phase("random", "Random search", evaluations, {},
                [&](SearchState state, const search::SaveState& save) {
                  return search::search_randomly(problem_, *cache_, random, std::move(state), save);
                });
    }
    SearchState start = result.evolution;
    start.is_exhausted = false;
    result.front = phase("front", "Front",
                         static_cast<std::int64_t>(start.evaluated.size()) +
                             std::int64_t{options.front.iterations} * options.front.population,
                         std::move(start), [&](SearchState state, const search::SaveState& save) {
                           return search::search_front(problem_, *cache_, options.front,
                                                       std::move(state), save);
                         });
    return result;
  }

 private:
  using Search = std::function<SearchState(SearchState, const search::SaveState&)>;

  // Goes on from the state on disk, if there is one, else from `start`.
  SearchState phase(const char* name, const char* title, std::int64_t total, SearchState start,
                    const Search& search) {
    SearchState state = files_.load(name);
    if (state.generations.empty()) state = std::move(start);
    const auto done = static_cast<std::int64_t>(state.evaluated.size());
    progress_.emplace(title, total, "networks", done);
    state = search(std::move(state), [&](const SearchState& now) {
      progress_->note(describe(now));
      files_.save(name, now);
    });
    progress_.reset();
    if (state.infeasible.empty()) files_.save(name, state);
    return state;
  }

  const Experiment& experiment_;
  search::SearchProblem problem_;
  StateFiles files_;
  std::optional<Progress> progress_;
  std::optional<search::AccuracyCache> cache_;
};

}  // namespace

search::SearchResult run_search_stage(const Experiment& experiment,
                                      const search::space::SearchSpace& space,
                                      const AccuracySource& accuracy, RunDirectory& run,
                                      bool resume) {
  const auto read = [&]() -> search::SearchResult {
    const StateFiles files(run, space, describe_problem(experiment, space, accuracy.identity));
    files.open();
    return {files.load("evolution"), files.load("random"), files.load("front")};
  };
  const auto work = [&](search::SearchResult& result, const Begin& begin) {
    begin();
    result = SearchRun(experiment, space, accuracy, run, resume).run();
    accuracy.finish();  // so that the cost holds what its processes took
    if (!result.is_feasible()) StateFiles(run, space, {}).start_afresh();
    return result.is_feasible();
  };
  const auto write = [&](const search::SearchResult& result, double) {
    run.write("search.json", search_to_json(experiment, space, result));
    run.write("search.csv", search_to_csv(space, result));
  };
  return run_stage<search::SearchResult>(
      run, /*resume=*/true, {.name = kSearchStage, .read = read, .work = work, .write = write});
}

Searches read_searches(const fs::path& run) {
  const fs::path folder = run / kSearchFolder;
  const ConfigNode problem = read_problem(folder / "problem.json");
  const ConfigNode* node = problem.find("space");
  if (node == nullptr) problem.fail("lacks the key space");
  Searches searches{.space = search::space::read_search_space(*node)};
  const auto load = [&](const char* name) {
    const fs::path file = folder / name;
    return fs::exists(file)
               ? search::state_from_json(searches.space, read_file(file), file.string())
               : SearchState{};
  };
  searches.result = {load("evolution.json"), load("random.json"), load("front.json")};
  if (!searches.result.is_feasible()) {
    throw Error("{}: holds no networks; {}", (folder / "evolution.json").string(), kHowToRestore);
  }
  return searches;
}

report::SearchReportContext report_context(const Experiment& experiment,
                                           const search::space::SearchSpace& space) {
  return {.device_name = experiment.device.name,
          .space = space,
          .budget = experiment.budget,
          .oracle = experiment.oracle};
}

}  // namespace mcunet::pipeline
