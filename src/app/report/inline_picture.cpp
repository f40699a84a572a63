#include <fmt/format.h>

#include <array>
#include <regex>

#include "html_page.hpp"

namespace mcunet::report {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      text += digit <= count ? kDigits[group >> (18 - 6 * digit) & 63U] : '=';
    }
  }
  return text;
}

}  // namespace

Markup inline_svg(std::string_view svg, std::string_view prefix) {
  const std::size_t begin = svg.find("<svg");
  std::string text(svg.substr(begin == std::string_view::npos ? svg.size() : begin));
  // Definitions and what refers to them, as gnuplot and we write them.
  static const std::regex kId(R"re(\bid=(["']))re");
  static const std::regex kReference(R"re(href=(["'])#)re");
  static const std::regex kUrl(R"re(url\((["']?)#)re");
  const std::string name(prefix);
  text = std::regex_replace(text, kId, "id=$1" + name);
  text = std::regex_replace(text, kReference, "href=$1#" + name);
  text = std::regex_replace(text, kUrl, "url($1#" + name);
  return {text};
}

Markup inline_image(std::string_view bytes, std::string_view type, std::string_view description) {
  return {fmt::format("<img src=\"data:{};base64,{}\" alt=\"{}\">", type, base64(bytes),
                      escape_html(description))};
}

}  // namespace mcunet::report
