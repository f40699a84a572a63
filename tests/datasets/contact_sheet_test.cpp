#include "mcunet/datasets/contact_sheet.hpp"

#include <gmock/gmock.h>

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {
namespace {

std::unique_ptr<Dataset> four_classes() {
  DatasetOptions options{.kind = DatasetKind::kSyntheticImages};
  options.synthetic.held_out_examples = 40;
  return open_dataset(options, Split::kTest, 32, /*augment=*/false);
}

TEST(ChooseExamples, TakesSomeOfEachClass) {
  const auto dataset = four_classes();
  const auto chosen = choose_examples(*dataset, 3, 7);
  ASSERT_EQ(chosen.size(), 4u);
  for (std::size_t label = 0; label < chosen.size(); ++label) {
    EXPECT_EQ(chosen[label].size(), 3u);
    for (const std::int64_t example : chosen[label]) {
      EXPECT_EQ(dataset->label(example), static_cast<std::int32_t>(label));
    }
  }
  EXPECT_EQ(choose_examples(*dataset, 3, 7), chosen);
  EXPECT_NE(choose_examples(*dataset, 3, 8), chosen);
  EXPECT_EQ(choose_examples(*dataset, 100, 7)[0].size(), 10u);
}

TEST(DrawExamples, GivesAJpegOfAllOfThem) {
  const auto dataset = four_classes();
  const std::vector<std::int64_t> examples = {0, 1, 2};
  const std::string three = draw_examples(*dataset, examples, 7);
  EXPECT_THAT(three, testing::StartsWith("\xff\xd8\xff"));
  EXPECT_EQ(draw_examples(*dataset, examples, 7), three);
  EXPECT_NE(draw_examples(*dataset, {examples.data(), 1}, 7), three);
}

}  // namespace
}  // namespace mcunet::datasets
