// What a whole training takes beside the network itself, on photographs in class folders:
//   training_benchmark FOLDER [STEPS [DEVICE [PRECISION [BATCH]]]]
// Trains a supernet of width 0.35 at 128x128, by default on the CPU in fp32, one phase after the other, and prints images/s and
// the share of the time in which it waits for data. Expect less than 5 % on two cores.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "mcunet/core/error.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/trainer.hpp"

namespace mcunet::supernet {
namespace {

constexpr int kResolution = 128;

struct Settings {
  std::string images;
  int steps = 40;
  std::string device = "cpu";
  Precision precision = Precision::kFloat32;
  int batch = 64;
};

void benchmark(const Settings& settings, const std::filesystem::path& folder) {
  const int steps = settings.steps;
  const datasets::DatasetOptions data_options{.kind = datasets::DatasetKind::kFolder,
                                              .path = settings.images};
  const auto data =
      datasets::open_dataset(data_options, datasets::Split::kTrain, kResolution, /*augment=*/true);
  auto space = search::space::read_search_space(
                   load_config(MCUNET_SOURCE_DIR "/configs/spaces/mnasnet.yaml"))
                   .at(0.35, kResolution);
  space.classes = static_cast<int>(data->classes().size());
  for (const bool elastic : {false, true}) {
    TrainerOptions options;
    options.precision = settings.precision;
    options.batch_size = settings.batch;
    options.data_workers = std::max(2, static_cast<int>(std::thread::hardware_concurrency()) - 1);
    options.largest_epochs = elastic ? 0 : 1'000'000;
    options.elastic_epochs = elastic ? 1'000'000 : 0;
    options.log_interval_steps = steps / 2;  // the second interval is measured
    TrainerContext context{
        .folder = folder, .identity = {}, .device = select_device(settings.device)};
    context.should_stop = [left = steps]() mutable { return --left == 0; };
    Trainer(space, *data, options, std::move(context)).train();
    std::ifstream lines(folder / "train.jsonl");
    nlohmann::json last;
    for (std::string line; std::getline(lines, line);) last = nlohmann::json::parse(line);
    fmt::print("{:8} {:7.1f} images/s, {:.2f} % of the time waiting for data\n",
               elastic ? "elastic" : "largest", last.at("images_per_second").get<double>(),
               100 * last.at("data_wait_share").get<double>());
    std::filesystem::remove_all(folder);
  }
}

}  // namespace
}  // namespace mcunet::supernet

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: training_benchmark FOLDER [STEPS [DEVICE [fp32|bf16 [BATCH]]]]\n");
    return 2;
  }
  at::set_num_threads(static_cast<int>(std::thread::hardware_concurrency()));
  std::string folder =
      (std::filesystem::temp_directory_path() / "mcunet-benchmark-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  try {
    mcunet::supernet::Settings settings{.images = argv[1]};
    if (argc > 2) settings.steps = std::max(2, std::atoi(argv[2]));
    if (argc > 3) settings.device = argv[3];
    if (argc > 4 && std::string(argv[4]) == "bf16") {
      settings.precision = mcunet::supernet::Precision::kBfloat16;
    }
    if (argc > 5) settings.batch = std::max(2, std::atoi(argv[5]));
    mcunet::supernet::benchmark(settings, folder);
    return 0;
  } catch (const mcunet::Error& error) {
    fmt::print(stderr, "training_benchmark: {}\n", error.what());
    return 1;
  }
}
