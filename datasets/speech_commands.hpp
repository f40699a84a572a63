#pragma once

#include <string>

#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

// The split of a recording by its file name, as the authors of Speech Commands do it: by the hash
// of what precedes "_nohash_", so that all recordings of a speaker stay together; 10 % validation
// (kSearch) and 10 % test.
Split split_by_hash(const std::string& file_name);

}  // namespace mcunet::datasets
