#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcunet/deploy/emulator.hpp"
#include "pipeline/media_input.hpp"

// What `mcunet emulate --input` names, as inputs of the model.
namespace mcunet::cli {

struct InputOptions {
  std::string folder;               // of the model
  std::vector<std::string> inputs;  // words of --input
  std::string input_range;          // empty: not given
  int sample_rate = 0;              // 0: not given
};

// An image that became an input.
struct ImageInput {
  std::string file;
  datasets::ImagePreprocessing preprocessing;
};

// The inputs of all files, one after another, each with a name.
struct NamedInputs {
  std::vector<std::string> names;
  std::vector<deploy::Int8Bytes> inputs;
  std::vector<deploy::Int8Bytes>
      clips;  // of which the firmware makes the inputs; empty: it is given them
  std::vector<deploy::Int8Bytes>
      frames;  // pixels of which it makes them as it reads them; likewise
  std::optional<datasets::Preprocessing> preprocessing;  // of what is no raw input
  std::vector<std::optional<ImageInput>> images;  // input 0 of each inference, where it is an image
};

// How an image becomes input 0 of the model; `image` is what it is called. Throws Error if the model
// takes in something else.
datasets::ImagePreprocessing image_preprocessing_of(const std::string& image,
                                                    const InputOptions& options,
                                                    const deploy::ModelDescription& model);

// Throws Error for files that are damaged or that the model does not take.
NamedInputs read_inputs(const InputOptions& options, const deploy::ModelDescription& model,
                        const pipeline::MediaReader& media);

}  // namespace mcunet::cli
