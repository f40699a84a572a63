#include <signal.h>

#include "end_to_end/run_mcunet.hpp"
#include "end_to_end/small_job.hpp"

// Whole jobs of what is no classification.
namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class TaskJobs : public SmallJobTest {
 protected:
  static std::vector<std::string> detector(const std::string& command,
                                           const std::vector<std::string>& more = {}) {
    return with({"dataset={kind: synthetic-images, targets: boxes, "
                 "synthetic: {examples: 160, held_out_examples: 40, classes: 2}}",
                 "detection={boxes_per_cell: 2}", "train.learning_rate=0.2",
                 "train.elastic_learning_rate=0.1", "train.clip_gradient_norm=10",
                 "finetune.quantization_aware={epochs: 1, learning_rate: 0.01}",
                 "finetune.learning_rate=0.05"},
                command, more);
  }

  static std::vector<std::string> regression(const std::string& command,
                                             const std::vector<std::string>& more = {}) {
    return with({"dataset={kind: synthetic-images, targets: values, "
                 "synthetic: {examples: 320, held_out_examples: 80}}",
                 "train.learning_rate=0.1", "train.elastic_learning_rate=0.05",
                 "train.largest_epochs=4", "finetune.learning_rate=0.02"},
                command, more);
  }

  nlohmann::json read_json(const std::string& name) const {
    return nlohmann::json::parse(read(name));
  }

 private:
  static std::vector<std::string> with(const std::vector<std::string>& settings,
                                       const std::string& command,
                                       const std::vector<std::string>& more) {
    std::vector<std::string> arguments = job(command, "out");
    for (const std::string& setting : settings) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(TaskJobs, ADetectorIsScoredByItsBoxesFromTheSupernetToTheFirmware) {
  const Outcome outcome = run(detector("run", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  const auto& train = json.at("train");
  EXPECT_TRUE(train.at("search").at("largest").contains("map50"));
  EXPECT_TRUE(train.at("test").contains("largest_map50"));
  EXPECT_EQ(json.at("finetune").at("inherited_map50"),
            json.at("search").at("winner").at("accuracy"));
  EXPECT_TRUE(json.at("quantization_aware").contains("held_out_map50"));
  const auto& exported = json.at("export");
  EXPECT_EQ(exported.at("exact"), true);
  ASSERT_EQ(exported.at("inferences").size(), 2u);
  for (const auto& inference : exported.at("inferences")) {
    EXPECT_EQ(inference.at("exact"), true);
    EXPECT_TRUE(inference.at("detections").is_array());
    EXPECT_GT(inference.at("detection_instructions"), 100);
  }
  EXPECT_EQ(exported.at("int8").at("examples"), 40);
  EXPECT_EQ(exported.at("int8").at("classes").size(), 2u);

  // The head is a convolution over the map, and the folder has what makes boxes of its outputs.
  EXPECT_EQ(read_json("out/network.json").at("head"), "grid");
  EXPECT_EQ(read_json("out/network.json").at("classifier").at("out_features"), 2 * (5 + 2));
  const auto model = read_json("out/export/model.json");
  const auto& head = model.at("postprocessing").at("detector");
  EXPECT_EQ(head.at("anchors").size(), 2u);
  EXPECT_EQ(head.at("classes"), exported.at("classes"));
  EXPECT_THAT(read("out/export/detections.h"), HasSubstr("detections_from_output"));
  EXPECT_THAT(read("out/report/index.html"),
              AllOf(HasSubstr("mAP@.5 in int8, test set"),
                    HasSubstr("Got wrong most often: what there is, and what was found")));

  const Outcome eval = run({"-q", "eval", "out", "--subnet", "largest", "--split", "test"});
  EXPECT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_THAT(eval.out,
              AllOf(HasSubstr("mAP@.5"), HasSubstr("COCO AP"), HasSubstr("of the test split")));
}

TEST_F(TaskJobs, AKilledDetectorEndsWithTheSameBits) {
  ASSERT_EQ(run(detector("run")).exit_code, 0);
  fs::rename(folder_ / "work/out", folder_ / "work/whole");
  for (const char* file : {"train.jsonl", "search/accuracies.jsonl", "finetune/train.jsonl",
                           "quantization_aware/train.jsonl"}) {
    const pid_t child = start(detector("run", {"--resume"}));
    wait_for_content(std::string("out/") + file);
    ::kill(child, SIGKILL);
    finish(child);
  }
  const Outcome outcome = run(detector("run", {"--resume"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_same_results("out", "whole");
}

TEST_F(TaskJobs, ADetectorBeginsWithTheWeightsOfAClassifier) {
  ASSERT_EQ(run(job("train", "classifier")).exit_code, 0);
  const auto begun = [&](const std::string& weights) {
    return run(detector("train", {"--set", "train.initial_weights=" + weights, "--set",
                                  "train.width=0.5", "--set", "train.resolution=32"}));
  };
  EXPECT_THAT(begun("nowhere").err, HasSubstr("nowhere"));
  write("broken.pt", "PK");
  EXPECT_THAT(begun("broken.pt").err, HasSubstr("broken.pt"));
  const Outcome outcome = begun("classifier");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(TaskJobs, BoxesAreRefusedWhereThereAreNone) {
  const Outcome outcome =
      run(job("train", "out", {"--set", "dataset={kind: folder, path: ., targets: boxes}"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("dataset.targets: boxes are for the kinds voc"));
  EXPECT_THAT(run(detector("train", {"--set", "space.boxes_per_cell=3"})).err,
              HasSubstr("space.boxes_per_cell: is 3, but the dataset's is 2"));
  EXPECT_THAT(run(detector("train", {"--set", "detection.limits.overlap=2"})).err,
              HasSubstr("detection.limits.overlap"));
}

TEST_F(TaskJobs, ARegressionIsScoredByTheVarianceThatItExplains) {
  const Outcome outcome = run(regression("run", {"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = parse_output(outcome);
  EXPECT_TRUE(json.at("finetune").contains("inherited_r2"));
  const auto& exported = json.at("export");
  EXPECT_EQ(exported.at("exact"), true);
  EXPECT_GT(exported.at("int8").at("mean_absolute_error"), 0);
  EXPECT_LT(exported.at("int8").at("mean_absolute_error"), 1) << "values are 3 to 6";
  for (const auto& inference : exported.at("inferences")) {
    EXPECT_TRUE(inference.at("estimated").is_number());
  }
  EXPECT_THAT(read("out/report/index.html"), HasSubstr("Furthest off"));
}

class SlowTaskJobs : public TaskJobs {};

// The job that is shipped, as it is.
TEST_F(SlowTaskJobs, ShapesAreFound) {
  const Outcome outcome = run({"-q", "run", "shapes", "--out", "out", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto exported = parse_output(outcome).at("export");
  EXPECT_GT(exported.at("fp32").at("map50"), 0.9);
  EXPECT_GT(exported.at("int8").at("map50"), 0.9);
  EXPECT_EQ(exported.at("exact"), true);
  for (const auto& inference : exported.at("inferences")) {
    EXPECT_LT(inference.at("detection_instructions").get<double>(),
              0.03 * inference.at("instructions").get<double>());
  }
}

}  // namespace
}  // namespace mcunet
