#pragma once

#include <string>
#include <string_view>

#include "mcunet/supernet/tensor_file.hpp"
#include "zip_archive.hpp"

namespace mcunet::supernet {

// What a pickled dictionary of tensors says, their elements being the entries data/0, data/1, … of
// an archive. Knows of Python's pickle language what torch.save needs for that: no class of the
// file's choice is ever looked up, and every size is checked before it is believed. Tensors that
// share a storage in the file share it in memory. Throws Error, which begins with `source` and
// names the tensor where one is at fault.
TensorDictionary read_tensor_pickle(std::string_view pickle, const ZipEntries& entries,
                                    const std::string& source);

}  // namespace mcunet::supernet
