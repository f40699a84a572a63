// A convolution's input of int8: where its pixels are, and how they become columns. Include with KERNEL(name)
// defined; a4_in.h is the same for activations of four bits.

#define WIDEN(name) KERNEL(name)

// Values of a pixel in a column, and the bytes that so many values take.
MCUNET_INLINE int32_t values_of_pixel(int32_t channels) { return channels; }
MCUNET_INLINE int32_t bytes_of_values(int32_t values) { return values; }

// Rows of a window that are no whole words are put together as bytes first.
MCUNET_INLINE int is_gathered(int32_t channels) { return (channels & 3) != 0; }
