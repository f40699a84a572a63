#include "mcunet/deploy/npy.hpp"

#include <array>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/npy.hpp"

namespace mcunet::deploy {
namespace {

struct TypeName {
  std::string_view name;
  engine::DataType type;
};

constexpr std::array kTypeNames = {TypeName{"i1", engine::DataType::kInt8},
                                   TypeName{"u1", engine::DataType::kUint8},
                                   TypeName{"f4", engine::DataType::kFloat32}};

engine::DataType type_of(const std::string& name) {
  for (const TypeName& known : kTypeNames) {
    if (known.name == name) return known.type;
  }
  throw Error("must hold int8, uint8 or float32, holds '{}'", name);
}

std::string numpy_name_of(engine::DataType type) {
  for (const TypeName& known : kTypeNames) {
    if (known.type == type) return std::string(known.name);
  }
  throw Error("{} is not written to .npy files", engine::name_of(type));
}

}  // namespace

TensorValues parse_npy(std::string_view contents, std::string_view name) {
  try {
    NpyArray array = mcunet::parse_npy(contents);
    if (array.is_column_major) throw Error("must be in C order, is in Fortran's");
    return {type_of(array.type), std::move(array.shape), {array.bytes.begin(), array.bytes.end()}};
  } catch (const Error& error) {
    throw Error("{}: {}", name, error.what());
  }
}

std::vector<std::int64_t> npy_shape(std::string_view contents, std::string_view name) {
  try {
    return mcunet::parse_npy(contents).shape;
  } catch (const Error& error) {
    throw Error("{}: {}", name, error.what());
  }
}

void write_npy(const std::filesystem::path& file, const TensorValues& values) {
  write_file_atomically(file, npy_text({numpy_name_of(values.type),
                                        values.shape,
                                        {values.bytes.begin(), values.bytes.end()}}));
}

}  // namespace mcunet::deploy
