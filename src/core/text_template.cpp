#include "mcunet/core/text_template.hpp"

#include <fmt/format.h>

#include "mcunet/core/error.hpp"

namespace mcunet {
namespace {

// The values around a place, the innermost last.
using Scopes = std::vector<const TemplateValues*>;

// Where a tag stands, and what is in its braces.
struct Tag {
  std::size_t begin;
  std::size_t end;
  std::string_view name;

  bool opens_section() const { return name.starts_with('#'); }
};

class Filler {
 public:
  explicit Filler(const EmbeddedFile& file) : name_(file.name), text_(file.contents) {}

  std::string fill(const TemplateValues& values) {
    append(0, text_.size(), {&values});
    return std::move(result_);
  }

 private:
  // What lies from `at` to `end`.
  void append(std::size_t at, std::size_t end, const Scopes& scopes) {
    for (Tag tag = next_tag(at); tag.end <= end; tag = next_tag(at)) {
      if (tag.opens_section()) {
        const Tag open = with_line(tag);
        const Tag close = with_line(end_of_section(tag));
        result_ += text_.substr(at, open.begin - at);
        append_section(tag.name.substr(1), open.end, close.begin, scopes);
        at = close.end;
      } else {
        result_ += text_.substr(at, tag.begin - at);
        result_ += find(&TemplateValues::texts, tag.name, scopes);
        at = tag.end;
      }
    }
    result_ += text_.substr(at, end - at);
  }

  void append_section(std::string_view name, std::size_t begin, std::size_t end,
                      const Scopes& scopes) {
    for (const TemplateValues& element : find(&TemplateValues::sections, name, scopes)) {
      Scopes inner = scopes;
      inner.push_back(&element);
      append(begin, end, inner);
    }
  }

  // Behind the text if there is none.
  Tag next_tag(std::size_t at) const {
    std::size_t begin = text_.find("{{", at);
    if (begin == std::string_view::npos) return {begin, begin, {}};
    while (text_.substr(begin).starts_with("{{{")) ++begin;
    const std::size_t end = text_.find("}}", begin);
    const std::string_view name = text_.substr(begin + 2, end - begin - 2);
    if (end == std::string_view::npos) {
      throw Error("template {}: {} has no end", name_, name.substr(0, name.find('\n')));
    }
    return {begin, end + 2, name};
  }

  Tag end_of_section(const Tag& open) const {
    const std::string tag = fmt::format("{{{{/{}}}}}", open.name.substr(1));
    const std::size_t begin = text_.find(tag, open.end);
    if (begin == std::string_view::npos)
      throw Error("template {}: {} has no end", name_, open.name);
    return {begin, begin + tag.size(), {}};
  }

  // The tag with the end of its line, if there is nothing else on the line.
  Tag with_line(Tag tag) const {
    const bool begins_line = tag.begin == 0 || text_[tag.begin - 1] == '\n';
    const bool ends_line = tag.end < text_.size() && text_[tag.end] == '\n';
    if (begins_line && ends_line) ++tag.end;
    return tag;
  }

  template <typename Values>
  const typename Values::mapped_type& find(Values TemplateValues::*values, std::string_view name,
                                           const Scopes& scopes) const {
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
      const auto found = ((*scope)->*values).find(name);
      if (found != ((*scope)->*values).end()) return found->second;
    }
    throw Error("template {}: {} has no value", name_, name);
  }

  std::string_view name_;
  std::string_view text_;
  std::string result_;
};

}  // namespace

std::string fill_template(const EmbeddedFile& file, const TemplateValues& values) {
  return Filler(file).fill(values);
}

}  // namespace mcunet
