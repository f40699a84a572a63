#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/cycles/instruction.hpp"
#include "mcunet/cycles/pipeline.hpp"

// An estimate of the cycles that a program takes on a core, from counts of what an emulator ran.
namespace mcunet::cycles {

// What block_counter.c writes.
struct BlockCounts {
  struct Block {
    std::uint32_t address = 0;
    std::int64_t instructions = 0;
  };
  // `to` ran `count` times just after `from`; blocks count from 1, and before the first was 0.
  struct Edge {
    int segment = 0;
    int from = 0;
    int to = 0;
    std::int64_t count = 0;
  };
  // Ends of a block that a two-bit predictor had expected to go the other way.
  struct Missed {
    int segment = 0;
    int block = 0;
    std::int64_t count = 0;
  };
  std::vector<Block> blocks;  // number 1 is the first
  std::vector<Edge> edges;
  std::vector<Missed> missed;
  int segments = 0;
};

// Throws Error for text that is something else or ends too soon.
BlockCounts parse_block_counts(std::string_view text);

// Between what is assumed in favour of the core and against it.
struct CycleRange {
  double low = 0;
  double high = 0;

  CycleRange& operator+=(const CycleRange& other);
  double middle() const { return (low + high) / 2; }
};

struct SegmentCost {
  std::int64_t instructions = 0;
  CycleRange cycles;
};

// An innermost loop.
struct LoopCost {
  std::string function;
  std::uint32_t first = 0;  // address of its first instruction
  std::uint32_t last = 0;   // of its last one
  std::int64_t turns = 0;   // times that it jumped back
  std::int64_t instructions = 0;
  CycleRange cycles;
  std::vector<std::string> code;  // from first to last
};

struct CycleEstimate {
  std::vector<SegmentCost> segments;
  std::vector<LoopCost> loops;  // the costliest first
};

// Every transition from one block to another is priced as what it adds behind the blocks that most
// often came before, so that loops overlap in the pipeline as they do. Throws Error for blocks that
// the disassembly lacks.
CycleEstimate estimate_cycles(const BlockCounts& counts, const Disassembly& disassembly,
                              const Core& core);

}  // namespace mcunet::cycles
