#include "report/overlay_plot.hpp"

#include <gmock/gmock.h>

#include "core/temporary_folder.hpp"
#include "plot_files.hpp"

namespace mcunet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OverlayPlot, DrawsEverySeriesThatHasPoints) {
  const TemporaryFolder folder;
  const Overlay overlay{.name = "fronts",
                        .x_label = "KiB",
                        .y_label = "%",
                        .is_front = true,
                        .series = {{"1: stm32f746, w1-r48", {{10, 50}, {20, 60}}},
                                   {"2: nothing", {}},
                                   {"3: other_board", {{15, 55}}}}};
  const Drawings drawings = draw({overlay_plot(overlay)}, folder.path());
  expect_plot(folder.path(), "fronts");
  EXPECT_EQ(read_file(folder / "fronts.csv"), "series,x,y\n0,10,50\n0,20,60\n2,15,55\n");
  EXPECT_THAT(drawings.at("fronts"), HasSubstr("1: stm32f746, w1-r48"));
  EXPECT_THAT(drawings.at("fronts"), HasSubstr("other_board")) << "and no subscript";
  EXPECT_THAT(drawings.at("fronts"), Not(HasSubstr("nothing")));
}

TEST(OverlayPlot, DrawsAccuracyBySpace) {
  const TemporaryFolder folder;
  const Drawings drawings =
      draw({accuracy_by_space_plot({{"w0.5-r144", 50e6, 0.7}, {"w0.3-r160", 32e6, 0.6}})},
           folder.path());
  EXPECT_EQ(
      read_file(folder / "accuracy_by_space.csv"),
      "space,mean_million_macs,accuracy\nw0.5-r144,50.0000,70.0000\nw0.3-r160,32.0000,60.0000\n");
  EXPECT_THAT(drawings.at("accuracy_by_space"), HasSubstr("w0.3-r160"));
}

}  // namespace
}  // namespace mcunet::report
