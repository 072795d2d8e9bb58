#include "experiments/boundary/export.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/json.h"
#include "store/atomic_file.h"
#include "store/npy_file.h"
#include "study/answers.h"
#include "study/axis.h"
#include "study/cells.h"
#include "study/csv.h"
#include "study/exporting.h"
#include "study/float_image.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables, texts and files

std::string file_of(std::size_t sample, ExportFormat format) {
  if (format == ExportFormat::npy) return "samples.npy";
  char name[40];
  std::snprintf(name, sizeof name, "sample-%06zu.%s", sample, format == ExportFormat::png ? "png" : "bin");
  return name;
}

ByteSpan bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)};
}

void write_array(const BoundarySamples& all, const std::vector<std::size_t>& chosen, const std::string& path) {
  std::vector<std::span<const float>> samples;
  for (const std::size_t number : chosen) samples.emplace_back(all.samples[number].pixels);
  store::write_npy(path, {static_cast<std::int64_t>(chosen.size()), all.channels, all.rows, all.columns}, samples);
}

std::string raw_manifest(const BoundarySamples& all, const std::vector<std::size_t>& chosen) {
  Json files = Json::array();
  for (const std::size_t number : chosen)
    files.push_back({{"sample", number}, {"file", file_of(number, ExportFormat::raw)}});
  return Json{{"dtype", "<f4"},
              {"dimensions", {"channel", "row", "column"}},
              {"shape", {all.channels, all.rows, all.columns}},
              {"model", all.model},
              {"samples", std::move(files)}}
             .dump(1) +
         "\n";
}

std::string manifest(const BoundarySamples& all, const std::vector<std::size_t>& chosen, ExportFormat format) {
  std::vector<std::string> header = {"sample", "file", "position"};
  header.insert(header.end(), all.dimensions.begin(), all.dimensions.end());
  for (const char* name : {"psnr", "identifies", "identifying_label", "contrast_label"}) header.emplace_back(name);
  std::string text = csv_line(header) + "\n";
  for (std::size_t position = 0; position < chosen.size(); ++position) {
    const BoundarySample& sample = all.samples[chosen[position]];
    std::vector<std::string> row = {std::to_string(chosen[position]), file_of(chosen[position], format),
                                    std::to_string(position)};
    row.insert(row.end(), sample.coordinates.begin(), sample.coordinates.end());
    row.push_back(shortest(sample.psnr));
    row.push_back(sample.identified);
    row.push_back(std::to_string(sample.identifying_label));
    row.push_back(std::to_string(sample.contrast_label));
    text += csv_line(row) + "\n";
  }
  return text;
}

}  // namespace

ExportFormat parse_export_format(const std::string& name) {
  if (name == "png") return ExportFormat::png;
  if (name == "raw") return ExportFormat::raw;
  if (name == "npy") return ExportFormat::npy;
  throw InputError("there is no format " + name + ": png, raw or npy");
}

void export_samples(const BoundarySamples& all, const std::vector<std::size_t>& chosen, const std::string& folder,
                    ExportFormat format) {
  if (chosen.empty()) throw InputError("no sample is left to export");
  make_empty_folder(folder);
  const std::string in_folder = folder + "/";
  if (format == ExportFormat::npy) write_array(all, chosen, in_folder + file_of(0, format));
  for (const std::size_t number : chosen) {
    const std::string path = in_folder + file_of(number, format);
    if (format == ExportFormat::png)
      write_exact_png(path, {static_cast<int>(all.channels), static_cast<int>(all.rows), static_cast<int>(all.columns)},
                      all.samples[number].pixels, "sample " + std::to_string(number));
    if (format == ExportFormat::raw) store::write_file_atomically(path, {bytes_of(all.samples[number].pixels)});
  }
  if (format == ExportFormat::raw)
    store::write_file_atomically(in_folder + "samples.json", {as_bytes(raw_manifest(all, chosen))});
  store::write_file_atomically(in_folder + "manifest.csv", {as_bytes(manifest(all, chosen, format))});
  store::write_file_atomically(in_folder + "answers.csv",
                               {as_bytes(answers_template(chosen, all.classes, all.identity()))});
}

}  // namespace telltale::experiments
