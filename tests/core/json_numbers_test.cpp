#include "mcunet/core/json_numbers.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"

namespace mcunet {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonNumbers, AreRead) {
  const Json json =
      Json::parse(R"({"count": 7, "share": 0.25, "whole": 1, "large": 1000000000000})");
  EXPECT_EQ(count_at(json, "count"), 7);
  EXPECT_EQ(count_at(json, "large"), 1'000'000'000'000);
  EXPECT_EQ(share_at(json, "share"), 0.25);
  EXPECT_EQ(share_at(json, "whole"), 1);
  EXPECT_EQ(amount_at(json, "count"), 7);
  EXPECT_EQ(integer_of(Json(-3), -5, 5), -3);
}

TEST(JsonNumbers, AreRefusedWhereTheyAreNotPossible) {
  const auto count = [](const char* text) {
    return error_of([&] { count_at(Json::parse(text), "n"); });
  };
  EXPECT_EQ(count(R"({"n": -1})"), "n: must be an integer from 0 to 1e+15, is -1");
  EXPECT_EQ(count(R"({"n": 2.5})"), "n: must be an integer from 0 to 1e+15, is 2.5");
  EXPECT_EQ(count(R"({"n": 1e300})"), "n: must be an integer from 0 to 1e+15, is 1e+300");
  EXPECT_EQ(count(R"({"n": 18446744073709551615})"),
            "n: must be an integer from 0 to 1e+15, is 18446744073709551615");
  EXPECT_EQ(count(R"({"n": "7"})"), "n: must be an integer from 0 to 1e+15, is \"7\"");
  EXPECT_EQ(count(R"({"n": null})"), "n: must be an integer from 0 to 1e+15, is null");
  EXPECT_EQ(count(R"({"n": [[[]]]})"), "n: must be an integer from 0 to 1e+15, is array");
  EXPECT_EQ(count(R"({})"), "lacks n");
  EXPECT_EQ(count(R"([7])"), "must be a map with n, is array");
  EXPECT_EQ(error_of([] {
              share_at(Json{{"n", 1.5}}, "n");
            }),
            "n: must be a number from 0 to 1, is 1.5");
  EXPECT_EQ(error_of([] {
              amount_at(Json{{"n", -0.5}}, "n");
            }),
            "n: must be a number from 0 to 1e+15, is -0.5");
}

}  // namespace
}  // namespace mcunet
