#pragma once

#include <string>
#include <string_view>

#include "mcunet/supernet/tensor_file.hpp"
#include "zip_archive.hpp"

namespace mcunet::supernet {

// What a pickled dictionary of tensors says, or the one under the key state_dict of a dictionary that has
// other plain values too; the elements of tensors being the entries data/0, data/1, … of
// an archive. Knows of Python's pickle language what torch.save needs for that: no class of the
// file's choice is ever looked up, and every size is checked before it is believed. Tensors that
// share a storage in the file share it in memory. Throws Error, which begins with `source` and
// names the tensor where one is at fault.
TensorDictionary read_tensor_pickle(std::string_view pickle, const ZipEntries& entries,
                                    const std::string& source);

// The same of a file from before PyTorch 1.6, which is no archive. `left` is what follows the number that it begins
// with: pickles of a version, of the system, of the dictionary and of a list of the storages' keys; then the storages in
// the order of these texts, each a 64-bit count and its elements.
TensorDictionary read_tensor_stream(std::string_view left, const std::string& source);

}  // namespace mcunet::supernet
