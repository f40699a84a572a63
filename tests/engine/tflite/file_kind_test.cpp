#include "tflite/file_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mcunet::engine {
namespace {

using testing::HasSubstr;
using namespace std::string_view_literals;

std::string describe(std::string_view contents) {
  return describe_foreign_file(std::as_bytes(std::span(contents)));
}

TEST(FileKind, CallsFilesByTheirNames) {
  const std::pair<std::string_view, const char*> kinds[] = {
      {""sv, "is empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"sv, "`git lfs pull`"},
      {"\x89HDF\r\n\x1a\n"sv, "HDF5"},
      {"PK\x03\x04zip"sv, "zip archive"},
      {"\x1f\x8b\x08"sv, "gzip"},
      {"\x80\x02}q"sv, "Python pickle"},
      {"<!DOCTYPE html><html>"sv, "web page"},
      {"\n<html><body>404"sv, "web page"},
      {"alignas(8) const unsigned char model[] = {"sv, "C source"},
      {"/* Copyright */\n#include"sv, "C source"},
      {"\x08\x08\x12\x07pytorch:"sv, "ONNX"},
      {"\x08\x03:\x20graph"sv, "ONNX"},
      {"\x08\x01\x12\x90\x01meta"sv, "TensorFlow graph"},
      {"\x0a\x25\x0a\x05input\x12\x0bPlaceholder"sv, "TensorFlow graph"},
      {"\x0a\xa5\x01\x0a\x05input\x12\x0bPlaceholder"sv, "TensorFlow graph"},
      {"plain text"sv, "is not a TensorFlow Lite model"},
      {"\x0a"sv, "is not a TensorFlow Lite model"},
      {"\x0a\x25\x0a"sv, "is not a TensorFlow Lite model"},
      {"\x08\x01"sv, "is not a TensorFlow Lite model"},
      {"\x0a\xff\xff\xff\xff\xff\xff\xff"sv, "is not a TensorFlow Lite model"},
  };
  for (const auto& [contents, description] : kinds) {
    EXPECT_THAT(describe(contents), HasSubstr(description)) << contents;
  }
}

}  // namespace
}  // namespace mcunet::engine
