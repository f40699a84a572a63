#include <fmt/ranges.h>

#include <map>
#include <sstream>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/datasets/dataset_files.hpp"

// Folders as people have them, each a row: what lies there, what the section dataset says, and which
// classes and splits come of it, or the error.
namespace mcunet::datasets {
namespace {

struct Row {
  // Paths; "cat/9.jpg" alone, "cat/1..9.jpg" for nine of them.
  const char* files;
  const char* options;  // but for the path; in YAML
  // "CLASS TRAIN/SEARCH/TEST, …", and after a bar the findings; or "! " and what the error holds.
  const char* expected;
  std::map<std::string, std::string> texts = {};  // files with contents
};

void write_files(const TemporaryFolder& folder, const Row& row) {
  std::istringstream names(row.files);
  for (std::string name; names >> name;) {
    const std::size_t dots = name.find("..");
    if (dots == std::string::npos) {
      folder.write(name, "");
      continue;
    }
    const std::size_t begin = name.find_last_of("/_", dots) + 1;
    const std::size_t end = name.find_first_not_of("0123456789", dots + 2);
    const int last = std::stoi(name.substr(dots + 2, end - dots - 2));
    for (int i = std::stoi(name.substr(begin, dots - begin)); i <= last; ++i) {
      folder.write(fmt::format("{}{}{}", name.substr(0, begin), i, name.substr(end)), "");
    }
  }
  for (const auto& [name, text] : row.texts) folder.write(name, text);
}

std::string text_of(const DatasetFiles& files) {
  std::vector<std::string> texts;
  for (std::size_t c = 0; c < files.classes.size(); ++c) {
    const auto count = [&](Split split) {
      return std::count_if(
          files.of(split).begin(), files.of(split).end(),
          [&](const LabelledFile& file) { return file.label == static_cast<std::int32_t>(c); });
    };
    texts.push_back(fmt::format("{} {}/{}/{}", files.classes[c], count(Split::kTrain),
                                count(Split::kSearch), count(Split::kTest)));
  }
  std::vector<std::string> findings;
  for (const Finding& finding : findings_in(files)) {
    findings.push_back(finding.what + ": " + finding.list(9));
  }
  const std::string text = fmt::format("{}", fmt::join(texts, ", "));
  return findings.empty() ? text : fmt::format("{} | {}", text, fmt::join(findings, "; "));
}

void expect_all(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const TemporaryFolder folder;
    write_files(folder, row);
    DatasetOptions options;
    ConfigNode config = parse_config(row.options, "options");
    read_fields(config, fields_of(options));
    options.path = folder.path().string();
    std::string text;
    try {
      text = text_of(files_of(options));
      EXPECT_EQ(class_names(options), files_of(options).classes) << row.files;
    } catch (const Error& error) {
      text = std::string("! ") + error.what();
    }
    for (std::size_t at; (at = text.find(options.path + "/")) != std::string::npos;) {
      text.erase(at, options.path.size() + 1);
    }
    for (std::size_t at; (at = text.find(options.path)) != std::string::npos;) {
      text.replace(at, options.path.size(), "ROOT");
    }
    const std::string expected = row.expected;
    const bool is_error = expected.starts_with("! ");
    const bool is_met =
        is_error ? text.starts_with("! ") && text.find(expected.substr(2)) != std::string::npos
                 : text == expected;
    EXPECT_TRUE(is_met) << row.files << "\n  " << row.options << "\n  expected " << expected
                        << "\n  found    " << text;
  }
}

constexpr char kImages[] = "kind: folder";
constexpr char kSounds[] = "kind: sound-folder";
constexpr char kSeries[] = "kind: series";

TEST(Layouts, ClassFolders) {
  expect_all({
      {"cat/1..10.jpg dog/1..10.PNG", kImages, "cat 7/1/2, dog 7/1/2"},
      {"cat/1..10.wav dog/1..10.FLAC", kSounds, "cat 7/1/2, dog 7/1/2"},
      {"cat/1..10.jpg dog/1..10.jpg", "{kind: folder, test_share: 0.5, search_split: 4}",
       "cat 3/2/5, dog 3/2/5"},
      {"cat/1..9.csv cat/10.npy dog/1..10.TSV", kSeries, "cat 7/1/2, dog 7/1/2"},
      {"cat/a/1..10.csv dog/1..10.csv dog/notes.txt", kSeries,
       "cat 7/1/2, dog 7/1/2 | files left out: .txt 1"},
      {"train/cat/1..8.csv train/dog/1..8.csv test/cat/1.csv test/dog/1.csv", kSeries,
       "cat 7/1/1, dog 7/1/1"},
      {"cat/1..10.csv dog/1..10.csv", kImages,
       "! expected folders of images, one a class, found 20 recordings, which dataset.kind: series "
       "reads"},
      {"cat/1..10.wav dog/1..10.wav", kSeries,
       "! expected folders of recordings, one a class, found 20 sounds, which dataset.kind: "
       "sound-folder reads"},
      {"data/1..10.csv",
       "{kind: series, annotations: labels.csv}",
       "cat 4/1/1, dog 2/1/1",
       {{"labels.csv",
         "file,label\n1,cat\n2,cat\n3,cat\n4,cat\n5,cat\n6,cat\n7,dog\n8,dog\n9,dog\n10,dog\n"}}},
      {"1..4.csv", kSeries,
       "! found 4 recordings; dataset.annotations names a table of their labels"},
      {"cat_1..10.csv dog_1..10.csv", "{kind: series, pattern: '{label}_#.csv'}",
       "cat 7/1/2, dog 7/1/2"},
      // Nested to any depth.
      {"cat/a/1..5.jpg cat/b/c/1..5.jpg dog/x.y/1..10.jpg", kImages, "cat 7/1/2, dog 7/1/2"},
      {"cat/a/1..5.ogg cat/b/c/1..5.ogg dog/1..10.ogg", kSounds, "cat 7/1/2, dog 7/1/2"},
      {"cat/1..10.jpg dog/1..10.jpg cat/_old/1..3.jpg cat/.git/1.jpg", kImages,
       "cat 7/1/2, dog 7/1/2 | folders left out: cat/.git, cat/_old"},
      {"cat/1..10.jpg dog/1..10.jpg _old/1.jpg .thumbs/1.jpg __MACOSX/1.jpg", kImages,
       "cat 7/1/2, dog 7/1/2 | folders left out: .thumbs, __MACOSX, _old"},
      {"cat/1..10.wav dog/1..10.wav _background_noise_/hum.wav", kSounds, "cat 7/1/2, dog 7/1/2"},
      {"cat/1..10.jpg dog/1..10.jpg cat/1..12.svg dog/1..3.txt dog/.DS_Store dog/README", kImages,
       "cat 7/1/2, dog 7/1/2 | files left out: .svg 12, .txt 3, hidden 1, without extension 1"},
      {"cat/1..10.wav dog/1..10.wav cat/1.mp4", kSounds,
       "cat 7/1/2, dog 7/1/2 | files left out: .mp4 1"},
      {"cat/1..10.jpg dog/1..10.jpg 1..4.jpg readme.txt", kImages,
       "cat 7/1/2, dog 7/1/2 | files left out: images in no class folder 4"},
      {"cat/1..10.jpg dog/1..10.jpg cow/readme.txt", kImages,
       "cat 7/1/2, cow 0/0/0, dog 7/1/2 | classes without examples: cow; files left out: .txt 1"},
      {"cat/1..10.jpg", kImages,
       "! expected at least two folders, one for each class, found cat "
       "alone; if the classes are in it, let dataset.path end in it"},
      {"", kImages, "! dataset: ROOT: expected at least two folders"},
      {"1..9.jpg", kImages, "! found 9 images; dataset.annotations names a table"},
      {"1..9.jpg labels.csv", kImages, "! dataset.annotations: labels.csv reads the labels"},
      {"cat/1..10.wav dog/1..10.wav", kImages,
       "! ROOT: expected folders of images, one a class, found 20 sounds, which dataset.kind: "
       "sound-folder reads"},
      {"cat/1..10.jpg dog/1..10.jpg", kSounds,
       "! found 20 images, which dataset.kind: folder reads"},
      {"cat/1..10.txt dog/1..10.txt", kImages, "! ROOT: expected folders of images, one a class"},
      {"cat/1.jpg dog/1.jpg", "{kind: folder, search_split: 9}",
       "! dataset.search_split: cannot hold out 9 of 1 training examples"},
      {"cat/1..10.wav dog/1..10.wav", "{kind: sound-folder, audio: {task: ten-words}}",
       "! dataset.audio.task: is for the kind speech-commands"},
  });
}

TEST(Layouts, SplitFolders) {
  const char* const both = "cat 6/2/3, dog 6/2/3";
  const char* const drawn = "cat 5/1/2, dog 5/1/2";
  expect_all({
      {"train/cat/1..6.jpg train/dog/1..6.jpg val/cat/1..2.jpg val/dog/1..2.jpg "
       "test/cat/1..3.jpg test/dog/1..3.jpg",
       kImages, both},
      {"training/cat/1..6.wav training/dog/1..6.wav validation/cat/1..2.wav "
       "validation/dog/1..2.wav testing/cat/1..3.wav testing/dog/1..3.wav",
       kSounds, both},
      {"Train/cat/1..6.jpg Train/dog/1..6.jpg VALID/cat/1..2.jpg VALID/dog/1..2.jpg "
       "Test/cat/1..3.jpg Test/dog/1..3.jpg",
       kImages, both},
      {"training_set/cat/1..6.jpg training_set/dog/1..6.jpg dev-set/cat/1..2.jpg "
       "dev-set/dog/1..2.jpg test_set/cat/1..3.jpg test_set/dog/1..3.jpg",
       kImages, both},
      {"train/cat/1..6.jpg train/dog/1..6.jpg eval/cat/1..2.jpg eval/dog/1..2.jpg "
       "test/cat/1..3.jpg test/dog/1..3.jpg",
       kImages, both},
      {"train/cat/1..6.jpg train/dog/1..6.jpg val/cat/1..2.jpg val/dog/1..2.jpg "
       "eval/cat/1..3.jpg eval/dog/1..3.jpg",
       kImages, both},
      // One beside the training data is the test set.
      {"train/cat/1..6.jpg train/dog/1..6.jpg test/cat/1..2.jpg test/dog/1..2.jpg", kImages, drawn},
      {"train/cat/1..6.jpg train/dog/1..6.jpg val/cat/1..2.jpg val/dog/1..2.jpg", kImages, drawn},
      {"train/cat/1..6.jpg train/dog/1..6.jpg dev/cat/1..2.jpg dev/dog/1..2.jpg", kImages, drawn},
      {"train/cat/1..6.jpg train/dog/1..6.jpg evaluation/cat/1..2.jpg evaluation/dog/1..2.jpg",
       kImages, drawn},
      {"train/cat/1..10.jpg train/dog/1..10.jpg", kImages, "cat 7/1/2, dog 7/1/2"},
      {"train/cat/1..10.jpg train/dog/1..10.jpg _test/1..5.jpg", kImages,
       "cat 7/1/2, dog 7/1/2 | folders left out: _test"},
      {"train/cat/a/1..6.jpg train/dog/1..6.jpg test/cat/b/c/1..2.jpg test/dog/1..2.jpg", kImages,
       drawn},
      {"train/cat/1..6.jpg train/dog/1..6.jpg test/cat/1..2.jpg test/dog/1..2.jpg extra/1.jpg",
       kImages, "cat 5/1/2, dog 5/1/2 | folders left out: extra"},
      // A stated size is drawn, whatever lies there.
      {"train/cat/1..6.jpg train/dog/1..6.jpg val/cat/1..2.jpg val/dog/1..2.jpg "
       "test/cat/1..3.jpg test/dog/1..3.jpg",
       "{kind: folder, search_split: 6}",
       "cat 5/3/3, dog 5/3/3 | drawn anew, with validation data among the training data: the "
       "search split, by dataset.search_split (null keeps the one that is there)"},
      {"train/cat/1..6.jpg train/dog/1..6.jpg train/cow/1..6.jpg val/cat/1..2.jpg "
       "val/dog/1..2.jpg test/cat/1..3.jpg test/cow/1..3.jpg",
       kImages,
       "cat 6/2/3, cow 6/0/3, dog 6/2/0 | classes missing from search: cow; classes missing from "
       "test: dog"},
      // A class may be named like a split.
      {"train/1..10.jpg bus/1..10.jpg", kImages, "bus 7/1/2, train 7/1/2"},
      {"test/1..10.jpg control/1..10.jpg", kImages, "control 7/1/2, test 7/1/2"},
      {"train/cat/1.jpg train/dog/1.jpg Training/cat/1.jpg test/cat/1.jpg", kImages,
       "! ROOT: Training and train are both the train split by their names; rename one of them"},
      {"test/cat/1.jpg val/cat/1.jpg", kImages,
       "! ROOT: has test and val, but no training data beside it"},
      {"train/cat/1.jpg train/dog/1.jpg images/1.jpg", kImages,
       "! ROOT: has a folder train, but neither test nor val beside it; if it holds all the data"},
      {"train/cat/1..6.jpg train/dog/1..6.jpg val/cat/1.jpg val/dog/1.jpg test/1..9.jpg", kImages,
       "! test: has no class folders, but 9 images; if these are not labelled, call the folder "
       "_test: it is left out then"},
      {"train/1..9.jpg test/1..9.jpg", kImages,
       "! dataset: train: expected at least two folders, one for each class, found 9 images"},
      {"train/cat/1..6.jpg train/dog/1..6.jpg test/cat/1.jpg test/cow/1.jpg", kImages,
       "! test/cow: is no class of the training data"},
  });
}

TEST(Layouts, Tables) {
  const char* const images = "1..10.jpg";
  const char* const table = "{kind: folder, annotations: labels.csv}";
  const auto rows = [](const std::string& header, const std::string& form) {
    std::string text = header + "\n";
    for (int i = 1; i <= 10; ++i) {
      text +=
          fmt::format(fmt::runtime(form), fmt::arg("i", i), fmt::arg("l", i % 2 ? "cat" : "dog"),
                      fmt::arg("s", i < 7   ? "train"
                                    : i < 9 ? "valid"
                                            : "test"),
                      fmt::arg("c", i % 2), fmt::arg("d", 1 - i % 2)) +
          "\n";
    }
    return text;
  };
  const char* const drawn = "cat 3/1/1, dog 3/1/1";
  const char* const split = "cat 3/1/1, dog 3/1/1";
  const auto with = [&](std::string text, const std::string& word = "",
                        const std::string& other = "") {
    for (std::size_t at; !word.empty() && (at = text.find(word)) != std::string::npos;) {
      text.replace(at, word.size(), other);
    }
    return std::map<std::string, std::string>{{"labels.csv", text}};
  };
  const std::string good = rows("filename,label", "{i}.jpg,{l}");
  const auto also = [&](const std::string& line) { return with(good + line + "\n"); };
  expect_all({
      {images, table, drawn, with(good)},
      {images, table, drawn, with(rows("image_id,breed", "{i},{l}"))},
      {images, table, drawn, with(rows("\xEF\xBB\xBFid;Category", "{i};{l}"))},
      {images, table, drawn, with(rows("label\tpath", "{l}\t./{i}.jpg"))},
      {images, table, drawn,
       with(rows("\"Image Name\", \"class\", note", "\"{i}.jpg\", \"{l}\", \"a, \"\"b\"\"\""))},
      {images, table, drawn, with(rows("id,cat,dog", "{i},{c},{d}"))},
      {images, table, drawn, with(rows("id,cat,dog", "{i},{c}.0,{d}.0"))},
      {images, table, split, with(rows("file,label,set", "{i}.jpg,{l},{s}"))},
      {images, "{kind: folder, annotations: labels.csv, columns: {file: a, label: b, split: c}}",
       split, with(rows("a,b,c,label", "{i}.jpg,{l},{s},x"))},
      {"images/1..10.jpg", table, drawn, with(rows("file,label", "images/{i}.jpg,{l}"))},
      {"images/a/1..10.jpg", table, drawn, with(rows("file,label", "{i},{l}"))},
      {"train/1..6.jpg valid/7..8.jpg test/9..10.jpg", table, split,
       with(rows("file,label", "{s}/{i}.jpg,{l}"))},
      // Without a test set, what is for validation is it.
      {images, table, "cat 2/1/2, dog 2/1/2",
       with(rows("file,label,split", "{i}.jpg,{l},{s}"), "test", "val")},
      {"1..10.wav", "{kind: sound-folder, annotations: labels.csv}", drawn,
       with(rows("slice_file_name,classID,class", "{i}.wav,7,{l}"))},
      {images, table, "9 3/1/1, 10 3/1/1", with([] {
         std::string text = "id,label\n";
         for (int i = 1; i <= 10; ++i) text += fmt::format("{},{}\n", i, 9 + i % 2);
         return text;
       }())},
      {"1..12.jpg", table, "cat 3/1/1, dog 3/1/1 | files left out: in no row of the table 2",
       with(good)},
      {images, table, drawn, also("1.jpg,cat")},  // said twice
      {"1..10.jpg", "{kind: folder, annotations: labels.csv, max_unreadable_share: 0.1}",
       "cat 4/1/1, dog 3/1/1", also("gone.jpg,cat")},
      {images, table, "! labels.csv:12: gone.jpg is not in ROOT; 1 of 11 rows name no file there",
       also("gone.jpg,cat")},
      {images, table, "! labels.csv:12: has 3 cells, the first line 2", also("1.jpg,cat,dog")},
      {images, table, "! labels.csv:12: names no file", also(",cat")},
      {images, table, "! labels.csv:12: has no label", also("1.jpg,")},
      {images, table, "! labels.csv:12: ../1.jpg leads out of ROOT", also("../1.jpg,cat")},
      {images, table, "! labels.csv:12: /1.jpg leads out of ROOT", also("/1.jpg,cat")},
      {images, table, "! labels.csv:12: 1.jpg is in line 2 already, with another label",
       also("1.jpg,dog")},
      {images, table, "! labels.csv:12: a quoted cell does not end", also("\"1.jpg,dog")},
      {images, table, "! labels.csv:12: text follows a quoted cell", also("\"1\".jpg,dog")},
      {"1..10.jpg a/1.jpg b/11.jpg c/11.jpg", table,
       "! labels.csv:12: 11.jpg may be b/11.jpg or c/11.jpg; give the path below ROOT",
       also("11.jpg,cat")},
      // Values are of one class, whatever they are.
      {images, "{kind: folder, targets: values, annotations: labels.csv}", "value 7/1/2",
       with(rows("file,class,value", "{i}.jpg,{l},{i}.5"))},
      {images, "{kind: folder, targets: values, annotations: labels.csv}", "value 7/1/2",
       with(rows("file,value", "{i}.jpg,-{i}e-1"))},
      {"7kg_1..10.jpg", R"({kind: folder, targets: values, pattern: "{label}kg_#.jpg"})",
       "value 7/1/2"},
      {images, "{kind: folder, targets: values, annotations: labels.csv}",
       "! labels.csv: the value of 2.jpg must be a number, is dog",
       with("file,value\n1.jpg,3\n2.jpg,dog\n")},
      {images, "{kind: folder, targets: values}", "! dataset.targets: values need"},
      {images, "{kind: voc, targets: values}",
       "! dataset.targets: values are for the kinds folder"},
      {images, table, "! labels.csv: has no rows", with("")},
      {images, table, "! labels.csv: has no rows", with("file,label\n")},
      {images, table, "! labels.csv: is no text in UTF-8", with("file,label\n1.jpg,caf\xE9\n")},
      {images, table,
       "! labels.csv:1: which column has the files? dataset.columns.file names it; "
       "there are a, b",
       with("a,b\n1.jpg,cat\n")},
      {images, table, "! labels.csv:1: which column has the labels? dataset.columns.label names it",
       with("file,b\n1.jpg,cat\n")},
      {images, "{kind: folder, annotations: labels.csv, columns: {label: kind}}",
       "! dataset.columns.label: labels.csv has 0 columns kind; there are filename, label",
       with(good)},
      {images, "{kind: folder, annotations: labels.csv, columns: {split: x}}",
       "! labels.csv:2: later is no split; expected train, val or test",
       with("file,label,x\n1.jpg,cat,later\n")},
      {images, table, "! labels.csv:3: trian is no split; expected train, val or test",
       with("file,label,split\n1.jpg,cat,train\n2.jpg,dog,trian\n")},
      {images, table, "! labels.csv:2: is of 2 classes; expected a 1 in one column",
       with("id,cat,dog\n1,1,1\n2,0,1\n")},
      {images, table, "! labels.csv: expected at least two classes, found only cat",
       with("file,label\n1.jpg,cat\n2.jpg,cat\n")},
      {images, "{kind: folder, annotations: absent.csv}",
       "! dataset.annotations: absent.csv: is neither there nor in ROOT"},
      {images, "{kind: folder, columns: {file: a}}",
       "! dataset.columns: needs dataset.annotations"},
      {images, "{kind: folder, annotations: labels.csv, pattern: '{label}_*.jpg'}",
       "! dataset.pattern: the labels are in dataset.annotations already", with(good)},
  });
}

TEST(Layouts, Patterns) {
  const auto pattern = [](const char* kind, const char* text) {
    static std::vector<std::string> kept;
    kept.reserve(100);
    return kept.emplace_back(fmt::format("{{kind: {}, pattern: '{}'}}", kind, text)).c_str();
  };
  const char* const drawn = "cat 7/1/2, dog 7/1/2";
  expect_all({
      {"cat_1..10.jpg dog_1..10.jpg", pattern("folder", "{label}_#.jpg"), drawn},
      {"cat_ann_1..10.wav dog_bob_1..10.wav",
       pattern("sound-folder", "{label}_{speaker}_{index}.wav"), drawn},
      {"a/cat_1..10.jpg b/c/dog_1..10.jpg", pattern("folder", "{label}_*.jpg"), drawn},
      {"x/cat/y/1..10.jpg x/dog/z/1..10.jpg", pattern("folder", "x/{label}/*/#.jpg"), drawn},
      {"train/cat_1..6.jpg train/dog_1..6.jpg dev/cat_7..8.jpg dev/dog_7..8.jpg test/cat_9..10.jpg "
       "test/dog_9..10.jpg",
       pattern("folder", "{split}/{label}_#.jpg"), "cat 6/2/2, dog 6/2/2"},
      {"7_1..10.wav 12_1..10.wav", pattern("sound-folder", "{label}_#.wav"), "7 7/1/2, 12 7/1/2"},
      {"cat_1..10.jpg dog_1..10.jpg other.jpg", pattern("folder", "{label}_#.jpg"),
       "cat 7/1/2, dog 7/1/2 | files left out: not of the pattern 1"},
      {"stop_sign_1..3.jpg", pattern("folder", "{label}_{index}.jpg"),
       "! stop_sign_1.jpg fits it with the class stop and with stop_sign; # stands for a number"},
      {"stop_sign_1..10.jpg go_1..10.jpg", pattern("folder", "{label}_#.jpg"),
       "go 7/1/2, stop_sign 7/1/2"},
      {"a+b(1)_1..10.jpg x.y_1..10.jpg", pattern("folder", "{label}_#.jpg"),
       "a+b(1) 7/1/2, x.y 7/1/2"},
      {"cat-1.jpg", pattern("folder", "{label}_#.jpg"),
       "! holds no images of the pattern {label}_#.jpg, but cat-1.jpg"},
      {"cat_1.jpg", pattern("folder", "{label}_#.jpg"),
       "! expected at least two classes, found only cat"},
      {"cat_1.jpg", pattern("folder", "#.jpg"), "! has no {label}, the part of a name"},
      {"cat_1.jpg", pattern("folder", "{label}_{label}.jpg"), "! has {label} twice"},
      {"cat_1.jpg", pattern("folder", "{label_#.jpg"), "! has a { without its }"},
      {"later/cat_1.jpg", pattern("folder", "{split}/{label}_#.jpg"), "! later is no split"},
      {"cat/train_val_1.jpg dog/train_1.jpg", pattern("folder", "{label}/{split}_*.jpg"),
       "! cat/train_val_1.jpg fits it with the split train and with train_val"},
      {"cat/1.jpg", pattern("imagenet", "{label}_#.jpg"),
       "! dataset.pattern: is for the kinds folder, sound-folder and series"},
  });
}

TEST(Layouts, APatternWithManyWaysToFitTakesNoTime) {
  const TemporaryFolder folder;
  folder.write(std::string(240, 'a') + ".jpg", "");
  const DatasetOptions options{.kind = DatasetKind::kFolder,
                               .path = folder.path().string(),
                               .pattern = "{label}*a*a*a*a*a*a*a*a*a*a*a*a*b.jpg"};
  EXPECT_THAT(error_of([&] { files_of(options); }),
              testing::HasSubstr("holds no images of the pattern"));
}

TEST(Layouts, DamagedTablesAndPatternsAreErrorsAtMost) {
  const TemporaryFolder folder;
  for (const char* name : {"1.jpg", "2.jpg", "a/3.jpg", "b/3.jpg"}) folder.write(name, "");
  DatasetOptions options{.kind = DatasetKind::kFolder, .path = folder.path().string()};
  options.max_unreadable_share = 1;
  const std::string table =
      "file,label,split\n\"1.jpg\",cat,train\na/3.jpg;dog,test\n./2,cat,val\n";
  const std::string pattern = "{split}/{label}_*#.jpg";
  RandomStream random(1);
  const auto damaged = [&](std::string text) {
    for (int i = 0; i < 3; ++i) {
      const auto place = random.index(static_cast<std::uint32_t>(text.size()));
      text[place] = "\",;\t\n\r./\\{}*#a1\xFF\0"[random.index(18)];
    }
    return text;
  };
  for (int i = 0; i < 300; ++i) {
    options.annotations = folder.write("labels.csv", damaged(table)).string();
    error_of([&] { files_of(options); });
    options.annotations.clear();
    options.pattern = damaged(pattern);
    error_of([&] { files_of(options); });
    options.pattern.clear();
  }
}

// A VOC annotation: "cat 50 dog 10" for objects and the sides of their boxes.
std::string voc_xml(const std::string& file, const std::string& objects) {
  std::string text = fmt::format("<annotation><filename>{}</filename>", file);
  std::istringstream words(objects);
  int side = 0;
  for (std::string name; words >> name >> side;) {
    text += fmt::format(
        "<object><name>{}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax>"
        "<ymax>{}</ymax></bndbox></object>",
        name, side, side);
  }
  return text + "</annotation>";
}

TEST(Layouts, PascalVoc) {
  const auto annotations = [](const std::string& folder, int from, int to) {
    std::map<std::string, std::string> texts;
    for (int i = from; i <= to; ++i) {
      texts[fmt::format("{}{}.xml", folder, i)] =
          voc_xml(fmt::format("{}.jpg", i), i % 2 ? "cat 50 dog 10" : "dog 50 cat 10");
    }
    return texts;
  };
  const auto lists = [&](std::map<std::string, std::string> texts) {
    texts.merge(annotations("Annotations/", 1, 10));
    return texts;
  };
  const std::string six = "1\n2\n3\n4\n5\n6\n";
  auto others = annotations("Annotations/", 1, 10);
  others["Annotations/11.xml"] = voc_xml("11.jpg", "");
  auto folders = annotations("train/", 1, 6);
  folders.merge(annotations("valid/", 7, 8));
  folders.merge(annotations("test/", 9, 10));
  expect_all({
      {"JPEGImages/1..10.jpg", "kind: voc", "cat 3/1/1, dog 3/1/1",
       lists({{"ImageSets/Main/train.txt", six},
              {"ImageSets/Main/val.txt", "7  1\n8 -1\n"},
              {"ImageSets/Main/test.txt", "9\r\n10\r\n"}})},
      {"JPEGImages/1..10.jpg", "kind: voc", "cat 3/1/1, dog 3/1/1",
       lists({{"ImageSets/Main/trainval.txt", six + "7\n8\n"},
              {"ImageSets/Main/val.txt", "7\n8\n"},
              {"ImageSets/Main/train.txt", six},
              {"ImageSets/Main/test.txt", "9\n10\n"}})},
      {"JPEGImages/1..10.jpg", "kind: voc", "cat 2/1/1, dog 2/1/1",
       lists({{"ImageSets/Main/train.txt", six}, {"ImageSets/Main/val.txt", "7\n8\n"}})},
      {"JPEGImages/1..10.jpg", "kind: voc", "cat 3/1/1, dog 3/1/1",
       annotations("Annotations/", 1, 10)},
      {"1..10.jpg", "kind: voc", "cat 3/1/1, dog 3/1/1", annotations("", 1, 10)},
      {"train/1..6.jpg valid/7..8.jpg test/9..10.jpg", "kind: voc", "cat 3/1/1, dog 3/1/1",
       folders},
      {"JPEGImages/1..11.jpg", "kind: voc",
       "cat 3/1/1, dog 3/1/1 | files left out: without objects 1", others},
      {"JPEGImages/1..10.jpg", "kind: voc", "! ImageSets/Main/train.txt: is missing",
       lists({{"ImageSets/Main/test.txt", six}})},
      {"JPEGImages/1..10.jpg", "kind: voc", "! ImageSets/Main/val.txt: names no images",
       lists({{"ImageSets/Main/train.txt", six}, {"ImageSets/Main/val.txt", "\n"}})},
      {"JPEGImages/1..10.jpg", "kind: voc", "! has no annotations; expected Annotations/*.xml"},
      {"",
       "kind: voc",
       "! expected at least two classes, found only cat",
       {{"Annotations/1.xml", voc_xml("1.jpg", "cat 5")}}},
  });
}

// COCO instances of images FROM to TO, of which each has a large and a small object.
std::string coco_json(int from, int to, int images_without_objects = 0) {
  std::string images;
  std::string objects;
  for (int i = from; i <= to + images_without_objects; ++i) {
    images += fmt::format(R"({}{{"id": {}, "file_name": "{}.jpg", "width": 9, "height": 9}})",
                          i == from ? "" : ",", i, i);
    if (i > to) continue;
    for (int object : {0, 1}) {
      objects += fmt::format(R"({}{{"image_id": {}, "category_id": {}, "area": {}}})",
                             objects.empty() ? "" : ",", i, object, object == i % 2 ? 50 : 10);
    }
  }
  return fmt::format(
      R"({{"images": [{}], "annotations": [{}], "categories": [{{"id": 1, "name": "cat"}},)"
      R"({{"id": 0, "name": "dog"}}, {{"id": 7, "name": "cow"}}]}})",
      images, objects);
}

TEST(Layouts, Coco) {
  expect_all({
      {"train2017/1..6.jpg val2017/7..8.jpg",
       "{kind: coco, search_split: 2}",
       "cat 2/1/1, dog 2/1/1",
       {{"annotations/instances_train2017.json", coco_json(1, 6)},
        {"annotations/instances_val2017.json", coco_json(7, 8)},
        {"annotations/captions_train2017.json", "{}"}}},
      // Of the years with annotations, the one that has images.
      {"train2014/1..6.jpg val2014/7..8.jpg",
       "{kind: coco, search_split: 2}",
       "cat 2/1/1, dog 2/1/1",
       {{"annotations/instances_train2014.json", coco_json(1, 6)},
        {"annotations/instances_val2014.json", coco_json(7, 8)},
        {"annotations/instances_train2017.json", coco_json(11, 16)},
        {"annotations/instances_val2017.json", coco_json(17, 18)}}},
      {"images/train/1..6.jpg",
       "kind: coco",
       "cat 3/1/1, dog 3/1/1",
       {{"annotations/train.json", coco_json(1, 6)},
        {"annotations/val.json", coco_json(7, 8)},
        {"annotations/test.json", coco_json(9, 10)}}},
      {"train/1..6.jpg",
       "kind: coco",
       "cat 3/1/1, dog 3/1/1",
       {{"train/_annotations.coco.json", coco_json(1, 6)},
        {"valid/_annotations.coco.json", coco_json(7, 8)},
        {"test/_annotations.coco.json", coco_json(9, 10)}}},
      {"images/1..10.jpg",
       "kind: coco",
       "cat 3/1/1, dog 3/1/1 | files left out: without objects 2",
       {{"annotations/instances_default.json", coco_json(1, 10, 2)}}},
      {"images/1..10.jpg",
       "{kind: coco, annotations: result.json}",
       "cat 3/1/1, dog 3/1/1",
       {{"result.json", coco_json(1, 10)}}},
      {"1.jpg", "kind: coco", "! expected COCO's layout: annotations/instances_train2017.json"},
      {"1.jpg",
       "kind: coco",
       "! instances_val2017.json: is of a test set",
       {{"annotations/instances_val2017.json", coco_json(7, 8)}}},
      {"1.jpg",
       "kind: coco",
       "! train.json: is no valid JSON at byte",
       {{"annotations/train.json", "{"}}},
      {"1.jpg",
       "kind: vww",
       "! train.json: has no category named person",
       {{"annotations/train.json", coco_json(1, 6)}}},
  });
}

TEST(Layouts, SpeechCommands) {
  const std::map<std::string, std::string> lists = {
      {"validation_list.txt", "eins/1.wav\nzwei/a/1.wav\n"},
      {"testing_list.txt", "eins/2.wav\r\nzwei/a/2.wav\r\n"}};
  expect_all({
      {"eins/1..9.wav zwei/a/1..9.wav", "kind: speech-commands", "eins 7/1/1, zwei 7/1/1", lists},
      {"eins/1..9.wav zwei/a/1..9.wav", "{kind: speech-commands, search_split: 4}",
       "eins 6/2/1, zwei 6/2/1 | drawn anew, with validation data among the training data: the "
       "search split, by dataset.search_split (null keeps the one that is there)",
       lists},
      {"eins/ann_nohash_1..9.wav zwei/ann_nohash_1..9.wav", "kind: speech-commands",
       "! the hash of their speakers' names puts none of 18 sounds into the train split; add "
       "validation_list.txt and testing_list.txt, or let dataset.kind be sound-folder"},
      {"eins/ann_nohash_1..9.wav zwei/ann_nohash_1..9.wav", kSounds, "eins 6/1/2, zwei 6/1/2"},
      {"eins/3..9.wav zwei/a/3..9.wav", "kind: speech-commands",
       "! the pair of validation_list.txt and testing_list.txt puts none of 14 sounds into", lists},
      {"eins/1..9.wav zwei/1..9.wav", "{kind: speech-commands, audio: {task: ten-words}}",
       "! holds no sounds of its classes, as in down/*.wav"},
      {"eins/1..9.wav", "kind: speech-commands", "! expected folders of sound files, one a word"},
      {"eins/1..9.wav zwei/1..9.wav",
       "kind: speech-commands",
       "! has only one of validation_list.txt and testing_list.txt",
       {{"testing_list.txt", "eins/1.wav\n"}}},
  });
}

TEST(Findings, TellOfImbalanceAndOfWhatIsMissing) {
  expect_all({
      {"cat/1..110.jpg dog/1..10.jpg", "{kind: folder, search_split: 12}",
       "cat 77/11/22, dog 7/1/2 | imbalance beyond 1 : 10: 7 of dog, 77 of cat"},
      {"cat/1..100.jpg dog/1..10.jpg", "{kind: folder, search_split: 9}",
       "cat 72/8/20, dog 7/1/2 | imbalance beyond 1 : 10: 7 of dog, 72 of cat"},
      {"cat/1..90.jpg dog/1..10.jpg", "{kind: folder, search_split: 8}", "cat 65/7/18, dog 7/1/2"},
      // A class of three files is in all splits, one of a single file is trained on.
      {"cat/1..30.jpg dog/1..30.jpg cow/1..3.jpg owl/1.jpg", kImages,
       "cat 22/2/6, cow 1/1/1, dog 22/2/6, owl 1/0/0 | classes missing from search: owl; classes "
       "missing from test: owl; imbalance beyond 1 : 10: 1 of cow, 22 of cat"},
  });
}

TEST(Findings, AreCutToALine) {
  const Finding finding{"classes without examples", {"a", "b\n", "c"}};
  EXPECT_EQ(finding.list(2), "a, b\\x0a, and 1 more");
  EXPECT_EQ(finding.list(3), "a, b\\x0a, c");
}

}  // namespace
}  // namespace mcunet::datasets
