#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "codegen/kernel_files.hpp"
#include "mcunet/engine/codegen/code_writer.hpp"
#include "planning/kernels.hpp"
#include "random_graphs.hpp"

namespace mcunet::engine {
namespace {

// What an estimate counts, beside the code that was written.
void expect_counted(const Graph& graph, const std::string& name) {
  SCOPED_TRACE(name);
  const CompiledGraph compiled = compile_graph(graph, {.borders = Borders::kInvoke});
  const GeneratedCode code = generate_code(compiled);
  EXPECT_EQ(estimate_flash(compiled.graph).constants(), code.constant_bytes);
  std::set<std::string> files;
  for (const GeneratedFile& file : code.files) files.insert(file.path);
  KernelSet called;
  for (const Op& op : compiled.graph.ops) {
    for (const Kernel kernel : kernels_of(compiled.graph, op)) add_kernel(kernel, called);
  }
  for (std::size_t i = 0; i < kKernels; ++i) {
    if (!called[i]) continue;
    EXPECT_TRUE(files.contains(fmt::format("kernels/{}.c", kKernelNames[i])));
  }
}

TEST(FlashEstimate, CountsTheConstantsOfGeneratedCode) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    for (const OpKind kind : kAllOpKinds) {
      expect_counted(random_graph(kind, seed), fmt::format("{} {}", name_of(kind), seed));
    }
    for (const OpKind kind : kRareOpKinds) {
      expect_counted(random_rare_graph(kind, seed), fmt::format("rare {} {}", name_of(kind), seed));
    }
    for (const OpKind kind : kInt4OpKinds) {
      expect_counted(random_int4_graph(kind, seed), fmt::format("int4 {} {}", name_of(kind), seed));
    }
    expect_counted(random_narrow_network(seed), fmt::format("narrow {}", seed));
  }
}

TEST(KernelCode, HasARowForEveryKernelThatCodeMayCall) {
  std::set<std::string> rows(std::begin(kKernelNames), std::end(kKernelNames));
  for (const std::string& name : kernel_functions()) EXPECT_TRUE(rows.contains(name)) << name;
  for (const std::string_view name : kKernelNames) {
    EXPECT_NE(find_file(embedded_kernels(), fmt::format("{}.c", name)), nullptr) << name;
  }
}

// Only what a kernel calls, each once.
TEST(KernelCode, CountsSharedKernelsOnce) {
  const auto bytes = [](std::initializer_list<Kernel> kernels, CodeCore core) {
    KernelSet all;
    for (const Kernel kernel : kernels) add_kernel(kernel, all);
    return code_bytes(all, core);
  };
  for (const CodeCore core : {CodeCore::kCortexM0plus, CodeCore::kCortexM7}) {
    const std::int64_t pointwise = bytes({kernel_named("conv2d_1x1")}, core);
    const std::int64_t general = bytes({kernel_named("conv2d")}, core);
    const std::int64_t shared = bytes({kernel_named("matmul_columns")}, core);
    EXPECT_EQ(bytes({kernel_named("conv2d_1x1"), kernel_named("conv2d")}, core),
              pointwise + general - shared);
    EXPECT_EQ(bytes({kernel_named("fully_connected"), kernel_named("conv2d_1x1")}, core),
              bytes({kernel_named("fully_connected")}, core));
  }
  EXPECT_LT(bytes({kernel_named("depthwise_conv2d_5x5_s1")}, CodeCore::kCortexM3),
            bytes({kernel_named("depthwise_conv2d_5x5_s1")}, CodeCore::kCortexM4))
      << "without the DSP extension there are no rows of paired values";
}

}  // namespace
}  // namespace mcunet::engine
