#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>

#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet::search {

// Remembers accuracies by canonical form, in memory and in a file of JSON lines to which it appends
// each as soon as it is known. A process may be killed at any moment: a last line that was cut is
// dropped when the file is opened again.
class AccuracyCache : public AccuracyEstimator {
 public:
  // `identity` says what the accuracies depend on: checkpoint, data, recalibration. It stands in
  // the first line. `advance`, if given, hears how many accuracies became known. Throws Error if
  // the file holds accuracies of another identity, if it is damaged elsewhere than in its last
  // line, if another process has it open, or if it cannot be written.
  AccuracyCache(AccuracyEstimator& estimator, space::SearchSpace space, std::filesystem::path file,
                const std::string& identity, std::function<void(std::int64_t)> advance = {});
  ~AccuracyCache() override;

  AccuracyCache(const AccuracyCache&) = delete;
  AccuracyCache& operator=(const AccuracyCache&) = delete;

  // Throw Error if the estimator gives a value that is not in [0, 1], or none.
  double estimate(const space::Subnet& subnet) override;
  void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) override;

  std::size_t size() const { return known_.size(); }
  std::int64_t evaluations() const { return evaluations_; }  // asked of the estimator
  double seconds() const { return seconds_; }                // that the estimator took

 private:
  void load(const std::string& identity);
  void evaluate(std::span<const space::Subnet> subnets);
  void learn(const space::Subnet& subnet, double accuracy);
  void append(const std::string& lines);

  AccuracyEstimator& estimator_;
  space::SearchSpace space_;
  std::filesystem::path file_;
  std::function<void(std::int64_t)> advance_;
  int descriptor_ = -1;
  std::unordered_map<space::Subnet, double, space::SubnetHash> known_;
  std::int64_t evaluations_ = 0;
  double seconds_ = 0;
};

}  // namespace mcunet::search
