#include "reference.h"

#include <stddef.h>

// What wraps at 32 bits is unsigned.

// Saturating rounding doubling high multiply, as TFLite defines it.
static int32_t high_product(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  const int64_t product = (int64_t)a * b;
  const int32_t nudge = product >= 0 ? (1 << 30) : (1 - (1 << 30));
  return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

// Halves away from zero.
static int32_t divide_by_power(int32_t value, int32_t exponent) {
  const int64_t divisor = (int64_t)1 << exponent;
  const int64_t magnitude = value < 0 ? -(int64_t)value : value;
  const int64_t quotient = (2 * magnitude + divisor) / (2 * divisor);
  return (int32_t)(value < 0 ? -quotient : quotient);
}

int32_t reference_rescale(int32_t value, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int32_t shifted = (int32_t)((uint32_t)value << left);
  return divide_by_power(high_product(shifted, multiplier), right);
}

static int8_t finish(uint32_t sum, const struct reference_scale* scale, int32_t channel) {
  const int32_t rescaled =
      reference_rescale((int32_t)sum, scale->multipliers[channel], scale->shifts[channel]);
  int32_t value = (int32_t)((uint32_t)rescaled + (uint32_t)scale->output_zero_point);
  if (value < scale->min) value = scale->min;
  if (value > scale->max) value = scale->max;
  return (int8_t)value;
}

static int inside(int32_t position, int32_t size) { return position >= 0 && position < size; }

void reference_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                      const struct reference_window* w, const struct reference_scale* scale,
                      int8_t* output) {
  for (int32_t oy = 0; oy < w->output_height; ++oy) {
    for (int32_t ox = 0; ox < w->output_width; ++ox) {
      for (int32_t oc = 0; oc < w->output_channels; ++oc) {
        uint32_t sum = bias != NULL ? (uint32_t)bias[oc] : 0;
        for (int32_t ky = 0; ky < w->kernel_height; ++ky) {
          for (int32_t kx = 0; kx < w->kernel_width; ++kx) {
            const int32_t y = oy * w->stride_height - w->pad_top + ky * (1 + w->gap_height);
            const int32_t x = ox * w->stride_width - w->pad_left + kx * (1 + w->gap_width);
            if (!inside(y, w->input_height) || !inside(x, w->input_width)) continue;
            for (int32_t ic = 0; ic < w->input_channels; ++ic) {
              const int32_t value = input[(y * w->input_width + x) * w->input_channels + ic];
              const int32_t weight = weights[((oc * w->kernel_height + ky) * w->kernel_width + kx) *
                                                 w->input_channels +
                                             ic];
              sum += (uint32_t)((value - scale->input_zero_point) * weight);
            }
          }
        }
        *output++ = finish(sum, scale, oc);
      }
    }
  }
}

static void scatter(const int8_t* pixel, int32_t iy, int32_t ix, const int8_t* weights,
                    const struct reference_window* w, int32_t zero_point, int32_t* sums) {
  for (int32_t oc = 0; oc < w->output_channels; ++oc) {
    for (int32_t ky = 0; ky < w->kernel_height; ++ky) {
      for (int32_t kx = 0; kx < w->kernel_width; ++kx) {
        const int32_t y = iy * w->stride_height - w->pad_top + ky;
        const int32_t x = ix * w->stride_width - w->pad_left + kx;
        if (!inside(y, w->output_height) || !inside(x, w->output_width)) continue;
        const int8_t* from =
            weights + ((oc * w->kernel_height + ky) * w->kernel_width + kx) * w->input_channels;
        int32_t* to = sums + (y * w->output_width + x) * w->output_channels + oc;
        // Sums wrap, as all do.
        for (int32_t ic = 0; ic < w->input_channels; ++ic)
          *to = (int32_t)((uint32_t)*to + (uint32_t)((pixel[ic] - zero_point) * from[ic]));
      }
    }
  }
}

void reference_transpose_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                                const struct reference_window* w,
                                const struct reference_scale* scale, int32_t* sums,
                                int8_t* output) {
  const int32_t count = w->output_height * w->output_width * w->output_channels;
  for (int32_t i = 0; i < count; ++i) sums[i] = bias[i % w->output_channels];
  for (int32_t y = 0; y < w->input_height; ++y) {
    for (int32_t x = 0; x < w->input_width; ++x, input += w->input_channels) {
      scatter(input, y, x, weights, w, scale->input_zero_point, sums);
    }
  }
  for (int32_t i = 0; i < count; ++i) output[i] = finish(sums[i], scale, i % w->output_channels);
}

void reference_depthwise_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                                const struct reference_window* w,
                                const struct reference_scale* scale, int8_t* output) {
  const int32_t depth_multiplier = w->output_channels / w->input_channels;
  for (int32_t oy = 0; oy < w->output_height; ++oy) {
    for (int32_t ox = 0; ox < w->output_width; ++ox) {
      for (int32_t oc = 0; oc < w->output_channels; ++oc) {
        uint32_t sum = bias != NULL ? (uint32_t)bias[oc] : 0;
        for (int32_t ky = 0; ky < w->kernel_height; ++ky) {
          for (int32_t kx = 0; kx < w->kernel_width; ++kx) {
            const int32_t y = oy * w->stride_height - w->pad_top + ky * (1 + w->gap_height);
            const int32_t x = ox * w->stride_width - w->pad_left + kx * (1 + w->gap_width);
            if (!inside(y, w->input_height) || !inside(x, w->input_width)) continue;
            const int32_t value =
                input[(y * w->input_width + x) * w->input_channels + oc / depth_multiplier];
            const int32_t weight = weights[(ky * w->kernel_width + kx) * w->output_channels + oc];
            sum += (uint32_t)((value - scale->input_zero_point) * weight);
          }
        }
        *output++ = finish(sum, scale, oc);
      }
    }
  }
}

static int32_t to_int16(int32_t value) {
  return value < -32768 ? -32768 : value > 32767 ? 32767 : value;
}

static int32_t gate_sum(const int8_t* values, const int8_t* weights, int32_t count,
                        int32_t zero_point, int32_t bias, int32_t multiplier, int32_t shift) {
  uint32_t sum = (uint32_t)bias;
  for (int32_t i = 0; i < count; ++i) sum += (uint32_t)((values[i] - zero_point) * weights[i]);
  return to_int16(reference_rescale((int32_t)sum, multiplier, shift));
}

// 65536 / (1 + exp(-i / 24)), of which TFLite's table has some one too high; between two of them by `bits` bits.
static int32_t interpolate(int32_t position, int32_t bits) {
  static const uint32_t one_more[8] = {0xfa7bd110, 0xc0467bae, 0x20440005, 0x00110090,
                                       0x00000080, 0,          0,          0x80000000};
  static int32_t table[256];
  const double step = 0.9591894571091382;  // exp(-1 / 24)
  double power = 1;
  for (int32_t i = 0; i < 256 && table[255] == 0; ++i, power *= step) {
    table[i] = (int32_t)(65536 / (1 + power) + 0.5) + (int32_t)((one_more[i / 32] >> (i % 32)) & 1);
  }
  const int32_t index = position >> bits;
  if (index >= 255) return 65535 << bits;
  const int32_t rest = position - (index << bits);
  return (table[index] << bits) + rest * (table[index + 1] - table[index]);
}

// x / 2^12, as Q0.15: halves up, of what is below zero halves down of the complement.
static int32_t reference_logistic(int32_t x) {
  const int32_t value = interpolate(3 * (x < 0 ? -x : x), 9);
  return (x < 0 ? (1 << 25) - value + 511 : value + 512) >> 10;
}

static int32_t reference_tanh(int32_t x, int32_t exponent) {
  int64_t thirds = 3 * (int64_t)x;
  for (int32_t e = exponent; e > -12; --e) thirds *= 2;
  if (exponent < -12) thirds = (thirds + ((int64_t)1 << (-13 - exponent))) >> (-12 - exponent);
  const int64_t magnitude = thirds < 0 ? -thirds : thirds;
  const int32_t value = magnitude >= 255 << 8 ? 65535 << 8 : interpolate((int32_t)magnitude, 8);
  const int32_t from_middle = value - (1 << 23);
  return (thirds < 0 ? 127 - from_middle : from_middle + 128) >> 8;
}

void reference_lstm(const int8_t* input, const struct reference_lstm_layer* layer,
                    const int8_t* hidden, int16_t* cell, int8_t* output) {
  const int32_t one_half = 1 << 30;
  for (int32_t step = 0; step < layer->steps; ++step) {
    for (int32_t c = 0; c < layer->cells; ++c) {
      int32_t gates[4];
      for (int32_t gate = 0; gate < 4; ++gate) {
        const int32_t seen =
            gate_sum(input, layer->input_weights[gate] + c * layer->features, layer->features,
                     layer->input_zero_point, layer->bias[gate][c], layer->input_multipliers[gate],
                     layer->input_shifts[gate]);
        const int32_t remembered =
            gate_sum(hidden, layer->recurrent_weights[gate] + c * layer->cells, layer->cells,
                     layer->hidden_zero_point, 0, layer->recurrent_multipliers[gate],
                     layer->recurrent_shifts[gate]);
        const int32_t sum = to_int16(seen + remembered);
        gates[gate] = gate == 2 ? reference_tanh(sum, -12) : reference_logistic(sum);
      }
      const int32_t kept = reference_rescale(gates[1] * cell[c], one_half, -14);
      const int32_t added =
          to_int16(reference_rescale(gates[0] * gates[2], one_half, -29 - layer->cell_exponent));
      int32_t value = to_int16(kept + added);
      if (value < layer->cell_min) value = layer->cell_min;
      if (value > layer->cell_max) value = layer->cell_max;
      cell[c] = (int16_t)value;
      const int32_t product = reference_tanh(value, layer->cell_exponent) * gates[3];
      const int32_t result = (int32_t)((uint32_t)reference_rescale(
                                           product, layer->hidden_multiplier, layer->hidden_shift) +
                                       (uint32_t)layer->hidden_zero_point);
      output[c] = (int8_t)(result < -128 ? -128 : result > 127 ? 127 : result);
    }
    hidden = output;
    input += layer->features;
    output += layer->cells;
  }
}
