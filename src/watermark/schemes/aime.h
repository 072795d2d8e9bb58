// AIME (Mehta et al. 2022): a signature written in the network's own errors.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "watermark/signature.h"

namespace telltale::watermark {

/// The signature of a key, as settings of scheme `aime` say it.
class AimeSignature {
 public:
  /// Throws SettingError, naming the key, for settings that say none.
  AimeSignature(const Json& settings, int classes);

  /// The class that stands for each digit of the key, in its order: what the network is to answer.
  [[nodiscard]] const std::vector<int>& labels() const { return labels_; }
  /// What these answers, one a digit, say.
  [[nodiscard]] std::string text_of(std::span<const std::int64_t> answers) const;

 private:
  std::vector<int> classes_;  // of each digit
  SignatureCode code_;
  std::vector<int> labels_;
};

}  // namespace telltale::watermark
