#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/config.hpp"

namespace mcunet {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ConfigNode::Kind;

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_config(text, "x.yaml"); });
}

std::string override_error(const std::string& text, const std::string& assignment) {
  ConfigNode root = parse_config(text, "x.yaml");
  return error_of([&] { apply_override(root, assignment); });
}

std::string overridden(const std::string& text, const std::string& assignment) {
  ConfigNode root = parse_config(text, "x.yaml");
  apply_override(root, assignment);
  std::string json = to_json_text(root);
  std::erase_if(json, [](char c) { return c == ' ' || c == '\n'; });
  return json;
}

TEST(ConfigParser, KeepsKindsOrderAndPlaces) {
  const ConfigNode root = parse_config("b: 1\na:\n  c: [x, {d: 2}]\ne:\n", "x.yaml");
  EXPECT_EQ(root.kind, Kind::kMap);
  EXPECT_EQ(root.path, "");
  EXPECT_EQ(root.keys, (std::vector<std::string>{"b", "a", "e"}));
  EXPECT_EQ(root.find("e")->kind, Kind::kNull);
  EXPECT_EQ(root.find("e")->origin, "x.yaml:4");
  EXPECT_EQ(root.find("nothing"), nullptr);
  const ConfigNode& list = *root.find("a")->find("c");
  EXPECT_EQ(list.kind, Kind::kSequence);
  EXPECT_EQ(list.origin, "x.yaml:3");
  EXPECT_EQ(list.items[0].path, "a.c[0]");
  EXPECT_EQ(list.items[1].find("d")->path, "a.c[1].d");
  EXPECT_EQ(list.items[1].find("d")->scalar, "2");
}

TEST(ConfigParser, MarksQuotedScalars) {
  const ConfigNode root = parse_config("a: \"1\"\nb: '2'\nc: 3\n", "x.yaml");
  EXPECT_TRUE(root.find("a")->quoted);
  EXPECT_TRUE(root.find("b")->quoted);
  EXPECT_FALSE(root.find("c")->quoted);
}

TEST(ConfigParser, AnEmptyTextIsEmpty) {
  for (const char* text : {"", "\n\n", "# nothing but a comment\n", "---\n", "null\n"}) {
    EXPECT_EQ(parse_config(text, "x.yaml").kind, Kind::kNull) << text;
  }
}

TEST(ConfigParser, RefusesARepeatedKey) {
  EXPECT_EQ(parse_error("a: 1\nb:\n  c: 1\n  c: 2\n"), "x.yaml:4: b.c: is given twice");
  EXPECT_EQ(parse_error("a: 1\n\"a\": 2\n"), "x.yaml:2: a: is given twice");
}

TEST(ConfigParser, RefusesKeysThatAreNoNames) {
  EXPECT_EQ(parse_error("a:\n  ? [x, y]\n  : 1\n"),
            "x.yaml:2: a: has a key that is not a plain name");
  EXPECT_THAT(parse_error("? \n: 1\n"), EndsWith("has a key that is not a plain name"));
}

TEST(ConfigParser, RefusesWhatIsNoYaml) {
  EXPECT_THAT(parse_error("a: 1\nb: [1, 2\n"), StartsWith("x.yaml:3: is no valid YAML: "));
  EXPECT_THAT(parse_error("a:\n\t- 1\n"), StartsWith("x.yaml:2: is no valid YAML: "));
  EXPECT_THAT(parse_error("a: *nothing\n"), StartsWith("x.yaml:1: is no valid YAML: "));
}

TEST(ConfigParser, RefusesSeveralDocuments) {
  EXPECT_EQ(parse_error("a: 1\n---\nb: 2\n"), "x.yaml: holds more than one YAML document");
}

TEST(ConfigParser, NestsSixtyFourDeepAndNoDeeper) {
  const auto nested = [](int depth) {
    return "a: " + std::string(depth, '[') + std::string(depth, ']');
  };
  // The root counts as one level.
  EXPECT_EQ(parse_error(nested(64)), "(no error)");
  EXPECT_THAT(parse_error(nested(65)), StartsWith("x.yaml:1: a[0][0]"));
  EXPECT_THAT(parse_error(nested(65)), EndsWith("]: is nested too deep"));
}

TEST(ConfigParser, SurvivesAbsurdDepth) {
  EXPECT_NE(parse_error(std::string(100'000, '[')), "(no error)");
  EXPECT_NE(parse_error(std::string(100'000, '[') + std::string(100'000, ']')), "(no error)");
}

TEST(ConfigParser, RefusesAnAliasOfItself) {
  EXPECT_THAT(parse_error("a: &a [*a]\n"), EndsWith("is nested too deep"));
  EXPECT_THAT(parse_error("&a {b: *a}\n"), EndsWith("is nested too deep"));
}

TEST(ConfigParser, AliasesExpand) {
  const ConfigNode root = parse_config("a: &a [1, 2]\nb: *a\n", "x.yaml");
  EXPECT_EQ(root.find("b")->items.size(), 2u);
  EXPECT_EQ(root.find("b")->items[1].path, "b[1]");
}

TEST(ConfigParser, RefusesAnAliasBomb) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    const std::string alias = fmt::format("*a{}", level - 1);
    text += fmt::format("a{0}: &a{0} [{1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}]\n", level,
                        alias);
  }
  EXPECT_THAT(parse_error(text), EndsWith("expands to too many values"));
}

TEST(ConfigParser, ReadsAFile) {
  const TemporaryFolder folder;
  const auto file = folder.write("x.yaml", "a: 1\n");
  EXPECT_EQ(load_config(file).find("a")->origin, file.string() + ":1");
}

TEST(ConfigParser, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { load_config(folder.path()); }),
            folder.path().string() + ": cannot be read: is a folder, not a file");
  EXPECT_EQ(error_of([&] { load_config(folder / "none.yaml"); }),
            (folder / "none.yaml").string() + ": cannot be read: No such file or directory");
}

TEST(ConfigParser, RefusesWhatIsNoText) {
  const auto error = [](const std::string& text) {
    return error_of([&] { parse_config(text, "x.yaml"); });
  };
  EXPECT_EQ(error("a: 1\nb: \xff\n"), "x.yaml:2: is no text in UTF-8, which YAML must be");
  EXPECT_EQ(error(std::string("a: 1\0b", 6)), "x.yaml:1: is no text in UTF-8, which YAML must be");
  EXPECT_EQ(parse_config("a: é", "x.yaml").find("a")->scalar, "é");
  EXPECT_EQ(parse_config("\xef\xbb\xbf"
                         "a: 1\r\nb: 2\r\n",
                         "x.yaml")
                .find("b")
                ->scalar,
            "2");
}

TEST(ConfigOverride, ReplacesAddsAndDigs) {
  EXPECT_EQ(overridden("a: 1\n", "a=2"), R"({"a":2})");
  EXPECT_EQ(overridden("a: {b: 1, c: 2}\n", "a.b=3"), R"({"a":{"b":3,"c":2}})");
  EXPECT_EQ(overridden("a: 1\n", "b.c.d=true"), R"({"a":1,"b":{"c":{"d":true}}})");
  EXPECT_EQ(overridden("a:\n", "a.b=1"), R"({"a":{"b":1}})");
  EXPECT_EQ(overridden("", "a=1"), R"({"a":1})");
}

TEST(ConfigOverride, TakesAnyYaml) {
  EXPECT_EQ(overridden("a: 1\n", "a=[1, 2]"), R"({"a":[1,2]})");
  EXPECT_EQ(overridden("a: 1\n", "a={b: {c: 2}}"), R"({"a":{"b":{"c":2}}})");
  EXPECT_EQ(overridden("a: 1\n", "a="), R"({"a":null})");
  EXPECT_EQ(overridden("a: 1\n", "a='2'"), R"({"a":"2"})");
  EXPECT_EQ(overridden("a: 1\n", "a=b=c"), R"({"a":"b=c"})");
}

TEST(ConfigOverride, PlacesNameTheOverride) {
  ConfigNode root = parse_config("a: 1\n", "x.yaml");
  apply_override(root, "b={c: [1, 2]}");
  const ConfigNode& item = root.find("b")->find("c")->items[1];
  EXPECT_EQ(item.path, "b.c[1]");
  EXPECT_EQ(item.origin, "--set b={c: [1, 2]}");
}

TEST(ConfigOverride, RefusesOtherForms) {
  EXPECT_EQ(override_error("", "a.b"), "--set a.b: must have the form key.path=value");
  EXPECT_EQ(override_error("", "=1"), "--set =1: must have the form key.path=value");
  EXPECT_EQ(override_error("", ""), "--set : must have the form key.path=value");
  EXPECT_EQ(override_error("", ".a=1"), "--set .a=1: has an empty key in its path");
  EXPECT_EQ(override_error("", "a..b=1"), "--set a..b=1: has an empty key in its path");
  EXPECT_EQ(override_error("", "a.=1"), "--set a.=1: has an empty key in its path");
  EXPECT_THAT(override_error("", "a=[1"), HasSubstr("is no valid YAML"));
}

TEST(ConfigOverride, RefusesAPathThroughAScalarOrAList) {
  EXPECT_EQ(override_error("a:\n  b: 1\n", "a.b.c=2"),
            "--set a.b.c=2: a.b is not a map (it is set at x.yaml:2)");
  EXPECT_EQ(override_error("a: [1]\n", "a.b=2"),
            "--set a.b=2: a is not a map (it is set at x.yaml:1)");
}

TEST(ConfigOverride, TheLastOneWins) {
  ConfigNode root = parse_config("a: 1\n", "x.yaml");
  apply_override(root, "a=2");
  apply_override(root, "a=3");
  EXPECT_EQ(root.find("a")->scalar, "3");
  EXPECT_EQ(root.keys.size(), 1u);
}

}  // namespace
}  // namespace mcunet
