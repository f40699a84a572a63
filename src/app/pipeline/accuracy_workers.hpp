#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "experiment.hpp"
#include "mcunet/search/accuracy_estimator.hpp"

// The accuracies of a trained supernet, measured by several processes at the same time.
namespace mcunet::pipeline {

// Throws Error if one of search.devices is no device or not there, or if they are of two kinds,
// whose accuracies differ in the last digits.
void check_search_devices(const Experiment& experiment);

// One process for each of search.devices, which loads supernet and data once and measures as
// SupernetEstimator does; each sub-network goes to whichever is free. The threads of the section
// `train` are divided among them. An accuracy does not depend on who measures it, and, on CPUs, not
// on how many processes there are as long as each has the same number of threads.
class AccuracyWorkers : public search::AccuracyEstimator {
 public:
  // `command` starts a process that calls serve_accuracies(). Throws Error if a device or the
  // supernet is not there.
  AccuracyWorkers(const Experiment& experiment, const search::space::SearchSpace& space,
                  std::filesystem::path run, std::vector<std::string> command);
  ~AccuracyWorkers() override;

  AccuracyWorkers(const AccuracyWorkers&) = delete;
  AccuracyWorkers& operator=(const AccuracyWorkers&) = delete;

  // Starts the processes and waits until they have loaded everything; what asks for an accuracy
  // does so if need be. Throws Error that names the process if one fails or dies; all of them are
  // ended then.
  void start();

  // Throw Error as start() does.
  double estimate(const search::space::Subnet& subnet) override;
  void estimate_each(std::span<const search::space::Subnet> subnets,
                     const Arrival& arrived) override;

  // SupernetEstimator's.
  const std::string& identity() const { return identity_; }

  // Ends the processes.
  void stop();

 private:
  struct Worker;

  void load();
  template <typename T, typename Heard>
  void listen(const char* key, std::size_t answers, const Heard& heard);
  void hand_out(std::span<const search::space::Subnet> subnets, const Arrival& arrived);

  Experiment experiment_;
  search::space::SearchSpace space_;
  std::filesystem::path run_;
  std::vector<std::string> command_;
  std::string identity_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// What such a process does: answers as long as it is asked. Whether it came to its end without an
// error, which has been told to the one who asks.
bool serve_accuracies();

}  // namespace mcunet::pipeline
