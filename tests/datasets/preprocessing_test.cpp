#include "mcunet/datasets/preprocessing.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {
namespace {

using testing::Contains;
using testing::HasSubstr;

Preprocessing through_text(const Preprocessing& preprocessing) {
  return read_preprocessing(
      parse_config(to_json_text(write_preprocessing(preprocessing)), "model.json"));
}

TEST(Preprocessing, ComesBackFromItsText) {
  const ImagePreprocessing image{.shape = {96, 80, 1},
                                 .fit = ImageFit::kStretch,
                                 .crop_share = 0.9,
                                 .bits = 14,
                                 .mean = 120.5,
                                 .deviation = 61.25};
  EXPECT_EQ(through_text(image), Preprocessing(image));
  const ImagePreprocessing usual{.shape = {32, 32, 3}};
  EXPECT_EQ(through_text(usual), Preprocessing(usual));
  const LogMelParameters sound = log_mel_parameters(40, 8000, 6400);
  EXPECT_EQ(through_text(sound), Preprocessing(sound));
  const SeriesPreprocessing series{.window = 96,
                                   .samples = 48,
                                   .sample_rate = 62.5,
                                   .channels = {{"a b", -1.5, 0.25}, {"\n\\", 1e-3, 1e6}}};
  EXPECT_EQ(through_text(series), Preprocessing(series));
}

TEST(Preprocessing, RefusesWhatIsNone) {
  for (const auto& [text, complaint] :
       {std::pair{"{}", "sound"},
        {"{smell: {}}", "smell"},
        {"{series: {window: 9, samples: 9, channels: []}}", "has no channels"},
        {"{series: {window: 9, samples: 6, channels: [{name: x, centre: 0, range: 1}]}}",
         "no multiple of the resolution 6"},
        {"{series: {window: 9, samples: 9, channels: [{name: x, centre: 0, range: 0}]}}",
         "must be greater than 0"},
        {"{series: {window: 9, samples: 9, channels: [{name: x, centre: 0, range: 1e-44}]}}",
         "channel x of the series: 32-bit floats cannot hold its mean 0 and range 1e-44"},
        {"{series: {window: 9, samples: 3, channels: [{name: x, centre: 3e38, range: 1}]}}",
         "cannot hold its mean 3e+38"},
        {"{image: {height: 8, width: 8, colours: cmyk, fit: crop, mean: 0, deviation: 1}}",
         "must be one of rgb, gray"},
        {"{image: {height: 8, width: 8, colours: rgb, fit: zoom, mean: 0, deviation: 1}}",
         "must be one of crop, stretch"},
        {"{image: {height: 8, width: 8, colours: rgb, fit: crop, mean: 0, deviation: 0}}",
         "must be greater than 0"},
        {"{image: {width: 8, colours: rgb, fit: crop, mean: 0, deviation: 1}}", "height"}}) {
    EXPECT_THAT(error_of([&, t = text] { read_preprocessing(parse_config(t, "model.json")); }),
                HasSubstr(complaint));
  }
}

TEST(Preprocessing, IsToldInWords) {
  const std::vector<std::string> crop = describe(ImagePreprocessing{.shape = {48, 48, 3}});
  EXPECT_THAT(crop, Contains("an image of 48 x 48 pixels, red, green, blue"));
  EXPECT_THAT(crop, Contains(HasSubstr("the middle 87.5 %")));
  EXPECT_THAT(crop, Contains("a value p of 0 to 255 is the input (p - 127.5) / 127.5"));
  EXPECT_THAT(describe(ImagePreprocessing{.shape = {48, 48, 1}, .fit = ImageFit::kStretch}),
              Contains("the whole image, stretched"));
  EXPECT_THAT(describe(log_mel_parameters(40, 8000, 6400)),
              Contains(HasSubstr("6400 samples at 8000 Hz")));
  // Names of columns come from outside, and the lines go into comments of C.
  EXPECT_THAT(describe(SeriesPreprocessing{.window = 64,
                                           .samples = 32,
                                           .sample_rate = 50,
                                           .channels = {{"ax", 9.8, 20}, {"\n*/ \\", -1, 2}}}),
              testing::ElementsAre("a series of 64 rows of 2 values, 50 a second",
                                   "2 rows are averaged to one sample of the input, which has 32",
                                   "a value v of channel ax is the input (v - 9.8) / 20",
                                   "a value v of column 1 is the input (v + 1) / 2"));
}

TEST(Preprocessing, FollowsTheKindAndTheOptionsOfADataset) {
  const auto fit_of = [](DatasetKind kind, std::optional<ImageFit> evaluation = {}) {
    DatasetOptions options{.kind = kind};
    options.image.evaluation = evaluation;
    return std::get<ImagePreprocessing>(preprocessing_of(options, 64)).fit;
  };
  for (const auto kind : {DatasetKind::kFolder, DatasetKind::kImagenet, DatasetKind::kVoc,
                          DatasetKind::kSyntheticImages}) {
    EXPECT_EQ(fit_of(kind), ImageFit::kCrop);
    EXPECT_EQ(fit_of(kind, ImageFit::kStretch), ImageFit::kStretch);
  }
  EXPECT_EQ(fit_of(DatasetKind::kVww), ImageFit::kStretch);
  EXPECT_EQ(fit_of(DatasetKind::kVww, ImageFit::kCrop), ImageFit::kCrop);
  const DatasetOptions boxes{.kind = DatasetKind::kVoc, .targets = TargetKind::kBoxes};
  EXPECT_EQ(std::get<ImagePreprocessing>(preprocessing_of(boxes, 64)).fit, ImageFit::kStretch);

  DatasetOptions gray{.kind = DatasetKind::kFolder};
  gray.image.channels = 1;
  gray.image.bits = 12;
  EXPECT_EQ(preprocessing_of(gray, 40),
            Preprocessing(ImagePreprocessing{.shape = {40, 40, 1}, .bits = 12}));
  const DatasetOptions sound{.kind = DatasetKind::kSpeechCommands};
  EXPECT_EQ(preprocessing_of(sound, 40), Preprocessing(spectrogram_of(sound, 40)));
}

TEST(Preprocessing, OptionsAreReadAndWritten) {
  DatasetOptions options;
  const auto set = [&](const char* text) {
    read_fields(parse_config(std::string("{kind: folder, image: {") + text + "}}", "a.yaml"),
                fields_of(options));
    return options.image.evaluation;
  };
  EXPECT_EQ(set(""), std::nullopt);
  EXPECT_EQ(set("evaluation: stretch"), ImageFit::kStretch);
  EXPECT_EQ(set("evaluation: crop, bits: 12"), ImageFit::kCrop);
  EXPECT_EQ(options.image.bits, 12);
  EXPECT_THAT(to_json_text(write_fields(fields_of(options))),
              HasSubstr("\"evaluation\": \"crop\""));
  EXPECT_EQ(set("evaluation: null, bits: null"), std::nullopt);
  EXPECT_EQ(error_of([&] { set("evaluation: zoom"); }),
            "a.yaml:1: image.evaluation: must be one of crop, stretch, is zoom");
  EXPECT_THAT(error_of([&] { set("bits: 7"); }), HasSubstr("image.bits: must be between 8 and 16"));
}

}  // namespace
}  // namespace mcunet::datasets
