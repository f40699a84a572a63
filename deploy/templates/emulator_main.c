// Firmware for an emulated board: reads inputs from a file of the host, runs the network on each,
// writes the outputs to output.bin, and prints on the console, one fact a line:
//
//   calibration MEASURED EXPECTED   a loop of known length
//   features INDEX INSTRUCTIONS     if built with -DMODEL_SAMPLES
//   inference INDEX INSTRUCTIONS
//   step INDEX INSTRUCTIONS         of the first inference, if built with -DMODEL_PROFILE
//   output INDEX HASH               of each step of each inference, if built with -DMODEL_TRACE
//   stack BYTES
//   done INFERENCES
//
// The input file is the second word of the command line, or input.bin: for each
// inference the network's inputs one after another, or with -DMODEL_SAMPLES a clip of int16
// samples, of which features.h makes the input; that comes before its outputs in output.bin. See
// semihosting.h for the console and instruction_counter.h for what is counted.

#include "console.h"
#ifdef MODEL_SAMPLES
#include "features.h"
#endif
#include "instruction_counter.h"
#include "model.h"
#include "semihosting.h"
#include "startup.h"

enum { kFailed = 1, kFaulted = 2, kLoops = 100000 };

static struct counter counter;

static void require(int condition, const char* message) {
  if (condition) return;
  print_text("error ");
  print_text(message);
  print_text("\n");
  host_exit(kFailed);
}

static void print_fact(const char* name, uint64_t first, uint64_t second) {
  print_text(name);
  print_long_number(first);
  print_text(" ");
  print_long_number(second);
  print_text("\n");
}

#ifdef MODEL_PROFILE
void model_step_done(int step);

static uint64_t step_instructions[MODEL_STEPS];

void model_step_done(int step) {
  step_instructions[step] = stop_counter(&counter);
  start_counter(&counter);
}

static void print_steps(void) {
  for (int i = 0; i < MODEL_STEPS; ++i) print_fact("step ", (uint64_t)i, step_instructions[i]);
}
#else
static void print_steps(void) {}
#endif

#ifdef MODEL_TRACE
// 64-bit FNV-1a.
void model_step_output(int step, const void* output, int32_t bytes) {
  const unsigned char* at = output;
  uint64_t hash = 0xcbf29ce484222325u;
  for (; bytes > 0; --bytes) hash = (hash ^ *at++) * 0x100000001b3u;
  print_fact("output ", (uint64_t)step, hash);
}
#endif

// Two instructions a turn.
static void check_counter(void) {
  uint32_t turns = kLoops;
  start_counter(&counter);
  __asm__ volatile(
      ".syntax unified\n"
      "1: subs %0, %0, #1\n"
      "bne 1b"
      : "+l"(turns)
      :
      : "cc");
  print_fact("calibration ", stop_counter(&counter), 2 * kLoops);
}

// The second word of the command line.
static const char* input_name(char* line, int size) {
  if (!host_command_line(line, size)) return "input.bin";
  while (*line != '\0' && *line != ' ') ++line;
  while (*line == ' ') ++line;
  char* end = line;
  while (*end != '\0' && *end != ' ') ++end;
  *end = '\0';
  return line == end ? "input.bin" : line;
}

#ifdef MODEL_SAMPLES
// The samples of one clip; 0 at the end of the file.
static int read_inputs(int file) {
  enum { kClipBytes = FEATURES_SAMPLES * sizeof(int16_t) };
  const int missing = host_read(file, features_samples(), kClipBytes);
  require(missing == 0 || missing == kClipBytes, "the input file ends within a clip");
  return missing == 0;
}

static void make_features(uint32_t inference, int output) {
  start_counter(&counter);
  features_from_samples(features_samples(), model_input());
  print_fact("features ", inference, stop_counter(&counter));
  require(host_write(output, model_input(), FEATURES_BYTES) == 0, "output.bin cannot be written");
}
#else
// All inputs of one inference; 0 at the end of the file.
static int read_inputs(int file) {
  for (int i = 0; i < MODEL_INPUTS; ++i) {
    const int size = model_input_bytes(i);
    const int missing = host_read(file, model_input_at(i), size);
    if (i == 0 && missing == size) return 0;
    require(missing == 0, "the input file ends within an input");
  }
  return 1;
}

static void make_features(uint32_t inference, int output) {
  (void)inference;
  (void)output;
}
#endif

int main(void) {
  static char line[256];
  const char* const name = input_name(line, sizeof line);
  const int input = host_open(name, /*writes=*/0);
  require(input >= 0, "the input file cannot be opened");
  const int output = host_open("output.bin", /*writes=*/1);
  require(output >= 0, "output.bin cannot be written");

  calibrate_counter(&counter);
  check_counter();
  uint32_t inferences = 0;
  for (; read_inputs(input); ++inferences) {
    make_features(inferences, output);
    start_counter(&counter);
    model_invoke();
    print_fact("inference ", inferences, stop_counter(&counter));
    if (inferences == 0) print_steps();
    for (int i = 0; i < MODEL_OUTPUTS; ++i) {
      require(host_write(output, model_output(i), model_output_bytes(i)) == 0,
              "output.bin cannot be written");
    }
  }
  host_close(output);
  print_text("stack ");
  print_number(stack_high_water_bytes());
  print_text("\ndone ");
  print_number(inferences);
  print_text("\n");
  host_exit(0);
}

void report_fault(const struct fault_frame* frame, uint32_t exception) {
  print_fault(frame, exception);
  host_exit(kFaulted);
}
