#include "run_pictures.hpp"

#include "mcunet/datasets/contact_sheet.hpp"

namespace mcunet::pipeline {

void write_pictures(const RunDirectory& run, const datasets::Dataset& test,
                    const Assessment& result, std::uint64_t seed) {
  constexpr std::size_t kMostOfAClass = 6;
  std::error_code ignored;
  std::filesystem::remove_all(run.folder() / "pictures", ignored);
  const auto chosen = datasets::choose_examples(test, kMostOfAClass, seed);
  std::size_t pictured = 0;
  for (std::size_t label = 0; label < chosen.size() && pictured < kMostPicturedClasses; ++label) {
    if (chosen[label].empty()) continue;
    run.write(class_picture(label), datasets::draw_examples(test, chosen[label], seed));
    ++pictured;
  }
  const std::vector<std::int64_t> mistakes = examples_to_show(result);
  const auto* detections = std::get_if<DetectionResult>(&result);
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    run.write(mistake_picture(i),
              detections != nullptr
                  ? datasets::draw_found(test, mistakes[i], detections->poor[i].detections, seed)
                  : datasets::draw_examples(test, {&mistakes[i], 1}, seed));
  }
}

}  // namespace mcunet::pipeline
