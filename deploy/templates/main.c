// Firmware for a board: runs the network again and again on an input of zeros, or of silence where
// it takes in sound, and prints what it answers and how long it takes; each step on its own, "step
// INDEX CYCLES", if built with -DMODEL_PROFILE. Replace the input by what your sensor gives, and
// report() by what your application does with the answer.

#include <string.h>

#include "board.h"
#include "clock.h"
#include "console.h"
#include "core.h"
#include "model.h"
#if __has_include("features.h")
#include "features.h"
#define TAKES_SOUND
#endif

enum { kMostValues = 32 };

// For a debugger to look at.
volatile int top_class;
volatile unsigned inferences;
volatile uint32_t cycles;

static int index_of_largest(const MODEL_OUTPUT_TYPE* values, int count) {
  int best = 0;
  for (int i = 1; i < count; ++i) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

// Inputs may share memory with what the network computes, so they are filled every time.
#ifdef TAKES_SOUND
static uint32_t feature_cycles;

static void fill_inputs(void) {
  int16_t* const samples = features_samples();
  memset(samples, 0, FEATURES_SAMPLES * sizeof *samples);  // your microphone
  const uint32_t start = cycle_count();
  features_from_samples(samples, model_input());
  feature_cycles = cycle_count() - start;
}

static void print_feature_cycles(void) {
  print_text("features: ");
  print_number(feature_cycles);
  print_text(" cycles\n");
}
#else
static void fill_inputs(void) {
  memset(model_input(), MODEL_INPUT_ZERO_POINT, MODEL_INPUT_BYTES);
  for (int i = 1; i < MODEL_INPUTS; ++i) memset(model_input_at(i), 0, model_input_bytes(i));
}

static void print_feature_cycles(void) {}
#endif

// Of outputs of the first one's type; float in thousandths.
static void print_output(int index) {
  enum { kUnit = sizeof(MODEL_OUTPUT_TYPE) == sizeof(float) ? 1000 : 1 };
  const MODEL_OUTPUT_TYPE* const values = (const void*)model_output(index);
  const int count = model_output_bytes(index) / (int)sizeof(MODEL_OUTPUT_TYPE);
  print_text("output ");
  print_number((uint32_t)index);
  print_text(":");
  for (int i = 0; i < count && i < kMostValues; ++i) {
    print_text(" ");
    print_signed((int32_t)(values[i] * kUnit));
  }
  print_text(count > kMostValues ? " ...\n" : "\n");
}

#ifdef MODEL_PROFILE
static uint32_t step_start;
static uint32_t step_cycles[MODEL_STEPS];

void model_step_done(int step) {
  step_cycles[step] = cycle_count() - step_start;
  step_start = cycle_count();
}

static void start_steps(void) { step_start = cycle_count(); }

static void print_steps(void) {
  for (int i = 0; i < MODEL_STEPS; ++i) {
    print_text("step ");
    print_number((uint32_t)i);
    print_text(" ");
    print_number(step_cycles[i]);
    print_text("\n");
  }
}
#else
static void start_steps(void) {}
static void print_steps(void) {}
#endif

static void report(void) {
  print_text("inference ");
  print_number(inferences);
  print_text(": ");
  print_number(cycles);
  print_text(" cycles, largest output ");
  print_number((uint32_t)top_class);
  print_text("\n");
  for (int i = 0; i < MODEL_OUTPUTS; ++i) print_output(i);
  print_feature_cycles();
  print_steps();
}

int main(void) {
  enable_caches();
  const int has_full_clock = set_up_clock();
  open_console(has_full_clock);
  print_text(BOARD_NAME);
  print_text(has_full_clock ? " at its full clock\n" : " at its reset clock\n");
  start_cycle_counter();
  for (;;) {
    fill_inputs();
    const uint32_t start = cycle_count();
    start_steps();
    model_invoke();
    cycles = cycle_count() - start;
    top_class =
        index_of_largest(model_output(0), MODEL_OUTPUT_BYTES / (int)sizeof(MODEL_OUTPUT_TYPE));
    report();
    ++inferences;
  }
}

void report_fault(const struct fault_frame* frame, uint32_t exception) {
  print_fault(frame, exception);
  for (;;) {
  }
}
