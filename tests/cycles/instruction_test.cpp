#include "mcunet/cycles/instruction.hpp"

#include <gtest/gtest.h>

#include "core/error_text.hpp"

namespace mcunet::cycles {
namespace {

Registers r(std::initializer_list<int> numbers) {
  Registers set = 0;
  for (const int number : numbers) set |= Registers{1} << number;
  return set;
}

struct Expected {
  const char* mnemonic;
  const char* operands;
  Unit unit;
  Registers reads = 0;
  Registers early = 0;
  Registers writes = 0;
  Registers accumulator = 0;
  Registers stored = 0;
  Registers base = 0;
};

const Registers kTwoFloats = Registers{3} << (kFirstFloat + 4);  // d2

TEST(Instruction, IsReadAsThePipelineNeedsIt) {
  const Expected cases[] = {
      {"smlad", "r2, r10, r12, r3", Unit::kMultiply, r({10, 12}), 0, r({2}), r({3})},
      {"smmlar", "r2, r2, r10, r2", Unit::kMultiply, r({2, 10}), 0, r({2}), r({2})},
      {"sxtb16", "r11, lr, ror #8", Unit::kExtend, 0, r({14}), r({11})},
      {"sxtb16", "r11, lr", Unit::kExtend, r({14}), 0, r({11})},
      {"uxtab16", "r1, r2, r3", Unit::kExtend, r({2, 3}), 0, r({1})},
      {"add.w", "r2, r2, r2, asr #31", Unit::kShifter, r({2}), r({2}), r({2})},
      {"add", "r0, r1", Unit::kAlu, r({0, 1}), 0, r({0})},
      {"adds", "r0, #1", Unit::kAlu, r({0}), 0, r({0}) | kFlags},
      {"adc.w", "r2, r2, r12", Unit::kAlu, r({2, 12}) | kFlags, 0, r({2})},
      {"asrs.w", "r2, r2, r11", Unit::kShifter, r({2, 11}), 0, r({2}) | kFlags},
      {"lsls", "r3, r1, #2", Unit::kShifter, r({1}), 0, r({3}) | kFlags},
      {"mov.w", "r1, #4", Unit::kAlu, 0, 0, r({1})},
      {"movt", "r1, #4", Unit::kAlu, r({1}), 0, r({1})},
      {"mvneq", "r1, r2", Unit::kAlu, r({2}) | kFlags, 0, r({1})},
      {"mls", "r1, r2, r3, r4", Unit::kMultiply, r({2, 3}), 0, r({1}), r({4})},
      {"muls", "r1, r2", Unit::kMultiply, r({1, 2}), 0, r({1}) | kFlags},
      {"smull", "r0, r1, r2, r3", Unit::kMultiplyLong, r({2, 3}), 0, r({0, 1})},
      {"smlal", "r0, r1, r2, r3", Unit::kMultiplyLong, r({2, 3}), 0, r({0, 1}), r({0, 1})},
      {"ssat", "r2, #8, r2", Unit::kSaturate, r({2}), 0, r({2})},
      {"cmp", "r1, #3", Unit::kAlu, r({1}), 0, kFlags},
      {"tst.w", "r1, r2, lsl #3", Unit::kShifter, r({1}), r({2}), kFlags},
      {"ldr.w", "r12, [r0], #32", Unit::kLoad, 0, r({0}), r({12}), 0, 0, r({0})},
      {"ldr", "r3, [r0, #4]!", Unit::kLoad, 0, r({0}), r({3}), 0, 0, r({0})},
      {"ldrb.w", "r3, [r0, r2, lsl #2]", Unit::kLoad, 0, r({0, 2}), r({3})},
      {"ldrd", "r4, r5, [r0], #8", Unit::kLoadMany, 0, r({0}), r({4, 5}), 0, 0, r({0})},
      {"ldmia.w", "r8!, {r0, r2-r4}", Unit::kLoadMany, 0, r({8}), r({0, 2, 3, 4}), 0, 0, r({8})},
      {"strb", "r5, [r0, r14]", Unit::kStore, 0, r({0, 14}), 0, 0, r({5})},
      {"strd", "r4, r5, [sp, #8]", Unit::kStoreMany, 0, r({13}), 0, 0, r({4, 5})},
      {"push", "{r4-r6, lr}", Unit::kStoreMany, 0, r({13}), 0, 0, r({4, 5, 6, 14}), r({13})},
      {"pop", "{r4, pc}", Unit::kLoadMany, 0, r({13}), r({4, 15}), 0, 0, r({13})},
      {"bls.n", "40", Unit::kBranch, kFlags},
      {"b.w", "40", Unit::kBranch},
      {"bl", "40", Unit::kCall},
      {"bx", "lr", Unit::kReturn, r({14})},
      {"cbz", "r3, 40", Unit::kBranch, r({3})},
      {"tbb", "[pc, r1]", Unit::kTable, 0, r({15, 1})},
      {"itte", "eq", Unit::kNone},
      {"nop", "", Unit::kNone},
      {"vldr", "d2, [r0, #8]", Unit::kLoad, 0, r({0}), kTwoFloats},
      {"vcmpe.f64", "d2, #0.0", Unit::kFloat, kTwoFloats, 0, kFlags},
  };
  for (const Expected& expected : cases) {
    SCOPED_TRACE(std::string(expected.mnemonic) + " " + expected.operands);
    const Instruction is = parse_instruction(expected.mnemonic, expected.operands);
    EXPECT_EQ(is.unit, expected.unit);
    EXPECT_EQ(is.reads, expected.reads);
    EXPECT_EQ(is.early, expected.early);
    EXPECT_EQ(is.writes, expected.writes);
    EXPECT_EQ(is.accumulator, expected.accumulator);
    EXPECT_EQ(is.stored, expected.stored);
    EXPECT_EQ(is.base, expected.base);
  }
}

TEST(Instruction, TellsBranchesThatMayFallThrough) {
  EXPECT_TRUE(parse_instruction("bne.n", "40").is_conditional);
  EXPECT_TRUE(parse_instruction("cbnz", "r1, 40").is_conditional);
  EXPECT_FALSE(parse_instruction("b.n", "40").is_conditional);
}

TEST(Instruction, ThatIsUnknownIsNamed) {
  EXPECT_EQ(error_of([] { parse_instruction("frob", "r1, r2"); }),
            "unknown instruction frob r1, r2");
}

TEST(Disassembly, KnowsFunctionsLengthsAndData) {
  const Disassembly program = parse_disassembly(
      "\nemulator.elf:     file format elf32-littlearm\n\n"
      "Disassembly of section .text:\n\n"
      "00000100 <first>:\n"
      " 100:\tmovs\tr0, #1\n"
      " 102:\tadd.w\tr1, r2, r3\t; sum\n"
      " 106:\tbl\t200 <second>\n"
      " 10a:\t.word\t0x12345678\n\n"
      "00000200 <second>:\n"
      " 200:\tbx\tlr\n");
  ASSERT_EQ(program.lines.size(), 4u);
  EXPECT_EQ(program.lines.at(0x100).bytes, 2);
  EXPECT_EQ(program.lines.at(0x102).bytes, 4);
  EXPECT_EQ(program.lines.at(0x102).operands, "r1, r2, r3");
  EXPECT_EQ(program.lines.at(0x106).operands, "200");
  EXPECT_EQ(program.function_at(0x106), "first");
  EXPECT_EQ(program.function_at(0x200), "second");
  EXPECT_EQ(program.function_at(0x50), "");
}

}  // namespace
}  // namespace mcunet::cycles
