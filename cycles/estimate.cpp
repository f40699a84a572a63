#include "mcunet/cycles/estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>

#include "mcunet/core/error.hpp"

namespace mcunet::cycles {
namespace {

// How far back the pipeline is warmed up before a transition is priced.
constexpr std::size_t kHistoryInstructions = 32;
constexpr std::size_t kHistoryBlocks = 8;

using Run = std::vector<Instruction>;  // of a block

class Estimator {
 public:
  Estimator(const BlockCounts& counts, const Disassembly& disassembly, const Core& core)
      : counts_(counts), disassembly_(disassembly), core_(core) {
    runs_.resize(counts.blocks.size() + 1);
    last_.resize(counts.blocks.size() + 1);
    ends_.resize(counts.blocks.size() + 1);
    find_likely_predecessors();
  }

  CycleEstimate estimate() {
    CycleEstimate result;
    result.segments.resize(static_cast<std::size_t>(counts_.segments));
    for (const BlockCounts::Edge& edge : counts_.edges) {
      const CycleRange each = price_of(edge.from, edge.to);
      const auto count = static_cast<double>(edge.count);
      add(result, edge.segment, edge.to,
          {.instructions = edge.count * std::ssize(run_of(edge.to)),
           .cycles = {count * each.low, count * each.high}});
    }
    if (core_.is_dual_issue) {
      for (const BlockCounts::Missed& missed : counts_.missed) {
        const Run& run = run_of(missed.block);
        if (!run.back().is_conditional) continue;
        const auto count = static_cast<double>(missed.count);
        add(result, missed.segment, missed.block,
            {.instructions = 0,
             .cycles = {count * core_.low.mispredicted, count * core_.high.mispredicted}});
      }
    }
    result.loops = find_loops();
    return result;
  }

 private:
  std::uint32_t address_of(int block) const {
    return counts_.blocks[static_cast<std::size_t>(block - 1)].address;
  }

  const Run& run_of(int block) {
    Run& run = runs_[static_cast<std::size_t>(block)];
    if (!run.empty()) return run;
    std::uint32_t address = address_of(block);
    const std::int64_t size = counts_.blocks[static_cast<std::size_t>(block - 1)].instructions;
    for (std::int64_t i = 0; i < size; ++i) {
      const auto line = disassembly_.lines.find(address);
      if (line == disassembly_.lines.end())
        throw Error("the disassembly has no instruction at {:#x}, where one ran", address);
      run.push_back(parse_instruction(line->second.mnemonic, line->second.operands));
      last_[static_cast<std::size_t>(block)] = address;
      address += line->second.bytes;
    }
    ends_[static_cast<std::size_t>(block)] = address;
    return run;
  }

  void find_likely_predecessors() {
    std::map<std::pair<int, int>, std::int64_t> totals;
    for (const BlockCounts::Edge& edge : counts_.edges) totals[{edge.to, edge.from}] += edge.count;
    predecessors_.assign(counts_.blocks.size() + 1, 0);
    std::vector<std::int64_t> most(counts_.blocks.size() + 1, 0);
    for (const auto& [edge, count] : totals) {
      const auto to = static_cast<std::size_t>(edge.first);
      if (count <= most[to]) continue;
      most[to] = count;
      predecessors_[to] = edge.second;
    }
  }

  bool is_taken(int from, int to) {
    run_of(from);
    return ends_[static_cast<std::size_t>(from)] != address_of(to);
  }

  // The blocks before and up to `block`, the eldest first.
  std::vector<int> history_of(int block) {
    std::vector<int> history;
    std::size_t instructions = 0;
    while (block != 0 && history.size() < kHistoryBlocks && instructions < kHistoryInstructions) {
      history.push_back(block);
      instructions += run_of(block).size();
      block = predecessors_[static_cast<std::size_t>(block)];
    }
    std::reverse(history.begin(), history.end());
    return history;
  }

  double time(const std::vector<int>& history, int to, bool pessimistic) {
    Pipeline pipeline(core_, pessimistic);
    int previous = 0;
    long before = 0;
    const auto pass = [&](int block) {
      if (previous != 0 && is_taken(previous, block)) pipeline.take_branch(run_of(previous).back());
      for (const Instruction& instruction : run_of(block)) pipeline.issue(instruction);
      previous = block;
    };
    for (const int block : history) pass(block);
    before = pipeline.now();
    pass(to);
    return static_cast<double>(pipeline.now() - before);
  }

  CycleRange price_of(int from, int to) {
    const auto [known, is_new] = prices_.try_emplace({from, to});
    if (!is_new) return known->second;
    const std::vector<int> history = history_of(from);
    known->second = {.low = time(history, to, false), .high = time(history, to, true)};
    return known->second;
  }

  void add(CycleEstimate& result, int segment, int block, const SegmentCost& cost) {
    SegmentCost& total = result.segments.at(static_cast<std::size_t>(segment));
    total.instructions += cost.instructions;
    total.cycles += cost.cycles;
    SegmentCost& own = costs_[block];
    own.instructions += cost.instructions;
    own.cycles += cost.cycles;
  }

  std::uint32_t last_address_of(int block) {
    run_of(block);
    return last_[static_cast<std::size_t>(block)];
  }

  std::vector<std::string> code_between(std::uint32_t first, std::uint32_t last) const {
    std::vector<std::string> code;
    for (auto line = disassembly_.lines.lower_bound(first);
         line != disassembly_.lines.end() && line->first <= last; ++line) {
      code.push_back(line->second.mnemonic + " " + line->second.operands);
    }
    return code;
  }

  // Every jump back within a function closes a loop; a block belongs to the smallest around it.
  std::vector<LoopCost> find_loops() {
    std::map<std::pair<std::uint32_t, std::uint32_t>, LoopCost> loops;
    for (const BlockCounts::Edge& edge : counts_.edges) {
      if (edge.from == 0) continue;
      const std::uint32_t first = address_of(edge.to);
      const std::uint32_t last = last_address_of(edge.from);
      if (first > last || run_of(edge.from).back().unit != Unit::kBranch ||
          disassembly_.function_at(first) != disassembly_.function_at(last))
        continue;
      LoopCost& loop = loops[{first, last}];
      loop.first = first;
      loop.last = last;
      loop.turns += edge.count;
    }
    for (const auto& [block, cost] : costs_) {
      LoopCost* innermost = nullptr;
      for (auto& [range, loop] : loops) {
        if (address_of(block) < loop.first || last_address_of(block) > loop.last) continue;
        if (innermost == nullptr || loop.last - loop.first < innermost->last - innermost->first)
          innermost = &loop;
      }
      if (innermost == nullptr) continue;
      innermost->instructions += cost.instructions;
      innermost->cycles += cost.cycles;
    }
    std::vector<LoopCost> result;
    for (auto& [range, loop] : loops) {
      if (loop.instructions == 0) continue;
      loop.function = disassembly_.function_at(loop.first);
      loop.code = code_between(loop.first, loop.last);
      result.push_back(std::move(loop));
    }
    std::stable_sort(result.begin(), result.end(), [](const LoopCost& a, const LoopCost& b) {
      return a.cycles.low > b.cycles.low;
    });
    return result;
  }

  const BlockCounts& counts_;
  const Disassembly& disassembly_;
  const Core& core_;
  std::vector<Run> runs_;            // by block, made on demand
  std::vector<std::uint32_t> last_;  // by block: address of its last instruction
  std::vector<std::uint32_t> ends_;  // by block: the address behind it
  std::vector<int> predecessors_;    // by block: the most frequent one
  std::map<std::pair<int, int>, CycleRange> prices_;
  std::map<int, SegmentCost> costs_;  // by block
};

}  // namespace

CycleRange& CycleRange::operator+=(const CycleRange& other) {
  low += other.low;
  high += other.high;
  return *this;
}

std::string describe(const CycleRange& range) {
  const auto low = std::llround(range.low);
  const auto high = std::llround(range.high);
  return low == high ? fmt::format("{}", low) : fmt::format("{} - {}", low, high);
}

BlockCounts parse_block_counts(std::string_view text) {
  BlockCounts counts;
  std::istringstream stream{std::string(text)};
  bool is_done = false;
  const auto is_block = [&](int id) { return id >= 1 && id <= std::ssize(counts.blocks); };
  for (std::string fact; stream >> fact;) {
    bool is_valid = true;
    if (fact == "block") {
      int id = 0;
      BlockCounts::Block& block = counts.blocks.emplace_back();
      stream >> id >> std::hex >> block.address >> std::dec >> block.instructions;
      is_valid = id == std::ssize(counts.blocks) && block.instructions > 0;
    } else if (fact == "edge") {
      BlockCounts::Edge& edge = counts.edges.emplace_back();
      stream >> edge.segment >> edge.from >> edge.to >> edge.count;
      is_valid = (edge.from == 0 || is_block(edge.from)) && is_block(edge.to);
    } else if (fact == "missed") {
      BlockCounts::Missed& missed = counts.missed.emplace_back();
      stream >> missed.segment >> missed.block >> missed.count;
      is_valid = is_block(missed.block);
    } else if (fact == "done") {
      stream >> counts.segments;
      is_done = true;
    } else {
      is_valid = false;
    }
    if (!stream || !is_valid)
      throw Error("the emulator's counts of blocks cannot be read: {}", fact);
  }
  if (!is_done) throw Error("the emulator's counts of blocks end too soon");
  const auto in_range = [&](const auto& item) {
    return item.segment >= 0 && item.segment < counts.segments;
  };
  if (!std::all_of(counts.edges.begin(), counts.edges.end(), in_range) ||
      !std::all_of(counts.missed.begin(), counts.missed.end(), in_range))
    throw Error("the emulator's counts of blocks have more segments than they say");
  return counts;
}

CycleEstimate estimate_cycles(const BlockCounts& counts, const Disassembly& disassembly,
                              const Core& core) {
  return Estimator(counts, disassembly, core).estimate();
}

}  // namespace mcunet::cycles
