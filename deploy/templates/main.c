// Firmware for a board: runs the network again and again on an input of zeros. Replace the input by
// what your sensor gives, and the last line by what your application does with the answer.

#include <string.h>

#include "model.h"

// For a debugger to look at.
volatile int top_class;
volatile unsigned inferences;

static int index_of_largest(const MODEL_OUTPUT_TYPE* values, int count) {
  int best = 0;
  for (int i = 1; i < count; ++i) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

int main(void) {
  for (;;) {
    // The input may share memory with what the network computes, so it is filled every time.
    memset(model_input(), MODEL_INPUT_ZERO_POINT, MODEL_INPUT_BYTES);
    model_invoke();
    top_class =
        index_of_largest(model_output(0), MODEL_OUTPUT_BYTES / (int)sizeof(MODEL_OUTPUT_TYPE));
    ++inferences;
  }
}
