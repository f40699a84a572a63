#include "report/search_report.hpp"

#include <gmock/gmock.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/search/evolution.hpp"
#include "plot_files.hpp"
#include "search/synthetic_accuracy.hpp"

namespace mcunet::report {
namespace {

using testing::HasSubstr;

TEST(SearchReport, DrawsCurvesFrontsAndTheWinner) {
  const search::SearchProblem problem = search::make_small_problem();
  search::SyntheticAccuracy accuracy(1);
  search::SearchState evolution =
      search::evolve(problem, accuracy, {.population = 20, .iterations = 3});
  evolution.seconds = 100;
  evolution.accuracy_seconds = 98.77;
  const TemporaryFolder folder;
  HtmlPage html("Search");
  add_search(html, {evolution, {}, evolution},
             {.device_name = "stm32f746",
              .space = problem.space,
              .budget = problem.budget,
              .oracle = problem.oracle},
             folder.path());
  const std::string page = html.to_string();
  EXPECT_THAT(page, HasSubstr("1.23 % of the time"));
  EXPECT_THAT(page, testing::Not(HasSubstr("random search")));
  // The curve, four fronts, the network, its memory map and its blocks, all in the page.
  std::size_t drawings = 0;
  for (std::size_t at = page.find("<svg"); at != std::string::npos;
       at = page.find("<svg", at + 1)) {
    ++drawings;
  }
  EXPECT_EQ(drawings, 8u);
  EXPECT_THAT(page, testing::Not(HasSubstr("src=")));
  // The front rises from one network to the next.
  std::istringstream csv(read_file(folder / "front_sram.csv"));
  double value_before = 0;
  double accuracy_before = 0;
  int points = 0;
  for (std::string line; std::getline(csv, line);) {
    if (!line.starts_with("front,")) continue;
    const std::size_t comma = line.find(',', 6);
    const double value = std::stod(line.substr(6, comma - 6));
    const double percent = std::stod(line.substr(comma + 1));
    EXPECT_GT(value, value_before);
    EXPECT_GT(percent, accuracy_before);
    value_before = value;
    accuracy_before = percent;
    ++points;
  }
  EXPECT_GE(points, 2);
}

}  // namespace
}  // namespace mcunet::report
