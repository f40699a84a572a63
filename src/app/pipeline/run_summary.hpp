#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bit_widths.hpp"
#include "experiment.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/run_directory.hpp"
#include "score.hpp"
#include "stages.hpp"

// What a run came to, read from the files that its stages left.
namespace mcunet::pipeline {

// As planned or linked, and as estimated; see engine::Resources.
struct RunResources {
  std::int64_t peak_sram_bytes = 0;
  std::int64_t flash_bytes = 0;
  std::int64_t macs = 0;
  std::int64_t params = 0;
  double latency_ms = 0;
  double latency_ms_low = 0;
  double latency_ms_high = 0;
};

struct RunSummary {
  std::filesystem::path folder;
  std::string device;
  std::string space;                        // its name
  std::map<std::string, StageCost> stages;  // that are complete
  std::optional<double> width;              // of the supernet
  std::optional<int> resolution;
  const Metric* metric = &kTopOne;
  std::optional<double> search_score;  // of the winner, on the search split
  std::optional<RunResources>
      resources;                  // SRAM and flash as exported, else as the search planned them
  std::optional<Score> in_float;  // of the export, on the test set
  std::optional<Score> int8;      // of the quantized network
  NetworkWidths widths;
  std::optional<bool> fits;
};

// Of these stages. Throws Error if a file is damaged.
RunSummary summarize_run(const std::filesystem::path& run, const Experiment& experiment,
                         const std::map<std::string, StageCost>& stages);

// Of the stages that the manifest has. Throws Error also if there is none.
RunSummary read_run_summary(const std::filesystem::path& run);

// What is not known is null.
nlohmann::ordered_json to_json(const RunSummary& summary);

// What `read` makes of the result file that a stage left. Throws Error if it is damaged.
template <typename Read>
auto read_result(const std::filesystem::path& run, const std::string& stage, const Read& read) {
  const std::filesystem::path file = run / (stage + ".json");
  const std::string text = read_file(file);
  try {
    return read(nlohmann::ordered_json::parse(text));
  } catch (const std::exception& error) {
    fail_damaged(file, stage, error);
  }
}

// For people.
std::string describe_percent(double share);
std::string describe_kib(std::int64_t bytes);
std::string describe_latency(const RunResources& resources);  // "12.3 ms (11.0 to 13.5)"

}  // namespace mcunet::pipeline
