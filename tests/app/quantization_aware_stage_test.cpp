#include "pipeline/quantization_aware_stage.hpp"

#include <ATen/Functions.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "pipeline/finetune_stage.hpp"
#include "pipeline/float_graph.hpp"
#include "tiny_run.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using search::space::Subnet;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kNever = [] { return false; };

class QuantizationAwareStage : public TinyRun {
 protected:
  using Overrides = std::vector<std::string>;

  static Experiment with_data(const QuantizationAwareStage& test, Overrides overrides) {
    const Overrides always = {"dataset.synthetic.examples=256", "train.batch_size=16",
                              "finetune.epochs=12", "finetune.quantization_aware.epochs=2",
                              "quantization.method=min-max"};
    overrides.insert(overrides.begin(), always.begin(), always.end());
    return test.experiment(overrides);
  }

  Subnet subnet() const {
    return search::space::subnet_from_json(
        space(),
        R"({"width": 1, "resolution": 16, "depths": [1, 1], "kernels": [[3], [3]],)"
        R"( "expand_ratios": [[2], [2]]})",
        "test");
  }

  void finetune(const Overrides& overrides = {}) const {
    const Experiment options = with_data(*this, overrides);
    RunDirectory run = open(options);
    run_finetune_stage(options, space(), subnet(), run, /*resume=*/false, kNever);
  }

  QuantizationAwareResult train(const Overrides& overrides = {}, bool resume = false,
                                const std::function<bool()>& should_stop = kNever) const {
    const Experiment options = with_data(*this, overrides);
    RunDirectory run = open(options);
    return run_quantization_aware_stage(options, space(), subnet(), run, resume, should_stop);
  }

  // The last features are a linear function of what is before and the classifier is one of them: a
  // channel times `factor`, and its weights in the classifier divided by that, are the same network
  // in floats. But one range is for all channels, and the others get 1 / factor of its steps.
  void make_one_channel_large(float factor) const {
    supernet::FixedNetwork network = load_finetuned(run_folder());
    const at::NoGradGuard no_grad;
    const supernet::ConvBatchNorm last = network->units().back();
    last->bn_weight[0].mul_(factor);
    last->bn_bias[0].mul_(factor);
    network->layers().head_weight.detach().select(1, 0).div_(factor);
    supernet::write_tensor_file(run_folder() / kFinetunedWeights, supernet::weights_of(*network));
  }

  std::string read(const std::string& name) const { return read_file(run_folder() / name); }
};

TEST_F(QuantizationAwareStage, GainsWhereThePostTrainingQuantizationIsBad) {
  const Overrides longer = {"finetune.quantization_aware.epochs=10",
                            "finetune.quantization_aware.learning_rate=0.01"};
  finetune(longer);
  make_one_channel_large(100);
  const Experiment options = with_data(*this, longer);
  const Splits splits{*options.dataset, 16};
  const double in_float =
      score_of(evaluate_float(classification_task(), lower(load_finetuned(run_folder())),
                              *splits.open(datasets::Split::kSearch), 0))
          .value;
  const QuantizationAwareResult result = train(longer);
  EXPECT_GT(in_float, 0.8);
  EXPECT_LT(result.gain.post_training.value, in_float - 0.25);
  EXPECT_GT(result.gain.quantization_aware.value, result.gain.post_training.value + 0.15);
  EXPECT_TRUE(result.gain.is_kept());

  // What is exported is what was measured, and so on data that nothing was chosen by.
  const QuantizationAwareNetwork exported = load_quantization_aware(run_folder());
  EXPECT_EQ(score_of(evaluate_int8(classification_task(), exported.quantized.graph,
                                   *splits.open(datasets::Split::kSearch), options.seed,
                                   options.quantization.selection_images)),
            result.gain.quantization_aware);
  EXPECT_GT(score_of(evaluate_int8(classification_task(), exported.quantized.graph,
                                   *splits.open(datasets::Split::kTest), 0))
                .value,
            result.gain.post_training.value + 0.1);
}

TEST_F(QuantizationAwareStage, GainsWhereFourBitsAreTooFew) {
  const Overrides coarse = {"finetune.quantization_aware.epochs=10",
                            "finetune.quantization_aware.learning_rate=0.01",
                            "quantization.weight_bits=4"};
  finetune(coarse);
  make_one_channel_large(
      0.05F);  // and its weights in the classifier, which others are rounded away by
  const QuantizationAwareResult result = train(coarse);
  EXPECT_EQ(result.widths.bits.weights, 4);
  EXPECT_GT(result.gain.quantization_aware.value, result.gain.post_training.value + 0.1);
  EXPECT_THAT(describe(result.gain, result.widths), HasSubstr("top-1 in int8 with 4-bit weights "));
  EXPECT_EQ(nlohmann::json::parse(read("quantization_aware.json")).at("weight_bits"), 4);
  EXPECT_EQ(train(coarse, /*resume=*/true).widths.bits.weights, 4);

  const QuantizationAwareNetwork exported =
      load_quantization_aware(run_folder(), {.widths = {.weights = 4}});
  const Experiment options = with_data(*this, coarse);
  const Splits splits{*options.dataset, 16};
  for (const engine::Op& op : exported.quantized.graph.ops) {
    EXPECT_EQ(op.weight_bits, engine::has_weights(op) ? 4 : 8);
  }
  EXPECT_EQ(score_of(evaluate_int8(classification_task(), exported.quantized.graph,
                                   *splits.open(datasets::Split::kSearch), options.seed,
                                   options.quantization.selection_images)),
            result.gain.quantization_aware);
}

// Chosen once, before the training, and what is exported has them. The network has so many weights that both
// widths are worth the kernels of both.
TEST_F(QuantizationAwareStage, KeepsTheWidthsThatWereChosen) {
  std::string text = read_file(folder_ / "tiny.yaml");
  text.replace(text.find("{channels: 8,"), 12, "{channels: 64");
  text.replace(text.find("{channels: 16,"), 13, "{channels: 256");
  folder_.write("tiny.yaml", text);
  write_supernet(1);
  Overrides mixed = {"quantization.weight_bits=4", "quantization.policy=mixed"};
  finetune(mixed);
  engine::Graph graph = lower(load_finetuned(run_folder())).graph;
  const std::int64_t most = engine::estimate_flash(graph).total();
  engine::set_weight_bits(graph, 4);
  const std::int64_t limit = (engine::estimate_flash(graph).total() + most) / 2;
  mixed.push_back(fmt::format("quantization.flash_kib={}", static_cast<double>(limit) / 1024));
  int steps = 0;
  EXPECT_TRUE(train(mixed, /*resume=*/false, [&] { return ++steps == 3; }).stopped);
  const std::string chosen = read("quantization_aware/ranges.json");
  EXPECT_FALSE(train(mixed, /*resume=*/true).stopped);
  EXPECT_EQ(read("quantization_aware/ranges.json"), chosen);
  const QuantizationAwareNetwork exported =
      load_quantization_aware(run_folder(), with_data(*this, mixed).quantization);
  ASSERT_TRUE(exported.quantized.mixed);
  std::size_t layer = 0;
  std::set<int> widths;
  for (const engine::Op& op : exported.quantized.graph.ops) {
    if (!engine::has_weights(op)) continue;
    EXPECT_EQ(op.weight_bits, exported.quantized.mixed->layers[layer++].bits);
    widths.insert(op.weight_bits);
  }
  EXPECT_THAT(widths, testing::ElementsAre(4, 8));
}

TEST_F(QuantizationAwareStage, LeavesItsResultsAndReadsThemBack) {
  finetune();
  const std::string finetuned = read("network.pt");
  const QuantizationAwareResult result = train();
  EXPECT_EQ(result.steps, 32);
  EXPECT_EQ(result.total_steps, 32);
  EXPECT_EQ(read("network.pt"), finetuned);
  const auto json = nlohmann::json::parse(read("quantization_aware.json"));
  EXPECT_EQ(json.at("held_out_top1").at("post_training"), result.gain.post_training.value);
  EXPECT_EQ(json.at("held_out_top1").at("quantization_aware"),
            result.gain.quantization_aware.value);
  EXPECT_EQ(json.at("held_out").at("quantization_aware").at("of"), 48);
  EXPECT_EQ(json.at("kept"), result.gain.is_kept());
  EXPECT_EQ(json.at("steps"), 32);
  EXPECT_THAT(read("quantization_aware/train.jsonl"), HasSubstr("simulated_int8_top1"));

  const QuantizationAwareResult again = train({}, /*resume=*/true);
  EXPECT_EQ(to_json(again.gain), to_json(result.gain));
  EXPECT_EQ(again.steps, 32);
  folder_.write("run/quantization_aware.json", "{");
  EXPECT_THAT(error_of([&] { train({}, /*resume=*/true); }),
              AllOf(StartsWith((run_folder() / "quantization_aware.json").string()),
                    HasSubstr(": is no result of the quantization_aware stage: ")));
}

// The network of fine-tuning is what post-training quantization would export, bit by bit.
TEST_F(QuantizationAwareStage, KeepsTheBetterOfBoth) {
  const Overrides harmful = {"finetune.quantization_aware.learning_rate=300"};
  finetune(harmful);
  const QuantizationAwareResult result = train(harmful);
  ASSERT_LT(result.gain.quantization_aware.value, result.gain.post_training.value);
  EXPECT_FALSE(result.gain.is_kept());
  EXPECT_THAT(describe(result.gain, result.widths),
              EndsWith("The latter is worse, so the network is exported as fine-tuned\n"));
  const Experiment options = with_data(*this, harmful);
  const Splits splits{*options.dataset, 16};
  const QuantizedNetwork post_training =
      quantize(classification_task(), lower(load_finetuned(run_folder())),
               *splits.open(datasets::Split::kTrain), *splits.open(datasets::Split::kSearch),
               options.quantization, options.seed);
  const QuantizationAwareNetwork exported = load_quantization_aware(run_folder());
  EXPECT_EQ(exported.quantized.graph, post_training.graph);
  EXPECT_EQ(exported.quantized.method, post_training.method);
  const QuantizationGain equal{.post_training = top_one(5, 10, 10),
                               .quantization_aware = top_one(5, 10, 10)};
  EXPECT_TRUE(equal.is_kept());
}

TEST_F(QuantizationAwareStage, AStoppedStageGoesOnToTheSameBits) {
  const Overrides compares = {"quantization.method=best", "train.ema_decay=0.5",
                              "finetune.distillation=true"};
  for (const Overrides& overrides : {Overrides(), compares}) {
    fs::remove_all(run_folder());
    write_supernet(1);
    finetune(overrides);
    train(overrides);
    const std::string weights = read("quantization_aware.pt");
    const std::string ranges = read("quantization_aware/ranges.json");
    const auto gain = to_json(load_quantization_aware(run_folder()).gain);
    for (const int stop_after : {1, 16, 17, 31}) {
      fs::remove(run_folder() / "quantization_aware.pt");
      fs::remove(run_folder() / "quantization_aware.json");
      int steps_left = stop_after;
      const QuantizationAwareResult stopped =
          train(overrides, /*resume=*/false, [&] { return --steps_left == 0; });
      EXPECT_TRUE(stopped.stopped);
      EXPECT_EQ(stopped.steps, stop_after);
      EXPECT_FALSE(fs::exists(run_folder() / "quantization_aware.pt"));
      EXPECT_EQ(train(overrides, /*resume=*/true).steps, 32);
      EXPECT_EQ(read("quantization_aware.pt"), weights) << stop_after;
      EXPECT_EQ(read("quantization_aware/ranges.json"), ranges);
      EXPECT_EQ(to_json(load_quantization_aware(run_folder()).gain), gain);
    }
  }
}

TEST_F(QuantizationAwareStage, IsDoneAgainWhereItIsConfiguredOtherwise) {
  finetune();
  train();
  const std::string finetuned = read("network.pt");
  const Overrides shorter = {"finetune.quantization_aware.epochs=1"};
  EXPECT_TRUE(train(shorter, /*resume=*/true, [] { return true; }).stopped);
  EXPECT_THAT(completed_stages(run_folder()), testing::ElementsAre(kFinetuneStage));
  EXPECT_EQ(train(shorter, /*resume=*/true).steps, 16);
  EXPECT_THAT(completed_stages(run_folder()),
              testing::ElementsAre(kFinetuneStage, kQuantizationAwareStage));
  EXPECT_EQ(read("network.pt"), finetuned);
  EXPECT_EQ(train(shorter, /*resume=*/true).steps, 16);
}

TEST_F(QuantizationAwareStage, RefusesToGoOnWithAnotherNetworkOrOtherRanges) {
  finetune();
  const auto stop = [] { return true; };
  train({}, false, stop);
  make_one_channel_large(2);
  EXPECT_THAT(error_of([&] { train({}, /*resume=*/true); }),
              HasSubstr("belongs to another configuration: network: was "));
  train({}, false, stop);
  const std::string ranges = read("quantization_aware/ranges.json");
  auto json = nlohmann::ordered_json::parse(ranges);
  json["ranges"][1][1] = 0.5;
  folder_.write("run/quantization_aware/ranges.json", json.dump() + "\n");
  EXPECT_THAT(error_of([&] { train({}, /*resume=*/true); }),
              HasSubstr("belongs to another configuration: ranges: was "));
  for (const std::string damage : {"", "{", "{}", "[]", R"({"method": "luck"})"}) {
    folder_.write("run/quantization_aware/ranges.json", damage);
    EXPECT_THAT(error_of([&] { train({}, /*resume=*/true); }),
                StartsWith((run_folder() / "quantization_aware/ranges.json").string() +
                           ": is no result of the quantization_aware stage: "))
        << damage;
  }
  folder_.write("run/quantization_aware/ranges.json", ranges);
  EXPECT_EQ(train({}, /*resume=*/true).steps, 32);
}

TEST_F(QuantizationAwareStage, NeedsAFinetunedNetwork) {
  EXPECT_EQ(error_of([&] { train(); }),
            run_folder().string() + ": holds no fine-tuned network: network.json is not there");
  EXPECT_EQ(error_of([&] { load_quantization_aware(run_folder()); }),
            run_folder().string() +
                ": holds no quantization-aware training: quantization_aware.json is not there");
}

TEST_F(QuantizationAwareStage, StopsWhenItDiverges) {
  const Overrides divergent = {"finetune.quantization_aware.learning_rate=1e30",
                               "train.weight_decay=0.1"};
  finetune(divergent);
  EXPECT_THAT(error_of([&] { train(divergent); }), HasSubstr("training diverged at step "));
  EXPECT_FALSE(fs::exists(run_folder() / "quantization_aware.pt"));
}

}  // namespace
}  // namespace mcunet::pipeline
