#include "preview_stage.hpp"

#include "mcunet/core/files.hpp"
#include "mcunet/datasets/contact_sheet.hpp"

namespace mcunet::pipeline {

void write_preview(const datasets::DatasetOptions& options, const PreviewOptions& preview) {
  require_replaceable_file(preview.file);
  using datasets::Split;
  const Split split = preview.split == "train"    ? Split::kTrain
                      : preview.split == "search" ? Split::kSearch
                                                  : Split::kTest;
  const bool augment = split == Split::kTrain && !preview.plain;
  const auto dataset = datasets::open_dataset(options, split, preview.resolution, augment);
  write_file_atomically(preview.file, datasets::draw_contact_sheet(*dataset, preview.columns,
                                                                   preview.rows, options.seed));
}

}  // namespace mcunet::pipeline
