// Several networks in one program: their prefixes keep them apart, the kernels are the same, and the
// arena may be.
#include <gmock/gmock.h>

#include <string_view>

#include "core/temporary_folder.hpp"
#include "generated_model.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// How the two folders of generated code become one program.
enum class Linking {
  kUnionFolder,  // all files in one folder, where equal kernels meet
  kLibraries,    // a static library each; the linker takes what it finds first
};

struct Network {
  std::string prefix;
  Graph graph;
};

constexpr char kSharedArena[] = R"(
int8_t shared_arena[FIRST_ARENA_BYTES > SECOND_ARENA_BYTES ? FIRST_ARENA_BYTES : SECOND_ARENA_BYTES]
    __attribute__((aligned(8)));
)";

// Two networks, `first` and `second`, as one library that is loaded into the test.
class LinkedModels {
 public:
  LinkedModels(const Network& first, const Network& second, Linking linking, bool shares_arena) {
    std::string flags = fmt::format("-std=c11 -O0 -fPIC -Wall -Wextra -Werror {}", kSanitizers);
    if (shares_arena) flags += " -DFIRST_ARENA=shared_arena -DSECOND_ARENA=shared_arena";
    write(first, folder_ / "first");
    write(second, folder_ / (linking == Linking::kUnionFolder ? "first" : "second"));
    // What a program calls, so that the linker looks for it.
    std::string program = "#include \"first.h\"\n#include \"second.h\"\n";
    if (shares_arena) program += kSharedArena;
    program +=
        "void* const calls[] = {first_input_at, first_invoke, first_output, first_output_bytes,\n"
        "    second_input_at, second_invoke, second_output, second_output_bytes};\n";
    folder_.write("program.c", program);
    std::string libraries;
    for (const char* name : {"first", "second"}) {
      if (!fs::exists(folder_ / name)) continue;
      run(fmt::format("mkdir {0}/objects && cd {0}/objects && cc {1} -c ../*.c ../kernels/*.c",
                      (folder_ / name).string(), flags));
      run(fmt::format("ar rcs {0}/lib{1}.a {0}/{1}/objects/*.o", folder_.path().string(), name));
      libraries += fmt::format(" {}/lib{}.a", folder_.path().string(), name);
    }
    run(fmt::format("cc {0} -I{1}/first -I{1}/second {1}/program.c {2} -shared -o {1}/program.so",
                    flags, folder_.path().string(), libraries));
    handle_ = ::dlopen((folder_ / "program.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) ADD_FAILURE() << ::dlerror();
  }
  ~LinkedModels() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  LinkedModels(const LinkedModels&) = delete;
  LinkedModels& operator=(const LinkedModels&) = delete;

  std::vector<TensorBytes> run(const Network& network, std::span<const TensorBytes> inputs) const {
    return run_generated(handle_, network.prefix, network.graph, inputs);
  }

  // Where a network's first input is.
  const char* input_of(const Network& network) const {
    return static_cast<const char*>(
        symbol_of<void*(int)>(handle_, network.prefix + "_input_at")(0));
  }
  const char* shared_arena() const {
    return static_cast<const char*>(::dlsym(handle_, "shared_arena"));
  }

 private:
  static void write(const Network& network, const fs::path& folder) {
    fs::create_directories(folder / "kernels");
    const CompiledGraph compiled = compile_graph(
        network.graph, {.borders = Borders::kInvoke, .names = ModelNames(network.prefix)});
    for (const GeneratedFile& file : generate_code(compiled).files) {
      const fs::path path = folder / file.path;
      // A union of folders loses nothing: files of one name are one file.
      EXPECT_TRUE(!fs::exists(path) || read_file(path) == file.contents) << file.path;
      write_file_atomically(path, file.contents);
    }
  }

  void run(const std::string& command) const {
    const std::string log = (folder_ / "log").string();
    EXPECT_EQ(std::system(fmt::format("({}) >{} 2>&1", command, log).c_str()), 0) << command << "\n"
                                                                                  << read_file(log);
  }

  TemporaryFolder folder_;
  void* handle_ = nullptr;
};

// The two take turns, and neither is disturbed by the other.
void expect_exact(const Network& first, const Network& second, Linking linking, bool shares_arena) {
  const LinkedModels models(first, second, linking, shares_arena);
  for (std::uint64_t turn = 0; turn < 4; ++turn) {
    for (const Network* network : {&first, &second}) {
      const std::vector<TensorBytes> inputs = random_inputs(network->graph, turn);
      ASSERT_EQ(models.run(*network, inputs), execute(network->graph, inputs))
          << network->prefix << ", turn " << turn;
    }
  }
  const char* const arena = models.shared_arena();
  EXPECT_EQ(arena != nullptr, shares_arena);
  for (const Network* network : {&first, &second}) {
    const char* const input = models.input_of(*network);
    EXPECT_EQ(shares_arena && input >= arena && input < arena + (1 << 20), shares_arena);
  }
}

TEST(LinkedModels, TwoNetworksTakeTurns) {
  // With kernels in common and kernels of their own.
  const Network first{"first", random_graph(OpKind::kConv2d, 3)};
  const Network second{"second", random_graph(OpKind::kDepthwiseConv2d, 5)};
  expect_exact(first, second, Linking::kUnionFolder, /*shares_arena=*/true);
  expect_exact(first, second, Linking::kLibraries, /*shares_arena=*/false);
}

TEST(LinkedModels, WholeNetworksTakeTurns) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const auto network = [&](const std::string& prefix, const char* file) {
    return Network{prefix, read_tflite(data / "field/two_models" / file)};
  };
  expect_exact(network("first", "conv3x3_s2_same_asym.tflite"),
               network("second", "softmax_4d.tflite"), Linking::kLibraries, /*shares_arena=*/true);
}

std::string contents_of(const GeneratedCode& code, const std::string& path) {
  for (const GeneratedFile& file : code.files) {
    if (file.path == path) return file.contents;
  }
  ADD_FAILURE() << "no file " << path;
  return "";
}

// Everything that a linker or an #include sees begins with the prefix, or with the kernels'.
TEST(LinkedModels, NothingGoesWithoutThePrefix) {
  CompileOptions options{.links_all_kernels = true, .staging_bytes = {64}};
  options.names = ModelNames("kws");
  const GeneratedCode code =
      generate_code(compile_graph(random_graph(OpKind::kConv2d, 3), options));
  for (const GeneratedFile& file : code.files) {
    if (file.path.starts_with("kernels/")) continue;
    EXPECT_TRUE(file.path.starts_with("kws")) << file.path;
    for (const char* own : {"model", "MODEL"}) {
      EXPECT_EQ(file.contents.find(own), std::string::npos) << file.contents;
    }
  }
  constexpr std::string_view kDefine = "#define ";
  for (const char* path : {"kws.h", "kws_weights.h"}) {
    const std::string header = contents_of(code, path);
    int macros = 0;
    for (std::size_t at = header.find(kDefine); at != std::string::npos;
         at = header.find(kDefine, at + 1)) {
      EXPECT_EQ(header.substr(at + kDefine.size(), 4), "KWS_") << path;
      ++macros;
    }
    EXPECT_GT(macros, 0) << path;
  }
  EXPECT_THAT(contents_of(code, "kws.h"), HasSubstr("void kws_invoke(void);"));
  EXPECT_THAT(contents_of(code, "kws.h"), HasSubstr("void* kws_staging(int index);"));
  EXPECT_THAT(contents_of(code, "kws_weights.h"), HasSubstr("kws_weights_0["));
}

// Names that a file gives to tensors are no part of the code, whatever is in them.
TEST(LinkedModels, NamesInTheFileReachNoCode) {
  Graph graph = random_graph(OpKind::kConv2d, 3);
  const GeneratedCode plain = generate_code(compile_graph(graph));
  for (TensorId id = 0; id < static_cast<TensorId>(graph.tensors.size()); ++id) {
    edit_info(graph, id).name = "*/ #error \"\n\\ ?\?/\n%s{{model}}\xff\x01";
  }
  const GeneratedCode named = generate_code(compile_graph(graph));
  ASSERT_EQ(named.files.size(), plain.files.size());
  for (std::size_t i = 0; i < plain.files.size(); ++i) {
    EXPECT_EQ(named.files[i].path, plain.files[i].path);
    EXPECT_EQ(named.files[i].contents, plain.files[i].contents) << plain.files[i].path;
  }
}

}  // namespace
}  // namespace mcunet::engine
