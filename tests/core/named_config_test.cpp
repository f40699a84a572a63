#include "mcunet/core/named_config.hpp"

#include <gmock/gmock.h>

#include "error_text.hpp"
#include "temporary_folder.hpp"

namespace mcunet {
namespace {

using testing::EndsWith;
using testing::StartsWith;

class NamedConfig : public testing::Test {
 protected:
  NamedConfig() {
    folder_.write("fruits/apple.yaml",
                  "colour: green\nsizes: [1, 2]\npip: {count: 5, length: 7}\n");
    folder_.write("fruits/red.yaml", "extends: apple\ncolour: red\npip: {count: 6}\n");
  }

  static std::string text(const ConfigNode& node) { return to_json_text(node); }
  static std::string error(const std::string& yaml) {
    return error_of([&] { resolve_named_config(parse_config(yaml, "x.yaml"), "fruits"); });
  }

  TemporaryFolder folder_;
  ScopedVariable variable_{"MCUNET_CONFIGS", folder_.path().string()};
};

TEST_F(NamedConfig, ADescriptionTakesWhatItDoesNotState) {
  EXPECT_EQ(text(load_named_config("red", "fruits")),
            text(parse_config("{colour: red, sizes: [1, 2], pip: {count: 6, length: 7}}", "x")));
}

TEST_F(NamedConfig, AValueIsANameOrTheDescriptionItself) {
  const auto resolved = [](const std::string& yaml) {
    return text(resolve_named_config(parse_config(yaml, "x"), "fruits"));
  };
  EXPECT_EQ(resolved("red"), text(load_named_config("red", "fruits")));
  EXPECT_EQ(resolved("{colour: blue}"), text(parse_config("colour: blue", "x")));
  EXPECT_EQ(resolved("{extends: red, sizes: [3], pip: null}"),
            text(parse_config("{colour: red, sizes: [3], pip: null}", "x")));
}

TEST_F(NamedConfig, ErrorsNameThePlace) {
  const ConfigNode red = load_named_config("red", "fruits");
  EXPECT_THAT(error_of([&] { red.find("pip")->find("length")->fail("is odd"); }),
              EndsWith("fruits/apple.yaml:3: pip.length: is odd"));
  EXPECT_THAT(error_of([&] { red.find("colour")->fail("is odd"); }),
              EndsWith("fruits/red.yaml:2: colour: is odd"));
  EXPECT_THAT(error("{extends: appel}"),
              StartsWith("x.yaml:1: extends: appel: is no file and no name in configs/fruits; "
                         "did you mean apple?"));
  EXPECT_EQ(error("{extends: [apple]}"), "x.yaml:1: extends: must be a text, is a list");
}

TEST_F(NamedConfig, ACircleIsRefused) {
  folder_.write("fruits/egg.yaml", "extends: hen\n");
  folder_.write("fruits/hen.yaml", "extends: egg\n");
  EXPECT_THAT(error("egg"), EndsWith("extends: leads to itself, or through too many descriptions"));
}

}  // namespace
}  // namespace mcunet
