#include "zip_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"
#include "tensor_archive.hpp"

namespace mcunet::supernet {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::StartsWith;

const RawEntry kFirst{"first", "hello"};
const RawEntry kSecond{"folder/second", ""};

TEST(ZipArchive, EntriesAreViewsByName) {
  const std::string zip = make_zip({kFirst, kSecond});
  EXPECT_THAT(read_stored_zip(zip), ElementsAre(Pair("first", "hello"), Pair("folder/second", "")));
  EXPECT_TRUE(read_stored_zip(make_zip({})).empty());
}

TEST(ZipArchive, TheChecksumIsThatOfZlib) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

struct Case {
  const char* what;
  std::string zip;
  const char* message;
};

std::vector<Case> damaged_archives() {
  const std::string good = make_zip({kFirst, kSecond});
  static constexpr char kOutside[] = "its directory points outside of it";
  return {
      {"nothing", "", "it lacks its end"},
      {"text", "hello, this is no archive at all", "it lacks its end"},
      {"a half", good.substr(0, good.size() / 2), "it lacks its end"},
      {"one byte less", good.substr(0, good.size() - 1), "it lacks its end"},
      {"one byte more", good + "x", "it lacks its end"},
      {"without its beginning", good.substr(10), "its directory"},
      {"the end alone", good.substr(good.size() - 22), kOutside},
      {"directory beyond the end", make_zip({kFirst}, {.place = 100'000}), kOutside},
      {"directory too long", make_zip({kFirst}, {.size = 100'000}), kOutside},
      {"directory too short", make_zip({kFirst}, {.size = 10}), kOutside},
      {"directory elsewhere", make_zip({kFirst}, {.size = 50, .place = 0}), "its directory is dam"},
      {"more entries than it has", make_zip({kFirst}, {.entries = 60'000}), kOutside},
      {"64-bit end beyond the end", make_zip({kFirst}, {.place64 = ~std::uint64_t{0}}), kOutside},
      {"64-bit end elsewhere", make_zip({kFirst, kSecond}, {.place64 = 0}), "it lacks its end"},
      {"compressed", make_zip({{"a", "hello", 0, 8}}), "its entry archive/a is compressed or enc"},
      {"encrypted", make_zip({{"a", "hello", 1}}),
       "its entry archive/a is compressed or encrypted"},
      {"a bomb", make_zip({{.name = "a", .contents = "hello", .method = 8, .size = 4'000'000'000}}),
       "its entry archive/a is compressed or encrypted"},
      {"sizes that differ", make_zip({{.name = "a", .contents = "hello", .size = 4'000'000'000}}),
       "its entry archive/a is compressed or encrypted"},
      {"longer than the archive",
       make_zip({{.name = "a", .contents = "hello", .size = 9999, .stored = 9999}}),
       "its entries take more bytes than it has"},
      {"into the directory", make_zip({{.name = "a", .contents = "hello", .size = 7, .stored = 7}}),
       kOutside},
      {"64-bit size without a value",
       make_zip({{.name = "a", .contents = "hello", .size = ~0u, .stored = ~0u}}), kOutside},
      {"another checksum", make_zip({{.name = "a", .contents = "hello", .checksum = 1}}),
       "its entry archive/a is damaged"},
      {"another name in place",
       make_zip({{.name = "a", .contents = "x", .local_name = "archive/b"}}),
       "its directory does not agree with its entry archive/a"},
      {"contents in the directory", make_zip({{.name = "a", .contents = "hello", .place = 60}}),
       kOutside},
      {"contents beyond the end", make_zip({{.name = "a", .contents = "x", .place = 1 << 30}}),
       kOutside},
      {"contents in no entry",
       make_zip({{"a", std::string(100, 'x')}, {.name = "b", .contents = "x", .place = 50}}),
       "its directory does not agree with its entry archive/b"},
      {"a name twice", make_zip({kFirst, kFirst}), "it has two entries first"},
      {"entries that share bytes",
       make_zip({{"a", std::string(100, 'x')},
                 {.name = "b", .contents = std::string(100, 'x'), .place = 0}}),
       "its directory does not agree with its entry archive/b"},
  };
}

TEST(ZipArchive, DamageIsRefused) {
  for (const Case& damaged : damaged_archives()) {
    EXPECT_THAT(error_of([&] { read_stored_zip(damaged.zip); }), StartsWith(damaged.message))
        << damaged.what;
  }
}

TEST(ZipArchive, ABitThatChangesIsSeenOrWithoutMeaning) {
  const std::string good = make_zip({kFirst, kSecond});
  const ZipEntries entries = read_stored_zip(good);
  for (std::size_t i = 0; i < 8 * good.size(); ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << i % 8));
    const std::string error = error_of([&] { EXPECT_EQ(read_stored_zip(bad), entries) << i; });
    EXPECT_TRUE(error == "(no error)" || error.starts_with("it")) << i << ": " << error;
  }
}

}  // namespace
}  // namespace mcunet::supernet
