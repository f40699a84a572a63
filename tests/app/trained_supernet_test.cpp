#include "pipeline/trained_supernet.hpp"

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class TrainedSupernet : public TinyRun {
 protected:
  std::string identity(const std::vector<std::string>& overrides = {}) const {
    return SupernetEstimator(experiment(overrides), space(), run_folder()).identity();
  }
};

TEST_F(TrainedSupernet, TheIdentityChangesWithWhatTheAccuraciesDependOn) {
  const std::string before = identity();
  EXPECT_THAT(before, AllOf(HasSubstr("1 batches"), HasSubstr("48 examples")));
  EXPECT_EQ(identity(), before);
  EXPECT_EQ(identity({"finetune.epochs=7"}), before);
  EXPECT_NE(identity({"train.calibration_batches=2"}), before);
  EXPECT_NE(identity({"dataset.synthetic.held_out_examples=40"}), before);
  write_supernet(2);
  EXPECT_NE(identity(), before);
  write_supernet(1);
  EXPECT_EQ(identity(), before);
}

TEST_F(TrainedSupernet, EstimatesAsTheEvaluatorDoes) {
  SupernetEstimator estimator(experiment(), space(), run_folder());
  const std::vector<search::space::Subnet> subnets = {search::space::largest(space()),
                                                      search::space::smallest(space())};
  const std::vector<double> accuracies = estimator.estimate_all(subnets);
  const Experiment options = experiment();
  const Splits splits{dataset_of(options), 16};
  const auto calibration = splits.open(datasets::Split::kTrain);
  const auto held_out = splits.open(datasets::Split::kSearch);
  supernet::SubnetEvaluator evaluator(*calibration, *held_out, evaluator_options(options));
  const supernet::Supernet network = load_supernet(options, space(), run_folder());
  ASSERT_EQ(accuracies.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    std::int64_t correct = 0;
    evaluator.evaluate(network, subnets[i],
                       [&](const at::Tensor& outputs, const supernet::BatchTensors& batch) {
                         correct += outputs.argmax(1).eq(batch.targets).sum().item<std::int64_t>();
                       });
    EXPECT_EQ(accuracies[i], static_cast<double>(correct) / static_cast<double>(held_out->size()));
  }
}

// One thread each, whether there are more threads or more sub-networks.
TEST_F(TrainedSupernet, EstimatesSideBySideWhatOneThreadDoes) {
  RandomStream random(6);
  std::vector<search::space::Subnet> subnets;
  for (int i = 0; i < 7; ++i) {
    subnets.push_back(
        search::space::sample(space(), search::space::Sampling::kUniformGenes, random));
  }
  const auto estimates = [&](const char* threads, std::span<const search::space::Subnet> of) {
    SupernetEstimator estimator(experiment({threads}), space(), run_folder());
    return estimator.estimate_all(of);
  };
  const std::vector<double> expected = estimates("train.threads=1", subnets);
  EXPECT_EQ(estimates("train.threads=3", subnets), expected);
  for (std::size_t i = 0; i < subnets.size(); ++i) {
    EXPECT_EQ(estimates("train.threads=2", {&subnets[i], 1}).front(), expected[i]);
  }
}

// Where the bits of weights are a choice, candidates are measured at theirs: 8 change next to nothing, and
// what is measured differs from 4, which the identity tells.
TEST_F(TrainedSupernet, CandidatesAreMeasuredAtTheirBits) {
  Experiment options = experiment();
  const std::string before = identity();
  search::space::SearchSpace space = this->space();
  for (search::space::Stage& stage : space.stages) stage.weight_bits = {4, 8};
  const Splits splits{dataset_of(options), 16};
  const auto calibration = splits.open(datasets::Split::kTrain);
  const auto held_out = splits.open(datasets::Split::kSearch);
  const supernet::Supernet network = load_supernet(options, space, run_folder());
  const auto outputs = [&](const supernet::SubnetEvaluatorOptions& evaluation,
                           const search::space::Subnet& subnet) {
    supernet::SubnetEvaluator evaluator(*calibration, *held_out, evaluation);
    std::vector<at::Tensor> all;
    evaluator.evaluate(network, subnet,
                       [&](const at::Tensor& some, const auto&) { all.push_back(some.clone()); });
    return at::cat(all);
  };
  search::space::Subnet narrow = search::space::largest(space);
  for (auto& block : narrow.blocks) block.weight_bits = 4;
  const auto rounded = comparing_options(options, space);
  const at::Tensor exact = outputs(evaluator_options(options), narrow);
  const auto distance = [&](const search::space::Subnet& subnet) {
    return (outputs(rounded, subnet) - exact).norm().item<double>() / exact.norm().item<double>();
  };
  const double at_8 = distance(search::space::largest(space));
  const double at_4 = distance(narrow);
  EXPECT_GT(at_8, 0);
  EXPECT_LT(at_8, 0.1);
  EXPECT_GT(at_4, 4 * at_8);
  const std::string identity = SupernetEstimator(options, space, run_folder()).identity();
  EXPECT_EQ(identity, before + ", weights rounded to the bits of their block, others to 8");
  options.oracle.widths.weights = 4;
  options.oracle.keep_first_last = true;
  EXPECT_NE(SupernetEstimator(options, space, run_folder()).identity(), identity);
  EXPECT_NE(distance(narrow), 0);
}

TEST_F(TrainedSupernet, RefusesWhatIsNoSupernetOfTheSpace) {
  const std::string file = (run_folder() / kWeightsFile).string();
  search::space::SearchSpace wider = space();
  wider.stem_channels = 16;
  EXPECT_THAT(error_of([&] { load_supernet(experiment(), wider, run_folder()); }),
              AllOf(StartsWith(file + ": "), HasSubstr("has the shape [8], expected [16]")));
  const std::string whole = read_file(file);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{10}, whole.size() / 2, whole.size() - 30}) {
    folder_.write("run/supernet.pt", std::string_view(whole).substr(0, length));
    EXPECT_THAT(error_of([&] { load_supernet(experiment(), space(), run_folder()); }),
                StartsWith(file + ": is no tensor file: "))
        << length;
  }
  std::filesystem::remove(file);
  EXPECT_EQ(error_of([&] { load_supernet(experiment(), space(), run_folder()); }),
            run_folder().string() + ": holds no trained supernet: supernet.pt is not there");
  EXPECT_EQ(error_of([&] { dataset_of(Experiment{}); }),
            "training needs the section dataset in the experiment");
}

}  // namespace
}  // namespace mcunet::pipeline
