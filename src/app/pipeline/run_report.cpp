#include "run_report.hpp"

#include <fmt/format.h>

#include <cmath>

#include "assessment_section.hpp"
#include "bit_widths.hpp"
#include "cycle_range_json.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/progress.hpp"
#include "mixed_widths.hpp"
#include "quantization_gain.hpp"
#include "report/cost_report.hpp"
#include "report/search_report.hpp"
#include "report/space_report.hpp"
#include "run_summary.hpp"
#include "search_stage.hpp"
#include "space_stage.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using report::Fact;
using report::HtmlPage;
using Json = nlohmann::ordered_json;

search::SpaceRanking read_ranking(const fs::path& run) {
  const fs::path file = run / "space.json";
  return ranking_from_json(read_file(file), file.string());
}

std::string millions(const Json& macs) { return fmt::format("{:.2f}M", macs.get<double>() / 1e6); }

std::string limit(const std::optional<std::int64_t>& bytes) {
  return bytes ? "of " + describe_kib(*bytes) : "";
}

// What one looks for first.
void add_head(HtmlPage& page, const Experiment& experiment, const RunSummary& summary) {
  const std::string title = summary.metric->title;
  std::vector<Fact> facts;
  if (summary.int8) {
    const auto interval = summary.int8->interval();
    const std::string chance = interval ? fmt::format("{:.1f} to {:.1f} at 95 %, ",
                                                      100 * interval->low, 100 * interval->high)
                                        : "";
    facts.push_back({fmt::format("{} in {}, test set", title, describe(summary.widths)),
                     describe_percent(summary.int8->value),
                     chance + describe_examples(*summary.int8)});
  } else if (summary.search_score) {
    facts.push_back(
        {title + ", search split", describe_percent(*summary.search_score), "the winner's"});
  }
  if (summary.resources) {
    const RunResources& r = *summary.resources;
    facts.push_back({"SRAM", describe_kib(r.peak_sram_bytes), limit(experiment.budget.sram_bytes)});
    facts.push_back({"flash", describe_kib(r.flash_bytes), limit(experiment.budget.flash_bytes)});
    facts.push_back({"latency (estimate)", fmt::format("{:.1f} ms", r.latency_ms),
                     fmt::format("{:.1f} to {:.1f} at {:g} MHz", r.latency_ms_low,
                                 r.latency_ms_high, experiment.device.clock_mhz)});
    facts.push_back(
        {"MACs", fmt::format("{:.2f}M", static_cast<double>(r.macs) / 1e6), "of one inference"});
  }
  const StageCost cost = report::sum_of(summary.stages);
  facts.push_back({"design time", format_duration(cost.wall_seconds),
                   format_duration(cost.cpu_seconds) + " of processors"});
  page.facts(facts);
}

void add_train(HtmlPage& page, const Json& train) {
  const Score test = score_from_json(train.at("test"));
  const Json& search = train.at("search");
  page.heading("Supernet");
  std::string text =
      fmt::format("Width {}, resolution {}; the largest sub-network has {} on the test set, {}.",
                  train.at("width").get<double>(), train.at("resolution").get<int>(),
                  describe_share(test), describe_examples(test));
  if (!search.at("spearman").is_null()) {
    text += fmt::format(" Rank correlation of accuracy with MACs: {:.2f}.",
                        search.at("spearman").get<double>());
  }
  page.paragraph(text);
  report::TableRows rows = {
      {"sub-network", "MACs", fmt::format("{}, search split", test.metric->title)}};
  for (const char* name : {"largest", "smallest"}) {
    const Json& entry = search.at(name);
    rows.push_back(
        {name, millions(entry.at("macs")), describe_percent(share_at(entry, test.metric->name))});
  }
  page.table(rows);
}

// How far chance may have moved the accuracies that the search went by.
std::string describe_search_split(const fs::path& run, double accuracy) {
  const std::int64_t examples = read_result(
      run, kTrainStage, [](const Json& train) { return count_at(train.at("search"), "examples"); });
  const Metric& metric = read_result(
      run, kTrainStage, [](const Json& train) { return std::ref(metric_in(train.at("test"))); });
  if (&metric != &kTopOne) {
    return fmt::format("Accuracies are {} on the search split, of {} examples.", metric.title,
                       examples);
  }
  const Score winner =
      top_one(std::llround(accuracy * static_cast<double>(examples)), examples, examples);
  return fmt::format(
      "Accuracies are of the search split, {}. The winner's, and what chance may have made of it at 95 % "
      "confidence: {}.",
      describe_examples(winner), describe_share(winner));
}

// Drawn from the states of the searches and the space that they belong to.
void add_search(HtmlPage& page, const Experiment& experiment, const RunDirectory& run,
                const fs::path& folder) {
  const auto [space, result] = read_searches(run.folder());
  report::SearchReportContext context = report_context(experiment, space);
  if (run.is_complete(kTrainStage)) {
    context.note = describe_search_split(run.folder(), result.winner().network.accuracy);
  }
  report::add_search(page, result, context, folder);
}

void add_finetune(HtmlPage& page, const Json& finetune) {
  const Score test = score_from_json(finetune.at("test"));
  const std::string metric = test.metric->name;
  page.heading("Fine-tuning");
  const std::string inherited = describe_percent(share_at(finetune, "inherited_" + metric));
  if (count_at(finetune, "steps") == 0) {
    page.paragraph(
        fmt::format("The network was not trained on. It has {} on the search split with the "
                    "weights that it inherits from the supernet; {} on the test set, {}.",
                    inherited, describe_share(test), describe_examples(test)));
    return;
  }
  page.paragraph(
      fmt::format("The network had {} on the search split with the weights that it inherited, "
                  "and {} after fine-tuning{}; {} on the test set, {}.",
                  inherited, describe_percent(share_at(finetune, metric)),
                  finetune.at("kept") == "inherited"
                      ? ", which made it worse, so that the inherited weights were kept"
                      : "",
                  describe_share(test), describe_examples(test)));
}

std::string measured(const Score& score) {
  return fmt::format("{}, {}", describe_share(score), describe_examples(score));
}

std::string planned_sram(const Json& exported) {
  const std::string all = describe_kib(count_at(exported, "peak_sram_bytes"));
  const std::int64_t grown = count_at(exported.at("memory"), "grown_bytes");
  return grown == 0 ? all : fmt::format("{}, of them {} for speed", all, describe_kib(grown));
}

void add_quantization_gain(const Json& exported, report::TableRows& rows) {
  if (!exported.contains("quantization_aware")) return;
  const QuantizationGain gain = gain_from_json(exported.at("quantization_aware"));
  const std::string title = gain.post_training.metric->title;
  const std::string quantized = title + " in " + describe(widths_from_json(exported));
  rows.push_back({quantized + ", search split: post-training", measured(gain.post_training)});
  rows.push_back(
      {quantized + ", search split: quantization-aware", measured(gain.quantization_aware)});
  rows.push_back({"exported",
                  gain.is_kept() ? "the network of quantization-aware training"
                                 : "the fine-tuned network: quantization-aware training is worse"});
}

void add_emulation(HtmlPage& page, const Json& exported) {
  report::TableRows rows = {
      {"input", "answer", "cycles (estimated)", "instructions", "as on the host"}};
  for (const Json& inference : exported.at("inferences")) {
    rows.push_back({inference.at("input"), describe_answer(inference, exported.at("classes")),
                    describe(inference.at("cycles").get<cycles::CycleRange>()),
                    fmt::format("{}", count_at(inference, "instructions")),
                    inference.at("exact").get<bool>() ? "yes, every bit" : "no"});
  }
  if (rows.size() == 1) return;
  page.folded_table(fmt::format("{} test examples on the emulated {}", rows.size() - 1,
                                exported.at("board").get<std::string>()),
                    rows);
}

std::optional<MixedWidths> mixed_widths_in(const Json& exported) {
  if (!exported.contains("mixed_widths")) return std::nullopt;
  return mixed_widths_from_json(exported.at("mixed_widths"));
}

void add_export(HtmlPage& page, const Json& exported, const fs::path& run) {
  const Score in_float = score_from_json(exported.at("fp32"));
  const Assessment int8 = assessment_from_json(exported.at("int8"));
  const std::string title = in_float.metric->title;
  page.heading("Quantized network and firmware");
  report::TableRows rows;
  add_quantization_gain(exported, rows);
  rows.push_back({title + " in float, test set", measured(in_float)});
  const std::string widths = describe(widths_from_json(exported));
  rows.push_back({fmt::format("{} in {}, test set", title, widths), measured(score_of(int8))});
  const std::optional<MixedWidths> mixed = mixed_widths_in(exported);
  rows.push_back({"weights, activations", describe_bits(widths_from_json(exported))});
  if (mixed) rows.push_back({"widths of weights", describe(*mixed)});
  rows.push_back({"ranges by", exported.at("range_method")});
  rows.push_back({"planned SRAM", planned_sram(exported)});
  rows.push_back({"measured SRAM: static data and stack",
                  describe_kib(count_at(exported, "measured_sram_bytes"))});
  rows.push_back({"flash as linked", describe_kib(count_at(exported, "flash_bytes"))});
  rows.push_back({"fits", exported.at("fits").get<bool>() ? "yes" : "no"});
  if (!exported.at("inferences").empty()) {
    const Json& inference = exported.at("inferences")[0];
    rows.push_back({"cycles on the device's core (estimated)",
                    describe(inference.at("cycles").get<cycles::CycleRange>())});
    rows.push_back({"instructions on the emulated core",
                    fmt::format("{}", count_at(inference, "instructions"))});
    rows.push_back(
        {"bit-identical to the reference", exported.at("exact").get<bool>() ? "yes" : "no"});
  }
  page.properties(rows);
  if (mixed) page.folded_table("Bits of the weights, layer by layer", table_of(*mixed));
  add_emulation(page, exported);
  page.heading("Answers in " + widths);
  add_assessment(page, int8, run);
}

}  // namespace

void write_run_report(const Experiment& experiment, const RunDirectory& run) {
  const fs::path folder = run.folder() / "report";
  if (run.costs().empty()) throw Error("{}: holds no complete stage", run.folder().string());
  const bool has_space = run.is_complete(kSpaceStage);
  if (has_space && run.costs().size() == 1) {
    report::write_space_report(read_ranking(run.folder()), report_context(experiment), folder);
    return;
  }
  HtmlPage page(fmt::format("A network for {}", experiment.device.name));
  add_head(page, experiment, summarize_run(run.folder(), experiment, run.costs()));
  const auto add = [&](const char* stage, const auto& section) {
    if (!run.is_complete(stage)) return;
    read_result(run.folder(), stage, [&](const Json& json) {
      section(json);
      return true;
    });
  };
  add(kExportStage, [&](const Json& exported) {
    add_samples(page, exported.at("classes").get<std::vector<std::string>>(), run.folder());
  });
  if (has_space) {
    page.heading("Search space");
    report::add_space(page, read_ranking(run.folder()), report_context(experiment), folder);
  }
  add(kTrainStage, [&](const Json& train) { add_train(page, train); });
  if (run.is_complete(kSearchStage)) add_search(page, experiment, run, folder);
  add(kFinetuneStage, [&](const Json& finetune) { add_finetune(page, finetune); });
  add(kExportStage, [&](const Json& exported) { add_export(page, exported, run.folder()); });
  report::add_costs(page, run.costs());
  page.paragraph("Data, gnuplot scripts, SVG and PDF of all plots lie beside this page.");
  write_file_atomically(make_folder(folder) / "index.html", page.to_string());
}

}  // namespace mcunet::pipeline
