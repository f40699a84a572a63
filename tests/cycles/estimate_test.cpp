#include "mcunet/cycles/estimate.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/error_text.hpp"

namespace mcunet::cycles {
namespace {

// A loop of ten turns in the second of two functions, called twice.
constexpr char kProgram[] =
    "00000100 <caller>:\n"
    " 100:\tbl\t200\n"
    " 104:\tbx\tlr\n"
    "00000200 <loop>:\n"
    " 200:\tmovs\tr0, #10\n"
    " 202:\tsmlad\tr1, r2, r3, r1\n"
    " 206:\tsubs\tr0, #1\n"
    " 208:\tbne.n\t202\n"
    " 20a:\tbx\tlr\n";
constexpr char kCounts[] =
    "block 1 100 1\nblock 2 200 4\nblock 3 202 3\nblock 4 20a 1\nblock 5 104 1\n"
    "edge 0 0 1 1\nedge 0 1 2 1\nedge 0 2 3 1\nedge 0 3 3 8\nedge 0 3 4 1\nedge 0 4 5 1\n"
    "missed 0 3 1\nedge 1 0 2 1\ndone 2\n";

TEST(Estimate, AddsUpSegmentsAndLoops) {
  const CycleEstimate estimate = estimate_cycles(
      parse_block_counts(kCounts), parse_disassembly(kProgram), find_core("cortex-m4"));
  ASSERT_EQ(estimate.segments.size(), 2u);
  // bl 1 + 1, movs 1, ten turns of 3, nine of them with a jump back, bx 1 + 1, bx 1.
  EXPECT_EQ(estimate.segments[0].instructions, 1 + 1 + 30 + 1 + 1);
  EXPECT_EQ(estimate.segments[0].cycles.low, 2 + 1 + 30 + 9 + 2 + 1);
  EXPECT_EQ(estimate.segments[0].cycles.high, estimate.segments[0].cycles.low);
  EXPECT_EQ(estimate.segments[1].cycles.low, 4);
  ASSERT_EQ(estimate.loops.size(), 1u);
  EXPECT_EQ(estimate.loops[0].function, "loop");
  EXPECT_EQ(estimate.loops[0].first, 0x202u);
  EXPECT_EQ(estimate.loops[0].last, 0x208u);
  EXPECT_EQ(estimate.loops[0].turns, 9);
  EXPECT_EQ(estimate.loops[0].code,
            (std::vector<std::string>{"smlad r1, r2, r3, r1", "subs r0, #1", "bne.n 202"}));
  EXPECT_EQ(estimate.loops[0].instructions, 27);
}

TEST(Estimate, TakesNoCallAtTheEndForALoop) {
  const CycleEstimate estimate = estimate_cycles(
      parse_block_counts("block 1 200 1\nblock 2 100 1\nedge 0 0 1 1\nedge 0 1 2 1\ndone 1\n"),
      parse_disassembly("00000100 <first>:\n 100:\tbx\tlr\n00000200 <second>:\n 200:\tb.w\t100\n"),
      find_core("cortex-m4"));
  EXPECT_TRUE(estimate.loops.empty());
}

TEST(Estimate, ChargesWrongPredictionsToCoresThatPredict) {
  const auto cycles = [](const std::string& counts) {
    return estimate_cycles(parse_block_counts(counts), parse_disassembly(kProgram),
                           find_core("cortex-m7"))
        .segments[0]
        .cycles.low;
  };
  const std::string without = "block 1 202 3\nedge 0 1 1 5\ndone 1\n";
  const std::string with = "block 1 202 3\nedge 0 1 1 5\nmissed 0 1 2\ndone 1\n";
  EXPECT_EQ(cycles(with) - cycles(without), 2 * 6);
}

TEST(Estimate, RefusesWhatIsNoCount) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "the emulator's counts of blocks end too soon"},
      {"block 1 100 1\n", "the emulator's counts of blocks end too soon"},
      {"block 2 100 1\ndone 0\n", "the emulator's counts of blocks cannot be read: block"},
      {"block 1 100 0\ndone 0\n", "the emulator's counts of blocks cannot be read: block"},
      {"block 1 100 1\nedge 0 0 2 1\ndone 1\n",
       "the emulator's counts of blocks cannot be read: edge"},
      {"block 1 100 1\nedge 0 0 1\n", "the emulator's counts of blocks cannot be read: edge"},
      {"block 1 100 1\nedge 1 0 1 1\ndone 1\n",
       "the emulator's counts of blocks have more segments than they say"},
      {"nonsense\n", "the emulator's counts of blocks cannot be read: nonsense"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(error_of([&] { parse_block_counts(text); }), message) << text;
  }
  EXPECT_EQ(error_of([] {
              estimate_cycles(parse_block_counts("block 1 900 1\nedge 0 0 1 1\ndone 1\n"),
                              parse_disassembly(kProgram), find_core("cortex-m4"));
            }),
            "the disassembly has no instruction at 0x900, where one ran");
}

// Millions of cycles that an independent estimator, with the same published tables, gave for networks of
// this project; data/README.md tells how the counts were taken.
struct Published {
  const char* network;
  double m7;
  double m7_pessimistic;  // 0: not told
  double m4;
};

std::string text_of(const std::string& network, const char* core, bool counts) {
  std::ifstream file(std::string(MCUNET_SOURCE_DIR) + "/tests/cycles/data/" + network + "_" + core +
                     ".txt");
  std::string text;
  for (std::string line; std::getline(file, line);) {
    const bool is_count = line.starts_with("block") || line.starts_with("edge") ||
                          line.starts_with("missed") || line.starts_with("done");
    if (is_count == counts && !line.starts_with('#')) text += line + '\n';
  }
  return text;
}

TEST(Estimate, AgreesWithAnIndependentEstimatorWithinFivePercent) {
  const Published networks[] = {
      {"vww", 15.13, 0, 22.85},
      {"image_classification", 13.31, 14.21, 20.85},
      {"keyword_spotting", 3.06, 3.28, 4.68},
      {"anomaly_detection", 0.376, 0, 0.548},
  };
  const auto millions = [](const Published& network, const char* core, const char* name) {
    const CycleEstimate estimate =
        estimate_cycles(parse_block_counts(text_of(network.network, core, true)),
                        parse_disassembly(text_of(network.network, core, false)), find_core(name));
    return CycleRange{estimate.segments.at(0).cycles.low / 1e6,
                      estimate.segments.at(0).cycles.high / 1e6};
  };
  const auto agree = [](double own, double published) {
    EXPECT_NEAR(own / published, 1, 0.05) << own << " against " << published;
  };
  for (const Published& network : networks) {
    SCOPED_TRACE(network.network);
    const CycleRange m7 = millions(network, "m7", "cortex-m7");
    agree(m7.low, network.m7);
    if (network.m7_pessimistic > 0) agree(m7.high, network.m7_pessimistic);
    agree(millions(network, "m4", "cortex-m4").low, network.m4);
  }
}

}  // namespace
}  // namespace mcunet::cycles
