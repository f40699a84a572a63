// Resource variables, in which a network keeps something from one inference to the next. They become inputs and outputs
// that its caller does not see.
#include <algorithm>
#include <utility>

#include "mcunet/core/error.hpp"
#include "tflite/model_kind.hpp"
#include "tflite/operators.hpp"

namespace mcunet::engine {
namespace {

std::string name_of(const tflite::Operator& handle, TfliteTensors& tensors) {
  const auto* options = handle.builtin_options_as<tflite::VarHandleOptions>();
  if (options == nullptr) throw Error("its options are missing");
  const auto text = [&](const flatbuffers::String* string) {
    if (string == nullptr) return std::string();
    tensors.charge(string->size());
    return string->str();
  };
  const std::string container = text(options->container());
  return container + "/" + text(options->shared_name());
}

// Of the graph that runs once, before all others: which values it gives to which variables.
class FirstGraph {
 public:
  // The tensors count what is copied out of the file.
  FirstGraph(const tflite::Model& model, std::int32_t index, TfliteTensors& tensors)
      : model_(model), graph_(subgraph(model, index)), tensors_(tensors) {}

  std::map<std::string, TensorBytes> read() const {
    std::map<std::int32_t, std::string> handles;
    std::map<std::string, TensorBytes> values;
    if (graph_.operators() == nullptr) return values;
    for (const tflite::Operator* op : *graph_.operators()) {
      const tflite::BuiltinOperator code = code_of(*op);
      if (code == tflite::BuiltinOperator_VAR_HANDLE) {
        handles[only(op->outputs())] = name_of(*op, tensors_);
      } else if (code == tflite::BuiltinOperator_ASSIGN_VARIABLE) {
        const auto* inputs = op->inputs();
        if (inputs == nullptr || inputs->size() != 2) throw Error("an assignment has no value");
        const auto handle = handles.find(inputs->Get(0));
        if (handle == handles.end()) throw Error("an assignment names no variable");
        values[handle->second] = constant(inputs->Get(1));
      } else {
        throw Error("the graph that it calls has {}, and may only assign constants to variables",
                    tflite::EnumNameBuiltinOperator(code));
      }
    }
    return values;
  }

 private:
  static const tflite::SubGraph& subgraph(const tflite::Model& model, std::int32_t index) {
    if (index < 1 || static_cast<std::uint32_t>(index) >= model.subgraphs()->size()) {
      throw Error("there is no graph {} to call", index);
    }
    return *model.subgraphs()->Get(static_cast<std::uint32_t>(index));
  }

  tflite::BuiltinOperator code_of(const tflite::Operator& op) const {
    const auto* codes = model_.operator_codes();
    if (codes == nullptr || op.opcode_index() >= codes->size()) {
      throw Error("there is no operator code {}", op.opcode_index());
    }
    return builtin_code(*codes->Get(op.opcode_index()));
  }

  static std::int32_t only(const flatbuffers::Vector<std::int32_t>* indices) {
    if (indices == nullptr || indices->size() != 1) throw Error("a variable has not one handle");
    return indices->Get(0);
  }

  TensorBytes constant(std::int32_t index) const {
    const auto* tensors = graph_.tensors();
    const auto* buffers = model_.buffers();
    if (tensors == nullptr || index < 0 || static_cast<std::uint32_t>(index) >= tensors->size()) {
      throw Error("there is no tensor {} in the graph that it calls", index);
    }
    const tflite::Tensor& tensor = *tensors->Get(static_cast<std::uint32_t>(index));
    const bool is_there = buffers != nullptr && tensor.buffer() < buffers->size();
    const auto* data = is_there ? buffers->Get(tensor.buffer())->data() : nullptr;
    if (data == nullptr || data->size() == 0 || tensor.type() != tflite::TensorType_INT8) {
      throw Error("tensor {} of the graph that it calls is no constant of int8", index);
    }
    tensors_.charge(data->size());
    const auto bytes = std::as_bytes(std::span(data->data(), data->size()));
    return {bytes.begin(), bytes.end()};
  }

  const tflite::Model& model_;
  const tflite::SubGraph& graph_;
  TfliteTensors& tensors_;
};

}  // namespace

void TfliteOperators::read_call_once() {
  if (std::exchange(has_called_once_, true)) throw Error("a second one is not supported");
  const std::int32_t graph = options<tflite::CallOnceOptions>().init_subgraph_index();
  for (auto& [name, value] : FirstGraph(model_, graph, tensors_).read()) {
    variables_[name].initial = std::move(value);
  }
}

void TfliteOperators::read_var_handle() {
  const std::string name = name_of(*source_, tensors_);
  handles_[output()] = name;
  variables_.try_emplace(name);
}

TfliteOperators::Variable& TfliteOperators::variable() {
  const auto handle = handles_.find(input(0));
  if (handle == handles_.end()) throw Error("{}: is no variable", tensors_.describe(input(0)));
  return variables_.at(handle->second);
}

void TfliteOperators::read_read_variable() {
  require_inputs(1, 1);
  Variable& read = variable();
  const Tensor tensor = tensors_.activation(output());
  const TensorInfo info = tensors_.info(output());
  if (tensor.type != DataType::kInt8) {
    throw Error("state of {} is not supported, only of int8", name_of(tensor.type));
  }
  if (read.value == kNoId) {
    read.state = read.value = add_input(graph_, tensor.shape, tensor.type);
    edit_info(graph_, read.state) = info;
    states_.push_back(&read);
  } else if (graph_.tensors[read.value] != tensor ||
             graph_.info_of(read.value).quantization != info.quantization) {
    throw Error("{}: its variable holds another tensor, or one that is quantized otherwise",
                tensors_.describe(output()));
  }
  if (activations_[output()] != kNoId) {
    throw Error("{}: is produced twice", tensors_.describe(output()));
  }
  activations_[output()] = read.value;
}

void TfliteOperators::read_assign_variable() {
  require_inputs(2, 2);
  Variable& assigned = variable();
  const TensorId value = activation(input(1));
  if (assigned.state != kNoId &&
      (graph_.tensors[value] != graph_.tensors[assigned.state] ||
       graph_.info_of(value).quantization != graph_.info_of(assigned.state).quantization)) {
    throw Error("{}: its variable holds another tensor, or one that is quantized otherwise",
                tensors_.describe(input(1)));
  }
  assigned.value = value;
}

void TfliteOperators::add_states() {
  for (Variable* state : states_) {
    Variable& variable = *state;
    const auto bytes = static_cast<std::size_t>(graph_.tensors[variable.state].bytes());
    if (variable.initial.empty()) {
      tensors_.charge(bytes);
      const std::int32_t zero = graph_.info_of(variable.state).quantization.zero_point;
      variable.initial.assign(bytes, static_cast<std::byte>(zero));
    }
    if (variable.initial.size() != bytes) {
      throw Error("a variable of {} bytes begins with {}", bytes, variable.initial.size());
    }
    graph_.outputs.push_back(variable.value);
    graph_.states.push_back(std::move(variable.initial));
  }
}

}  // namespace mcunet::engine
