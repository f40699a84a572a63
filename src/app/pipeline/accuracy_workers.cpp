#include "accuracy_workers.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/supernet/device.hpp"
#include "train_stage.hpp"
#include "trained_supernet.hpp"
#include "worker_process.hpp"

// What the two ends say to each other, a line of JSON at a time:
//
//   {"run": "runs/x", "config": {…}}     the experiment, with the device and threads of this worker
//                                        {"identity": "supernet.pt …"}      it has loaded all
//   {"width": 0.5, "depths": […], …}     a sub-network
//                                        {"accuracy": 0.75}                 and so on
//                                        {"error": "…"}                     instead, and it ends
namespace mcunet::pipeline {
namespace {

using search::space::SearchSpace;
using search::space::Subnet;
using Json = nlohmann::ordered_json;

std::string to_line(const Json& json) { return json_text(json); }

// The experiment as worker `index` has it.
Experiment experiment_of(Experiment experiment, std::size_t index) {
  const auto workers = static_cast<int>(experiment.search.devices.size());
  supernet::TrainerOptions& options = experiment.train.trainer;
  options.device = experiment.search.devices[index];
  options.threads = std::max(1, thread_count(options) / workers);
  if (options.data_workers > 0) options.data_workers = std::max(1, options.data_workers / workers);
  experiment.search.devices.clear();
  return experiment;
}

}  // namespace

void check_search_devices(const Experiment& experiment) {
  const std::vector<std::string>& names = experiment.search.devices;
  std::optional<c10::DeviceType> kind;
  for (const std::string& name : names) {
    try {
      const c10::Device device = supernet::select_device(name);
      if (kind.value_or(device.type()) != device.type()) {
        throw Error("{} and {} are of two kinds, whose accuracies differ in the last digits",
                    names.front(), name);
      }
      kind = device.type();
    } catch (const Error& error) {
      throw Error("search.devices: {}", error.what());
    }
  }
}

struct AccuracyWorkers::Worker {
  Worker(std::string its_name, const std::vector<std::string>& command, const std::string& job)
      : name(std::move(its_name)), process(command) {
    tell(job);
  }

  void tell(const std::string& line) {
    try {
      process.send(line);
    } catch (const Error& error) {
      fail(error.what());
    }
  }

  // The value of `key` in what it said, if it said something.
  template <typename T>
  std::optional<T> hear(const char* key) {
    try {
      const std::optional<std::string> line = process.receive();
      if (!line) return std::nullopt;
      const Json said = Json::parse(*line);
      if (said.contains("error")) throw Error("{}", said.at("error").get<std::string>());
      return said.at(key).get<T>();
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }

  [[noreturn]] void fail(const std::string& message) const { throw Error("{}: {}", name, message); }

  std::string name;
  WorkerProcess process;
  std::size_t task = 0;  // the sub-network that it works on, if it does
};

AccuracyWorkers::AccuracyWorkers(const Experiment& experiment, const SearchSpace& space,
                                 std::filesystem::path run, std::vector<std::string> command)
    : experiment_(experiment),
      space_(space),
      run_(std::move(run)),
      command_(std::move(command)),
      identity_(accuracy_identity(experiment, space, run_)) {
  check_search_devices(experiment);
}

AccuracyWorkers::~AccuracyWorkers() = default;

void AccuracyWorkers::stop() { workers_.clear(); }

// Until so many of the workers' answers have come.
template <typename T, typename Heard>
void AccuracyWorkers::listen(const char* key, std::size_t answers, const Heard& heard) {
  std::vector<WorkerProcess*> processes;
  for (const auto& worker : workers_) processes.push_back(&worker->process);
  while (answers > 0) {
    WorkerProcess::wait_for_any(processes);
    for (const auto& worker : workers_) {
      const std::optional<T> answer = worker->hear<T>(key);
      if (!answer) continue;
      --answers;
      heard(*worker, *answer);
    }
  }
}

void AccuracyWorkers::start() {
  stop();
  try {
    load();
  } catch (...) {
    stop();
    throw;
  }
}

void AccuracyWorkers::load() {
  const std::vector<std::string>& devices = experiment_.search.devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    Experiment experiment = experiment_of(experiment_, i);
    const Json job = {{"run", run_.string()},
                      {"config", Json::parse(to_json_text(write_fields(fields_of(experiment))))}};
    workers_.push_back(std::make_unique<Worker>(
        fmt::format("search worker {} of {} ({})", i + 1, devices.size(), devices[i]), command_,
        to_line(job)));
  }
  listen<std::string>("identity", workers_.size(),
                      [&](const Worker& worker, const std::string& identity) {
                        if (identity == identity_) return;
                        worker.fail(fmt::format("found {} instead of {}", identity, identity_));
                      });
}

double AccuracyWorkers::estimate(const Subnet& subnet) {
  return estimate_all({&subnet, 1}).front();
}

void AccuracyWorkers::estimate_each(std::span<const Subnet> subnets, const Arrival& arrived) {
  if (workers_.empty()) start();
  try {
    hand_out(subnets, arrived);
  } catch (...) {
    stop();
    throw;
  }
}

void AccuracyWorkers::hand_out(std::span<const Subnet> subnets, const Arrival& arrived) {
  std::size_t next = 0;
  const auto give_work = [&](Worker& worker) {
    if (next == subnets.size()) return;
    worker.task = next++;
    worker.tell(subnet_to_json(space_, subnets[worker.task]));
  };
  for (const auto& worker : workers_) give_work(*worker);
  listen<double>("accuracy", subnets.size(), [&](Worker& worker, double accuracy) {
    arrived(worker.task, accuracy);
    give_work(worker);
  });
}

bool serve_accuracies() {
  WorkerConnection connection;
  try {
    const std::optional<std::string> job = connection.receive();
    if (!job) return true;
    const Json said = Json::parse(*job);
    const std::filesystem::path run = said.at("run").get<std::string>();
    const Experiment experiment =
        read_experiment(parse_config(said.at("config").dump(), "the configuration"));
    const SearchSpace space = choose_training_space(experiment, run).space;
    SupernetEstimator estimator(experiment, space, run);
    connection.send(to_line({{"identity", estimator.identity()}}));
    while (const std::optional<std::string> line = connection.receive()) {
      const Subnet subnet = search::space::subnet_from_json(space, *line, "the sub-network");
      connection.send(to_line({{"accuracy", estimator.estimate(subnet)}}));
    }
    return true;
  } catch (const std::exception& error) {
    connection.send(to_line({{"error", error.what()}}));
    return false;
  }
}

}  // namespace mcunet::pipeline
