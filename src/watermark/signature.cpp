#include "watermark/signature.h"

#include <fmt/format.h>

#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

constexpr int codes = 128;  // of ASCII

// base^digits, or `codes` where that is more.
int reach(int base, int digits) {
  int count = 1;
  for (int i = 0; i < digits && count < codes; ++i) count *= base;
  return std::min(count, codes);
}

int digits_for_all(int base) {
  int digits = 1;
  while (reach(base, digits) < codes) ++digits;
  return digits;
}

}  // namespace

SignatureCode::SignatureCode(int base, int group) : base_(base), group_(group) {
  require(base >= 2, "digit-classes", "a signature needs at least two digits, and so two classes");
  if (group_ == 0) group_ = base == 10 ? 2 : digits_for_all(base);
}

std::vector<int> SignatureCode::digits_of(const std::string& text) const {
  std::vector<int> digits;
  for (const char character : text) {
    const int code = static_cast<unsigned char>(character);
    require(code < codes, "signature", "a signature is of ASCII characters, and one of these is none");
    require(code < reach(base_, group_), "signature",
            fmt::format("the character '{}' has the code {}, and {} digits of base {} end at {}; digits-per-character "
                        "= {} can say every character",
                        character, code, group_, base_, reach(base_, group_) - 1, digits_for_all(base_)));
    int rest = code;
    std::vector<int> of_character(static_cast<std::size_t>(group_));
    for (auto digit = of_character.rbegin(); digit != of_character.rend(); ++digit) {
      *digit = rest % base_;
      rest /= base_;
    }
    digits.insert(digits.end(), of_character.begin(), of_character.end());
  }
  return digits;
}

std::string SignatureCode::text_of(std::span<const int> digits) const {
  std::string text;
  const auto group = static_cast<std::size_t>(group_);
  for (std::size_t first = 0; first + group <= digits.size(); first += group) {
    int code = 0;
    for (const int digit : digits.subspan(first, group)) {
      if (digit < 0 || code >= codes) {
        code = codes;
        break;
      }
      code = code * base_ + digit;
    }
    text += code >= ' ' && code <= '~' ? static_cast<char>(code) : '?';
  }
  return text;
}

}  // namespace telltale::watermark
