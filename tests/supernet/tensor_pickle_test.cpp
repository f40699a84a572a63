#include "tensor_pickle.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "tensor_archive.hpp"

namespace mcunet::supernet {
namespace {

using testing::StartsWith;

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

std::string with(const RawTensor& tensor) {
  return make_archive(pickled_dictionary(pickled("w") + pickled(tensor)));
}

std::string with_items(const std::string& items) { return make_archive(pickled_dictionary(items)); }

TEST(TensorPickle, IsReadAsPythonWritesIt) {
  const std::string elements = little_endian(0x3F800000) + std::string(20, '\0');
  const std::string pickle =
      pickled_dictionary(pickled("w") + pickled(RawTensor{}) + pickled("t") +
                         pickled(RawTensor{.sizes = {3, 2}, .strides = {1, 3}}));
  const auto read =
      from_archive(make_zip({{"data.pkl", pickle}, {"data/0", elements}, {"version", "3\n"}}), "x");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at("w").sizes(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.at("w").sum().item<float>(), 1);
  EXPECT_TRUE(read.at("t").equal(read.at("w").t()));
  EXPECT_EQ(read.at("t").data_ptr(), read.at("w").data_ptr());  // one storage in the file
}

// A dictionary under the key state_dict of another, and so on.
std::string deep_dictionary(int depth) {
  std::string opcodes;
  for (int i = 0; i < depth; ++i) opcodes += "}" + pickled("state_dict");
  opcodes += "}";
  for (int i = 0; i < depth; ++i) opcodes += "s";
  return opcodes;
}

// As torch.save(model.state_dict(), file) writes it: an ordered dictionary whose attributes are the versions
// of the modules.
TEST(TensorPickle, ReadsTheDictionaryOfAModule) {
  const std::string versions = "}" + pickled("version") + "K\x01s";
  const std::string attributes = "}" + pickled("_metadata") + "ccollections\nOrderedDict\n)R(" +
                                 pickled("") + versions + pickled("conv") + versions + "us";
  const std::string pickle =
      "\x80\x02"
      "ccollections\nOrderedDict\n)R(" +
      pickled("w") + pickled(RawTensor{}) + "u" + attributes + "b.";
  const TensorDictionary read = from_archive(make_archive(pickle), "x");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read.at("w").sizes(), (std::vector<std::int64_t>{2, 3}));
}

// What trainings keep beside it: numbers, texts, nothing, and lists and dictionaries of these.
TEST(TensorPickle, ReadsTheStateDictOfACheckpoint) {
  const std::string number = "G" + std::string(8, '\x3F');
  const std::string list = "](K\x01" + number +
                           "Ne]K\x05"
                           "aa";
  const std::string parameter = "K\x01}" + pickled("momentum") + pickled(RawTensor{}) + "s";
  const std::string optimizer =
      "}(" + pickled("state") + "}" + parameter + "s" + pickled("groups") + list + "u";
  const std::string weights = "}" + pickled("w") + pickled(RawTensor{}) + "s";
  const TensorDictionary read = from_archive(
      with_items(pickled("epoch") + "K\x07" + pickled("optimizer") + optimizer +
                 pickled("state_dict") + weights + pickled("best") + number + pickled("arch") +
                 pickled("mcunet") + pickled("scheduler") + "N" + pickled("done") + "\x88"),
      "x");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_TRUE(read.contains("w"));
}

struct Case {
  const char* what;
  std::string archive;
  const char* message;  // after "x.pt: "
};

std::vector<Case> damaged_tensors() {
  return {
      {"shorter record", with({.elements = 7, .sizes = {7}, .strides = {1}}),
       "w: its entry data/0 has 24 bytes, expected 7 elements of 4 bytes"},
      {"longer record", with({.elements = 5, .sizes = {5}, .strides = {1}}),
       "w: its entry data/0 has 24 bytes, expected 5 elements of 4 bytes"},
      {"wider type", with({.type = "DoubleStorage"}),
       "w: its entry data/0 has 24 bytes, expected 6 elements of 8 bytes"},
      {"size that is no multiple", with({.type = "DoubleStorage", .elements = 3}),
       "w: its shape and strides reach beyond its storage of 3 elements"},
      {"negative count", with({.elements = -1}),
       "w: its entry data/0 has 24 bytes, expected -1 elements of 4 bytes"},
      {"huge count", with({.elements = kHuge}), "w: its entry data/0 has 24 bytes, expected 9223"},
      {"missing record", with({.key = "1"}),
       "w: its elements are missing: there is no entry data/1"},
      {"record outside", with({.key = "../data.pkl"}),
       "w: its elements are missing: there is no entry data/../data.pkl"},
      {"quantized type", with({.type = "QInt8Storage"}),
       "w: its elements are of torch.QInt8Storage, expected a plain integer or floating-point"},
      {"no type", with({.type = "Linear"}),
       "w: its elements are of torch.Linear, expected a plain"},
      {"shape beyond the storage", with({.sizes = {2, 4}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"strides beyond the storage", with({.strides = {4, 1}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"negative stride", with({.first = 5, .strides = {-3, -1}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"negative size", with({.sizes = {-2, 3}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"negative offset", with({.first = -1}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"offset beyond", with({.first = 1}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"offset beyond an empty one", with({.first = 7, .sizes = {0}, .strides = {1}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"one element a thousand times", with({.sizes = {1000}, .strides = {0}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"overflowing count", with({.sizes = {kHuge, kHuge}, .strides = {0, 0}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"overflowing reach", with({.strides = {kHuge, kHuge}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"fewer strides", with({.strides = {3}}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"a hundred dimensions",
       with({.sizes = std::vector<std::int64_t>(100, 1),
             .strides = std::vector<std::int64_t>(100, 1)}),
       "w: its shape and strides reach beyond its storage of 6 elements"},
      {"a name twice",
       with_items(pickled("w") + pickled(RawTensor{}) + pickled("w") + pickled(RawTensor{})),
       "w: is there twice"},
      {"a number", with_items(pickled("w") + pickled(3)), "w: is no tensor, expected a dictionary"},
      {"a dictionary", with_items(pickled("w") + "}"), "w: is no tensor, expected a dictionary"},
      {"a number for a name", with_items(pickled(3) + pickled(RawTensor{})),
       "holds something else than tensors, expected a dictionary"},
      {"a name without a value", with_items(pickled("w")), "is no tensor file: its pickle is dam"},
      {"a command", with_items(pickled("w") + "cos\nsystem\n" + pickled("touch /tmp/x") + "\x85R"),
       "holds a os.system, expected a dictionary of tensors"},
      {"a class of torch", with_items(pickled("w") + "ctorch.nn\nLinear\n)R"),
       "holds a torch.nn.Linear, expected a dictionary of tensors"},
      {"a list", make_archive("\x80\x02]q\x01."), "holds something else than tensors, expected"},
      {"a tensor alone", make_archive("\x80\x02" + pickled(RawTensor{}) + "."),
       "holds something else than tensors, expected a dictionary"},
      {"an object's state",
       make_archive("\x80\x02}K\x01"
                    "b."),
       "holds something else than tensors"},
      {"a state of no object", make_archive("\x80\x02K\x01}b."),
       "holds something else than tensors"},
      {"a state alone", make_archive("\x80\x02}b."), "is no tensor file: its pickle is damaged"},
      {"an object of a class",
       with_items(pickled("state_dict") + "}" + pickled("args") + "cargparse\nNamespace\n)\x81}b"),
       "holds a argparse.Namespace, expected a dictionary of tensors"},
      {"a number of numpy",
       with_items(pickled("state_dict") + "}" + pickled("best") + "cnumpy\nscalar\n)R"),
       "holds a numpy.scalar, expected a dictionary of tensors"},
      {"a state_dict of something else",
       with_items(pickled("state_dict") + "}(" + pickled("w") + pickled(3) + "u"),
       "w: is no tensor, expected a dictionary of tensors"},
      {"a state_dict that is none", with_items(pickled("state_dict") + pickled(3)),
       "state_dict: is no tensor, expected a dictionary of tensors"},
      {"a state_dict in a state_dict",
       with_items(pickled("state_dict") + "}(" + pickled("state_dict") + "}u"),
       "state_dict: is no tensor, expected a dictionary of tensors"},
      {"a dictionary in itself",
       make_archive("\x80\x02}q\x01(" + pickled("state_dict") + "h\x01u."),
       "state_dict: is no tensor, expected a dictionary of tensors"},
      {"dictionaries in dictionaries", make_archive("\x80\x02" + deep_dictionary(100'000) + "."),
       "state_dict: is no tensor, expected a dictionary of tensors"},
      {"an element of no list",
       make_archive("\x80\x02}K\x01"
                    "a."),
       "holds something else than tensors"},
      {"elements of no list",
       make_archive("\x80\x02}(K\x01"
                    "e."),
       "holds something else than tensors"},
      {"half a number", make_archive("\x80\x02G1234"), "is no tensor file: its pickle is damaged"},
      {"nothing", make_archive(""), "is no tensor file: its pickle is damaged"},
      {"no end", make_archive("\x80\x02}"), "is no tensor file: its pickle is damaged"},
      {"an end alone", make_archive("."), "is no tensor file: its pickle is damaged"},
      {"no mark", make_archive("\x80\x02}u."), "is no tensor file: its pickle is damaged"},
      {"an unknown place", make_archive("\x80\x02h\x05."), "is no tensor file: its pickle is dam"},
      {"a text beyond the end", make_archive("\x80\x02}(X\xFF\xFF\xFF\xFF"),
       "is no tensor file: its pickle is damaged"},
      {"a global without an end",
       make_archive("\x80\x02"
                    "ctorch"),
       "is no tensor file: its pic"},
      {"tuples in tuples", make_archive("\x80\x02)" + std::string(1'000'000, '\x85') + "."),
       "is no tensor file: its pickle is damaged"},
      {"arguments too few", with_items(pickled("w") + "ctorch._utils\n_rebuild_tensor_v2\n)R"),
       "is no tensor file: its pickle is damaged"},
      {"a storage of nothing", with_items(pickled("w") + ")Q"),
       "is no tensor file: its pickle is damaged"},
  };
}

TEST(TensorPickle, DamageIsRefusedByName) {
  for (const Case& damaged : damaged_tensors()) {
    EXPECT_THAT(error_of([&] { from_archive(damaged.archive, "x.pt"); }),
                StartsWith(std::string("x.pt: ") + damaged.message))
        << damaged.what;
  }
}

// A file from before archives.
std::string make_stream(const std::string& dictionary, const std::string& elements) {
  return "\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19." + std::string("\x80\x02M\xE9\x03.") +
         "\x80\x02}" + pickled("little_endian") + "\x88s." + dictionary + "\x80\x02]q\x01(" +
         pickled("0") + pickled("1") + "e." + elements;
}

std::string counted(std::int64_t count, const std::string& elements) {
  return little_endian(count) + elements;
}

TEST(TensorPickle, ReadsFilesFromBeforeArchives) {
  const RawTensor second{.key = "1", .elements = 1, .sizes = {1}, .strides = {1}, .view = "N"};
  const std::string dictionary = pickled_dictionary(pickled("b") + pickled(second) + pickled("w") +
                                                    pickled(RawTensor{.view = "N"}));
  const std::string zeros(24, '\0');
  const std::string one = little_endian(0x3F800000);
  const TensorDictionary read =
      from_archive(make_stream(dictionary, counted(6, zeros) + counted(1, one)), "x");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at("b").item<float>(), 1);
  EXPECT_EQ(read.at("w").sizes(), (std::vector<std::int64_t>{2, 3}));

  const std::pair<std::string, const char*> damaged[] = {
      {counted(6, zeros), "is no tensor file: it lacks elements of storage 1"},
      {counted(6, zeros) + counted(2, one), "is no tensor file: it lacks elements of storage 1"},
      {counted(kHuge, zeros), "is no tensor file: it lacks elements of storage 0"},
      {counted(-1, zeros), "is no tensor file: it lacks elements of storage 0"},
      {"", "is no tensor file: it lacks elements of storage 0"},
      {counted(6, zeros) + counted(1, one) + "x", "is no tensor file: it has bytes after its end"},
  };
  for (const auto& [elements, message] : damaged) {
    EXPECT_EQ(error_of([&] { from_archive(make_stream(dictionary, elements), "x.pt"); }),
              std::string("x.pt: ") + message);
  }
  const RawTensor larger{.elements = kHuge, .view = "N"};
  EXPECT_EQ(error_of([&] {
              from_archive(make_stream(pickled_dictionary(pickled("w") + pickled(larger)),
                                       counted(kHuge, zeros)),
                           "x.pt");
            }),
            "x.pt: is no tensor file: it lacks elements of storage 0");
  EXPECT_EQ(error_of([&] { from_archive(make_stream("", ""), "x.pt"); }),
            "x.pt: is no tensor file: its pickle is damaged");
}

// Whatever a byte becomes, there is an Error or a dictionary, and no access beside the file (which
// the sanitizers would see).
TEST(TensorPickle, SurvivesAnyByte) {
  const std::string good =
      pickled_dictionary(pickled("w") + pickled(RawTensor{}) + pickled("v") + pickled(RawTensor{}));
  int refused = 0;
  constexpr int kTrials = 5000;
  for (int i = 0; i < kTrials; ++i) {
    RandomStream random(7, {static_cast<std::uint64_t>(i)});
    std::string bad = good;
    for (int changes = 1 + i % 3; changes > 0; --changes) {
      bad[random.index(static_cast<std::uint32_t>(bad.size()))] =
          static_cast<char>(random.index(256));
    }
    const std::string error = error_of([&] { from_archive(make_archive(bad), "x.pt"); });
    if (error != "(no error)") {
      EXPECT_THAT(error, StartsWith("x.pt: "));
      ++refused;
    }
  }
  EXPECT_GT(refused, kTrials / 3);
}

}  // namespace
}  // namespace mcunet::supernet
