#include "mcunet/cycles/pipeline.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "mcunet/core/error.hpp"

namespace mcunet::cycles {
namespace {

constexpr DualIssue kPessimistic = {
    .multiplies_in_first_slot = true, .extends_early = true, .one_access_per_cycle = true};

constexpr Core kCores[] = {
    {.name = "cortex-m0plus", .single = {.pipelined_load = 2, .store = 2, .call = 1}},
    {.name = "cortex-m3", .single = {.multiply_add = 2, .multiply_long = 5}},
    {.name = "cortex-m4"},
    {.name = "cortex-m7", .is_dual_issue = true, .high = kPessimistic},
    {.name = "cortex-m33"},
};

template <typename Function>
void for_each_register(Registers set, Function&& function) {
  for (; set != 0; set &= set - 1) function(std::countr_zero(set));
}

bool is_load(Unit unit) { return unit == Unit::kLoad || unit == Unit::kLoadMany; }
bool is_store(Unit unit) { return unit == Unit::kStore || unit == Unit::kStoreMany; }

// Cycles until a result can be used by an instruction that needs it when it executes.
int latency_of(const Instruction& instruction) {
  switch (instruction.unit) {
    case Unit::kLoad:
      return instruction.is_narrow ? 2 : 1;
    case Unit::kSaturate:
    case Unit::kMultiply:
    case Unit::kMultiplyLong:
      return 2;
    case Unit::kFloat:
      return 3;
    case Unit::kFloatMultiplyAdd:
      return 5;
    default:
      return 1;
  }
}

}  // namespace

const Core& find_core(std::string_view name) {
  for (const Core& core : kCores) {
    if (core.name == name) return core;
  }
  std::string names;
  for (const Core& core : kCores) names += (names.empty() ? "" : ", ") + std::string(core.name);
  throw Error("{}: its cycles cannot be estimated; there are models of {}", name, names);
}

std::vector<std::string_view> core_names() {
  std::vector<std::string_view> names;
  for (const Core& core : kCores) names.push_back(core.name);
  return names;
}

void Pipeline::issue(const Instruction& instruction) {
  if (core_->is_dual_issue) {
    issue_dual(instruction);
  } else {
    issue_single(instruction);
  }
}

void Pipeline::issue_single(const Instruction& instruction) {
  const SingleIssue& core = core_->single;
  // A value from memory or the floating-point unit that is needed at once holds everything up.
  for_each_register(instruction.reads | instruction.early | instruction.accumulator,
                    [&](int r) { cycle_ = std::max(cycle_, ready_[r] - 1); });
  int cycles = 1;
  switch (instruction.unit) {
    case Unit::kLoad:
      cycles = after_load_ ? core.pipelined_load : core.load;
      break;
    case Unit::kStore:
      cycles = std::popcount(instruction.early) > 1 ? core.indexed_store : core.store;
      break;
    case Unit::kLoadMany:
    case Unit::kStoreMany:
      cycles = 1 + instruction.count * core.per_register;
      break;
    case Unit::kMultiply:
      cycles = instruction.is_accumulating ? core.multiply_add : core.multiply;
      break;
    case Unit::kMultiplyLong:
      cycles = core.multiply_long;
      break;
    case Unit::kDivide:
      cycles = core.divide;
      break;
    case Unit::kFloatDivide:
      cycles = 14;
      break;
    case Unit::kFloatMultiplyAdd:
      cycles = 3;
      break;
    default:
      break;
  }
  cycle_ += cycles;
  after_load_ = instruction.unit == Unit::kLoad;
  if (instruction.unit == Unit::kFloat) {
    for_each_register(instruction.writes, [&](int r) { ready_[r] = cycle_ + 1 + core.float_wait; });
  }
}

void Pipeline::issue_dual(const Instruction& instruction) {
  const Unit unit = instruction.unit;
  const bool alone = unit == Unit::kLoadMany || unit == Unit::kStoreMany || unit == Unit::kDivide ||
                     unit == Unit::kTable || unit == Unit::kOther;
  const bool shifts = unit == Unit::kShifter || unit == Unit::kBitField || unit == Unit::kSaturate;
  const bool extends = unit == Unit::kExtend || unit == Unit::kBitField || unit == Unit::kSaturate;
  const bool multiplies = unit == Unit::kMultiply || unit == Unit::kMultiplyLong;
  const bool floats =
      unit == Unit::kFloat || unit == Unit::kFloatMultiplyAdd || unit == Unit::kFloatDivide;
  const bool branches = unit == Unit::kBranch || unit == Unit::kCall || unit == Unit::kReturn;
  const bool first_slot = extends || (multiplies && dual_.multiplies_in_first_slot);

  long earliest = cycle_;
  const auto wait_for = [&](Registers set, int advance) {
    for_each_register(set, [&](int r) { earliest = std::max(earliest, ready_[r] - advance); });
  };
  const bool reads_early = extends && dual_.extends_early;
  wait_for(instruction.reads, reads_early ? -1 : 0);
  wait_for(instruction.early, -1);
  wait_for(instruction.accumulator, 1);
  wait_for(instruction.stored, 1);

  const bool accesses = is_load(unit) || is_store(unit);
  const bool fits =
      earliest == cycle_ && slots_ < 2 && !alone_ && !alone && !(first_slot && slots_ > 0) &&
      !(shifts && shifts_) && !(multiplies && multiplies_) && !(extends && extends_) &&
      !(branches && branches_) && !(floats && floats_) && !(unit == Unit::kStore && stores_ > 0) &&
      !(accesses && dual_.one_access_per_cycle && loads_ + stores_ > 0);
  if (unit == Unit::kNone && slots_ < 2 && !alone_) {
    ++slots_;
    return;
  }
  if (!fits) {
    cycle_ = std::max(cycle_ + 1, earliest);
    slots_ = loads_ = stores_ = 0;
    alone_ = shifts_ = multiplies_ = extends_ = branches_ = floats_ = false;
  }
  ++slots_;
  alone_ = alone_ || alone;
  shifts_ = shifts_ || shifts;
  multiplies_ = multiplies_ || multiplies;
  extends_ = extends_ || extends;
  branches_ = branches_ || branches;
  floats_ = floats_ || floats;
  if (is_load(unit)) ++loads_;
  if (is_store(unit)) ++stores_;

  for_each_register(instruction.base, [&](int r) { ready_[r] = cycle_; });
  if (unit == Unit::kLoadMany || unit == Unit::kStoreMany) {
    // Two registers a cycle.
    const int cycles = (instruction.count + 1) / 2;
    int index = 0;
    for_each_register(instruction.writes, [&](int r) { ready_[r] = cycle_ + 1 + index++ / 2; });
    cycle_ += cycles - 1;
    return;
  }
  const int latency = latency_of(instruction);
  for_each_register(instruction.writes, [&](int r) { ready_[r] = cycle_ + latency; });
  if (unit == Unit::kDivide) cycle_ += 6;
  if (unit == Unit::kFloatDivide) cycle_ += 13;
  if (unit == Unit::kTable) cycle_ += 1;
}

void Pipeline::take_branch(const Instruction& branch) {
  if (core_->is_dual_issue) {
    alone_ = true;  // nothing pairs across it
    return;
  }
  cycle_ += core_->single.refill;
  if (branch.unit == Unit::kCall) cycle_ += core_->single.call;
  after_load_ = false;
}

}  // namespace mcunet::cycles
