#include "data_stage.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "mcunet/core/progress.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Dataset;
using datasets::Split;

constexpr std::pair<Split, const char*> kSplits[] = {
    {Split::kTrain, "train"}, {Split::kSearch, "search"}, {Split::kTest, "test"}};

double median_of(std::vector<float>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

ObjectsSummary summarize_objects(const std::vector<datasets::Objects>& images) {
  ObjectsSummary summary;
  std::vector<float> widths;
  std::vector<float> heights;
  for (const datasets::Objects& objects : images) {
    const auto count = static_cast<std::int64_t>(objects.size());
    summary.objects += count;
    summary.most = std::max(summary.most, count);
    if (objects.empty()) ++summary.without_objects;
    for (const datasets::BoxedObject& object : objects) {
      if (object.kind != datasets::ObjectKind::kPlain) ++summary.not_counted;
      widths.push_back(object.box.width());
      heights.push_back(object.box.height());
    }
  }
  summary.median = {median_of(widths), median_of(heights)};
  return summary;
}

SplitSummary count(const Dataset& dataset, const char* name, bool has_boxes) {
  SplitSummary summary{name, dataset.size(), {}, {}, {}};
  summary.of_class.resize(dataset.classes().size());
  std::vector<datasets::Objects> images;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    if (!has_boxes) {
      ++summary.of_class[static_cast<std::size_t>(dataset.label(i))];
      continue;
    }
    const auto& objects = images.emplace_back(std::get<datasets::Objects>(dataset.target(i)));
    for (const datasets::BoxedObject& object : objects) {
      ++summary.of_class[static_cast<std::size_t>(object.label)];
    }
  }
  if (has_boxes) summary.objects = summarize_objects(images);
  return summary;
}

// Indices of the examples that cannot be decoded.
std::set<std::int64_t> find_unreadable(const Dataset& dataset, int threads, Progress& progress) {
  std::set<std::int64_t> unreadable;
  std::exception_ptr error;
  std::mutex mutex;
  std::atomic<std::int64_t> next = 0;
  const auto work = [&] {
    try {
      std::vector<float> input(static_cast<std::size_t>(dataset.input_shape().elements()));
      for (std::int64_t i = next++; i < dataset.size(); i = next++) {
        RandomStream random(0, {static_cast<std::uint64_t>(i)});
        const bool good = dataset.load(i, random, input).has_value();
        progress.advance();
        if (good) continue;
        const std::lock_guard lock(mutex);
        unreadable.insert(i);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  if (error) std::rethrow_exception(error);
  return unreadable;
}

}  // namespace

std::int64_t DatasetSummary::examples() const {
  std::int64_t sum = 0;
  for (const SplitSummary& split : splits) sum += split.examples;
  return sum;
}

std::int64_t DatasetSummary::unreadable() const {
  std::int64_t sum = 0;
  for (const SplitSummary& split : splits)
    sum += static_cast<std::int64_t>(split.unreadable.size());
  return sum;
}

DatasetSummary summarize_dataset(const datasets::DatasetOptions& options, int resolution) {
  DatasetSummary summary;
  for (const auto& [split, name] : kSplits) {
    const auto dataset = datasets::open_dataset(options, split, resolution, /*augment=*/false);
    summary.classes = dataset->classes();
    summary.input = dataset->input_shape();
    summary.splits.push_back(
        count(*dataset, name, options.targets == datasets::TargetKind::kBoxes));
  }
  summary.findings = datasets::findings_in(datasets::files_of(options), options);
  return summary;
}

DatasetSummary check_dataset(const datasets::DatasetOptions& options, int resolution, int threads) {
  DatasetSummary summary = summarize_dataset(options, resolution);
  Progress progress("Decoding", summary.examples(), "examples");
  for (std::size_t i = 0; i < summary.splits.size(); ++i) {
    const auto dataset =
        datasets::open_dataset(options, kSplits[i].first, resolution, /*augment=*/false);
    for (std::int64_t index : find_unreadable(*dataset, std::max(1, threads), progress)) {
      summary.splits[i].unreadable.push_back(dataset->name(index));
    }
  }
  return summary;
}

void measure_inputs(const datasets::DatasetOptions& options, std::int64_t examples,
                    DatasetSummary& summary) {
  const auto dataset =
      datasets::open_dataset(options, Split::kTrain, summary.input.width, /*augment=*/false);
  const auto channels = static_cast<std::size_t>(summary.input.channels);
  std::vector<double> sum(channels);
  std::vector<double> squares(channels);
  double pixels = 0;
  std::vector<float> input(static_cast<std::size_t>(summary.input.elements()));
  const std::int64_t step = std::max<std::int64_t>(1, dataset->size() / examples);
  Progress progress("Measuring", dataset->size() / step, "examples");
  for (std::int64_t index = 0; index < dataset->size(); index += step) {
    RandomStream random(0, {static_cast<std::uint64_t>(index)});
    progress.advance();
    if (!dataset->load(index, random, input)) continue;
    for (std::size_t i = 0; i < input.size(); ++i) {
      sum[i % channels] += input[i];
      squares[i % channels] += static_cast<double>(input[i]) * input[i];
    }
    pixels += static_cast<double>(input.size() / channels);
  }
  for (std::size_t c = 0; c < channels && pixels > 0; ++c) {
    const double mean = sum[c] / pixels;
    summary.mean.push_back(mean);
    summary.deviation.push_back(std::sqrt(std::max(0.0, squares[c] / pixels - mean * mean)));
  }
}

}  // namespace mcunet::pipeline
