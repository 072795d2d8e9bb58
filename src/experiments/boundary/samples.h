// The boundary samples of a results file: inputs whose label betrays the machine. What identifying a service, exporting
// and replaying read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "forensics/identification.h"
#include "store/results_file.h"

namespace telltale::experiments {

/// One that counts: found, and every label and logit repeated by a process of its own on each machine.
struct BoundarySample {
  std::vector<std::string> coordinates;  ///< labels of its case, by BoundarySamples::dimensions
  bool eight_bit = false;                ///< every pixel is a multiple of 1/255 in [0, 1], computed as byte / 255.0f
  std::string identified;                ///< the machine whose label differs from all others
  std::int32_t identifying_label = -1;
  std::int32_t contrast_label = -1;
  std::int32_t start_label = -1;
  double psnr = 0;                   ///< dB, against the image that the search started from
  std::vector<std::int32_t> labels;  ///< by machine; -1: the machine took no part
  std::vector<float> logits;         ///< machines x classes
  std::vector<float> pixels;         ///< channels x rows x columns
};

/// The samples of one trained network. A sample's number is its position here: the same at every reading of one results
/// file.
struct BoundarySamples {
  std::string network;                  ///< JSON
  std::string model;                    ///< hash of the trained model, hexadecimal
  std::vector<std::string> dimensions;  ///< of the cases: search, versus, target, grid, image, ...
  std::vector<std::string> machines;
  std::int64_t classes = 0, channels = 0, rows = 0, columns = 0;
  std::vector<BoundarySample> samples;  ///< in row-major order of the cases; at least one

  /// The machine's position. Throws InputError that lists the machines if there is none of that name.
  [[nodiscard]] std::size_t machine(const std::string& name) const;
  /// Twelve hexadecimal digits that name these samples, in this order: a hash of their pixels.
  [[nodiscard]] std::string identity() const;
  /// What every machine answers to every sample.
  [[nodiscard]] forensics::KnownLabels labels() const;
};

/// The positions of the samples whose cases have given labels: "grid=8-bit, target=zen"; empty: all. Throws InputError
/// for a dimension that there is not, or labels that no sample has.
std::vector<std::size_t> samples_where(const BoundarySamples& all, const std::string& conditions);

/// Where a study has several trained networks, `conditions` (as above) select one of them: all its samples are read,
/// those of its other cases too. Throws InputError, saying what to do, if the results hold no sample that counts, or
/// samples of several networks are selected; Error if the group `boundary` is not laid out as docs/identify.md says, or
/// what counts is incomplete.
BoundarySamples read_samples(const store::Group& root, const std::string& conditions = "");

}  // namespace telltale::experiments
