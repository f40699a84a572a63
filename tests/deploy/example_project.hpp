#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "core/temporary_folder.hpp"

// A network in the form that the code generator writes, small enough to know what it computes: two
// steps, each of which adds 1 to every byte.
namespace mcunet::deploy {

struct ExampleOptions {
  int arena_bytes = 64;
  int weight_bytes = 16;
  std::string second_step = "mcunet_add_one(arena, MODEL_INPUT_BYTES);";
  std::string more_steps;   // in model.json, as JSON
  bool one_output = false;  // without the second, which is constant
};

inline void write_example_model(const TemporaryFolder& folder, const ExampleOptions& options = {}) {
  folder.write("model.h", fmt::format(R"(#pragma once
#include <stdint.h>
#define MODEL_ARENA_BYTES {}
#define MODEL_INPUTS 1
#define MODEL_OUTPUTS {}
#define MODEL_INPUT_BYTES 16
#define MODEL_OUTPUT_BYTES 16
#define MODEL_INPUT_HEIGHT 4
#define MODEL_INPUT_WIDTH 4
#define MODEL_INPUT_CHANNELS 1
#define MODEL_INPUT_SCALE 0.5f
#define MODEL_INPUT_ZERO_POINT -3
#define MODEL_OUTPUT_TYPE int8_t
#define MODEL_STEPS 2
extern const char* const model_step_names[MODEL_STEPS];
int8_t* model_input(void);
int8_t* model_input_at(int index);
int model_input_bytes(int index);
const int8_t* model_output(int index);
int model_output_bytes(int index);
void model_invoke(void);
#ifdef MODEL_PROFILE
void model_step_done(int step);
#endif
)",
                                      options.arena_bytes, options.one_output ? 1 : 2));
  folder.write("model.c", fmt::format(R"(#include "model.h"
#include "kernels/mcunet_kernels.h"
extern const int8_t model_weights[];
static int8_t arena[MODEL_ARENA_BYTES] __attribute__((section(".mcunet_arena"), aligned(4)));
const char* const model_step_names[MODEL_STEPS] = {{"first", "second"}};
int8_t* model_input(void) {{ return arena; }}
int8_t* model_input_at(int index) {{ (void)index; return arena; }}
int model_input_bytes(int index) {{ (void)index; return MODEL_INPUT_BYTES; }}
const int8_t* model_output(int index) {{ return index == 0 ? arena : model_weights; }}
int model_output_bytes(int index) {{ return index == 0 ? 16 : 2; }}
void model_invoke(void) {{
  mcunet_add_one(arena, MODEL_INPUT_BYTES);
#ifdef MODEL_PROFILE
  model_step_done(0);
#endif
  {}
#ifdef MODEL_PROFILE
  model_step_done(1);
#endif
}}
)",
                                      options.second_step));
  folder.write("weights.c", fmt::format(R"(#include <stdint.h>
extern const int8_t model_weights[{0}];
const int8_t model_weights[{0}] = {{7, 9, 1}};
)",
                                        options.weight_bytes));
  folder.write("kernels/mcunet_kernels.h", R"(#pragma once
#include <stdint.h>
void mcunet_add_one(int8_t* bytes, int count);
)");
  // A loop of 6 instructions a byte.
  folder.write("kernels/add_one.c", R"(#include "mcunet_kernels.h"
void mcunet_add_one(int8_t* bytes, int count) {
  uint32_t value;
  __asm__ volatile(
      ".syntax unified\n"
      "1: ldrb %0, [%1]\n"
      "adds %0, %0, #1\n"
      "strb %0, [%1]\n"
      "adds %1, %1, #1\n"
      "subs %2, %2, #1\n"
      "bne 1b"
      : "=&l"(value), "+l"(bytes), "+l"(count)
      :
      : "cc", "memory");
}
)");
  constexpr char kSecondOutput[] =
      R"(, {"height": 1, "width": 1, "channels": 2, "scale": 1, "zero_point": 0})";
  folder.write("model.json",
               fmt::format(R"({{
  "name": "example", "device": "board", "arena_bytes": {}, "peak_sram_bytes": 64, "flash_bytes": 16,
  "inputs": [{{"height": 4, "width": 4, "channels": 1, "scale": 0.5, "zero_point": -3}}],
  "outputs": [{{"height": 1, "width": 1, "channels": 16, "scale": 0.5, "zero_point": -3}}{}],
  "steps": ["first", "second"{}]
}})",
                           options.arena_bytes, options.one_output ? "" : kSecondOutput,
                           options.more_steps));
}

inline bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace mcunet::deploy

#define MCUNET_REQUIRE_CROSS_COMPILER()                     \
  if (!mcunet::deploy::is_installed("arm-none-eabi-gcc")) { \
    GTEST_SKIP() << "arm-none-eabi-gcc is not installed";   \
  }

#define MCUNET_REQUIRE_EMULATOR()                         \
  MCUNET_REQUIRE_CROSS_COMPILER()                         \
  if (!mcunet::deploy::is_installed("qemu-system-arm")) { \
    GTEST_SKIP() << "qemu-system-arm is not installed";   \
  }
