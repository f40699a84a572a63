#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

// Named tensors in the file format of Python's torch.save({name: tensor}), readable with
// torch.load(file, weights_only=True). What Python saves for us is a dictionary of tensors,
// torch.save(model.state_dict(), file), or has one under the key state_dict, beside numbers, texts,
// and lists and dictionaries of such.
namespace mcunet::supernet {

using TensorDictionary = std::map<std::string, at::Tensor>;

// The bytes of such a file. Tensors are detached and stored without the rest of their storage.
std::string to_archive(const TensorDictionary& tensors);

// Tensors on the CPU. Throws Error, which begins with `source`, if the bytes are no tensor
// dictionary.
TensorDictionary from_archive(const std::string& bytes, const std::string& source);

// Throws Error; an old file stays as it was.
void write_tensor_file(const std::filesystem::path& file, const TensorDictionary& tensors);
TensorDictionary read_tensor_file(const std::filesystem::path& file);

}  // namespace mcunet::supernet
