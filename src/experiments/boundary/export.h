// Boundary samples as files that can be sent to a service.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/boundary/samples.h"

namespace telltale::experiments {

enum class ExportFormat {
  png,  ///< one 8-bit image a sample, grey or RGB
  raw,  ///< one file a sample, little-endian float32, channels x rows x columns; samples.json gives the shape
  npy,  ///< samples.npy: float32, samples x channels x rows x columns
};

/// Throws InputError for an unknown name.
ExportFormat parse_export_format(const std::string& name);

/// Writes the chosen samples, manifest.csv (what each file is: it betrays the labels, so it stays at home) and
/// answers.csv (the form to fill in for `telltale identify`) into `folder`, which is created if need be. A PNG is read
/// back and compared bit for bit. Throws InputError if something is in the folder already, no sample is chosen, or one
/// cannot be a PNG; Error if the disk refuses or a PNG does not give back its sample.
void export_samples(const BoundarySamples& all, const std::vector<std::size_t>& chosen, const std::string& folder,
                    ExportFormat format);

}  // namespace telltale::experiments
