#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_training.hpp"

namespace mcunet {

// What kSmallTraining lacks for a whole job; all of it takes a few seconds.
inline constexpr char kSmallJob[] =
    "  checkpoint_interval_steps: 3\n"
    "  log_interval_steps: 1\n"
    "space_optimization:\n"
    "  widths: [0.3, 0.5]\n"
    "  resolutions: [24, 32]\n"
    "  samples: 20\n"
    "  sweep: {sram_kib: [], flash_kib: []}\n"
    "search: {population: 4, parents: 2, crossovers: 2, mutations: 2, iterations: 1, threads: 1}\n"
    "finetune: {epochs: 1, learning_rate: 0.2}\n"
    "quantization: {calibration_images: 32, selection_images: 32}\n"
    "export: {emulated_examples: 2}\n";

// Whole jobs, and stages of them, with the real program.
class SmallJobTest : public CommandTest {
 protected:
  SmallJobTest() { write("job.yaml", std::string(kSmallTraining) + kSmallJob); }

  // Quietly, so that standard error holds the program's own line alone.
  static std::vector<std::string> job(const std::string& command, const std::string& out,
                                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"-q",
                                          command,
                                          "job.yaml",
                                          "--out",
                                          out,
                                          "--set",
                                          "train.largest_epochs=1",
                                          "--set",
                                          "train.elastic_epochs=1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // The same, with a training for the rounding of int8.
  static std::vector<std::string> aware_job(const std::string& command, const std::string& out,
                                            std::vector<std::string> more = {}) {
    more.insert(more.end(),
                {"--set", "finetune.quantization_aware={epochs: 2, learning_rate: 0.02}"});
    return job(command, out, more);
  }

  // The network and all that makes it, bit by bit; times differ.
  void expect_same_results(const std::string& out, const std::string& other) const {
    for (const char* file : {"supernet.pt", "network.pt", "network.json", "export/model.tflite",
                             "export/model.c", "export/weights.c", "search.csv"}) {
      EXPECT_EQ(read(out + "/" + file), read(other + "/" + file)) << file << " of " << out;
    }
    if (std::filesystem::exists(folder_ / "work" / other / "quantization_aware.pt")) {
      EXPECT_EQ(read(out + "/quantization_aware.pt"), read(other + "/quantization_aware.pt"));
    }
    const auto read_json = [&](const std::string& folder, const char* file) {
      return nlohmann::json::parse(read(folder + "/" + file));
    };
    EXPECT_EQ(read_json(out, "search.json").at("winner"),
              read_json(other, "search.json").at("winner"));
    for (const char* key : {"fp32", "int8", "inferences", "elf"}) {
      EXPECT_EQ(read_json(out, "export.json").at(key), read_json(other, "export.json").at(key));
    }
  }

  // Until a file is there and not empty; a minute at most.
  void wait_for_content(const std::string& name) const {
    std::error_code error;
    for (int i = 0; i < 60'000; ++i) {
      if (std::filesystem::file_size(folder_ / "work" / name, error) > 0 && !error) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << name << " did not come";
  }
};

}  // namespace mcunet
