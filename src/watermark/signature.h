// A signature as digits that a network can answer, and back (Mehta et al. 2022, Sec. IV: "FCIS" is 70 67 73 83).
#pragma once

#include <span>
#include <string>
#include <vector>

namespace telltale::watermark {

/// Characters by their ASCII codes, each in a fixed number of digits.
class SignatureCode {
 public:
  /// `group`: digits a character; 0: two of ten digits, as in the paper (codes up to 99), and of any other base as many
  /// as 7 bits need. Throws SettingError, naming `digit-classes`, for fewer than two digits.
  SignatureCode(int base, int group);

  [[nodiscard]] int base() const { return base_; }
  [[nodiscard]] int group() const { return group_; }

  /// Throws SettingError, naming `signature`, for a character that is not ASCII or whose code has too many digits.
  [[nodiscard]] std::vector<int> digits_of(const std::string& text) const;
  /// Of every whole group its character; `?` for a code that is no printable character. A digit of -1 is none (the
  /// network's answer stands for no digit), and so is its character.
  [[nodiscard]] std::string text_of(std::span<const int> digits) const;

 private:
  int base_, group_;
};

}  // namespace telltale::watermark
