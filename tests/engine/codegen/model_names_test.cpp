#include "mcunet/engine/codegen/model_names.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"

namespace mcunet::engine {
namespace {

TEST(ModelNames, TheDefaultLeavesWeightsAndFeaturesWithoutPrefix) {
  const ModelNames names;
  EXPECT_TRUE(names.is_default());
  EXPECT_EQ(names.prefix(), "model");
  EXPECT_EQ(names.macro_prefix(), "MODEL");
  EXPECT_EQ(names.part("weights"), "weights");
  EXPECT_EQ(names.template_texts(), ModelNames("model").template_texts());
}

TEST(ModelNames, APrefixComesBeforeEverything) {
  const ModelNames names("kwsNet_2");
  EXPECT_FALSE(names.is_default());
  EXPECT_EQ(names.part("weights"), "kwsNet_2_weights");
  EXPECT_EQ(names.template_texts(), (std::map<std::string, std::string, std::less<>>{
                                        {"model", "kwsNet_2"},
                                        {"MODEL", "KWSNET_2"},
                                        {"weights", "kwsNet_2_weights"},
                                        {"features", "kwsNet_2_features"},
                                        {"FEATURES", "KWSNET_2_FEATURES"},
                                        {"frame", "kwsNet_2_frame"},
                                        {"FRAME", "KWSNET_2_FRAME"},
                                        {"series", "kwsNet_2_series"},
                                        {"SERIES", "KWSNET_2_SERIES"},
                                        {"detections", "kwsNet_2_detections"},
                                        {"DETECTIONS", "KWSNET_2_DETECTIONS"}}));
}

std::string fault_of(const std::string& prefix) {
  return error_of([&] { ModelNames{prefix}; });
}

TEST(ModelNames, RefusesWhatWouldNotBeC) {
  for (const char* prefix :
       {"", "2nd", "_x", "__x", "_X", "a-b", "a b", "../a", "a/b", "a?\?/", "*/", "$x", "ä"}) {
    EXPECT_EQ(fault_of(prefix), '"' + std::string(prefix) +
                                    "\" is not made of letters, digits and _ with a letter first; "
                                    "choose another prefix");
  }
  EXPECT_THAT(fault_of("a\nb"), testing::StartsWith("\"a\\nb\" is not")) << "one line";
  EXPECT_THAT(fault_of("a\"\xff"), testing::StartsWith("\"a\\\"\\xff\" is not"));
  EXPECT_THAT(fault_of(std::string("a\0b", 3)), testing::HasSubstr("is not made of letters"));
  EXPECT_EQ(fault_of(std::string(31, 'x')), "(no error)");
  EXPECT_THAT(fault_of(std::string(32, 'x')), testing::HasSubstr("has more than 31 characters"));
}

TEST(ModelNames, RefusesWhatIsSomethingElseAlready) {
  EXPECT_EQ(fault_of("while"), "\"while\" is a keyword of C; choose another prefix");
  // Else <string.h> would be the network's header.
  EXPECT_EQ(fault_of("string"), "\"string\" is a header of the C library; choose another prefix");
  EXPECT_EQ(fault_of("mcunet"), "\"mcunet\" is the kernels' prefix; choose another prefix");
  for (const char* prefix : {"mcunet_vww", "MCUnet_KERNELS"}) {
    EXPECT_THAT(fault_of(prefix), testing::HasSubstr("is the kernels' prefix"));
  }
  EXPECT_THAT(fault_of("String"), testing::HasSubstr("is a header of the C library"));
  for (const char* prefix : {"mcunets", "strings", "whiles", "inputs", "main", "add", "weights"}) {
    EXPECT_EQ(fault_of(prefix), "(no error)");
  }
}

}  // namespace
}  // namespace mcunet::engine
