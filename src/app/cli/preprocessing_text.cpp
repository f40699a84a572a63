#include "preprocessing_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace mcunet::cli {

void print_preprocessing(const datasets::Preprocessing& preprocessing) {
  const char* title = "input";
  for (const std::string& line : datasets::describe(preprocessing)) {
    fmt::print("{:<12} {}\n", title, line);
    title = "";
  }
}

nlohmann::ordered_json to_json(const datasets::Preprocessing& preprocessing) {
  return nlohmann::ordered_json::parse(to_json_text(datasets::write_preprocessing(preprocessing)));
}

}  // namespace mcunet::cli
