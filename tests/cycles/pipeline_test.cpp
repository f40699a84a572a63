#include "mcunet/cycles/pipeline.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "core/error_text.hpp"

namespace mcunet::cycles {
namespace {

std::vector<Instruction> code(const std::string& text) {
  std::vector<Instruction> instructions;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line, ';');) {
    std::istringstream words(line);
    std::string mnemonic;
    std::string operands;
    words >> mnemonic;
    std::getline(words, operands);
    instructions.push_back(parse_instruction(mnemonic, operands));
  }
  return instructions;
}

// Cycles of a turn in the middle of many; a last branch is taken.
double cycles_of(const char* core, const std::string& text, bool pessimistic = false) {
  const std::vector<Instruction> body = code(text);
  Pipeline pipeline(find_core(core), pessimistic);
  constexpr int kTurns = 100;
  long start = 0;
  for (int turn = 0; turn < 2 * kTurns; ++turn) {
    if (turn == kTurns) start = pipeline.now();
    for (const Instruction& instruction : body) pipeline.issue(instruction);
    if (body.back().unit == Unit::kBranch) pipeline.take_branch(body.back());
  }
  return static_cast<double>(pipeline.now() - start) / kTurns;
}

// Costs that the reference manuals of the single-issue cores and the published tables of the Cortex-M7
// give, worked out by hand.
struct MicroLoop {
  const char* what;
  const char* code;
  double m7;
  double m4;
};

TEST(Pipeline, PricesMicroLoops) {
  const MicroLoop loops[] = {
      {"independent additions pair", "add r0, r1, #1; add r2, r3, #1", 1, 2},
      {"dependent additions do not", "add r0, r0, #1; add r0, r0, #1", 2, 2},
      {"one multiplier", "mul r0, r1, r2; mul r3, r4, r5", 2, 2},
      {"accumulation is forwarded", "smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 2, 2},
      {"a product takes two cycles", "mul r0, r0, r1", 2, 1},
      {"a load beside a multiplication", "ldr r0, [r1], #4; smlad r2, r3, r4, r2", 1, 3},
      {"loads that follow each other", "ldr r0, [r4]; ldr r1, [r4, #4]; add r5, r6, #1", 1.5, 4},
      {"a pointer that is chased", "ldr r0, [r0]", 2, 1},
      {"a byte is slower", "ldrb r0, [r1]; add r2, r0, #1; add r3, r2, #1", 3, 4},
      {"a shifted operand is needed early", "ldr r0, [r1]; add r2, r3, r0, lsl #1", 2, 3},
      {"two registers a cycle", "ldmia r0, {r1-r4}", 2, 5},
      {"one extension a cycle", "sxtb16 r0, r1; sxtb16 r2, r3", 2, 2},
      {"a division", "udiv r0, r1, r2", 7, 8},
      {"a loop", "subs r0, #1; bne 0", 2, 3},
      {"a store to a sum", "strb r0, [r1, r2]", 1, 2},
  };
  for (const MicroLoop& loop : loops) {
    SCOPED_TRACE(loop.what);
    EXPECT_EQ(cycles_of("cortex-m7", loop.code), loop.m7);
    EXPECT_EQ(cycles_of("cortex-m4", loop.code), loop.m4);
  }
}

TEST(Pipeline, IsPessimisticAboutWhatIsNotPublished) {
  EXPECT_EQ(cycles_of("cortex-m7", "ldr r0, [r1]; ldr r2, [r3]", false), 1);
  EXPECT_EQ(cycles_of("cortex-m7", "ldr r0, [r1]; ldr r2, [r3]", true), 2);
  EXPECT_EQ(cycles_of("cortex-m7", "add r0, r1, #1; smlad r2, r3, r4, r2", false), 1);
  EXPECT_EQ(cycles_of("cortex-m7", "add r0, r1, #1; smlad r2, r3, r4, r2", true), 1);
  EXPECT_EQ(cycles_of("cortex-m7", "ldr r0, [r1]; sxtb16 r1, r0", false), 3);
  EXPECT_EQ(cycles_of("cortex-m7", "ldr r0, [r1]; sxtb16 r1, r0", true), 4);
}

TEST(Pipeline, SingleIssueCoresDiffer) {
  EXPECT_EQ(cycles_of("cortex-m3", "mla r0, r1, r2, r3"), 2);
  EXPECT_EQ(cycles_of("cortex-m4", "mla r0, r1, r2, r3"), 1);
  EXPECT_EQ(cycles_of("cortex-m3", "smull r0, r1, r2, r3"), 5);
  EXPECT_EQ(cycles_of("cortex-m33", "smull r0, r1, r2, r3"), 1);
  EXPECT_EQ(cycles_of("cortex-m0plus", "str r0, [r1]"), 2);
  EXPECT_EQ(cycles_of("cortex-m0plus", "ldr r0, [r1]; ldr r2, [r3]"), 4);
}

TEST(Pipeline, KnowsFiveCores) {
  EXPECT_EQ(core_names(), (std::vector<std::string_view>{"cortex-m0plus", "cortex-m3", "cortex-m4",
                                                         "cortex-m7", "cortex-m33"}));
  EXPECT_EQ(error_of([] { find_core("cortex-m55"); }),
            "cortex-m55: its cycles cannot be estimated; there are models of cortex-m0plus, "
            "cortex-m3, cortex-m4, cortex-m7, cortex-m33");
}

}  // namespace
}  // namespace mcunet::cycles
