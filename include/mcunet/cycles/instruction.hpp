#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

// Instructions of a Cortex-M as a pipeline sees them: which unit they need, which registers they read
// early or late, and which they write. They come from the text of a disassembler.
namespace mcunet::cycles {

// A bit per register: r0 … r15, the flags, s0 … s31.
using Registers = std::uint64_t;
inline constexpr int kRegisters = 64;
inline constexpr Registers kStackPointer = Registers{1} << 13;
inline constexpr Registers kProgramCounter = Registers{1} << 15;
inline constexpr Registers kFlags = Registers{1} << 16;
inline constexpr int kFirstFloat = 32;

enum class Unit : std::uint8_t {
  kAlu,
  kShifter,   // shifts, and additions and the like with a shifted register
  kBitField,  // BFI, UBFX, REV…: the shifter, and parts that only one instruction a cycle may use
  kExtend,    // SXTB16 and its kind, packed additions
  kSaturate,  // SSAT, USAT, saturating additions
  kMultiply,  // 32-bit results, with or without accumulation
  kMultiplyLong,  // 64-bit results
  kDivide,
  kLoad,
  kLoadMany,  // LDM, POP, LDRD
  kStore,
  kStoreMany,  // STM, PUSH, STRD
  kBranch,
  kCall,    // BL, BLX
  kReturn,  // to an address in a register: BX, and loads of the program counter
  kTable,   // TBB, TBH
  kFloat,
  kFloatMultiplyAdd,
  kFloatDivide,
  kNone,   // NOP, IT
  kOther,  // barriers, system registers
};

struct Instruction {
  Unit unit = Unit::kOther;
  std::uint8_t count = 1;       // registers that a load or store moves
  bool is_narrow = false;       // a load of a byte or half word
  bool is_conditional = false;  // a branch that may fall through
  bool is_accumulating = false;
  Registers reads = 0;        // when it executes
  Registers early = 0;        // a cycle before: addresses, operands that are shifted first
  Registers accumulator = 0;  // a cycle after
  Registers stored = 0;       // a cycle after
  Registers writes = 0;
  Registers base = 0;  // the address register that it moves on
};

// An instruction as objdump prints it with the option -M reg-names-raw: "smlad", "r2, r10, r12, r2".
// Throws Error for a mnemonic that is not known.
Instruction parse_instruction(std::string_view mnemonic, std::string_view operands);

struct Disassembly {
  struct Line {
    std::string mnemonic;
    std::string operands;
    std::uint8_t bytes = 4;
  };
  std::map<std::uint32_t, Line> lines;             // by address
  std::map<std::uint32_t, std::string> functions;  // by first address

  // The function that holds an address, "" if none does.
  std::string_view function_at(std::uint32_t address) const;
};

// What `objdump -d --no-show-raw-insn -M reg-names-raw` prints. Data among the code is left out.
Disassembly parse_disassembly(std::string_view text);

}  // namespace mcunet::cycles
