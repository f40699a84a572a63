#include "jpeg_decoder.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>  // which jpeglib.h lacks
// clang-format off
#include <jpeglib.h>
// clang-format on

#ifndef LIBJPEG_TURBO_VERSION
#error "decoding a part of an image takes libjpeg-turbo"
#endif

namespace mcunet::datasets {
namespace {

// Interpolated colours take in their neighbours; those must have been decoded as well.
constexpr int kContextColumns = 2;

struct Decompressor {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  std::jmp_buf on_error;
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  std::longjmp(static_cast<Decompressor*>(jpeg->client_data)->on_error, 1);
}

void ignore_message(j_common_ptr /*jpeg*/, int /*level*/) {}

// The colours that libjpeg makes of those in the file.
bool has_usable_colours(const jpeg_decompress_struct& jpeg) {
  return jpeg.jpeg_color_space != JCS_CMYK && jpeg.jpeg_color_space != JCS_YCCK &&
         jpeg.jpeg_color_space != JCS_UNKNOWN;
}

// What comes of reading: the rows of the part, with more columns at either side.
struct Rows {
  cv::Mat pixels;
  int left = 0;  // the column of the image that the first one is
};

bool read_rows(jpeg_decompress_struct& jpeg, std::span<const std::uint8_t> bytes, int channels,
               int reduction, cv::Size whole, const cv::Rect& part, Rows& rows) {
  jpeg_mem_src(&jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));
  if (jpeg_read_header(&jpeg, TRUE) != JPEG_HEADER_OK) return false;
  if (static_cast<int>(jpeg.image_width) != whole.width ||
      static_cast<int>(jpeg.image_height) != whole.height || !has_usable_colours(jpeg)) {
    return false;
  }
  jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  jpeg.scale_num = 1;
  jpeg.scale_denom = static_cast<unsigned>(reduction);
  jpeg_start_decompress(&jpeg);
  const int right = std::min(part.br().x + kContextColumns, static_cast<int>(jpeg.output_width));
  auto left = static_cast<JDIMENSION>(std::max(0, part.x - kContextColumns));
  JDIMENSION width = static_cast<JDIMENSION>(right) - left;
  jpeg_crop_scanline(&jpeg, &left, &width);  // moves left to a whole block
  rows.left = static_cast<int>(left);
  rows.pixels.create(part.height, static_cast<int>(width), CV_8UC(channels));
  const auto top = static_cast<JDIMENSION>(part.y);
  if (top > 0 && jpeg_skip_scanlines(&jpeg, top) != top) return false;
  for (int y = 0; y < part.height; ++y) {
    JSAMPROW row = rows.pixels.ptr(y);
    if (jpeg_read_scanlines(&jpeg, &row, 1) != 1) return false;
  }
  return true;
}

// libjpeg reports corrupt data by a call that must not return: between it and here nothing may need
// a destructor.
template <typename Read>
bool succeeds(Decompressor& state, const Read& read) {
  if (setjmp(state.on_error) != 0) return false;  // NOLINT(*-err52-cpp)
  return read();
}

}  // namespace

cv::Mat decode_jpeg_part(std::span<const std::uint8_t> bytes, int channels, int reduction,
                         cv::Size whole, cv::Rect part) {
  Decompressor state{};
  state.jpeg.err = jpeg_std_error(&state.errors);
  state.jpeg.client_data = &state;
  state.errors.error_exit = leave;
  state.errors.emit_message = ignore_message;
  Rows rows;
  const bool is_read = succeeds(state, [&] {
    jpeg_create_decompress(&state.jpeg);
    return read_rows(state.jpeg, bytes, channels, reduction, whole, part, rows);
  });
  jpeg_destroy_decompress(&state.jpeg);
  if (!is_read) return {};
  return rows.pixels(cv::Rect(part.x - rows.left, 0, part.width, part.height));
}

}  // namespace mcunet::datasets
