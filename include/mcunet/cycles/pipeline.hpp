#pragma once

#include <string_view>
#include <vector>

#include "mcunet/cycles/instruction.hpp"

// How many cycles instructions take on a core, as far as that follows from the instructions: an
// in-order pipeline that issues one or two of them a cycle, waits for results, and refills after
// branches. Caches, wait states of the flash and the bus are not in it.
namespace mcunet::cycles {

// Cycles of a core that issues one instruction at a time. ARM's technical reference manuals, "instruction
// set summary": DDI 0439 (Cortex-M4), 100235 (M33), DDI 0337 (M3), DDI 0484 (M0+).
struct SingleIssue {
  int load = 2;
  int pipelined_load = 1;  // right behind another one
  int store = 1;
  int indexed_store = 2;  // at the sum of two registers
  int per_register = 1;   // of a load or store of several, after the first cycle
  int multiply = 1;
  int multiply_add = 1;
  int multiply_long = 1;
  int divide = 8;      // 2 to 12, by the operands
  int refill = 1;      // after a taken branch
  int call = 0;        // more than a taken branch
  int float_wait = 0;  // a result of the floating-point unit that is used at once
};

// A Cortex-M7: two instructions a cycle in order. The units and latencies are those that LLVM publishes for
// it (lib/Target/ARM/ARMScheduleM7.td).
struct DualIssue {
  bool multiplies_in_first_slot = false;
  bool extends_early = false;         // operands of extensions a cycle before
  bool one_access_per_cycle = false;  // to memory
  int mispredicted = 6;               // cycles lost
};

struct Core {
  std::string_view name;  // as in -mcpu
  bool is_dual_issue = false;
  SingleIssue single = {};
  // What is not published is assumed in favour of the core, and against it.
  DualIssue low = {};
  DualIssue high = {};
};

// Throws Error for a core that has no model; names those that have one.
const Core& find_core(std::string_view name);
std::vector<std::string_view> core_names();

// The clock of a core while instructions pass through it, one straight run after another.
class Pipeline {
 public:
  Pipeline(const Core& core, bool pessimistic)
      : core_(&core), dual_(pessimistic ? core.high : core.low) {}

  void issue(const Instruction& instruction);
  // Control goes elsewhere than to the next instruction.
  void take_branch(const Instruction& branch);
  // The cycle in which the last instruction was issued, from 1.
  long now() const { return cycle_; }

 private:
  void issue_single(const Instruction& instruction);
  void issue_dual(const Instruction& instruction);

  const Core* core_;
  DualIssue dual_;
  long cycle_ = 0;
  long ready_[kRegisters] = {};  // when a result can be used
  Registers fast_loaded_ = 0;
  // What the current cycle has given out.
  int slots_ = 2;
  int loads_ = 0;
  int stores_ = 0;
  bool alone_ = true;
  bool shifts_ = false;
  bool multiplies_ = false;
  bool extends_ = false;
  bool branches_ = false;
  bool floats_ = false;
  bool after_load_ = false;
};

}  // namespace mcunet::cycles
