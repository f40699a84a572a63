#pragma once

#include <map>
#include <string>
#include <string_view>

// What the files, symbols and macros of one generated network are called, so that several can be
// linked into one program. A prefix P makes P.h, P.c, P_weights.h, P_weights.c, P_invoke() and
// P_ARENA_BYTES with P in capitals; the default, `model`, leaves weights.h and weights.c without it.
namespace mcunet::engine {

class ModelNames {
 public:
  ModelNames() = default;
  // Throws Error if files or symbols of this prefix would not be C, or would take the place of
  // others: a keyword, a header of the C library, the kernels' prefix.
  explicit ModelNames(std::string prefix);

  bool is_default() const { return prefix_ == kDefault; }
  const std::string& prefix() const { return prefix_; }
  std::string macro_prefix() const;  // "MODEL"
  // The stem of a further file, and the prefix of its symbols: "weights", "kws_weights".
  std::string part(std::string_view what) const;

  // {{model}} and {{MODEL}}, {{weights}}, and what templates call the parts that a network may come
  // with: {{features}} and {{FEATURES}}, frame, series and detections likewise.
  std::map<std::string, std::string, std::less<>> template_texts() const;

 private:
  static constexpr std::string_view kDefault = "model";

  std::string prefix_{kDefault};
};

}  // namespace mcunet::engine
