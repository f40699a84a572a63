#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "mcunet/core/files.hpp"

namespace mcunet::report {

// The four files of a plot are there and hold something.
inline void expect_plot(const std::filesystem::path& folder, const std::string& name) {
  SCOPED_TRACE(name);
  const std::string svg = read_file(folder / (name + ".svg"));
  EXPECT_THAT(svg, testing::HasSubstr("<svg"));
  EXPECT_THAT(svg.substr(svg.find_last_not_of(" \n\r") - 5, 6), testing::StrEq("</svg>"));
  EXPECT_GT(svg.size(), 1500u);
  const std::string pdf = read_file(folder / (name + ".pdf"));
  EXPECT_EQ(pdf.substr(0, 5), "%PDF-");
  EXPECT_THAT(pdf.substr(pdf.size() - 8), testing::HasSubstr("%%EOF"));
  EXPECT_GT(pdf.size(), 1500u);
  EXPECT_GT(read_file(folder / (name + ".csv")).size(), 10u);
  EXPECT_THAT(read_file(folder / (name + ".gp")), testing::HasSubstr("plot "));
}

}  // namespace mcunet::report
