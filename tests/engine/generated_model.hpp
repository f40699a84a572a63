#pragma once

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/codegen/code_writer.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {

// The arena is a static array, so sanitized code stops at any access beside it.
#ifdef __SANITIZE_ADDRESS__
inline constexpr char kSanitizers[] = "-fsanitize=address,undefined -fno-sanitize-recover=all";
#else
inline constexpr char kSanitizers[] = "";
#endif

template <typename Function>
Function* symbol_of(void* library, const std::string& name) {
  return reinterpret_cast<Function*>(::dlsym(library, name.c_str()));
}

// One inference of generated code that was loaded, inputs and outputs in the types of the graph. States among the inputs
// are not looked at.
inline std::vector<TensorBytes> run_generated(void* library, const std::string& prefix,
                                              const Graph& graph,
                                              std::span<const TensorBytes> inputs) {
  for (std::size_t i = 0; i < graph.given_inputs().size(); ++i) {
    std::memcpy(symbol_of<void*(int)>(library, prefix + "_input_at")(static_cast<int>(i)),
                inputs[i].data(), inputs[i].size());
  }
  symbol_of<void()>(library, prefix + "_invoke")();
  std::vector<TensorBytes> outputs;
  for (std::size_t i = 0; i < graph.told_outputs().size(); ++i) {
    const auto index = static_cast<int>(i);
    TensorBytes bytes(
        static_cast<std::size_t>(symbol_of<int(int)>(library, prefix + "_output_bytes")(index)));
    std::memcpy(bytes.data(), symbol_of<const void*(int)>(library, prefix + "_output")(index),
                bytes.size());
    outputs.push_back(std::move(bytes));
  }
  return outputs;
}

// Generated code, compiled by the host's C compiler and loaded into the test.
class GeneratedModel {
 public:
  // `flags` are more of the compiler's; `extra` is C that is compiled with the model, and `more`
  // are files beside it.
  GeneratedModel(const CompiledGraph& compiled, const std::string& name,
                 const std::string& flags = "", const std::string& extra = "",
                 const std::vector<GeneratedFile>& more = {})
      : graph_(compiled.graph),
        prefix_(compiled.options.names.prefix()),
        folder_(std::filesystem::path(testing::TempDir()) /
                fmt::format("{}_{}", name, ::getpid())) {  // tests of one name may run at once
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "kernels");
    std::string sources;
    std::vector<GeneratedFile> files = generate_code(compiled).files;
    files.insert(files.end(), more.begin(), more.end());
    for (const GeneratedFile& file : files) {
      std::ofstream(folder_ / file.path, std::ios::binary) << file.contents;
      if (file.path.ends_with(".c")) {
        sources += fmt::format(" {}", (folder_ / file.path).string());
      }
    }
    if (!extra.empty()) {
      std::ofstream(folder_ / "extra.c") << extra;
      sources += fmt::format(" {}", (folder_ / "extra.c").string());
    }
    const std::string library = (folder_ / "model.so").string();
    const std::string command =
        fmt::format("cc -std=c11 -O1 -Wall -Wextra -Werror {} {} -fPIC -shared -o {}{} 2>{}/log",
                    kSanitizers, flags, library, sources, folder_.string());
    if (std::system(command.c_str()) != 0) {
      ADD_FAILURE() << "generated code does not compile, see " << folder_;
      return;
    }
    handle_ = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) ADD_FAILURE() << ::dlerror();
  }
  ~GeneratedModel() {
    if (handle_ != nullptr) ::dlclose(handle_);
    if (!testing::Test::HasFailure()) std::filesystem::remove_all(folder_);
  }
  GeneratedModel(const GeneratedModel&) = delete;
  GeneratedModel& operator=(const GeneratedModel&) = delete;

  // Inputs and outputs in the types of the graph; nothing if the code did not compile.
  std::vector<TensorBytes> run(std::span<const TensorBytes> inputs) const {
    if (handle_ == nullptr) return {};
    return run_generated(handle_, prefix_, graph_, inputs);
  }

  template <typename Function>
  Function* symbol(const char* name) const {
    return symbol_of<Function>(handle_, name);
  }

 private:
  Graph graph_;
  std::string prefix_;
  std::filesystem::path folder_;
  void* handle_ = nullptr;
};

}  // namespace mcunet::engine
