// Boundary samples (Schloegl, Kupek, Boehme 2021): inputs whose predicted label depends on the machine that predicts.
//
// A search is a function of a start image and of what the machines answer: its own arithmetic is plain and gives the
// same bits wherever it runs. Presets:
//   paper     the paper's text and Algorithm 1
//   code      what the authors' program did
//   telltale  ours: the nearest point of the boundary, then draws around it until one machine stands alone
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "forensics/oracle.h"

namespace telltale::forensics {

enum class Preset { paper, code, telltale };
/// Throws InputError for another name than "paper", "code", "telltale".
Preset preset_named(const std::string& name);

struct SearchOptions {
  Preset preset = Preset::telltale;
  /// The microarchitecture of each machine that is asked. Machines of one microarchitecture are one to be identified.
  std::vector<int> microarchitectures;
  int local = 0;  ///< the machine that approaches the boundary alone

  std::int64_t local_limit = 2000;  ///< steps of paper and code (Sec. 3)
  std::int64_t remote_limit = 500;

  // Of the preset telltale.
  std::optional<int> target;  ///< the microarchitecture to stand alone; none: any
  int height = 0, width = 0;  ///< of the input: an 8-bit search needs to know which values lie far apart
  bool eight_bit = false;     ///< every value a multiple of 1/255 in [0, 1]; the start must be
  bool clip = false;          ///< values stay in [0, 1]; an 8-bit search always does
  double least_psnr = 0;      ///< dB; 0: no floor
  std::int64_t evaluation_limit = 4000;

  bool keeps_steps = false;
};

/// How an attempt ended.
enum class Ending : std::uint8_t {
  success,
  saturated,         ///< a confidence of exactly 1: there is no slope to follow (paper, code)
  local_limit,       ///< the local phase took too many steps
  remote_limit,      ///< the remote phase did
  evaluation_limit,  ///< the machines were asked too often (telltale)
  no_slope,          ///< the margin does not depend on the input, or is no number
  below_floor,       ///< what was found lies below the PSNR floor
};
const char* name_of(Ending ending);

/// One step of a search, as it was before the input moved.
struct SearchStep {
  bool remote = false;
  int machine = 0;   ///< whose slope was followed; -1: of none
  int label = 0;     ///< that machine's
  double delta = 0;  ///< its two largest confidences' difference (paper, code), or its margin in logits (telltale)
  double scale = 0;  ///< what multiplied alpha (paper, code); the shift of the margin that was aimed at (telltale)
};

struct Attempt {
  Ending ending = Ending::evaluation_limit;
  int start_label = -1;  ///< what the local machine calls the start
  Point sample;          ///< the last point; on success the boundary sample
  // On success:
  int identified = -1;  ///< the microarchitecture whose label differs
  int identifying_label = -1;
  int contrast_label = -1;
  std::vector<int> labels;                 ///< by machine
  std::vector<std::vector<float>> logits;  ///< machine x class

  std::int64_t local_steps = 0;
  std::int64_t remote_steps = 0;
  std::int64_t evaluations = 0;  ///< see Question::evaluations()
  double squared_error = 0;      ///< mean over the values, sample against start
  std::vector<SearchStep> steps;
};

/// `start`: values in [0, 1]. `label`: its true class. Throws Error for options that do not fit each other (no machine,
/// no two microarchitectures, a target that is none of them, paper or code with a target or a grid).
Attempt search_boundary(Oracle& oracle, const Point& start, int label, const SearchOptions& options, Stream draws);

/// Peak signal-to-noise ratio in dB of values in [0, 1]: 10 log10(1 / MSE). The same bits on every CPU.
double psnr(double mean_squared_error);

/// The machines' labels, judged.
struct Verdict {
  int identified = -1;  ///< the microarchitecture that stands alone; -1: none
  int identifying_label = -1;
  int contrast_label = -1;
};
/// All machines of one microarchitecture answer one label, and all others another one.
Verdict judge(const std::vector<int>& labels, const std::vector<int>& microarchitectures);

}  // namespace telltale::forensics
