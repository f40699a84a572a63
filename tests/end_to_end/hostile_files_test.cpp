// Hostile inputs and folders of networks, measurements and runs, and places where no output may go.
#include <sys/stat.h>

#include "hostile_inputs.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr char kModelJson[] = R"({
  "name": "m", "device": "stm32f746", "borders": "caller",
  "inputs": [{"name": "in", "type": "int8", "height": 2, "width": 2, "channels": 1, "scale": 0.5, "zero_point": 0}],
  "outputs": [{"name": "out", "type": "int8", "height": 1, "width": 1, "channels": 2, "scale": 0.5, "zero_point": 0}],
  "steps": ["CONV_2D 3x3"]
})";

// As numpy.save writes it; `version` and the header's length may lie.
std::string npy(const std::string& header, const std::string& values, char version = 1,
                int more = 0) {
  const std::size_t length = header.size() + static_cast<std::size_t>(more);
  std::string text = "\x93NUMPY";
  text += {version, 0, static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return text + header + values;
}

std::string int8_header(const std::string& shape) {
  return "{'descr': '|i1', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

class HostileFiles : public HostileInputs {
 protected:
  HostileFiles() { write("o/model.json", kModelJson); }

  void expect_refused_inputs(const std::string& extension, const Texts& inputs) {
    const std::string file = "x" + extension;
    for (const auto& [name, contents] : inputs) {
      write(file, contents);
      expect_refused({name, {"emulate", "o", "--input", file}, file + ": "});
    }
  }

  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
};

TEST_F(HostileFiles, Arrays) {
  using namespace std::string_literals;
  const std::string four = "1234";
  const std::string good = npy(int8_header("(1, 4)"), four);
  expect_refused_inputs(
      ".npy", {{"empty", ""},
               {"text", "1, 2, 3, 4\n"},
               {"magic alone", "\x93NUMPY"},
               {"half", good.substr(0, good.size() / 2)},
               {"a byte less", good.substr(0, good.size() - 1)},
               {"a byte more", good + "5"},
               {"a header that ends late", npy(int8_header("(4,)"), four, 1, 60'000)},
               {"a header of nothing", npy("", four)},
               {"a header that is no dictionary", npy("[1, 2, 3]", four)},
               {"a header of 4 GiB", "\x93NUMPY\x02\0\xff\xff\xff\xff"s + four},
               {"a shape that lies", npy(int8_header("(1, 8)"), four)},
               {"a negative shape", npy(int8_header("(-1, 4)"), four)},
               {"two negative sides", npy(int8_header("(-2, -2)"), four)},
               {"a shape of 2^64", npy(int8_header("(4294967296, 4294967296)"), four)},
               {"a shape beyond 2^64", npy(int8_header("(18446744073709551617,)"), four)},
               {"a shape of 0", npy(int8_header("(0, 4)"), "")},
               {"a shape that does not end", npy(int8_header("(4"), four)},
               {"a shape that is text", npy(int8_header("('4',)"), four)},
               {"a shape of fractions", npy(int8_header("(4.5,)"), four)},
               {"no shape", npy("{'descr': '|i1', 'fortran_order': False, }\n", four)},
               {"Fortran's order",
                npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 2), }\n", four)},
               {"no order", npy("{'descr': '|i1', 'shape': (2, 2), }\n", four)},
               {"float", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", four)},
               {"int16", npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", four)},
               {"objects", npy("{'descr': '|O', 'fortran_order': False, 'shape': (4,), }\n", four)},
               {"a structure",
                npy("{'descr': [('a', '|i1')], 'fortran_order': False, 'shape': (4,), }\n", four)},
               {"no type", npy("{'fortran_order': False, 'shape': (4,), }\n", four)},
               {"another size than the model's", npy(int8_header("(5,)"), "12345")}});
}

TEST_F(HostileFiles, RawInputs) {
  expect_refused_inputs(".bin", {{"empty", ""}, {"three bytes", "123"}, {"five bytes", "12345"}});
  expect_refused_inputs(".txt", {{"another extension", "1234"}});
  expect_refused_inputs("", {{"no extension", "1234"}});
  ASSERT_EQ(::mkfifo((folder_ / "work/pipe.bin").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder_ / "work/zero.bin");
  fs::create_symlink("/dev/zero", folder_ / "work/zero.npy");
  fs::create_directories(folder_ / "work/folder.bin");
  write("large.npy", "");
  fs::resize_file(folder_ / "work/large.npy", std::uintmax_t{1} << 40);
  for (const char* file :
       {"pipe.bin", "zero.bin", "zero.npy", "folder.bin", "large.npy", "none.bin"}) {
    expect_refused({file, {"emulate", "o", "--input", file}, std::string(file) + ": "});
  }
}

TEST_F(HostileFiles, DescriptionsOfNetworks) {
  const std::string good = kModelJson;
  const auto with_detector = [&](const std::string& detector) {
    return replaced(good, "\"name\": \"m\",",
                    "\"name\": \"m\", \"postprocessing\": {\"detector\": " + detector + "},");
  };
  const Texts descriptions = {
      {"empty", ""},
      {"half", good.substr(0, good.size() / 2)},
      {"a list", "[1]"},
      {"null", "null"},
      {"deep", std::string(200'000, '[')},
      {"no inputs", replaced(good, "\"inputs\"", "\"in\"")},
      {"an empty list of inputs",
       replaced(good, "[{\"name\": \"in\"", "[], \"x\": [{\"name\": \"in\"")},
      {"inputs that are none", replaced(good, "\"inputs\": [", "\"inputs\": [3, ")},
      {"a type that is none", replaced(good, "\"int8\"", "\"int7\"")},
      {"a side of 0", replaced(good, "\"height\": 2", "\"height\": 0")},
      {"a negative side", replaced(good, "\"height\": 2", "\"height\": -2")},
      {"sides beyond 64 bits",
       replaced(good, "\"height\": 2, \"width\": 2, \"channels\": 1",
                "\"height\": 2147483647, \"width\": 2147483647, \"channels\": 2147483647")},
      {"a side as text", replaced(good, "\"height\": 2", "\"height\": \"2\"")},
      {"borders that are none", replaced(good, "\"caller\"", "\"everybody\"")},
      {"steps that are none", replaced(good, "[\"CONV_2D 3x3\"]", "[1]")},
      {"no name", replaced(good, "\"name\": \"m\",", "")},
      {"a detector that is none", with_detector("7")},
      {"a detector without classes", with_detector(R"({"rows": 1})")},
      {"a detector of classes without names", with_detector(R"({"classes": [1, {}]})")}};
  write("x.bin", "1234");
  for (const auto& [name, text] : descriptions) {
    write("o/model.json", text);
    expect_refused({name, {"emulate", "o", "--input", "x.bin"}, "o/model.json: "});
  }
  write("o/model.json", good);
  expect_refused(
      {{"no project", {"emulate", "o", "--input", "x.bin"}, "o: "},
       {"no folder", {"emulate", "none", "--input", "x.bin"}, "none/model.json: "},
       {"a file as folder", {"emulate", "x.bin", "--input", "x.bin"}, "x.bin/model.json: "},
       {"flash of no project", {"flash", "o"}, "o: "},
       {"flash of no folder", {"flash", "none"}, "none: "},
       {"profile of no project", {"profile", "o"}, "o: "},
       {"profile of no folder", {"profile", "none"}, "none: "}});
  write("o/firmware/device.json", "{\"name\": \"*/\"}");
  expect_refused({{"a device that is none", {"emulate", "o", "--input", "x.bin"}, "device.json:"},
                  {"flash for it", {"flash", "o"}, "device.json:"},
                  {"profile for it", {"profile", "o"}, "device.json:"}});
}

TEST_F(HostileFiles, Measurements) {
  const std::string header =
      "network,kind,kernel_height,kernel_width,stride,input_height,input_width,input_channels,"
      "output_height,output_width,output_channels,measured\n";
  const std::string row = "0,CONV_2D,1,1,1,8,8,4,8,8,4,1000\n";
  const Texts texts = {
      {"empty", ""},
      {"no header", row},
      {"header alone", header},
      {"another header", "a,b\n" + row},
      {"a field less", header + "0,CONV_2D,1,1,1,8,8,4,8,8,1000\n"},
      {"a field more", header + "0,CONV_2D,1,1,1,8,8,4,8,8,4,1000,1\n"},
      {"an operator that is none", header + "0,CONV_3D,1,1,1,8,8,4,8,8,4,1000\n"},
      {"NaN", header + "0,CONV_2D,1,1,1,8,8,4,8,8,4,nan\n"},
      {"infinity", header + "0,CONV_2D,1,1,1,8,8,4,8,8,4,inf\n"},
      {"nothing", header + "0,CONV_2D,1,1,1,8,8,4,8,8,4,0\n"},
      {"less than nothing", header + "0,CONV_2D,1,1,1,8,8,4,8,8,4,-1\n"},
      {"a side of 0", header + "0,CONV_2D,1,1,1,0,8,4,8,8,4,1000\n"},
      {"a side beyond 32 bits", header + "0,CONV_2D,1,1,1,4294967304,8,4,8,8,4,1000\n"},
      {"binary", std::string(1000, '\0')}};
  for (const auto& [name, text] : texts) {
    write("x.csv", text);
    expect_refused({name, {"profile", "--fit", "x.csv", "--out", "fit.yaml"}, "x.csv"});
  }
  expect_refused({{"none", {"profile", "--fit", "none.csv"}, "none.csv: "},
                  {"zeros", {"profile", "--fit", "/dev/zero"}, "/dev/zero: "},
                  {"folder", {"profile", "--fit", "."}, ".: "}});
}

TEST_F(HostileFiles, Runs) {
  const Texts manifests = {
      {"empty", ""},
      {"half", "{\"format\": 1, \"stages\": {"},
      {"a list", "[]"},
      {"another format", "{\"format\": 99}"},
      {"deep", std::string(100'000, '[')},
      {"no config", "{\"format\": 1, \"stages\": {}}"},
      {"a config that is none", "{\"format\": 1, \"stages\": {}, \"config\": 3}"},
      {"no UTF-8", "{\"format\": 1, \"config\": \"\xff\"}"}};
  for (const auto& [name, text] : manifests) {
    write("run/manifest.json", text);
    expect_refused({name, {"report", "run"}, "run/manifest.json"});
  }
  fs::remove(folder_ / "work/run/manifest.json");
  ASSERT_EQ(::mkfifo((folder_ / "work/run/manifest.json").c_str(), 0600), 0);
  expect_refused({{"pipe", {"report", "run"}, "run/manifest.json: "},
                  {"nowhere", {"report", "nowhere"}, "nowhere/manifest.json: "},
                  {"a file", {"report", "o/model.json"}, "o/model.json/manifest.json: "},
                  {"comparison with none", {"report", "run", "nowhere", "--out", "both"}, "run"}});
}

TEST_F(HostileFiles, Annotations) {
  using namespace std::string_literals;
  write("x.yaml", kSmallExperiment);
  write("d/1.jpg", "");
  write("d/2.jpg", "");
  ASSERT_EQ(::mkfifo((folder_ / "work/d/pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder_ / "work/d/zero");
  const auto refuse = [&](const std::string& name, const std::string& kind, const std::string& file,
                          const std::string& named) {
    expect_refused({name,
                    {"data", "check", "x.yaml", "--set",
                     "dataset={kind: " + kind + ", path: d, annotations: " + file + "}"},
                    named});
  };
  for (const char* kind : {"folder", "coco", "yolo"}) {
    for (const char* file : {"pipe", "zero", "/dev/full", ".", "absent"}) {
      refuse(fmt::format("{} of {}", kind, file), kind, file, "");
    }
  }
  const Texts tables = {{"empty", ""},
                        {"no text", "\xFF\xFE\0f\0i"s},
                        {"NUL", "file,label\n1.jpg,a\0\n"s},
                        {"a cell without end", "file,label\n\"1.jpg,a\n2.jpg,b\n"},
                        {"a name of many folders", "file,label\n" + std::string(200'000, '/')},
                        {"many columns", std::string(300'000, ',') + "\n1.jpg\n"},
                        {"commands", "file,label\n$(touch PWNED).jpg,\x1b[31ma\n2.jpg,b\n"},
                        {"a way out", "file,label\n../../etc/passwd,a\n2.jpg,b\n"},
                        {"lines in a name", "file,label\n\"a\nb\n\",a\n2.jpg,b\n"}};
  for (const auto& [name, contents] : tables) {
    write("d/x.csv", contents);
    refuse(name, "folder", "x.csv", "d/x.csv");
  }
  const std::string image = R"({"id": 1, "file_name": "1.jpg", "width": 2, "height": 2})";
  const Texts instances = {
      {"empty", ""},
      {"deep", std::string(1'000'000, '[')},
      {"half", R"({"images": [)" + image},
      {"a way out", R"({"images": [{"id": 1, "file_name": "/etc/passwd"}]})"},
      {"a huge id",
       R"({"images": [{"id": 1e300, "file_name": "1.jpg", "width": 2, "height": 2}]})"},
      {"no categories", R"({"images": [)" + image + "]}"},
      {"a category that is no text",
       R"({"images": [)" + image + R"(], "categories": [{"id": 1}]})"}};
  for (const auto& [name, contents] : instances) {
    write("d/x.json", contents);
    refuse(name, "coco", "x.json", "d/x.json");
  }
}

TEST_F(HostileFiles, PlacesWhereNothingMayBeWritten) {
  ASSERT_EQ(::mkfifo((folder_ / "work/pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/full", folder_ / "work/full");
  fs::create_symlink("nowhere", folder_ / "work/dangling");
  write("x.bin", "1234");
  write("x.yaml", kSmallExperiment);
  write("fit.csv", "");
  for (const char* place :
       {"pipe", "full", "dangling", "/dev/full", "/dev/null", ".", "o", "new/"}) {
    expect_refused({fmt::format("emulate into '{}'", place),
                    {"emulate", "o", "--input", "x.bin", "--out", place},
                    place});
  }
  for (const char* place :
       {"pipe", "full", "dangling", "/dev/full", "x.bin", "x.bin/below", "/proc/x"}) {
    expect_refused({fmt::format("space into '{}'", place),
                    {"space", "x.yaml", "--out", place, "--no-report"},
                    place});
    expect_refused(
        {fmt::format("plan into '{}'", place), {"plan", "resnet18", "--out", place}, place});
  }
  EXPECT_TRUE(fs::is_fifo(folder_ / "work/pipe"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "work/full"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "work/dangling"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace mcunet
