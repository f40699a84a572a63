// Hostile experiments, devices and network descriptions.
#include <sys/stat.h>

#include "hostile_inputs.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::pair<std::string, std::string>>;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

class HostileConfigs : public HostileInputs {
 protected:
  void expect_refused_experiments(const Texts& texts) {
    for (const auto& [name, text] : texts) {
      write("x.yaml", text);
      expect_refused({name, {"space", "x.yaml", "--out", "out"}, "x.yaml:"});
    }
  }

  // Each of them one change to what is good.
  void expect_refused_overrides(const std::vector<std::string>& assignments) {
    write("x.yaml", kSmallExperiment);
    for (const std::string& assignment : assignments) {
      expect_refused({assignment,
                      {"space", "x.yaml", "--out", "out", "--set", assignment},
                      on_one_line("--set " + assignment).substr(0, 60)});
    }
  }

  static std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
};

TEST_F(HostileConfigs, TextThatIsNoExperiment) {
  using namespace std::string_literals;
  const std::string good = kSmallExperiment;
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("a{0}: &a{0} [{1}]\n", i, repeated(fmt::format("*a{}, ", i - 1), 10) + "x");
  }
  std::string utf16 = "\xff\xfe";
  for (const char c : good) utf16 += std::string(1, c) + '\0';
  expect_refused_experiments({
      {"empty", ""},
      {"a comment", "# nothing\n"},
      {"a scalar", "42\n"},
      {"a list", "- 1\n- 2\n"},
      {"a map of another kind", "a: 1\n"},
      {"a binary file",
       "\x7f"
       "ELF\1\1\1\0\0\0"s},
      {"a NUL", good + "a\0b: 1\n"s},
      {"bytes that are no UTF-8", good + "a: \xff\xfe\n"},
      {"an overlong character", good + "a: \xc0\xaf\n"},
      {"UTF-16", utf16},
      {"tabs", "device:\n\tname: x\n"},
      {"an open quote", good + "a: \"x\n"},
      {"an open list", good + "a: [1, 2\n"},
      {"an open map", good + "a: {b: 1\n"},
      {"indentation that does not agree", "a:\n    b: 1\n  c: 2\n"},
      {"two values", good + "a: b: c\n"},
      {"two documents", good + "---\n" + good},
      {"a key given twice", good + "device: stm32f746\n"},
      {"a key given twice below", "a: {b: 1, b: 2}\n"},
      {"a key that is a list", "? [a, b]\n: 1\n"},
      {"a key that is a map", "? {a: b}\n: 1\n"},
      {"an unknown key", good + "devise: 1\n"},
      {"an unknown key below", good + "search: {populaton: 3}\n"},
      {"an unknown alias", good + "a: *b\n"},
      {"an alias of itself", "a: &a [*a]\n"},
      {"an alias of what is around it", "a: &a {b: {c: *a}}\n"},
      {"aliases of aliases", bomb},
      {"lists in lists", repeated("[", 100'000)},
      {"lists in lists that end", "a: " + repeated("[", 5000) + repeated("]", 5000)},
      {"maps in maps", repeated("{a: ", 100'000)},
      {"blocks in blocks",
       [] {
         std::string text;
         for (int i = 0; i < 3000; ++i)
           text += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
         return text;
       }()},
      {"dashes in dashes", repeated("- ", 50'000) + "x\n"},
      {"quotes without end", repeated("\"", 100'001)},
      {"a long key", std::string(100'000, 'k') + ": 1\n"},
      {"a tag", "!!python/object/apply:os.system [\"touch x\"]\n"},
      {"a directive", "%YAML 9.9\n---\n" + good},
      {"no device", replaced(good, "device: stm32f746\n", "")},
      {"an unknown device", replaced(good, "device: stm32f746", "device: stm32f999")},
      {"a device of another kind", replaced(good, "device: stm32f746", "device: [1]")},
      {"a folder as device", replaced(good, "device: stm32f746", "device: /")},
      {"a device that is itself", replaced(good, "device: stm32f746", "device: x.yaml")},
      {"an unknown space", replaced(good, "space: proxyless", "space: ../../etc/passwd")},
      {"a network of nothing as space",
       replaced(good, "space: proxyless", "space: {first_conv: 3}")},
      {"a network of lists as space",
       replaced(good, "space: proxyless", "space: {first_conv: [], resolution: [], blocks: {}}")},
      {"a network without blocks as space",
       replaced(good, "space: proxyless",
                "space: {resolution: 32, first_conv: {in_channels: 3, out_channels: 8, "
                "kernel_size: 3, stride: 2, act_func: relu6}, blocks: [], "
                "classifier: {in_features: 8, out_features: 2}}")},
      {"a device of zeros", replaced(good, "device: stm32f746", "device: /dev/zero")},
  });
}

TEST_F(HostileConfigs, ValuesOutOfRange) {
  expect_refused_overrides({
      "space_optimization.samples=0",
      "space_optimization.samples=-1",
      "space_optimization.samples=1.5",
      "space_optimization.samples=1e3",
      "space_optimization.samples=99999999999999999999",
      "space_optimization.samples=0x7fffffffffffffff",
      "space_optimization.samples=.nan",
      "space_optimization.samples=\"20\"",
      "space_optimization.samples=true",
      "space_optimization.samples=",
      "space_optimization.samples=[1]",
      "space_optimization.samples={a: 1}",
      "space_optimization.widths=.nan",
      "space_optimization.widths=[nan]",
      "space_optimization.widths=[.inf]",
      "space_optimization.widths=[-inf]",
      "space_optimization.widths=[1e999]",
      "space_optimization.widths=[1e-999]",
      "space_optimization.widths=[]",
      "space_optimization.widths=[0.5, [0.6]]",
      "space_optimization.widths={from: 0, to: 1, step: 0}",
      "space_optimization.widths={from: 0.1, to: 1, step: nan}",
      "space_optimization.widths={from: 0.1, to: 1, step: -0.1}",
      "space_optimization.widths={from: 0.1, to: 8, step: 1e-9}",
      "space_optimization.widths={from: 1, to: 0.5, step: 0.1}",
      "space_optimization.widths={from: 0.1, to: .inf}",
      "space_optimization.resolutions=[0]",
      "space_optimization.resolutions=[-48]",
      "space_optimization.resolutions=[2147483648]",
      "space_optimization.min_satisfying_share=nan",
      "space_optimization.min_satisfying_share=1.5",
      "space_optimization.threads=-1",
      "space_optimization.sweep.sram_kib=[-1]",
      "space_optimization.sweep.sram_kib=[1e300]",
      "budget.latency_ms=nan",
      "budget.latency_ms=0",
      "budget.latency_ms=-inf",
      "budget.fps=0",
      "budget.fps=nan",
      "budget.energy_mj=.inf",
      "budget.sram_kib=nan",
      "budget.flash_kib=-1",
      "seed=-1.5",
      "seed=99999999999999999999999",
      "engine.schedule=fastest",
      "engine=3",
      "device=",
      "space=",
      "device.name=x",
      "a..b=1",
      ".a=1",
      "a.=1",
      "=1",
      "a",
      "",
      "search.population=nan",
      "search.mutation_probability=nan",
      "search.front.objectives=[accuracy, accuracy]",
      "train.epochs=nan",
      "finetune.learning_rate=nan",
      "finetune.learning_rate=inf",
      "quantization.method=none",
      "dataset=[1, 2]",
      "dataset={kind: none}",
  });
}

TEST_F(HostileConfigs, NoRegularFiles) {
  ASSERT_EQ(::mkfifo((folder_ / "work/pipe.yaml").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder_ / "work/zero.yaml");
  write("large.yaml", "");
  fs::resize_file(folder_ / "work/large.yaml", std::uintmax_t{1} << 33);
  expect_refused(
      {{"pipe", {"space", "pipe.yaml"}, "pipe.yaml: "},
       {"zeros", {"space", "zero.yaml"}, "zero.yaml: "},
       {"large", {"space", "large.yaml"}, "large.yaml: "},
       {"folder", {"space", "."}, ".: "},
       {"name that is empty", {"space", ""}, "no name in configs/experiments"},
       {"device that is a pipe", {"plan", "resnet18", "--device", "pipe.yaml"}, "pipe.yaml: "},
       {"device of zeros", {"plan", "resnet18", "--device", "/dev/zero"}, "/dev/zero: "},
       {"device that is large", {"plan", "resnet18", "--device", "large.yaml"}, "large.yaml: "}});
}

TEST_F(HostileConfigs, Devices) {
  const std::string good = read_file(MCUNET_SOURCE_DIR "/configs/devices/stm32f746.yaml");
  const auto with = [&](const std::string& from, const std::string& to) {
    return replaced(good, from, to);
  };
  const auto named = [&](const std::string& name) {
    return with("name: stm32f746", "name: " + name);
  };
  const std::string dtcm = "{name: DTCM, origin: 0x20000000, size_kib: 64}";
  const std::string flash = "{origin: 0x08000000, size_kib: 1024}";
  const Texts devices = {
      {"end of a comment", named("\"*/ int injected_symbol = 42; /*\"")},
      {"a command for make", named("\"$(shell touch PWNED)\"")},
      {"a second line", named("\"x\\n//$(shell touch PWNED)\"")},
      {"a command for the shell", named("\"`touch PWNED` ${HOME}\"")},
      {"a quote", named("'a\"b'")},
      {"a backslash at the end", named("'a\\'")},
      {"a trigraph", named("'a?\?/'")},
      {"markup", named("'<script>alert(1)</script>'")},
      {"a path", named("../../x")},
      {"no name", named("\"\"")},
      {"a name that is no text", named("[a]")},
      {"a long name", named(std::string(101, 'x'))},
      {"a bank's name", with("{name: DTCM", "{name: \"x*/\\n#error\"")},
      {"a bank's name for the linker", with("{name: DTCM", "{name: 'D} /DISCARD/ {'")},
      {"a console's name", with("usart: {name: USART1", "usart: {name: \"U\\n#error x\"")},
      {"a pin's name", with("tx: {name: PA9", "tx: {name: 'P\\'")},
      {"no bytes", with(dtcm, "{name: DTCM, origin: 0x20000000, size_kib: 0}")},
      {"negative size", with(dtcm, "{name: DTCM, origin: 0x20000000, size_kib: -64}")},
      {"a size of half a KiB", with(dtcm, "{name: DTCM, origin: 0x20000000, size_kib: 0.5}")},
      {"a size beyond all",
       with(dtcm, "{name: DTCM, origin: 0x20000000, size_kib: 9223372036854775807}")},
      {"negative origin", with(dtcm, "{name: DTCM, origin: -1, size_kib: 64}")},
      {"an origin beyond 32 bits", with(dtcm, "{name: DTCM, origin: 0x100000000, size_kib: 64}")},
      {"a crooked origin", with(dtcm, "{name: DTCM, origin: 0x20000003, size_kib: 64}")},
      {"an end beyond 32 bits", with(dtcm, "{name: DTCM, origin: 0xffffff00, size_kib: 64}")},
      {"banks that overlap", with(dtcm, "{name: DTCM, origin: 0x20000000, size_kib: 65}")},
      {"the same bank twice", with(dtcm, dtcm + "\n  - " + dtcm)},
      {"a bank in the flash", with(dtcm, "{name: DTCM, origin: 0x08000000, size_kib: 64}")},
      {"flash over a bank", with(flash, "{origin: 0x1fff0000, size_kib: 1024}")},
      {"crooked flash", with(flash, "{origin: 0x08000004, size_kib: 1024}")},
      {"flash beyond 32 bits", with(flash, "{origin: 0xfff00000, size_kib: 2048}")},
      {"flash without bytes", with(flash, "{origin: 0x08000000, size_kib: 0}")},
      {"no banks", with("arena_banks: [DTCM, SRAM1, SRAM2]", "arena_banks: []")},
      {"an unknown bank", with("arena_banks: [DTCM, SRAM1, SRAM2]", "arena_banks: [DTCM, SRAM9]")},
      {"a gap", with("arena_banks: [DTCM, SRAM1, SRAM2]", "arena_banks: [DTCM, SRAM2]")},
      {"a bank twice", with("arena_banks: [DTCM, SRAM1, SRAM2]", "arena_banks: [DTCM, DTCM]")},
      {"all SRAM reserved", with("reserved_sram_kib: 8", "reserved_sram_kib: 320")},
      {"negative reserve", with("reserved_sram_kib: 8", "reserved_sram_kib: -8")},
      {"all flash reserved", with("reserved_flash_kib: 32", "reserved_flash_kib: 4096")},
      {"an unknown core", with("core: cortex-m7", "core: 'cortex-m7 -fplugin=x'")},
      {"no clock", with("clock_mhz: 216", "clock_mhz: 0")},
      {"a clock that is no number", with("clock_mhz: 216", "clock_mhz: .nan")},
      {"a clock beyond all", with("clock_mhz: 216", "clock_mhz: 1e300")},
      {"an oscillator that is no number", with("hsi_mhz: 16", "hsi_mhz: nan")},
      {"a PLL that cannot", with("vco_max_mhz: 432", "vco_max_mhz: 101")},
      {"too few wait states", with("[30, 60, 90, 120, 150, 180, 210, 216]", "[30]")},
      {"a power that is no number", with("power_mw: 155", "power_mw: nan")},
      {"an infinite power", with("power_mw: 155", "power_mw: .inf")},
      {"stalls that are no number", with("memory_stalls: 0.3", "memory_stalls: nan")},
      {"stalls beyond all", with("memory_stalls: 0.3", "memory_stalls: 2.5")},
      {"instructions, not cycles", good + "cycles_per_instruction: 0.70\n"},
      {"the latency of another core", with("latency: cortex-m7", "latency: cortex-m4")},
      {"an unknown latency", with("latency: cortex-m7", "latency: cortex-m99")},
      {"a latency that is a folder", with("latency: cortex-m7", "latency: /tmp")},
      {"negative costs",
       with("latency: cortex-m7", "latency: {core: cortex-m7, pointwise: {mac: -1}}")},
      {"a bit beyond 31", with("enable_bit: 4,", "enable_bit: 32,")},
      {"a rate of nothing", good + "  baud: 0\n"},
      {"a stack in the arena", good + "stack_bank: DTCM\n"},
      {"a stack nowhere", good + "stack_bank: CCM\n"},
      {"a key given twice", good + "power_mw: 1\n"},
      {"an unknown key", good + "powr_mw: 1\n"}};
  for (const auto& [name, text] : devices) {
    write("x.yaml", text);
    expect_refused(
        {name, {"plan", "resnet18", "--resolution", "32", "--device", "x.yaml"}, "x.yaml:"});
  }
}

constexpr char kNetwork[] = R"({
  "name": "tiny", "resolution": 32,
  "first_conv": {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2, "act_func": "relu6"},
  "blocks": [{"mobile_inverted_conv": {"in_channels": 8, "out_channels": 8, "kernel_size": 3, "stride": 1,
              "expand_ratio": 3, "act_func": "relu6"}, "shortcut": {"name": "IdentityLayer"}}],
  "feature_mix_layer": null,
  "classifier": {"in_features": 8, "out_features": 10}
})";

TEST_F(HostileConfigs, NetworkDescriptions) {
  using namespace std::string_literals;
  const auto with = [](const std::string& from, const std::string& to) {
    return replaced(kNetwork, from, to);
  };
  const std::string good = kNetwork;
  const Texts networks = {
      {"empty", ""},
      {"spaces", "  \n\n"},
      {"half", good.substr(0, good.size() / 2)},
      {"more behind", good + "{}"},
      {"a comma at the end", with("10}\n}", "10},\n}")},
      {"single quotes", "{'resolution': 32}"},
      {"null", "null"},
      {"a number", "3"},
      {"a list", "[]"},
      {"an empty map", "{}"},
      {"a NUL", good + "\0"s},
      {"no UTF-8", with("\"tiny\"", "\"\xff\"")},
      {"UTF-16", "\xff\xfe{\0}\0"s},
      {"lists in lists", std::string(300'000, '[')},
      {"lists in lists as a value",
       with("\"resolution\": 32",
            "\"resolution\": " + std::string(100'000, '[') + std::string(100'000, ']'))},
      {"maps in maps", repeated("{\"a\":", 100'000)},
      {"NaN", with("\"resolution\": 32", "\"resolution\": NaN")},
      {"infinity", with("\"expand_ratio\": 3", "\"expand_ratio\": 1e999")},
      {"a side of 0", with("\"resolution\": 32", "\"resolution\": 0")},
      {"a negative side", with("\"resolution\": 32", "\"resolution\": -32")},
      {"a fraction of a side", with("\"resolution\": 32", "\"resolution\": 32.5")},
      {"a side beyond 64 bits", with("\"resolution\": 32", "\"resolution\": 99999999999999999999")},
      {"a side beyond 32 bits", with("\"resolution\": 32", "\"resolution\": 4294967328")},
      {"a side as text", with("\"resolution\": 32", "\"resolution\": \"32\"")},
      {"channels of 0", with("\"out_channels\": 8", "\"out_channels\": 0")},
      {"too many channels", with("\"out_channels\": 8", "\"out_channels\": 2000000000")},
      {"channels that do not agree", with("\"in_channels\": 8", "\"in_channels\": 9")},
      {"a window of 0", with("\"kernel_size\": 3", "\"kernel_size\": 0")},
      {"an even window",
       with("\"kernel_size\": 3, \"stride\": 1", "\"kernel_size\": 4, \"stride\": 1")},
      {"a negative window", with("\"kernel_size\": 3", "\"kernel_size\": -3")},
      {"a stride of 0", with("\"stride\": 2", "\"stride\": 0")},
      {"a shortcut that does not fit", with("\"stride\": 1", "\"stride\": 2")},
      {"no expansion", with("\"expand_ratio\": 3", "\"expand_ratio\": 0")},
      {"an activation that is none", with("\"act_func\": \"relu6\"", "\"act_func\": \"*/\"")},
      {"an activation of another kind", with("\"act_func\": \"relu6\"", "\"act_func\": [[[[]]]]")},
      {"blocks that are no list", with("\"blocks\": [", "\"blocks\": {}, \"x\": [")},
      {"a block that is none", with("\"blocks\": [{", "\"blocks\": [7, {")},
      {"a block without all", with("\"blocks\": [{", "\"blocks\": [{}, {")},
      {"classes of 0", with("\"out_features\": 10", "\"out_features\": 0")},
      {"no classifier", with("\"classifier\"", "\"classify\"")},
      {"features that do not agree", with("\"in_features\": 8", "\"in_features\": 7")},
      {"squeeze and excitation", with("\"act_func\": \"relu6\"}, \"shortcut\"",
                                      "\"act_func\": \"relu6\", \"use_se\": true}, \"shortcut\"")}};
  for (const auto& [name, text] : networks) {
    write("x.json", text);
    expect_refused({name, {"plan", "x.json"}, "x.json"});
  }
  write("x.json", good);
  const Outcome outcome = run_bounded({"good", {"plan", "x.json"}, ""});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(HostileConfigs, Postprocessings) {
  using namespace std::string_literals;
  const std::string good =
      "detector:\n  rows: 7\n  columns: 7\n  anchors: [{width: 0.1, height: 0.2}]\n"
      "  classes: [person, car]\n  score: 0.3\n  overlap: 0.45\n  most: 32\n";
  const auto with = [&](const std::string& from, const std::string& to) {
    return replaced(good, from, to);
  };
  const std::string anchor = "{width: 0.1, height: 0.2}";
  const Texts texts = {{"empty", ""},
                       {"a list", "[1]"},
                       {"deep", std::string(200'000, '[')},
                       {"a NUL", good + "\0"s},
                       {"no UTF-8", with("car", "\"\xff\"")},
                       {"nothing known", "classifier: {}\n"},
                       {"something beside it", good + "regression: {}\n"},
                       {"a detector that is none", "detector: 7\n"},
                       {"an unknown key", good + "  colour: red\n"},
                       {"rows of 0", with("rows: 7", "rows: 0")},
                       {"rows beyond 32 bits", with("rows: 7", "rows: 4294967303")},
                       {"a fraction of columns", with("columns: 7", "columns: 7.5")},
                       {"no anchors", with("[" + anchor + "]", "[]")},
                       {"too many anchors", with(anchor, anchor + repeated(", " + anchor, 64))},
                       {"an anchor in pixels", with("0.1", "32")},
                       {"a negative anchor", with("0.1", "-0.1")},
                       {"an anchor of nothing", with("0.1", "0")},
                       {"an anchor that is no number", with("0.1", "nan")},
                       {"an anchor without a height", with(", height: 0.2", "")},
                       {"no classes", with("[person, car]", "[]")},
                       {"a number of classes", with("[person, car]", "2")},
                       {"a class that is a list", with("car", "[car]")},
                       {"too many classes", with("car", "car" + repeated(", car", 256))},
                       {"a score above 1", with("0.3", "1.01")},
                       {"a negative overlap", with("0.45", "-0.1")},
                       {"no boxes", with("most: 32", "most: 0")},
                       {"too many boxes", with("most: 32", "most: 1000000")}};
  for (const auto& [name, text] : texts) {
    write("x.yaml", text);
    expect_refused({name,
                    {"compile", "x.tflite", "--device", "stm32f746", "--out", "out",
                     "--postprocessing", "x.yaml"},
                    "x.yaml"});
  }
  write("x.yaml", good);
  expect_refused({"good, but there is no model",
                  {"compile", "x.tflite", "--device", "stm32f746", "--out", "out",
                   "--postprocessing", "x.yaml"},
                  "x.tflite"});
}

TEST_F(HostileConfigs, NumbersOfTheCommandLine) {
  const auto plan = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"plan", "resnet18"});
    return arguments;
  };
  std::vector<HostileCase> cases;
  for (const char* value : {"nan", "NaN", "-nan", "inf", "-inf", "1e999", "0", "-1", "9", "x", "",
                            "0x", "0.5x", "1,5"}) {
    cases.push_back({fmt::format("width {}", value), plan({"--width", value}), "--width"});
  }
  for (const char* value :
       {"nan", "inf", "7", "4097", "-32", "32.5", "1e2", "99999999999999999999", ""}) {
    cases.push_back(
        {fmt::format("resolution {}", value), plan({"--resolution", value}), "--resolution"});
  }
  for (const char* value : {"nan", "inf", "0", "-1", "1e300", "x"}) {
    cases.push_back({fmt::format("timeout {}", value),
                     {"emulate", "o", "--input", "x.bin", "--timeout", value},
                     "--timeout"});
  }
  cases.push_back({"sample nan", {"profile", "--sample", "nan", "--out", "o"}, "--sample"});
  cases.push_back({"sample 0", {"profile", "--sample", "0", "--out", "o"}, "--sample"});
  cases.push_back({"seed", {"profile", "--sample", "1", "--seed", "-1", "--out", "o"}, "--seed"});
  cases.push_back({"rows", {"space", "stm32f746", "--rows", "nan"}, "--rows"});
  cases.push_back(
      {"range", {"emulate", "o", "--input", "x", "--input-range", "nan,nan"}, "--input-range"});
  cases.push_back(
      {"rate", {"emulate", "o", "--input", "x", "--sample-rate", "nan"}, "--sample-rate"});
  expect_refused(cases);
}

}  // namespace
}  // namespace mcunet
