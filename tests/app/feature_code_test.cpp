#include "pipeline/feature_code.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "deploy/example_project.hpp"
#include "end_to_end/sound_model.hpp"
#include "engine/generated_model.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/datasets/audio_file.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "pipeline/preprocessing_code.hpp"
#include "shared_data.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using datasets::LogMelParameters;
using testing::HasSubstr;

using Clip = std::vector<std::int16_t>;

template <typename Function>
Clip make_clip(int samples, Function&& value) {
  Clip clip;
  for (int i = 0; i < samples; ++i) clip.push_back(static_cast<std::int16_t>(value(i)));
  return clip;
}

// Silence, the largest values there are, and noise.
std::vector<Clip> extreme_clips(int samples) {
  RandomStream random(3);
  return {make_clip(samples, [](int) { return 0; }),
          make_clip(samples, [](int i) { return i / 8 % 2 == 0 ? 32767 : -32768; }),
          make_clip(samples, [](int i) { return i % 2 == 0 ? 32767 : -32768; }),
          make_clip(samples, [](int) { return -32768; }),
          make_clip(samples, [](int) { return 32767; }),
          make_clip(samples, [&](int) { return static_cast<int>(random.index(65536)) - 32768; })};
}

// Two words of each dataset of recordings that is there.
std::vector<Clip> recorded_clips(const fs::path& data, const LogMelParameters& parameters) {
  std::vector<Clip> clips;
  for (const char* word :
       {"fsdd/seven", "fsdd/two", "speech_v1_mini/seven", "speech_v1_mini/cat"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(data / word)) files.push_back(entry.path());
    const fs::path first = *std::min_element(files.begin(), files.end());
    const auto samples = datasets::read_audio_file(first, parameters.sample_rate);
    EXPECT_TRUE(samples) << first;
    clips.push_back(datasets::cut_clip(samples.value_or(Clip{}), parameters.samples));
  }
  return clips;
}

// Generated code and kernel, as the host's C compiler makes them.
TEST(FeatureCode, GivesTheDatasetsFeaturesOnTheHost) {
  for (const auto& [resolution, rate] : {std::pair{32, 8000}, {48, 16000}}) {
    const LogMelParameters parameters = datasets::log_mel_parameters(resolution, rate, rate);
    const engine::CompiledGraph compiled = engine::compile_graph(
        sound_graph(parameters), {.staging_bytes = feature_staging(parameters)});
    const engine::GeneratedModel model(compiled, fmt::format("features_{}", resolution), "", "",
                                       generate_features(parameters).files);
    auto* const samples = model.symbol<std::int16_t*()>("features_samples")();
    auto* const input = model.symbol<std::int8_t*()>("model_input")();
    const auto make_features =
        model.symbol<void(const std::int16_t*, std::int8_t*)>("features_from_samples");
    for (const Clip& clip : extreme_clips(rate)) {
      std::copy(clip.begin(), clip.end(), samples);
      make_features(samples, input);
      const deploy::Int8Bytes expected = make_sound_clip(clip, parameters).features;
      EXPECT_EQ(deploy::Int8Bytes(input, input + expected.size()), expected);
      EXPECT_TRUE(std::equal(clip.begin(), clip.end(), samples)) << "it works beside the samples";
    }
  }
}

TEST(FeatureCode, IsInThePlansOfTheSearch) {
  datasets::DatasetOptions dataset{.kind = datasets::DatasetKind::kSpeechCommands};
  EXPECT_TRUE(input_staging({}, {32}).empty());  // images
  const auto staging = input_staging(dataset, {1, 32, 48});
  ASSERT_EQ(staging.size(), 2u) << "no spectrogram has one row";
  for (const int resolution : {32, 48}) {
    const LogMelParameters parameters = datasets::spectrogram_of(dataset, resolution);
    const engine::Graph graph = sound_graph(parameters);
    engine::ResourceOracle oracle({.scratch = engine::ScratchPolicy::kOwn, .staging = staging});
    const std::int64_t planned = oracle.measure(graph).peak_sram_bytes;
    EXPECT_GE(planned, 2 * parameters.samples);
    EXPECT_EQ(planned, engine::compile_graph(graph, {.staging_bytes = feature_staging(parameters)})
                           .arena.plan.arena_bytes);
  }
}

TEST(FeatureCode, LiesInTheArena) {
  const LogMelParameters parameters = datasets::log_mel_parameters(32, 8000, 8000);
  const engine::CompiledGraph compiled = engine::compile_graph(
      sound_graph(parameters), {.staging_bytes = feature_staging(parameters)});
  ASSERT_EQ(compiled.arena.staging_offsets.size(), 2U);
  const std::int64_t scratch = (256 + 1) * 8;
  EXPECT_EQ(feature_staging(parameters), (std::vector<std::int64_t>{16000, scratch}));
  // This network's own need is less than the samples, the scratch and its input together.
  EXPECT_GE(compiled.arena.plan.arena_bytes, 16000 + scratch + 32 * 32);
  EXPECT_LE(compiled.arena.plan.arena_bytes, 16000 + scratch + 32 * 32 + 16);
  EXPECT_LE(compiled.arena.plan.lower_bound_bytes, compiled.arena.plan.arena_bytes);
}

TEST(FeatureCode, RefusesNetworksThatTakeInSomethingElse) {
  const LogMelParameters parameters = datasets::log_mel_parameters(32, 8000, 8000);
  engine::Graph graph = sound_graph(parameters);
  check_features(graph, parameters);
  EXPECT_EQ(error_of([&] { check_features(graph, datasets::log_mel_parameters(48, 8000, 8000)); }),
            "spectrograms are 48x48x1, but the network takes in 32x32x1");
  engine::edit_info(graph, graph.inputs[0]).quantization = {1.0F / 127, 0};
  EXPECT_THAT(error_of([&] { check_features(graph, parameters); }), HasSubstr("scale 1/128"));
}

TEST(FeatureCode, IsDescribedInModelJson) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const LogMelParameters parameters = datasets::log_mel_parameters(32, 8000, 6400);
  const CompileResult result = compile_sound_model(parameters, "stm32f412", folder / "model");
  EXPECT_EQ(read_model_preprocessing(folder / "model"), datasets::Preprocessing(parameters));
  const deploy::ModelDescription model = deploy::read_model_description(folder / "model");
  ASSERT_TRUE(model.features);
  EXPECT_EQ(model.features->samples, 6400);
  EXPECT_EQ(model.features->sample_rate, 8000);
  // The arena, with samples and scratch in it, is what the linker sees.
  EXPECT_GE(result.arena_bytes, 2 * 6400 + 32 * 32);
  EXPECT_GE(result.firmware.bss_bytes, result.arena_bytes);
  EXPECT_LT(result.firmware.bss_bytes, result.arena_bytes + 256);
  const std::string map = read_file(folder / "model/build/firmware.map");
  EXPECT_THAT(map, HasSubstr("features_from_samples"));

  compile_model(folder / "model/model.tflite", deploy::load_device("stm32f412"), {},
                folder / "plain");
  EXPECT_FALSE(fs::exists(folder / "plain/features.c"));
  EXPECT_EQ(read_model_preprocessing(folder / "plain"), std::nullopt);
}

// Features and network, bit for bit, from the samples.
void expect_host_results(const std::string& device, const LogMelParameters& parameters,
                         const std::vector<Clip>& clips) {
  SCOPED_TRACE(device);
  const TemporaryFolder folder;
  compile_sound_model(parameters, device, folder / "model");
  std::vector<deploy::Int8Bytes> samples;
  std::vector<deploy::Int8Bytes> features;
  for (const Clip& clip : clips) {
    SoundClip sound = make_sound_clip(clip, parameters);
    samples.push_back(std::move(sound.samples));
    features.push_back(std::move(sound.features));
  }
  const deploy::EmulationResult result =
      deploy::emulate(folder / "model", samples, {.takes_samples = true});
  deploy::ReferenceModel reference(folder / "model/model.tflite");
  ASSERT_EQ(result.inferences.size(), clips.size());
  for (std::size_t i = 0; i < clips.size(); ++i) {
    EXPECT_EQ(result.inferences[i].features, features[i]) << "clip " << i;
    EXPECT_EQ(result.inferences[i].outputs, reference.run(features[i])) << "clip " << i;
    EXPECT_GT(result.inferences[i].feature_instructions, 100'000);
  }
  EXPECT_EQ(result.steps[0].name, "log_mel");
  EXPECT_EQ(result.steps[0].instructions, result.inferences[0].feature_instructions);
  EXPECT_EQ(result.steps.size(), deploy::read_model_description(folder / "model").steps.size() + 1);
  EXPECT_NE(features[0], features[1]);
}

TEST(SlowFeatureFirmware, ComputesWhatTheHostComputes) {
  MCUNET_REQUIRE_EMULATOR();
  const LogMelParameters at_8_khz = datasets::log_mel_parameters(32, 8000, 8000);
  const LogMelParameters at_16_khz = datasets::log_mel_parameters(40, 16000, 16000);
  expect_host_results("stm32f412", at_8_khz, extreme_clips(8000));
  expect_host_results("stm32f746", at_16_khz, extreme_clips(16000));
}

TEST(SlowFeatureFirmware, ComputesWhatTheHostComputesOfRecordings) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  MCUNET_REQUIRE_EMULATOR();
  const LogMelParameters at_8_khz = datasets::log_mel_parameters(48, 8000, 8000);
  const LogMelParameters at_16_khz = datasets::log_mel_parameters(32, 16000, 16000);
  expect_host_results("stm32f412", at_8_khz, recorded_clips(data, at_8_khz));
  expect_host_results("stm32f746", at_16_khz, recorded_clips(data, at_16_khz));
}

TEST(FeatureFirmware, TakesWholeClipsOnly) {
  MCUNET_REQUIRE_CROSS_COMPILER();
  const TemporaryFolder folder;
  const LogMelParameters parameters = datasets::log_mel_parameters(32, 8000, 8000);
  compile_sound_model(parameters, "stm32f412", folder / "model");
  const std::vector<deploy::Int8Bytes> inputs = {deploy::Int8Bytes(32 * 32)};
  EXPECT_THAT(error_of([&] { deploy::emulate(folder / "model", inputs, {.takes_samples = true}); }),
              HasSubstr("a clip has 16000 bytes, this one has 1024"));
  compile_model(folder / "model/model.tflite", deploy::load_device("stm32f412"), {},
                folder / "plain");
  EXPECT_THAT(error_of([&] { deploy::emulate(folder / "plain", inputs, {.takes_samples = true}); }),
              HasSubstr("it was exported without feature extraction"));
}

// By hand, as the project's own Makefile has it.
TEST(SlowFeatureFirmware, MakesFromSamplesByHand) {
  MCUNET_REQUIRE_EMULATOR();
  if (!deploy::is_installed("make")) GTEST_SKIP() << "make is not installed";
  const TemporaryFolder folder;
  const LogMelParameters parameters = datasets::log_mel_parameters(32, 8000, 8000);
  compile_sound_model(parameters, "stm32f412", folder / "model");
  const SoundClip clip = make_sound_clip(extreme_clips(8000).back(), parameters);
  const fs::path project = folder / "model";
  write_file_atomically(project / "input.bin",
                        std::string(clip.samples.begin(), clip.samples.end()));
  const std::string command = fmt::format("make -C {0} all emulate > {1}/log 2>&1",
                                          project.string(), folder.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0) << read_file(folder / "log");
  const std::string output = read_file(project / "output.bin");
  ASSERT_GT(output.size(), clip.features.size());
  EXPECT_EQ(output.substr(0, clip.features.size()),
            std::string(clip.features.begin(), clip.features.end()));
}

}  // namespace
}  // namespace mcunet::pipeline
