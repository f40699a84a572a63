// Hostile `.tflite` files.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmath>

#include "engine/lstm_model.hpp"
#include "engine/random_graphs.hpp"
#include "hostile_inputs.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
namespace tflite = engine::tflite;
using engine::DataType;
using engine::Quantization;
using engine::TfliteModelBuilder;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class HostileModels : public HostileInputs {
 protected:
  HostileModels()
      : model_(text_of(write_tflite(engine::random_graph(engine::OpKind::kConv2d, 3)))) {}

  void expect_refused_model(const std::string& name, const std::string& contents) {
    write("x.tflite", contents);
    expect_refused({name, {"plan", "x.tflite"}, "x.tflite: "});
  }

  std::string model_;
};

TEST_F(HostileModels, TheModelIsGoodWithoutDamage) {
  write("x.tflite", model_);
  const Outcome outcome = run_bounded({"good", {"plan", "x.tflite"}, ""});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(HostileModels, TruncatedFiles) {
  std::vector<std::size_t> sizes = {0, 1, 3, 4, 7, 8, 9, 12, 16, 20, 24, 31, 32, 40, 64, 100};
  for (int eighth = 1; eighth < 8; ++eighth) {
    sizes.push_back(model_.size() * static_cast<std::size_t>(eighth) / 8);
  }
  for (const std::size_t size : sizes) {
    expect_refused_model(fmt::format("{} bytes", size), model_.substr(0, size));
  }
}

TEST_F(HostileModels, FilesOfOtherKinds) {
  using namespace std::string_literals;
  const std::string root = model_.substr(0, 4);
  const std::string rest = model_.substr(8);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"text", "a model, as if it were one\n"},
      {"Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:" +
                              std::string(64, 'a') + "\nsize 300568\n"},
      {"ZIP", "PK\x03\x04" + std::string(100, '\0')},
      {"gzip", "\x1f\x8b\x08" + std::string(100, '\0')},
      {"ELF",
       "\x7f"
       "ELF" +
           std::string(100, '\1')},
      {"PNG", "\x89PNG\r\n\x1a\n" + std::string(100, '\0')},
      {"HTML", "<!DOCTYPE html><html>404</html>"},
      {"JSON", "{\"version\": 3}"},
      {"zeros", std::string(1000, '\0')},
      {"ones", std::string(1000, '\xff')},
      {"older identifier", root + "TFL2" + rest},
      {"identifier alone", "\x08\0\0\0TFL3"s},
      {"root beyond the end", "\xff\xff\xff\x7fTFL3" + rest},
      {"root of 0", "\0\0\0\0TFL3"s + rest},
      {"root that is odd", "\x09\0\0\0TFL3"s + rest},
      {"root at the end", "\x78\0\0\0TFL3"s + std::string(112, '\0')},
      {"behind other bytes", "\n" + model_},
      {"every other byte", [&] {
         std::string half;
         for (std::size_t i = 0; i < model_.size(); i += 2) half += model_[i];
         return half;
       }()}};
  for (const auto& [name, contents] : cases) expect_refused_model(name, contents);
}

// What a flipped bit gives is damaged, or another model.
TEST_F(HostileModels, FlippedBitsNeverCrash) {
  RandomStream random(7);
  for (int i = 0; i < 40; ++i) {
    std::string damaged = model_;
    for (std::uint32_t n = 1 + random.index(3); n > 0; --n) {
      damaged[random.index(static_cast<std::uint32_t>(damaged.size()))] ^=
          static_cast<char>(1U << random.index(8));
    }
    write("x.tflite", damaged);
    const Outcome outcome = run_bounded({"", {"plan", "x.tflite"}, ""});
    EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << i << " " << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), outcome.exit_code) << i;
  }
}

// What is missing, of another shape or type, or of another form.
TEST_F(HostileModels, LstmsThatAreNone) {
  for (const engine::WrongLstm& wrong : engine::wrong_lstms()) {
    expect_refused_model(wrong.message, text_of(wrong.model.file()));
  }
}

// A graph of one operator, of which one thing is wrong.
struct Wrong {
  std::vector<std::int32_t> input = {1, 4, 4, 2};
  std::vector<std::int32_t> output = {1, 4, 4, 3};
  std::vector<std::int32_t> weights = {3, 3, 3, 2};
  std::int32_t bias = 3;
  std::size_t weight_bytes = 54;
  Quantization quantization = {0.5F, 0};
  std::vector<float> scales = {0.25F};
  int stride = 1;
  int dilation = 1;
  std::vector<std::int32_t> operands = {0, 1, 2};
  std::int32_t result = 3;
  std::vector<std::int32_t> inputs = {0};
  std::vector<std::int32_t> outputs = {3};
  int operators = 1;
};

std::string model_of(const Wrong& w) {
  TfliteModelBuilder builder;
  builder.add_activation("in", DataType::kInt8, w.input, w.quantization);
  engine::Constant weights;
  weights.name = "weights";
  weights.dims = w.weights;
  weights.scales = w.scales;
  weights.data.resize(w.weight_bytes, std::byte{1});
  builder.add_constant(weights);
  engine::Constant bias;
  bias.name = "bias";
  bias.type = DataType::kInt32;
  bias.dims = {w.bias};
  bias.scales = {0.125F};
  bias.data.resize(static_cast<std::size_t>(w.bias) * 4);
  builder.add_constant(bias);
  builder.add_activation("out", DataType::kInt8, w.output, w.quantization);
  for (int i = 0; i < w.operators; ++i) {
    builder.add_operator(
        tflite::BuiltinOperator_CONV_2D, 3, w.operands, w.result,
        tflite::BuiltinOptions_Conv2DOptions,
        tflite::CreateConv2DOptions(builder.fbb(), tflite::Padding_SAME, w.stride, w.stride,
                                    tflite::ActivationFunction_NONE, w.dilation, w.dilation)
            .Union());
  }
  return text_of(builder.finish(w.inputs, w.outputs));
}

TEST_F(HostileModels, GraphsThatAreNone) {
  write("x.tflite", model_of({}));
  const Outcome good = run_bounded({"good", {"plan", "x.tflite"}, ""});
  EXPECT_EQ(good.exit_code, 0) << good.err;

  constexpr std::int32_t kLarge = 0x7fffffff;
  const float nan = std::nanf("");
  const std::vector<std::pair<std::string, Wrong>> cases = {
      {"no inputs", {.inputs = {}}},
      {"no outputs", {.outputs = {}}},
      {"an input that is no tensor", {.inputs = {99}}},
      {"an input of -1", {.inputs = {-1}}},
      {"an output that is no tensor", {.outputs = {kLarge}}},
      {"an operand that is no tensor", {.operands = {0, 1, 99}}},
      {"an operand of -2", {.operands = {-2, 1, 2}}},
      {"a result that is no tensor", {.result = 99}},
      {"a result of -1", {.result = -1}},
      {"no operands", {.operands = {}}},
      {"an operand that is missing", {.operands = {0}}},
      {"an operator that reads what it makes", {.operands = {3, 1, 2}}},
      {"an operator that makes its constant", {.result = 1, .outputs = {1}}},
      {"an operator that makes the input", {.result = 0, .outputs = {0}}},
      {"a tensor that two operators make", {.operators = 2}},
      {"weights that nothing holds", {.operands = {0, 0, 2}}},
      {"a side of 0", {.input = {1, 0, 4, 2}}},
      {"a negative side", {.input = {1, -4, 4, 2}}},
      {"the largest sides", {.input = {1, kLarge, kLarge, 2}}},
      {"more elements than 64 bits count", {.input = {1, kLarge, kLarge, kLarge}}},
      {"a negative batch", {.input = {-1, 4, 4, 2}}},
      {"another output than the operator's", {.output = {1, 4, 4, 4}}},
      {"an output of the largest sides", {.output = {1, kLarge, kLarge, 3}}},
      {"weights of other channels", {.weights = {3, 3, 3, 1}, .weight_bytes = 27}},
      {"weights shorter than their shape", {.weight_bytes = 53}},
      {"weights longer than their shape", {.weight_bytes = 55}},
      {"weights without bytes", {.weight_bytes = 0}},
      {"weights of the largest sides", {.weights = {kLarge, kLarge, kLarge, kLarge}}},
      {"negative weights", {.weights = {3, -3, -3, 2}}},
      {"a window of 0", {.weights = {3, 0, 3, 2}, .weight_bytes = 0}},
      {"a bias of other channels", {.bias = 5}},
      {"a stride of 0", {.stride = 0}},
      {"a negative stride", {.stride = -1}},
      {"the largest stride", {.stride = kLarge}},
      {"a dilation of 0", {.dilation = 0}},
      {"a negative dilation", {.dilation = -3}},
      {"a scale of NaN", {.quantization = {nan, 0}}},
      {"a scale of infinity", {.quantization = {INFINITY, 0}}},
      {"a negative scale", {.quantization = {-1, 0}}},
      {"a zero point beyond int8", {.quantization = {0.5F, 1000}}},
      {"weights' scale of NaN", {.scales = {nan}}},
      {"weights' scale of infinity", {.scales = {INFINITY}}},
      {"negative weights' scale", {.scales = {-0.5F}}},
      {"too many scales", {.scales = {0.5F, 0.5F}}}};
  for (const auto& [name, wrong] : cases) expect_refused_model(name, model_of(wrong));
}

TEST_F(HostileModels, NoRegularFiles) {
  const fs::path work = folder_ / "work";
  ASSERT_EQ(::mkfifo((work / "pipe.tflite").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", work / "zero.tflite");
  fs::create_symlink("/dev/null", work / "null.tflite");
  fs::create_symlink("none", work / "dangling.tflite");
  fs::create_symlink("loop.tflite", work / "loop.tflite");
  fs::create_directories(work / "folder.tflite");
  write("large.tflite", "x");
  fs::resize_file(work / "large.tflite", std::uintmax_t{1} << 40);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = (work / "socket.tflite").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const char* name : {"pipe", "zero", "null", "dangling", "loop", "folder", "large", "socket",
                           "none", "folder.tflite/x", "none/x"}) {
    const std::string file = std::string(name) + ".tflite";
    expect_refused({name, {"plan", file}, file + ": cannot be read"});
    expect_refused({name, {"compile", file, "--device", "stm32f746", "--out", "out"}, file});
  }
  ::close(socket);
  expect_refused({{"a long name", {"plan", std::string(300, 'x') + ".tflite"}, "xxx.tflite: "},
                  {"a name of several lines", {"plan", "a\nb.tflite"}, "a b.tflite: "},
                  {"a name that is no UTF-8", {"plan", "\xff.tflite"}, "\xff.tflite: "}});
}

TEST_F(HostileModels, EveryCommandThatReadsOne) {
  write("x.tflite", "no model");
  expect_refused(
      {{"compile", {"compile", "x.tflite", "--device", "stm32f746", "--out", "o"}, "x.tf"},
       {"ablate", {"ablate", "x.tflite", "--device", "stm32f746"}, "x.tflite: "},
       {"plan for a device", {"plan", "x.tflite", "--device", "stm32f746"}, "x.tflite: "},
       {"plan with a report", {"plan", "x.tflite", "--out", "o"}, "x.tflite: "}});
}

}  // namespace
}  // namespace mcunet
