#include "mcunet/supernet/tensor_file.hpp"

#include <ATen/Functions.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "tensor_pickle.hpp"
#include "zip_archive.hpp"

namespace mcunet::supernet {
namespace {

// The pickled number that torch.save began its files with before they were archives.
constexpr std::string_view kBeforeArchives("\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19.", 15);

// A file holds whole storages, so a slice of a large tensor must be copied out of it.
at::Tensor own_storage(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu();
  const bool fills_storage =
      plain.storage().nbytes() == static_cast<std::size_t>(plain.numel()) * plain.element_size();
  return fills_storage ? plain : plain.clone();
}

}  // namespace

std::string to_archive(const TensorDictionary& tensors) {
  c10::impl::GenericDict dictionary(c10::StringType::get(), c10::TensorType::get());
  for (const auto& [name, tensor] : tensors) dictionary.insert(name, own_storage(tensor));

  std::string pickled;
  // Type tags would name a function that Python refuses to call with weights_only.
  torch::jit::Pickler pickler(
      [&](const char* data, std::size_t size) { pickled.append(data, size); },
      /*tensor_table=*/nullptr, /*type_renamer=*/nullptr, /*memoized_class_types=*/nullptr,
      /*get_tensor_id=*/nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dictionary);
  pickler.stop();

  std::string bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  writer.writeRecord("data.pkl", pickled.data(), pickled.size());
  std::size_t index = 0;
  for (const at::Tensor& tensor : pickler.tensorData()) {
    const auto data = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord(fmt::format("data/{}", index++), data.data(), data.sizeInBytes());
  }
  writer.writeEndOfFile();
  return bytes;
}

TensorDictionary from_archive(const std::string& bytes, const std::string& source) {
  if (bytes.starts_with(kBeforeArchives)) {
    return read_tensor_stream(std::string_view(bytes).substr(kBeforeArchives.size()), source);
  }
  ZipEntries entries;
  try {
    entries = read_stored_zip(bytes);
  } catch (const Error& error) {
    throw Error("{}: is no tensor file: {}", source, error.what());
  }
  const auto pickle = entries.find("data.pkl");
  if (pickle == entries.end()) {
    throw Error("{}: is no tensor file: it has no entry data.pkl", source);
  }
  const auto order = entries.find("byteorder");
  if (order != entries.end() && order->second != "little") {
    throw Error("{}: was written by a big-endian machine, expected little-endian", source);
  }
  return read_tensor_pickle(pickle->second, entries, source);
}

void write_tensor_file(const std::filesystem::path& file, const TensorDictionary& tensors) {
  write_file_atomically(file, to_archive(tensors));
}

TensorDictionary read_tensor_file(const std::filesystem::path& file) {
  return from_archive(read_file(file), file.string());
}

}  // namespace mcunet::supernet
