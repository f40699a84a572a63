#include "mcunet/supernet/tensor_file.hpp"

#include <ATen/Functions.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::supernet {
namespace {

// A file holds whole storages, so a slice of a large tensor must be copied out of it.
at::Tensor own_storage(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu();
  const bool fills_storage =
      plain.storage().nbytes() == static_cast<std::size_t>(plain.numel()) * plain.element_size();
  return fills_storage ? plain : plain.clone();
}

// Whether a ZIP archive ends as it must. The reader of libtorch 1.13 looks behind the end of one
// that was cut, and may find there what another file left in memory.
bool is_whole(const std::string& bytes) {
  constexpr std::size_t kEndRecordBytes = 22;
  return bytes.size() >= kEndRecordBytes &&
         bytes.compare(bytes.size() - kEndRecordBytes, 4, "PK\x05\x06") == 0;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

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
  if (!is_whole(bytes)) throw Error("{}: is no tensor file: it lacks its end", source);
  c10::IValue value;
  try {
    value = torch::jit::pickle_load({bytes.begin(), bytes.end()});
  } catch (const std::exception& error) {
    throw Error("{}: is no tensor file: {}", source, first_line(error.what()));
  }
  const std::string expected =
      "expected a plain dictionary of tensors, "
      "as torch.save(dict(model.state_dict()), file) writes";
  if (!value.isGenericDict()) throw Error("{}: holds a {}, {}", source, value.tagKind(), expected);
  TensorDictionary tensors;
  for (const auto& entry : value.toGenericDict()) {
    if (!entry.key().isString() || !entry.value().isTensor()) {
      throw Error("{}: holds a {} under a {}, {}", source, entry.value().tagKind(),
                  entry.key().tagKind(), expected);
    }
    tensors.emplace(entry.key().toStringRef(), entry.value().toTensor());
  }
  return tensors;
}

void write_tensor_file(const std::filesystem::path& file, const TensorDictionary& tensors) {
  write_file_atomically(file, to_archive(tensors));
}

TensorDictionary read_tensor_file(const std::filesystem::path& file) {
  return from_archive(read_file(file), file.string());
}

}  // namespace mcunet::supernet
