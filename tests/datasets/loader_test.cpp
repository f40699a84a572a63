#include "mcunet/datasets/loader.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include "core/error_text.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Example i is two floats: i and a draw. Some are unreadable. Counts how many were loaded.
class Numbers : public Dataset {
 public:
  explicit Numbers(std::int64_t size, std::set<std::int64_t> broken = {},
                   double max_unreadable_share = 0.01)
      : size_(size), broken_(std::move(broken)), max_unreadable_share_(max_unreadable_share) {}

  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  InputShape input_shape() const override { return {1, 1, 2}; }
  std::int32_t label(std::int64_t index) const override { return static_cast<int>(index) + 1000; }
  std::string name(std::int64_t index) const override { return fmt::format("file {}", index); }
  double max_unreadable_share() const override { return max_unreadable_share_; }
  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    ++loaded;
    if (broken_.contains(index)) return std::nullopt;
    output[0] = static_cast<float>(index);
    output[1] = static_cast<float>(random.uniform());
    return target(index);
  }

  mutable std::atomic<int> loaded = 0;

 private:
  std::int64_t size_;
  std::set<std::int64_t> broken_;
  double max_unreadable_share_;
  std::vector<std::string> classes_;
};

struct Epoch {
  std::vector<std::vector<float>> inputs;
  std::vector<std::vector<std::int32_t>> labels;
  bool operator==(const Epoch&) const = default;

  std::vector<std::int32_t> all_labels() const {
    std::vector<std::int32_t> all;
    for (const auto& batch : labels) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }
};

Epoch rest_of_epoch(Loader& loader) {
  Epoch epoch;
  while (std::optional<Batch> batch = loader.next()) {
    epoch.inputs.push_back(batch->inputs);
    std::vector<std::int32_t>& labels = epoch.labels.emplace_back();
    for (const Target& target : batch->targets) labels.push_back(std::get<std::int32_t>(target));
    loader.recycle(std::move(*batch));
  }
  return epoch;
}

Epoch read_epoch(const Dataset& dataset, const LoaderOptions& options, std::int64_t epoch,
                 std::int64_t first_batch = 0) {
  Loader loader(dataset, options);
  loader.start_epoch(epoch, first_batch);
  return rest_of_epoch(loader);
}

TEST(Loader, GivesTheSameBatchesWithAnyNumberOfWorkers) {
  const Numbers dataset(101, {3, 50, 51}, 1);
  LoaderOptions options{.batch_size = 8, .workers = 0, .seed = 7};
  const Epoch expected = read_epoch(dataset, options, 3);
  ASSERT_EQ(expected.labels.size(), 12u);
  for (int workers : {1, 2, 5}) {
    for (int prefetch : {1, 4, 32}) {
      options.workers = workers;
      options.prefetch_batches = prefetch;
      EXPECT_EQ(read_epoch(dataset, options, 3), expected) << workers << " workers";
    }
  }
}

TEST(Loader, ResumesAtABatch) {
  const Numbers dataset(100);
  const LoaderOptions options{.batch_size = 8, .workers = 2, .seed = 7};
  Loader loader(dataset, options);
  loader.start_epoch(5);
  for (int i = 0; i < 4; ++i) loader.next();
  const Epoch rest = rest_of_epoch(loader);
  EXPECT_EQ(rest.labels.size(), 8u);
  EXPECT_EQ(read_epoch(dataset, options, 5, 4), rest);
}

TEST(Loader, ShufflesEveryEpochAnewAndReadsAll) {
  const Numbers dataset(50);
  const LoaderOptions options{.batch_size = 8, .drop_last = false, .seed = 1};
  const Epoch first = read_epoch(dataset, options, 0);
  const Epoch second = read_epoch(dataset, options, 1);
  EXPECT_NE(first, second);
  for (const Epoch* epoch : {&first, &second}) {
    EXPECT_EQ(epoch->labels.back().size(), 2u);
    const std::vector<std::int32_t> labels = epoch->all_labels();
    EXPECT_FALSE(std::is_sorted(labels.begin(), labels.end()));
    EXPECT_EQ(std::set(labels.begin(), labels.end()).size(), 50u);
  }
  LoaderOptions other_seed = options;
  other_seed.seed = 2;
  EXPECT_NE(read_epoch(dataset, other_seed, 0), first);
}

TEST(Loader, KeepsTheOrderWithoutShuffling) {
  const Numbers dataset(5);
  const Epoch epoch =
      read_epoch(dataset, {.batch_size = 2, .shuffle = false, .drop_last = false}, 0);
  EXPECT_THAT(epoch.labels,
              ElementsAre(ElementsAre(1000, 1001), ElementsAre(1002, 1003), ElementsAre(1004)));
}

TEST(Loader, DrawsAnewInEachEpoch) {
  const Numbers dataset(2);
  const LoaderOptions options{.batch_size = 2, .shuffle = false};
  EXPECT_NE(read_epoch(dataset, options, 0).inputs[0][1],
            read_epoch(dataset, options, 1).inputs[0][1]);
}

// Steps of 4 batches, the last of an epoch with fewer, among up to 4 ranks, even and uneven.
TEST(Loader, SharesTheBatchesOfAnEpochAmongRanks) {
  const Numbers dataset(103);
  for (const bool drop_last : {true, false}) {
    const LoaderOptions alone{.batch_size = 5, .drop_last = drop_last, .seed = 3};
    const auto all = read_epoch(dataset, alone, 1).labels;
    ASSERT_EQ(all.size(), drop_last ? 20u : 21u);
    for (const int ranks : {1, 2, 3, 4}) {
      for (const std::int64_t skipped : {0, 4, 8}) {
        std::size_t found = static_cast<std::size_t>(skipped);
        for (int rank = 0; rank < ranks; ++rank) {
          LoaderOptions options = alone;
          options.rank = rank;
          options.ranks = ranks;
          options.step_batches = 4;
          EXPECT_EQ(Loader(dataset, options).batches_per_epoch(), std::ssize(all));
          const auto own = read_epoch(dataset, options, 1, skipped).labels;
          std::size_t next = 0;
          for (std::size_t batch = static_cast<std::size_t>(skipped); batch < all.size(); ++batch) {
            if (static_cast<int>(batch % 4) % ranks != rank) continue;
            ASSERT_LT(next, own.size());
            EXPECT_EQ(own[next++], all[batch]);
            ++found;
          }
          EXPECT_EQ(next, own.size());
        }
        EXPECT_EQ(found, all.size());
      }
    }
  }
}

TEST(Loader, ReplacesAndListsUnreadableFiles) {
  const Numbers dataset(200, {10, 11});
  Loader loader(dataset, {.batch_size = 10, .workers = 3, .shuffle = false});
  for (int epoch : {0, 1}) {
    loader.start_epoch(epoch);
    const std::vector<std::int32_t> labels = rest_of_epoch(loader).all_labels();
    ASSERT_EQ(labels.size(), 200u);
    EXPECT_EQ(labels[10], 1012);
    EXPECT_EQ(labels[11], 1012);
    EXPECT_THAT(loader.unreadable(), ElementsAre("file 10", "file 11"));
  }
}

TEST(Loader, RefusesTooManyUnreadableFiles) {
  const Numbers dataset(200, {10, 11, 150});
  Loader loader(dataset, {.batch_size = 10, .shuffle = false});
  loader.start_epoch(0);
  EXPECT_THAT(error_of([&] { rest_of_epoch(loader); }), HasSubstr("3 of 200 files cannot be read"));

  const Numbers one(1000, {500}, 0);
  EXPECT_THAT(error_of([&] { read_epoch(one, {.batch_size = 10}, 0); }), HasSubstr("file 500"));
}

TEST(Loader, EndsWhenNothingCanBeRead) {
  const Numbers dataset(3, {0, 1, 2}, 1);
  EXPECT_THAT(error_of([&] { read_epoch(dataset, {.batch_size = 2}, 0); }),
              HasSubstr("neither this file nor the 2 after it"));
}

TEST(Loader, DecodesNoFurtherAheadThanAllowed) {
  const Numbers dataset(1000);
  Loader loader(dataset, {.batch_size = 10, .workers = 3, .prefetch_batches = 4});
  loader.start_epoch(0);
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(dataset.loaded, 50);
  EXPECT_GE(dataset.loaded, 10);
}

TEST(Loader, StartsAnotherEpochInTheMidstOfOne) {
  const Numbers dataset(1000);
  const LoaderOptions options{.batch_size = 10, .workers = 4};
  Loader loader(dataset, options);
  for (int epoch = 0; epoch < 20; ++epoch) {
    loader.start_epoch(epoch);
    loader.next();
  }
  loader.start_epoch(2, 90);
  EXPECT_EQ(rest_of_epoch(loader), read_epoch(dataset, options, 2, 90));
  EXPECT_FALSE(loader.next());
}

TEST(Loader, RefusesOptionsThatMakeNoSense) {
  const Numbers dataset(10);
  EXPECT_THAT(error_of([&] { Loader(dataset, {.batch_size = 0}); }), HasSubstr("batch_size 0"));
  EXPECT_THAT(error_of([&] { Loader(dataset, {.rank = 2, .ranks = 2, .step_batches = 2}); }),
              HasSubstr("rank 2 of 2"));
  EXPECT_THAT(error_of([&] { Loader(dataset, {.rank = 0, .ranks = 2}); }),
              HasSubstr("rank 0 of 2 with 1 batches a step"));
  EXPECT_THAT(error_of([&] { Loader(dataset, {}).start_epoch(0, 1); }), HasSubstr("no batch 1"));
}

}  // namespace
}  // namespace mcunet::datasets
