#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mcunet/datasets/loader.hpp"
#include "mcunet/supernet/evaluation.hpp"
#include "mcunet/supernet/process_group.hpp"

namespace mcunet::supernet {

struct SubnetEvaluatorOptions {
  // Of the training data (paper, Appendix D). 0: sub-networks keep the supernet's statistics, which are right
  // for the one of a space that has no other.
  int calibration_batches = 20;
  int batch_size = 64;
  int workers = 2;  // threads that decode
  std::uint64_t seed = 0;
  Precision precision = Precision::kFloat32;
  // Examples are decoded once if they, or their pixels, take no more memory than that, else for every
  // sub-network.
  std::int64_t cache_bytes = std::int64_t{1} << 30;
  at::Device device = at::kCPU;  // of the supernets, where the examples are kept
  // Whose ranks share the evaluation's batches, all of them calling evaluate().
  std::shared_ptr<ProcessGroup> group = std::make_shared<ProcessGroup>();
  // Changes a sub-network's weights before its statistics are recalibrated.
  std::function<void(FixedNetwork&)> prepare = [](FixedNetwork&) {};
};

// Measures sub-networks of a supernet, each with batch-norm statistics of its own, which are
// recalibrated on the same training examples for all. The supernet is not changed.
class SubnetEvaluator {
 public:
  // Both datasets, without augmentation, must outlive the evaluator. Their images have the largest
  // resolution, from which smaller ones are interpolated.
  SubnetEvaluator(const datasets::Dataset& calibration, const datasets::Dataset& evaluation,
                  const SubnetEvaluatorOptions& options);

  // Shows the observer what a sub-network tells of the evaluation's examples, in their order; with
  // several ranks all that all of them found, bit by bit as one rank would, but without the images.
  void evaluate(const Supernet& supernet, const search::space::Subnet& subnet,
                const OutputsObserver& observer);

  // Whether several threads may evaluate at once: if all examples are kept, by a rank of its own.
  bool is_shareable() const { return !cached_.empty() && options_.group->ranks() == 1; }

  // Gives a network that left the supernet the statistics that evaluate() would give it.
  void recalibrate(FixedNetwork& network) const;

 private:
  BatchTensors prepared(const BatchTensors& batch, int resolution) const;
  BatchSource calibration_batches(int resolution) const;
  BatchSource evaluation_batches(int resolution);
  void share(FixedNetwork& network, const BatchSource& batches, const OutputsObserver& observer);

  const datasets::Dataset& evaluation_;
  SubnetEvaluatorOptions options_;
  std::vector<BatchTensors> calibration_;
  std::vector<BatchTensors> cached_;  // of the evaluation, this rank's; empty if they are too large
  datasets::Loader loader_;           // of the evaluation
  at::Tensor pixel_values_;           // of examples that are kept as pixels
};

}  // namespace mcunet::supernet
