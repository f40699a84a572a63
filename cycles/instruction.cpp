#include "mcunet/cycles/instruction.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mnemonics.hpp"

namespace mcunet::cycles {
namespace {

constexpr std::array<std::string_view, 16> kConditions = {
    "eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"};

bool is_condition(std::string_view text) {
  return std::find(kConditions.begin(), kConditions.end(), text) != kConditions.end();
}

struct Spelling {
  const Mnemonic* mnemonic = nullptr;
  bool sets_flags = false;
  bool has_condition = false;
};

// "addseq" is ADD that sets the flags if they say equal; "bls" is a branch, "mls" is no move.
std::optional<Spelling> spell(std::string_view name) {
  if (name.starts_with("it") && name.find_first_not_of("te", 1) == std::string_view::npos)
    name = "it";
  if (name.starts_with("vsel")) name = "vsel";
  Spelling best;
  for (const Mnemonic& mnemonic : kMnemonics) {
    if (!name.starts_with(mnemonic.name)) continue;
    if (best.mnemonic && best.mnemonic->name.size() > mnemonic.name.size()) continue;
    std::string_view rest = name.substr(mnemonic.name.size());
    const bool may_set_flags = mnemonic.form == Form::kResult || mnemonic.form == Form::kMove;
    const bool sets_flags = may_set_flags && rest.starts_with('s') && !is_condition(rest);
    if (sets_flags) rest.remove_prefix(1);
    if (!rest.empty() && !is_condition(rest)) continue;
    best = {&mnemonic, sets_flags, !rest.empty()};
  }
  if (best.mnemonic == nullptr) return std::nullopt;
  return best;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// "r0, [r1, #4], {r2-r4}" at its outer commas.
std::vector<std::string_view> split_operands(std::string_view text) {
  std::vector<std::string_view> operands;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') --depth;
    if (text[i] != ',' || depth != 0) continue;
    operands.push_back(trimmed(text.substr(start, i - start)));
    start = i + 1;
  }
  const std::string_view last = trimmed(text.substr(std::min(start, text.size())));
  if (!last.empty()) operands.push_back(last);
  return operands;
}

int number_after(std::string_view name, std::size_t at) {
  int number = -1;
  const auto [end, error] = std::from_chars(name.data() + at, name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : -1;
}

// The register or, of a double, the two; 0 for what is none.
Registers register_of(std::string_view name) {
  if (name == "sp") return kStackPointer;
  if (name == "lr") return Registers{1} << 14;
  if (name == "pc") return kProgramCounter;
  if (name.size() < 2) return 0;
  const int number = number_after(name, 1);
  if (number < 0) return 0;
  if (name[0] == 'r' && number < 16) return Registers{1} << number;
  if (name[0] == 's' && number < 32) return Registers{1} << (kFirstFloat + number);
  if (name[0] == 'd' && number < 16) return Registers{3} << (kFirstFloat + 2 * number);
  return 0;
}

int first_bit(Registers set) { return std::countr_zero(set); }

// All registers that are named in the text, lists with ranges included.
Registers registers_in(std::string_view text) {
  Registers set = 0;
  std::size_t at = 0;
  Registers range_from = 0;
  while (at < text.size()) {
    const std::size_t start = text.find_first_of("rspld", at);
    if (start == std::string_view::npos) break;
    std::size_t end = start + 1;
    while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
    const Registers found = register_of(text.substr(start, end - start));
    if (found != 0 && range_from != 0) {
      for (int bit = first_bit(range_from); bit <= 63 - std::countl_zero(found); ++bit)
        set |= Registers{1} << bit;
    }
    set |= found;
    range_from = end < text.size() && text[end] == '-' ? found : 0;
    at = end;
  }
  return set;
}

bool is_shift(std::string_view operand) {
  for (const char* const name : {"lsl", "lsr", "asr", "ror", "rrx"}) {
    if (operand.starts_with(name)) return true;
  }
  return false;
}

class Parser {
 public:
  Parser(Instruction& instruction, std::vector<std::string_view> operands)
      : instruction_(instruction), operands_(std::move(operands)) {}

  void parse(Form form) {
    switch (form) {
      case Form::kResult:
      case Form::kMove:
      case Form::kInsert:
      case Form::kCompare:
        values(form);
        break;
      case Form::kAccumulate:
        instruction_.writes |= registers_in(at(0));
        for (std::size_t i = 1; i + 1 < operands_.size(); ++i)
          instruction_.reads |= registers_in(at(i));
        instruction_.accumulator |= registers_in(at(operands_.size() - 1));
        instruction_.is_accumulating = true;
        break;
      case Form::kLong:
      case Form::kLongAccumulate:
        instruction_.writes |= registers_in(at(0)) | registers_in(at(1));
        instruction_.reads |= registers_in(at(2)) | registers_in(at(3));
        if (form == Form::kLongAccumulate) {
          instruction_.accumulator |= instruction_.writes;
          instruction_.is_accumulating = true;
        }
        break;
      case Form::kLoad:
      case Form::kLoadTwo:
      case Form::kFloatLoad:
        memory(form == Form::kLoadTwo ? 2 : 1, instruction_.writes);
        break;
      case Form::kStore:
      case Form::kStoreTwo:
      case Form::kFloatStore:
        memory(form == Form::kStoreTwo ? 2 : 1, instruction_.stored);
        break;
      case Form::kLoadMany:
        many(instruction_.writes);
        break;
      case Form::kStoreMany:
        many(instruction_.stored);
        break;
      case Form::kPop:
      case Form::kPush: {
        Registers& list = form == Form::kPop ? instruction_.writes : instruction_.stored;
        list |= registers_in(at(0));
        instruction_.early |= kStackPointer;
        instruction_.base |= kStackPointer;
        instruction_.count = static_cast<std::uint8_t>(std::popcount(list));
        break;
      }
      case Form::kJump:
        if (!operands_.empty()) instruction_.reads |= register_of(at(0));
        break;
      case Form::kTest:
        instruction_.reads |= registers_in(at(0));
        break;
      case Form::kTable:
        instruction_.early |= registers_in(at(0));
        break;
      case Form::kFloat:
        instruction_.writes |= registers_in(at(0));
        for (std::size_t i = 1; i < operands_.size(); ++i)
          instruction_.reads |= registers_in(at(i));
        if (instruction_.unit == kFloatMultiplyAdd) instruction_.accumulator |= instruction_.writes;
        break;
      case Form::kFloatCompare:
        for (const std::string_view operand : operands_)
          instruction_.reads |= registers_in(operand);
        instruction_.writes |= kFlags;
        break;
      case Form::kNothing:
        break;
    }
  }

 private:
  std::string_view at(std::size_t i) const {
    return i < operands_.size() ? operands_[i] : std::string_view();
  }

  void values(Form form) {
    const bool is_shifted = operands_.size() > 1 && is_shift(operands_.back());
    const std::size_t count = operands_.size() - (is_shifted ? 1 : 0);
    const std::size_t first = form == Form::kCompare ? 0 : 1;
    for (std::size_t i = first; i < count; ++i) {
      const bool early = is_shifted && i + 1 == count;
      (early ? instruction_.early : instruction_.reads) |= registers_in(at(i));
    }
    // "lsl r0, r1, r2" has no shift among its operands, but "add r0, r1, r2, lsl r3" reads r3.
    if (is_shifted) {
      instruction_.early |= registers_in(operands_.back().substr(3));
      if (instruction_.unit == kAlu) instruction_.unit = kShifter;
    }
    if (form == Form::kCompare) {
      instruction_.writes |= kFlags;
      return;
    }
    instruction_.writes |= registers_in(at(0));
    if (form == Form::kInsert || (form == Form::kResult && count == 2))
      instruction_.reads |= registers_in(at(0));
  }

  void memory(std::size_t values, Registers& moved) {
    for (std::size_t i = 0; i < values; ++i) moved |= registers_in(at(i));
    instruction_.count = static_cast<std::uint8_t>(values);
    const std::string_view address = at(values);
    instruction_.early |= registers_in(address);
    const bool is_written_back = address.ends_with('!') || operands_.size() > values + 1;
    if (is_written_back) instruction_.base |= registers_in(address.substr(0, address.find(',')));
  }

  void many(Registers& moved) {
    moved |= registers_in(at(1));
    const Registers base = registers_in(at(0));
    instruction_.early |= base;
    if (at(0).ends_with('!')) instruction_.base |= base;
    instruction_.count = static_cast<std::uint8_t>(std::popcount(moved));
  }

  Instruction& instruction_;
  std::vector<std::string_view> operands_;
};

bool is_hexadecimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint32_t address_of(std::string_view text) {
  std::uint32_t address = 0;
  std::from_chars(text.data(), text.data() + text.size(), address, 16);
  return address;
}

// The next word of a line whose columns are separated by tabs.
std::string_view take_column(std::string_view& line) {
  const std::size_t end = line.find('\t');
  const std::string_view column = trimmed(line.substr(0, end));
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return column;
}

}  // namespace

Instruction parse_instruction(std::string_view mnemonic, std::string_view operands) {
  const std::size_t dot = mnemonic.find('.');
  const std::optional<Spelling> spelling = spell(mnemonic.substr(0, dot));
  if (!spelling) throw Error("unknown instruction {} {}", mnemonic, operands);
  Instruction instruction;
  instruction.unit = spelling->mnemonic->unit;
  Parser(instruction, split_operands(operands)).parse(spelling->mnemonic->form);
  const std::string_view name = spelling->mnemonic->name;
  if (spelling->sets_flags) instruction.writes |= kFlags;
  if (spelling->has_condition || name == "adc" || name == "sbc" || name == "rrx" || name == "vsel")
    instruction.reads |= kFlags;
  if (name == "vmrs") instruction.writes |= kFlags;
  instruction.is_narrow = name == "ldrb" || name == "ldrh" || name == "ldrsb" || name == "ldrsh";
  instruction.is_conditional = spelling->has_condition || name == "cbz" || name == "cbnz";
  const bool is_load = instruction.unit == kLoad || instruction.unit == kLoadMany;
  const bool jumps = (instruction.writes & kProgramCounter) != 0;
  if (jumps && !is_load) instruction.unit = kReturn;
  return instruction;
}

Disassembly parse_disassembly(std::string_view text) {
  Disassembly result;
  std::uint32_t previous = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t name = line.find(" <");
    if (name == 8 && line.ends_with(">:")) {
      result.functions[address_of(line.substr(0, name))] =
          std::string(line.substr(name + 2, line.size() - name - 4));
      continue;
    }
    const std::size_t colon = line.find(":\t");
    if (colon == std::string_view::npos) continue;
    const std::string_view place = trimmed(line.substr(0, colon));
    if (!is_hexadecimal(place)) continue;
    line.remove_prefix(colon + 2);
    line = line.substr(0, line.find(';'));
    line = line.substr(0, line.find('@'));
    const std::string_view mnemonic = take_column(line);
    if (mnemonic.starts_with('.')) continue;  // data
    std::string_view operands = trimmed(line);
    operands = trimmed(operands.substr(0, operands.find(" <")));
    const std::uint32_t address = address_of(place);
    result.lines[address] = {.mnemonic = std::string(mnemonic), .operands = std::string(operands)};
    // An instruction reaches to the next one.
    const auto before = result.lines.find(previous);
    if (before != result.lines.end() && address - previous == 2) before->second.bytes = 2;
    previous = address;
  }
  return result;
}

std::string_view Disassembly::function_at(std::uint32_t address) const {
  const auto next = functions.upper_bound(address);
  if (next == functions.begin()) return {};
  return std::prev(next)->second;
}

}  // namespace mcunet::cycles
