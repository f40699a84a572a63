#include "run_mcunet.hpp"

namespace mcunet {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Usage = CommandTest;

TEST_F(Usage, WrongUsageExitsWithTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"nonsense"},
      {"--nonsense"},
      {"plan"},
      {"space"},
      {"report"},
      {"plan", "mobilenet_v2", "--nonsense"},
      {"plan", "mobilenet_v2", "--width", "x"},
      {"plan", "mobilenet_v2", "--width", "0"},
      {"plan", "mobilenet_v2", "--resolution", "0"},
      {"plan", "mobilenet_v2", "--resolution", "12.5"},
      {"plan", "mobilenet_v2", "--schedule", "fastest"},
      {"plan", "mobilenet_v2", "--scratch", "none"},
      {"plan", "mobilenet_v2", "--memory", "most"},
      {"compile", "x.tflite", "--device", "stm32f746", "--out", "out", "--memory", "most"},
      {"compile", "x.tflite", "--device", "stm32f746", "--out", "out", "--memory", "least",
       "--no-adaptive-im2col"},
      {"space", "stm32f746", "--schedule", "fastest"},
      {"space", "stm32f746", "--scratch", "none"},
      {"space", "stm32f746", "--set"},
      {"space", "stm32f746", "--out"},
      {"space", "stm32f746", "surplus"}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = run(arguments);
    SCOPED_TRACE(testing::PrintToString(arguments));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("--help"));
  }
  EXPECT_THAT(created(), IsEmpty());
}

TEST_F(Usage, AnUnknownCommandIsNamed) {
  EXPECT_THAT(run({"spcae", "stm32f746"}).err, HasSubstr("spcae"));
}

TEST_F(Usage, HelpAndVersionGoToStandardOutput) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"plan", "--help"},
                                                    {"space", "--help"},
                                                    {"report", "--help"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(outcome.out, HasSubstr("Usage:"));
  }
  EXPECT_THAT(run({"--version"}).out, StartsWith("mcunet "));
  EXPECT_EQ(run({"--version"}).exit_code, 0);
}

TEST_F(Usage, HelpListsTheCommandsOfBothPrograms) {
  const std::string help = run({"--help"}).out;
  for (const char* command :
       {"space", "plan", "compile", "emulate", "ablate", "flash", "report", "launch", "data",
        "train", "eval", "search", "finetune", "export", "run", "live"}) {
    EXPECT_THAT(help, testing::ContainsRegex(fmt::format("\n  {} +[A-Z]", command)));
  }
}

TEST_F(Usage, HandsTrainingCommandsOver) {
  // mcunet itself knows none of these options, so they get through or the usage is wrong.
  const Outcome outcome = run({"train", "nothing.yaml", "--out", "x", "--resume"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, StartsWith("mcunet: "));
  EXPECT_THAT(created(), IsEmpty());
}

// The program on its own, in another folder than mcunet-train.
TEST_F(Usage, AMissingTrainingProgramIsAnError) {
  const std::filesystem::path alone = folder_ / "mcunet";
  std::filesystem::copy_file(MCUNET_BINARY, alone);
  const Outcome outcome = run({"train", "nothing.yaml"}, alone.string());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              testing::MatchesRegex("mcunet: [^\n]*mcunet-train: is not there[^\n]*\n"));
}

}  // namespace
}  // namespace mcunet
