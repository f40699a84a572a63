#include "mcunet/core/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "core/error_text.hpp"

namespace mcunet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename T>
T read(const std::string& yaml) {
  T value{};
  read_value(*parse_config("a: " + yaml, "x.yaml").find("a"), value);
  return value;
}

template <typename T>
std::string read_error(const std::string& yaml) {
  return error_of([&] { read<T>(yaml); });
}

// Reads one field of type T named "b" below "a", on line 3.
template <typename T>
std::string checked_error(const std::string& yaml, const NumberCheck& check) {
  T value{};
  const std::vector<Field> fields = {section("a", {field("b", value, check)})};
  const ConfigNode root = parse_config("# comment\na:\n  b: " + yaml + "\n", "x.yaml");
  return error_of([&] { read_fields(root, fields); });
}

TEST(ConfigValue, Integers) {
  EXPECT_EQ(read<int>("42"), 42);
  EXPECT_EQ(read<int>("-42"), -42);
  EXPECT_EQ(read<int>("+42"), 42);
  EXPECT_EQ(read<int>("010"), 10) << "not octal";
  EXPECT_EQ(read<std::uint32_t>("0x20010000"), 0x20010000u);
  EXPECT_EQ(read<std::uint32_t>("0XffffFFFF"), 0xffffffffu);
  EXPECT_EQ(read<std::int64_t>("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
}

TEST(ConfigValue, RefusesWhatIsNoInteger) {
  EXPECT_EQ(read_error<int>("4.0"), "x.yaml:1: a: must be an integer, is 4.0");
  EXPECT_EQ(read_error<int>("'4'"), "x.yaml:1: a: must be an integer, is \"4\"");
  EXPECT_EQ(read_error<int>("[4]"), "x.yaml:1: a: must be an integer, is a list");
  EXPECT_EQ(read_error<int>("{b: 4}"), "x.yaml:1: a: must be an integer, is a map");
  EXPECT_EQ(read_error<int>(""), "x.yaml:1: a: must be an integer, is empty");
  for (const char* text : {"4x", "0x", "0xg", "1e3", "1_000", "true", "+", "4 5"}) {
    EXPECT_THAT(read_error<int>(text), HasSubstr("must be an integer")) << text;
  }
}

TEST(ConfigValue, RefusesTwoSigns) {
  for (const char* text : {"+-4", "0x-4", "++4"}) {
    EXPECT_THAT(read_error<int>(text), HasSubstr("must be an integer")) << text;
  }
  EXPECT_THAT(read_error<double>("+-4"), HasSubstr("must be a number"));
}

TEST(ConfigValue, RefusesIntegersOutOfTheirTypesRange) {
  EXPECT_EQ(read_error<int>("2147483648"), "x.yaml:1: a: is out of range: 2147483648");
  EXPECT_EQ(read_error<std::uint64_t>("-1"), "x.yaml:1: a: is out of range: -1");
  EXPECT_EQ(read_error<std::uint32_t>("0x100000000"), "x.yaml:1: a: is out of range: 0x100000000");
  EXPECT_THAT(read_error<std::int64_t>("9223372036854775808"), HasSubstr("must be an integer"));
}

TEST(ConfigValue, Numbers) {
  EXPECT_EQ(read<double>("0.1"), 0.1);
  EXPECT_EQ(read<double>("1e-3"), 0.001);
  EXPECT_EQ(read<double>("-2"), -2.0);
  for (const char* text : {".nan", "nan", ".inf", "inf", "1e999", "'1'", "abc", "[1]", ""}) {
    EXPECT_THAT(read_error<double>(text), HasSubstr("a: must be a number, is")) << text;
  }
}

TEST(ConfigValue, TrueAndFalseOnly) {
  EXPECT_TRUE(read<bool>("true"));
  EXPECT_FALSE(read<bool>("false"));
  for (const char* text : {"yes", "True", "1", "'true'", "on", ""}) {
    EXPECT_THAT(read_error<bool>(text), HasSubstr("a: must be true or false, is")) << text;
  }
}

TEST(ConfigValue, Texts) {
  EXPECT_EQ(read<std::string>("abc def"), "abc def");
  EXPECT_EQ(read<std::string>("\"1\""), "1");
  EXPECT_EQ(read<std::string>("''"), "");
  EXPECT_EQ(read_error<std::string>("[a]"), "x.yaml:1: a: must be a text, is a list");
  EXPECT_EQ(read_error<std::string>(""), "x.yaml:1: a: must be a text, is empty");
}

TEST(ConfigValue, AnOptionalValueMayBeEmpty) {
  EXPECT_EQ(read<std::optional<int>>("null"), std::nullopt);
  EXPECT_EQ(read<std::optional<int>>(""), std::nullopt);
  EXPECT_EQ(read<std::optional<int>>("3"), 3);
  EXPECT_THAT(read_error<std::optional<int>>("x"), HasSubstr("must be an integer"));
  EXPECT_EQ(checked_error<std::optional<double>>("null", positive()), "(no error)");
  EXPECT_THAT(checked_error<std::optional<double>>("0", positive()), HasSubstr("greater than 0"));
}

TEST(ConfigValue, Lists) {
  EXPECT_THAT(read<std::vector<int>>("[3, 5]"), ElementsAre(3, 5));
  EXPECT_THAT(read<std::vector<int>>("[]"), ElementsAre());
  EXPECT_EQ(read_error<std::vector<int>>("[3, x]"), "x.yaml:1: a[1]: must be an integer, is x");
  EXPECT_EQ(read_error<std::vector<int>>("3"),
            "x.yaml:1: a: must be a list of numbers or {from, to, step}, is 3");
  EXPECT_EQ(read_error<std::vector<std::string>>("{from: 1, to: 2}"),
            "x.yaml:1: a: must be a list, is a map");
}

TEST(ConfigRange, HoldsBothEndsExactly) {
  EXPECT_THAT(read<std::vector<double>>("{from: 0.2, to: 1.0, step: 0.1}"),
              ElementsAre(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0));
  EXPECT_THAT(read<std::vector<int>>("{from: 48, to: 96, step: 16}"), ElementsAre(48, 64, 80, 96));
  EXPECT_THAT(read<std::vector<int>>("{from: 1, to: 3}"), ElementsAre(1, 2, 3));
  EXPECT_THAT(read<std::vector<int>>("{from: 1, to: 6, step: 2}"), ElementsAre(1, 3, 5));
  EXPECT_THAT(read<std::vector<int>>("{from: 7, to: 7}"), ElementsAre(7));
}

TEST(ConfigRange, PassesThroughZeroExactly) {
  EXPECT_THAT(read<std::vector<double>>("{from: -0.3, to: 0.3, step: 0.1}"),
              ElementsAre(-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3));
}

TEST(ConfigRange, RefusesWhatMakesNoRange) {
  using Doubles = std::vector<double>;
  EXPECT_EQ(read_error<Doubles>("{from: 2, to: 1}"), "x.yaml:1: a: must not end before it begins");
  EXPECT_EQ(read_error<Doubles>("{from: 1, to: 2, step: 0}"),
            "x.yaml:1: a.step: must be greater than 0, is 0");
  EXPECT_EQ(read_error<Doubles>("{from: 2, to: 1, step: -1}"),
            "x.yaml:1: a.step: must be greater than 0, is -1");
  EXPECT_EQ(read_error<Doubles>("{from: 0, to: 100000, step: 1}"),
            "x.yaml:1: a: has more than 100000 values");
  EXPECT_EQ(read_error<Doubles>("{from: 1, to: 100000}"), "(no error)");
  EXPECT_EQ(read_error<Doubles>("{from: -1e308, to: 1e308, step: 1e-300}"),
            "x.yaml:1: a: has more than 100000 values");
  EXPECT_EQ(read_error<Doubles>("{from: 1}"), "x.yaml:1: a: lacks the key to");
  EXPECT_EQ(read_error<Doubles>("{from: 1, to: 2, stp: 1}"),
            "x.yaml:1: a.stp: is no known key; did you mean step?");
  EXPECT_THAT(read_error<std::vector<int>>("{from: 0, to: 1, step: 0.5}"),
              HasSubstr("a[1]: must be an integer, is 0.5"));
}

TEST(ConfigCheck, NamesFileLineKeyAndLimit) {
  EXPECT_EQ(checked_error<int>("0", at_least(1)), "x.yaml:3: a.b: must be at least 1, is 0");
  EXPECT_EQ(checked_error<int>("9", between(1, 8)), "x.yaml:3: a.b: must be between 1 and 8, is 9");
  EXPECT_EQ(checked_error<double>("-0.5", positive()),
            "x.yaml:3: a.b: must be greater than 0, is -0.5");
  EXPECT_EQ(checked_error<double>("0", positive()), "x.yaml:3: a.b: must be greater than 0, is 0");
}

TEST(ConfigCheck, LimitsAreIncluded) {
  EXPECT_EQ(checked_error<int>("1", between(1, 8)), "(no error)");
  EXPECT_EQ(checked_error<int>("8", between(1, 8)), "(no error)");
  EXPECT_EQ(checked_error<double>("1e-300", positive()), "(no error)");
}

TEST(ConfigCheck, ChecksEveryElementOfAList) {
  EXPECT_EQ(checked_error<std::vector<int>>("[1, 0]", at_least(1)),
            "x.yaml:3: a.b[1]: must be at least 1, is 0");
  EXPECT_EQ(checked_error<std::vector<int>>("[]", at_least(1)), "x.yaml:3: a.b: must not be empty");
  EXPECT_EQ(checked_error<std::vector<int>>("{from: 0, to: 2}", at_least(1)),
            "x.yaml:3: a.b[0]: must be at least 1, is 0");
}

TEST(ConfigCheck, HexadecimalIntegersCanBeChecked) {
  EXPECT_EQ(checked_error<int>("0x4", between(1, 8)), "(no error)");
  EXPECT_EQ(checked_error<int>("0x9", between(1, 8)),
            "x.yaml:3: a.b: must be between 1 and 8, is 0x9");
}

enum class Fruit { kApple, kPear };

struct Shelf {
  std::string name;
  int size = 7;

  bool operator==(const Shelf&) const = default;
};

std::vector<Field> fields_of(Shelf& shelf) {
  return {required(field("name", shelf.name)), field("size", shelf.size, at_least(1))};
}

struct Shop {
  bool is_open = true;
  std::int64_t stock = -5;
  double price = 0.1;
  std::string owner = "Ann";
  std::optional<int> floor;
  std::vector<double> sizes = {0.3, 1.0};
  Fruit fruit = Fruit::kPear;
  std::vector<Shelf> shelves = {{"top", 3}};
  Shelf counter{"long", 2};

  bool operator==(const Shop&) const = default;
};

std::vector<Field> fields_of(Shop& shop) {
  return {field("is_open", shop.is_open),
          field("stock", shop.stock),
          field("price", shop.price, positive()),
          field("owner", shop.owner),
          field("floor", shop.floor),
          field("sizes", shop.sizes, positive()),
          choice("fruit", shop.fruit, {{"apple", Fruit::kApple}, {"pear", Fruit::kPear}}),
          section_list("shelves", shop.shelves, fields_of),
          section("counter", fields_of(shop.counter))};
}

std::string shop_error(const std::string& yaml) {
  Shop shop;
  return error_of([&] { read_fields(parse_config(yaml, "x.yaml"), fields_of(shop)); });
}

TEST(ConfigFields, AbsentKeysKeepTheirDefaults) {
  Shop shop;
  read_fields(parse_config("stock: 4\n", "x.yaml"), fields_of(shop));
  Shop expected;
  expected.stock = 4;
  EXPECT_EQ(shop, expected);
  read_fields(parse_config("", "x.yaml"), fields_of(shop));
  EXPECT_EQ(shop, expected);
}

TEST(ConfigFields, RefusesUnknownKeys) {
  EXPECT_EQ(shop_error("stock: 1\nsotck: 2\n"),
            "x.yaml:2: sotck: is no known key; did you mean stock?");
  EXPECT_EQ(shop_error("counter:\n  nme: x\n"),
            "x.yaml:2: counter.nme: is no known key; did you mean name?");
  EXPECT_EQ(shop_error("counter: {xylophone: 1}\n"),
            "x.yaml:1: counter.xylophone: is no known key, expected one of name, size");
}

TEST(ConfigFields, RefusesWhatIsNoMap) {
  EXPECT_EQ(shop_error("[1]\n"), "x.yaml:1: must be a map, is a list");
  EXPECT_EQ(shop_error("counter: 3\n"), "x.yaml:1: counter: must be a map, is 3");
}

TEST(ConfigFields, RefusesALackingKey) {
  EXPECT_EQ(shop_error("counter: {size: 3}\n"), "x.yaml:1: counter: lacks the key name");
  EXPECT_EQ(shop_error("counter:\n"), "x.yaml:1: counter: lacks the key name");
}

TEST(ConfigChoice, TakesNamesOnly) {
  Shop shop;
  read_fields(parse_config("fruit: apple\n", "x.yaml"), fields_of(shop));
  EXPECT_EQ(shop.fruit, Fruit::kApple);
  EXPECT_EQ(shop_error("fruit: plum\n"), "x.yaml:1: fruit: must be one of apple, pear, is plum");
  EXPECT_EQ(shop_error("fruit: Apple\n"), "x.yaml:1: fruit: must be one of apple, pear, is Apple");
  EXPECT_EQ(shop_error("fruit: [apple]\n"), "x.yaml:1: fruit: must be a text, is a list");
}

TEST(ConfigSectionList, ReadsOneElementAfterTheOther) {
  Shop shop;
  read_fields(parse_config("shelves:\n- {name: a}\n- {name: b, size: 1}\n", "x.yaml"),
              fields_of(shop));
  EXPECT_THAT(shop.shelves, ElementsAre(Shelf{"a", 7}, Shelf{"b", 1}));
  EXPECT_EQ(shop_error("shelves:\n- {name: a}\n- {name: b, size: 0}\n"),
            "x.yaml:3: shelves[1].size: must be at least 1, is 0");
  EXPECT_EQ(shop_error("shelves: [3]\n"), "x.yaml:1: shelves[0]: must be a map, is 3");
  EXPECT_EQ(shop_error("shelves: {name: a}\n"), "x.yaml:1: shelves: must be a list, is a map");
}

TEST(ConfigWrite, RoundTrip) {
  Shop shop;
  shop.is_open = false;
  shop.stock = std::numeric_limits<std::int64_t>::min();
  shop.price = 1.0 / 3;
  shop.owner = "true \"0x10\" é\n: #";
  shop.floor = -2;
  shop.sizes = {0.1, 5, 1e300};
  shop.fruit = Fruit::kApple;
  shop.shelves = {{"12", 3}, {"", 1}};
  const std::string text = to_json_text(write_fields(fields_of(shop)));
  Shop copy;
  read_fields(parse_config(text, "x.json"), fields_of(copy));
  EXPECT_EQ(copy, shop);
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
}

TEST(ConfigWrite, JsonKeepsTypesAndOrder) {
  Shop shop;
  const auto json = nlohmann::ordered_json::parse(to_json_text(write_fields(fields_of(shop))));
  EXPECT_EQ(json.dump(),
            R"({"is_open":true,"stock":-5,"price":0.1,"owner":"Ann","floor":null,"sizes":[0.3,1],)"
            R"("fruit":"pear","shelves":[{"name":"top","size":3}],)"
            R"("counter":{"name":"long","size":2}})");
}

TEST(ConfigWrite, ParsedTextsStayTexts) {
  EXPECT_EQ(to_json_text(parse_config("['1', 1, 1.5, true, 'true', abc, null]", "x.yaml")),
            "[\n  \"1\",\n  1,\n  1.5,\n  true,\n  \"true\",\n  \"abc\",\n  null\n]");
}

TEST(NearestName, FindsTypingErrorsOnly) {
  const std::vector<std::string> names = {"widths", "samples", "seed"};
  EXPECT_EQ(nearest_name("width", names), "widths");
  EXPECT_EQ(nearest_name("smaples", names), "samples");
  EXPECT_EQ(nearest_name("sed", names), "seed");
  EXPECT_EQ(nearest_name("population", names), "");
  EXPECT_EQ(nearest_name("anything", {}), "");
}

TEST(ConfigNode, FailNamesItsPlace) {
  ConfigNode node;
  node.origin = "x.yaml:3";
  EXPECT_EQ(error_of([&] { node.fail("is wrong"); }), "x.yaml:3: is wrong");
  node.path = "a.b[2]";
  EXPECT_EQ(error_of([&] { node.fail("is wrong"); }), "x.yaml:3: a.b[2]: is wrong");
}

TEST(EraseKey, TakesOutWhatAPathLeadsTo) {
  const auto without = [](const char* path) {
    ConfigNode config = parse_config("{a: 1, b: {c: 2, d: {e: 3}}, f: [4]}", "x.yaml");
    erase_key(config, path);
    std::string text;
    for (char c : to_json_text(config)) {
      if (c != ' ' && c != '\n') text += c;
    }
    return text;
  };
  EXPECT_EQ(without("a"), R"({"b":{"c":2,"d":{"e":3}},"f":[4]})");
  EXPECT_EQ(without("b.d.e"), R"({"a":1,"b":{"c":2,"d":{}},"f":[4]})");
  EXPECT_EQ(without("b.d"), R"({"a":1,"b":{"c":2},"f":[4]})");
  for (const char* absent : {"", "c", "b.e", "a.b", "f.c", "b.d.e.f", "b."}) {
    EXPECT_EQ(without(absent), R"({"a":1,"b":{"c":2,"d":{"e":3}},"f":[4]})") << absent;
  }
}

TEST(FirstDifference, NamesTheKeyAndBothValues) {
  const auto compare = [](const std::string& before, const std::string& now) {
    return first_difference(parse_config(before, "a.yaml"), parse_config(now, "b.yaml"));
  };
  EXPECT_EQ(compare("{a: 1, b: {c: x, d: [1, 2]}}", "{b: {d: [1, 2], c: x}, a: 1}"), "");
  EXPECT_EQ(compare("{a: 1, b: {c: 2}}", "{a: 1, b: {c: 3}}"), "b.c: was 2, is 3");
  EXPECT_EQ(compare("{b: {d: [1, 2]}}", "{b: {d: [2, 1]}}"), "b.d: was [1,2], is [2,1]");
  EXPECT_EQ(compare("{a: 1}", "{a: 1, b: true}"), "b: was null, is true");
  EXPECT_EQ(compare("{a: 1, b: true}", "{a: 1}"), "b: was true, is null");
  EXPECT_EQ(compare("{a: {b: 1}}", "{a: 1}"), "a: was {\"b\":1}, is 1");
  EXPECT_EQ(compare("{a: [{b: 1}, 2]}", "{a: [{b: 1, c: null}, 2]}"), "") << "as outside of lists";
  EXPECT_EQ(compare("{a: [{b: 1}]}", "{a: [{b: 1, c: 0}]}"),
            "a: was [{\"b\":1}], is [{\"b\":1,\"c\":0}]");
  EXPECT_EQ(compare("{a: [1]}", "{a: [1, null]}"), "a: was [1], is [1,null]");
}

}  // namespace
}  // namespace mcunet
