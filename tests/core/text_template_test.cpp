#include "mcunet/core/text_template.hpp"

#include <gmock/gmock.h>

#include "error_text.hpp"

namespace mcunet {
namespace {

std::string fill(std::string_view text, const TemplateValues& values) {
  return fill_template({"x.in", text}, values);
}

TemplateValues element(const std::string& name) { return {.texts = {{"name", name}}}; }

TEST(TextTemplate, PutsTextsInPlace) {
  const TemplateValues values = {.texts = {{"a", "1"}, {"b", "{{a}}"}}};
  EXPECT_EQ(fill("", values), "");
  EXPECT_EQ(fill("{{a}}{{a}} + {{b}}\n", values), "11 + {{a}}\n") << "values are no templates";
  EXPECT_EQ(fill("int x[] = {{{a}}};\nf() { return 1; }", values),
            "int x[] = {1};\nf() { return 1; }");
}

TEST(TextTemplate, RepeatsSections) {
  const TemplateValues values = {
      .texts = {{"name", "outer"}, {"type", "int"}},
      .sections = {{"some", {element("x"), element("y")}}, {"none", {}}, {"once", {{}}}}};
  EXPECT_EQ(fill("{{#some}}\n  {{type}} {{name}};\n{{/some}}\n{{name}}\n", values),
            "  int x;\n  int y;\nouter\n");
  EXPECT_EQ(fill("a\n{{#none}}\nb\n{{/none}}\nc\n", values), "a\nc\n");
  EXPECT_EQ(fill("{{#once}}{{name}}{{/once}}", values), "outer");
}

// Only a tag that is all of its line takes the line with it.
TEST(TextTemplate, KeepsTheLinesOfOtherText) {
  const TemplateValues values = {.texts = {{"name", "n"}},
                                 .sections = {{"some", {element("x"), element("y")}}}};
  EXPECT_EQ(fill("f({{#some}}{{name}},{{/some}}\n)", values), "f(x,y,\n)");
  EXPECT_EQ(fill("{{name}}{{#some}}\n.{{/some}}\n", values), "n\n.\n.\n");
}

TEST(TextTemplate, SectionsLieInSections) {
  TemplateValues outer = element("o");
  outer.sections = {{"inner", {element("x"), element("y")}}};
  const TemplateValues values = {.sections = {{"outers", {outer, outer}}}};
  EXPECT_EQ(fill("{{#outers}}\n{{name}}:{{#inner}} {{name}}{{/inner}}\n{{/outers}}\n", values),
            "o: x y\no: x y\n");
}

TEST(TextTemplate, DisagreementIsAnError) {
  const TemplateValues values = {.texts = {{"a", "1"}}, .sections = {{"s", {{}}}}};
  EXPECT_EQ(error_of([&] { fill("{{a}} {{c}}", values); }), "template x.in: c has no value");
  EXPECT_EQ(error_of([&] { fill("{{#a}}{{/a}}", values); }), "template x.in: a has no value");
  EXPECT_EQ(error_of([&] { fill("{{s}}", values); }), "template x.in: s has no value");
  EXPECT_EQ(error_of([&] { fill("x {{a\n}", values); }), "template x.in: a has no end");
  EXPECT_EQ(error_of([&] { fill("{{#s}} {{a}}", values); }), "template x.in: #s has no end");
  EXPECT_EQ(error_of([&] { fill("{{/s}}", values); }), "template x.in: /s has no value");
}

}  // namespace
}  // namespace mcunet
