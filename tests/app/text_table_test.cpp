#include "text_table.hpp"

#include <gtest/gtest.h>

namespace mcunet::cli {
namespace {

TEST(TextTable, NumbersStandToTheRightAndTextsToTheLeft) {
  TextTable table({"name", "bytes"});
  table.add_row({"a", "1024"});
  table.add_row({"longer", "7"});
  EXPECT_EQ(table.to_string(),
            "name    bytes\n"
            "a        1024\n"
            "longer      7\n");
}

TEST(TextTable, HeadingsStandAsTheirColumn) {
  TextTable table({"text", "n"});
  table.add_row({"x", "-1,000.5%"});
  EXPECT_EQ(table.to_string(),
            "text          n\n"
            "x     -1,000.5%\n");
}

TEST(TextTable, CountsCharactersNotBytes) {
  TextTable table({"é", "b"});
  table.add_row({"██", "x"});
  table.add_row({"a", "y"});
  EXPECT_EQ(table.to_string(),
            "é   b\n"
            "██  x\n"
            "a   y\n");
}

TEST(TextTable, LinesHaveNoBlanksAtTheirEnd) {
  TextTable table({"a", "remark"});
  table.add_row({"x", ""});
  EXPECT_EQ(table.to_string(), "a  remark\nx\n");
}

TEST(TextTable, AHeaderAlone) { EXPECT_EQ(TextTable({"a", "b"}).to_string(), "a  b\n"); }

}  // namespace
}  // namespace mcunet::cli
