#include "run_summary.hpp"

#include <fmt/format.h>

#include "mcunet/core/json_numbers.hpp"
#include "report/cost_report.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

RunResources resources_of(const Json& winner) {
  const Json& r = winner.at("resources");
  return {.peak_sram_bytes = count_at(r, "peak_sram_bytes"),
          .flash_bytes = count_at(r, "flash_bytes"),
          .macs = count_at(r, "macs"),
          .params = count_at(r, "params"),
          .latency_ms = amount_at(r, "latency_ms"),
          .latency_ms_low = amount_at(r, "latency_ms_low"),
          .latency_ms_high = amount_at(r, "latency_ms_high")};
}

void read_export(const Json& exported, RunSummary& summary) {
  summary.widths = widths_from_json(exported);
  summary.in_float = score_from_json(exported.at("fp32"));
  summary.int8 = score_from_json(exported.at("int8"));
  summary.fits = exported.at("fits").get<bool>();
  if (!summary.resources) summary.resources.emplace();
  summary.resources->peak_sram_bytes = count_at(exported, "peak_sram_bytes");
  summary.resources->flash_bytes = count_at(exported, "flash_bytes");
  summary.resources->macs = count_at(exported, "macs");
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::optional<Score>& score) { return score ? to_json(*score) : Json(nullptr); }

}  // namespace

RunSummary summarize_run(const fs::path& run, const Experiment& experiment,
                         const std::map<std::string, StageCost>& stages) {
  RunSummary summary{.folder = run,
                     .device = experiment.device.name,
                     .space = experiment.space.name,
                     .stages = stages,
                     .widths = {experiment.quantization.widths}};
  const auto read = [&](const char* stage, const auto& reader) {
    if (!summary.stages.contains(stage)) return;
    read_result(run, stage, [&](const Json& json) {
      reader(json);
      return true;
    });
  };
  read(kTrainStage, [&](const Json& train) {
    summary.metric = &metric_in(train.at("test"));
    summary.width = number_at(train, "width", 0.01, 8);
    summary.resolution = static_cast<int>(integer_at(train, "resolution", 16, 1024));
  });
  read(kSearchStage, [&](const Json& search) {
    summary.search_score = share_at(search.at("winner"), "accuracy");
    summary.resources = resources_of(search.at("winner"));
  });
  read(kExportStage, [&](const Json& exported) { read_export(exported, summary); });
  return summary;
}

RunSummary read_run_summary(const fs::path& run) {
  return summarize_run(run, read_experiment(read_run_config(run)), stage_costs(run));
}

Json to_json(const RunSummary& summary) {
  const auto resource = [&](auto RunResources::*member) {
    return summary.resources ? Json((*summary.resources).*member) : Json(nullptr);
  };
  const StageCost cost = report::sum_of(summary.stages);
  Json stages = Json::object();
  for (const auto& [name, spent] : summary.stages) {
    stages[name] = {{"wall_seconds", spent.wall_seconds}, {"cpu_seconds", spent.cpu_seconds}};
  }
  Json json = {{"run", summary.folder.string()},
               {"device", summary.device},
               {"space", summary.space},
               {"width", or_null(summary.width)},
               {"resolution", or_null(summary.resolution)},
               {fmt::format("search_{}", summary.metric->name), or_null(summary.search_score)},
               {"fp32", or_null(summary.in_float)},
               {"int8", or_null(summary.int8)},
               {"peak_sram_bytes", resource(&RunResources::peak_sram_bytes)},
               {"flash_bytes", resource(&RunResources::flash_bytes)},
               {"macs", resource(&RunResources::macs)},
               {"params", resource(&RunResources::params)},
               {"latency_ms", resource(&RunResources::latency_ms)},
               {"latency_ms_low", resource(&RunResources::latency_ms_low)},
               {"latency_ms_high", resource(&RunResources::latency_ms_high)},
               {"fits", or_null(summary.fits)},
               {"wall_seconds", cost.wall_seconds},
               {"cpu_seconds", cost.cpu_seconds},
               {"stages", stages}};
  json.update(to_json(summary.widths));
  return json;
}

std::string describe_percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string describe_kib(std::int64_t bytes) {
  return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
}

std::string describe_latency(const RunResources& resources) {
  return fmt::format("{:.1f} ms ({:.1f} to {:.1f})", resources.latency_ms, resources.latency_ms_low,
                     resources.latency_ms_high);
}

}  // namespace mcunet::pipeline
