#include "run_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cycle_range_json.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "report/job_report.hpp"
#include "report/search_report.hpp"
#include "report/space_report.hpp"
#include "search_stage.hpp"
#include "space_stage.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using report::JobReport;
using Json = nlohmann::ordered_json;

// What `read` makes of a file that a stage left. Throws Error if it is damaged.
template <typename Read>
auto read_result(const fs::path& run, const char* stage, const Read& read) {
  const fs::path file = run / (std::string(stage) + ".json");
  const std::string text = read_file(file);
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    fail_damaged(file, stage, error);
  }
}

search::SpaceRanking read_ranking(const fs::path& run) {
  const fs::path file = run / "space.json";
  return ranking_from_json(read_file(file), file.string());
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string kib(std::int64_t bytes) {
  return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
}

JobReport::Section train_section(const Json& train) {
  const Json& search = train.at("search");
  const auto row = [](const char* name, const Json& entry) -> std::vector<std::string> {
    return {name, fmt::format("{:.2f}M", entry.at("macs").get<double>() / 1e6),
            percent(entry.at("top1"))};
  };
  JobReport::Section section{.heading = "Supernet"};
  section.text =
      fmt::format("Width {}, resolution {}; the largest sub-network has {} on the test set.",
                  train.at("width").get<double>(), train.at("resolution").get<int>(),
                  percent(train.at("test").at("largest_top1")));
  if (!search.at("spearman").is_null()) {
    section.text += fmt::format(" Rank correlation of accuracy with MACs: {:.2f}.",
                                search.at("spearman").get<double>());
  }
  section.rows = {{"sub-network", "MACs", "top-1, search split"},
                  row("largest", search.at("largest")),
                  row("smallest", search.at("smallest"))};
  return section;
}

JobReport::Section search_section(const Json& search) {
  const Json& winner = search.at("winner");
  const Json& resources = winner.at("resources");
  JobReport::Section section{.heading = "Search", .links = {{"search.html", "The search in full"}}};
  section.rows = {{"found by", "top-1, search split", "peak SRAM", "flash", "MACs"}};
  const auto add = [&](const char* name, const Json& entry) {
    const Json& r = entry.at("resources");
    section.rows.push_back({name, percent(entry.at("accuracy")), kib(r.at("peak_sram_bytes")),
                            kib(r.at("flash_bytes")),
                            fmt::format("{:.2f}M", r.at("macs").get<double>() / 1e6)});
  };
  const std::string found_by = search.value("found_by", "evolution");
  add(found_by.c_str(), winner);
  if (found_by != "evolution") add("evolution", search.at("evolution"));
  if (found_by != "random search" && !search.at("random").is_null())
    add("random search", search.at("random").at("best"));
  section.text = fmt::format(
      "{} networks were evaluated; the winner takes an estimated {:.1f} ms ({:.1f} to {:.1f}).",
      search.at("evaluations").get<int>(), resources.at("latency_ms").get<double>(),
      resources.at("latency_ms_low").get<double>(), resources.at("latency_ms_high").get<double>());
  return section;
}

std::string planned_sram(const Json& exported) {
  const std::string all = kib(exported.at("peak_sram_bytes"));
  const Json& grown = exported.at("memory").at("grown_bytes");
  return grown == 0 ? all : fmt::format("{}, of them {} for speed", all, kib(grown));
}

JobReport::Section export_section(const Json& exported) {
  JobReport::Section section{.heading = "Quantized network and firmware"};
  section.rows = {{"", ""},
                  {"top-1 in float, test set", percent(exported.at("fp32").at("top1"))},
                  {"top-1 in int8, test set", percent(exported.at("int8").at("top1"))},
                  {"ranges by", exported.at("range_method")},
                  {"planned SRAM", planned_sram(exported)},
                  {"measured SRAM: static data and stack", kib(exported.at("measured_sram_bytes"))},
                  {"flash as linked", kib(exported.at("flash_bytes"))},
                  {"fits", exported.at("fits").get<bool>() ? "yes" : "no"}};
  if (exported.contains("quantization_aware")) {
    const Json& aware = exported.at("quantization_aware");
    const Json& top1 = aware.at("held_out_top1");
    section.rows.insert(
        section.rows.begin() + 1,
        {{"top-1 in int8, search split: post-training", percent(top1.at("post_training"))},
         {"top-1 in int8, search split: quantization-aware",
          percent(top1.at("quantization_aware"))},
         {"exported", aware.at("kept").get<bool>()
                          ? "the network of quantization-aware training"
                          : "the fine-tuned network: quantization-aware training is worse"}});
  }
  if (!exported.at("inferences").empty()) {
    const Json& inference = exported.at("inferences")[0];
    section.rows.push_back({"cycles on the device's core (estimated)",
                            describe(inference.at("cycles").get<cycles::CycleRange>())});
    section.rows.push_back({"instructions on the emulated core",
                            fmt::format("{}", inference.at("instructions").get<std::int64_t>())});
    section.rows.push_back(
        {"bit-identical to the reference", exported.at("exact").get<bool>() ? "yes" : "NO"});
  }
  return section;
}

JobReport::Section space_section(const search::SpaceRanking& ranking) {
  const search::SpaceStatistics& best = ranking.spaces.front();
  return {.heading = "Search space",
          .text = fmt::format("The best of {} spaces is {}: {}.", ranking.spaces.size(),
                              report::space_label(best.width, best.resolution),
                              report::describe_fit(best)),
          .links = {{"space.html", "The ranking in full"}}};
}

search::space::SearchSpace read_space(const fs::path& problem_file) {
  try {
    const ConfigNode problem = load_config(problem_file);
    const ConfigNode* node = problem.find("space");
    if (node == nullptr) problem.fail("lacks the key space");
    return search::space::read_search_space(*node);
  } catch (const Error& error) {
    throw Error("{}; {}", error.what(), kHowToRestore);
  }
}

JobReport::Section finetune_section(const Json& finetune) {
  return {.heading = "Fine-tuning",
          .text = fmt::format(
              "The winner had {} on the search split with the weights that it inherited, "
              "and {} after fine-tuning{}; {} on the test set.",
              percent(finetune.at("inherited_top1")), percent(finetune.at("top1")),
              finetune.value("kept", "fine-tuned") == "inherited"
                  ? ", which made it worse, so that the inherited weights were kept"
                  : "",
              percent(finetune.at("test_top1")))};
}

// The search's page, drawn from its states and the space that they belong to.
void draw_search(const Experiment& experiment, const fs::path& run, const fs::path& folder) {
  const fs::path states = run / "search";
  const search::space::SearchSpace space = read_space(states / "problem.json");
  const auto load = [&](const char* name) {
    const fs::path file = states / name;
    return fs::exists(file) ? search::state_from_json(space, read_file(file), file.string())
                            : search::SearchState{};
  };
  const search::SearchResult result{load("evolution.json"), load("random.json"),
                                    load("front.json")};
  if (!result.is_feasible()) {
    throw Error("{}: holds no networks; {}", (states / "evolution.json").string(), kHowToRestore);
  }
  report::write_search_report(result, report_context(experiment, space), folder);
}

}  // namespace

void write_run_report(const Experiment& experiment, const RunDirectory& run) {
  const fs::path folder = run.folder() / "report";
  if (run.costs().empty()) throw Error("{}: holds no complete stage", run.folder().string());
  JobReport report{.title = fmt::format("A network for {}", experiment.device.name),
                   .costs = run.costs()};
  const auto add = [&](const char* stage, JobReport::Section (*section_of)(const Json&)) {
    if (run.is_complete(stage)) {
      report.sections.push_back(read_result(run.folder(), stage, section_of));
    }
  };
  if (run.is_complete(kSpaceStage)) {
    const search::SpaceRanking ranking = read_ranking(run.folder());
    report::write_space_report(ranking, report_context(experiment), folder,
                               run.costs().size() == 1 ? "index.html" : "space.html");
    if (run.costs().size() == 1) return;
    report.sections.push_back(space_section(ranking));
  }
  add(kTrainStage, train_section);
  if (run.is_complete(kSearchStage)) draw_search(experiment, run.folder(), folder);
  add(kSearchStage, search_section);
  add(kFinetuneStage, finetune_section);
  add(kExportStage, export_section);
  report::write_job_report(report, folder);
}

namespace {

report::SpaceAccuracy space_accuracy_of(const fs::path& run) {
  struct Trained {
    double width;
    int resolution;
  };
  const auto [width, resolution] = read_result(run, kTrainStage, [](const Json& train) {
    return Trained{train.at("width"), train.at("resolution")};
  });
  const search::SpaceRanking ranking = read_ranking(run);
  const auto space = std::find_if(ranking.spaces.begin(), ranking.spaces.end(),
                                  [&, w = width, r = resolution](const auto& candidate) {
                                    return candidate.width == w && candidate.resolution == r;
                                  });
  if (space == ranking.spaces.end()) {
    throw Error("{}: was searched in {}, which space.json does not hold", run.string(),
                report::space_label(width, resolution));
  }
  const auto accuracy = read_result(run, kSearchStage, [](const Json& search) {
    return share_at(search.at("winner"), "accuracy");
  });
  return {report::space_label(width, resolution), space->mean_macs, accuracy};
}

}  // namespace

void compare_runs(const std::vector<fs::path>& runs, const fs::path& folder) {
  std::vector<report::SpaceAccuracy> accuracies;
  for (const fs::path& run : runs) {
    for (const char* file : {"space.json", "train.json", "search.json"}) {
      if (!fs::exists(run / file)) throw Error("{}: has no {}", run.string(), file);
    }
    accuracies.push_back(space_accuracy_of(run));
  }
  report::draw_accuracy_by_space(accuracies, folder);
}

}  // namespace mcunet::pipeline
