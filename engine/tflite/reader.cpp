#include "mcunet/engine/tflite/reader.hpp"

#include <fmt/ranges.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "schema_generated.h"
#include "tflite/file_kind.hpp"
#include "tflite/model_kind.hpp"
#include "tflite/operators.hpp"
#include "tflite/tensors.hpp"

namespace mcunet::engine {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kAlignment = 16;

// Of a file of nothing but operators that cannot be run.
constexpr std::size_t kMaxBlockers = 1000;
// What a message tells one by one.
constexpr std::size_t kShownReasons = 8;

const tflite::Model& verify(std::span<const std::byte> contents) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(contents.data());
  // The root's offset and the identifier behind it.
  if (contents.size() < 8 || !tflite::ModelBufferHasIdentifier(bytes)) {
    throw Error(describe_foreign_file(contents));
  }
  flatbuffers::Verifier verifier(bytes, contents.size());
  if (!tflite::VerifyModelBuffer(verifier)) throw Error("the file is damaged");
  const tflite::Model& model = *tflite::GetModel(bytes);
  if (model.version() != kVersion) throw Error("version {} is not supported", model.version());
  if (model.subgraphs() == nullptr || model.subgraphs()->size() == 0) {
    throw Error("the model has no graph");
  }
  return model;
}

// Reads one file's operators, and goes on behind those that it cannot read, to tell of them all.
class ModelReader {
 public:
  ModelReader(std::span<const std::byte> contents, std::string_view name)
      : name_(name),
        model_(verify(contents)),
        subgraph_(*model_.subgraphs()->Get(0)),
        tensors_(model_, subgraph_, contents.size()),
        operators_(model_, tensors_,
                   subgraph_.tensors() == nullptr ? 0 : subgraph_.tensors()->size(), graph_) {}

  Graph read() {
    try {
      read_all();
    } catch (const Error&) {
      const std::string kind = describe_foreign_model(model_);
      if (kind.empty()) throw;
      throw Error(kind);
    }
    return std::move(graph_);
  }

 private:
  void read_all() {
    if (subgraph_.inputs() == nullptr || subgraph_.outputs() == nullptr ||
        subgraph_.inputs()->size() == 0 || subgraph_.outputs()->size() == 0) {
      throw Error("the model has no inputs or no outputs");
    }
    for (std::int32_t index : *subgraph_.inputs()) operators_.add_graph_input(index);
    read_operators();
    if (!blockers_.empty()) throw UnsupportedModel(name_, operator_count(), std::move(blockers_));
    for (std::int32_t index : *subgraph_.outputs()) operators_.add_graph_output(index);
    operators_.add_states();
    validate_graph(graph_);
  }

  std::size_t operator_count() const {
    return subgraph_.operators() == nullptr ? 0 : subgraph_.operators()->size();
  }

  void read_operators() {
    for (std::size_t i = 0; i < operator_count() && blockers_.size() < kMaxBlockers; ++i) {
      const tflite::Operator& source = *subgraph_.operators()->Get(static_cast<std::uint32_t>(i));
      const tflite::OperatorCode& code = operator_code(source, i);
      try {
        read(source, code);
      } catch (const UnknownOperator& error) {
        block(i, source, error);
      } catch (const Error& error) {
        if (!operators_.follows_unknown(source)) block(i, source, error);
        operators_.add_placeholders(source);
      }
    }
  }

  void block(std::size_t index, const tflite::Operator& source, const Error& error) {
    const tflite::OperatorCode& code = operator_code(source, index);
    blockers_.push_back({index, describe(code), describe_output(source), error.what()});
    operators_.add_placeholders(source);
  }

  void read(const tflite::Operator& source, const tflite::OperatorCode& code) {
    std::size_t next = graph_.ops.size();
    operators_.read(source, builtin_code(code));
    for (; next < graph_.ops.size(); ++next) validate_op(graph_, static_cast<OpId>(next));
  }

  const tflite::OperatorCode& operator_code(const tflite::Operator& source,
                                            std::size_t index) const {
    const auto* codes = model_.operator_codes();
    if (codes == nullptr || source.opcode_index() >= codes->size()) {
      throw Error("operator {}: there is no operator code {}", index, source.opcode_index());
    }
    return *codes->Get(source.opcode_index());
  }

  std::string describe_output(const tflite::Operator& source) const {
    if (source.outputs() == nullptr || source.outputs()->size() == 0) return "no output";
    try {
      return tensors_.describe(source.outputs()->Get(0));
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::string_view name_;
  const tflite::Model& model_;
  const tflite::SubGraph& subgraph_;
  Graph graph_;
  TfliteTensors tensors_;
  TfliteOperators operators_;
  std::vector<Blocker> blockers_;
};

// "operator 2 (TANH), producing tensor 3 'x': is not supported", and those that share the reason.
std::string describe_group(const std::vector<Blocker>& blockers, const Blocker& first) {
  std::vector<std::size_t> indices;
  for (const Blocker& blocker : blockers) {
    if (blocker.name == first.name && blocker.reason == first.reason) {
      indices.push_back(blocker.index);
    }
  }
  if (indices.size() == 1) {
    return fmt::format("operator {} ({}), producing {}: {}", first.index, first.name, first.output,
                       first.reason);
  }
  return fmt::format("operators {} ({}): {}", fmt::join(indices, ", "), first.name, first.reason);
}

std::string describe_blockers(std::string_view name, std::size_t operators,
                              const std::vector<Blocker>& blockers) {
  std::set<std::pair<std::string, std::string>> told;
  std::vector<std::string> groups;
  for (const Blocker& blocker : blockers) {
    if (told.emplace(blocker.name, blocker.reason).second && groups.size() < kShownReasons) {
      groups.push_back(describe_group(blockers, blocker));
    }
  }
  if (told.size() > groups.size()) {
    groups.push_back(fmt::format("{} more reasons", told.size() - groups.size()));
  }
  const std::string count =
      blockers.size() == 1
          ? ""
          : fmt::format("{} of its {} operators cannot be run: ", blockers.size(), operators);
  return fmt::format("{}: {}{}", name, count, fmt::join(groups, "; "));
}

}  // namespace

UnsupportedModel::UnsupportedModel(std::string_view name, std::size_t operators,
                                   std::vector<Blocker> blockers)
    : Error(describe_blockers(name, operators, blockers)), blockers_(std::move(blockers)) {}

Graph read_tflite(std::span<const std::byte> contents, std::string_view name) {
  try {
    // Numbers in the file are aligned relative to its begin.
    if (reinterpret_cast<std::uintptr_t>(contents.data()) % kAlignment == 0) {
      return ModelReader(contents, name).read();
    }
    return ModelReader(std::vector(contents.begin(), contents.end()), name).read();
  } catch (const UnsupportedModel&) {
    throw;
  } catch (const Error& error) {
    throw Error("{}: {}", name, error.what());
  }
}

Graph read_tflite(const std::filesystem::path& file) {
  const std::string contents = read_file(file);
  return read_tflite(std::as_bytes(std::span(contents)), file.string());
}

}  // namespace mcunet::engine
