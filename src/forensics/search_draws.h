// What the draws of a boundary search are keyed by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace telltale::forensics {

/// All that a search's answers depend on, and nothing else: neither what is recorded of it (steps), nor settings of
/// other searches, nor when it gives up or what is thrown away afterwards (limits, PSNR floor), nor the places of
/// machines in a list. So a sample stays the same when a study asks for more of its steps, has one more profile that
/// the search does not ask, or lets it try for longer.
struct SearchDraws {
  std::string data;        ///< identity, hexadecimal
  std::string model;       ///< identity of the training, hexadecimal
  std::int64_t image = 0;  ///< number of the test image
  std::string search;      ///< preset
  bool eight_bit = false;
  bool clip = false;
  int batch = 1;  ///< copies of a point in a question
  std::vector<std::string>
      machines;       ///< bits of each that is asked: its environment's identity for the questions, in any order
  std::string local;  ///< bits of the machine that approaches the boundary
  std::optional<std::string> target;  ///< bits of the machine to stand alone

  /// For Stream(seed, coordinates(), "search").
  [[nodiscard]] Json coordinates() const;
};

}  // namespace telltale::forensics
