#include "experiments/boundary/export.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/json.h"
#include "experiments/boundary/answers.h"
#include "store/atomic_file.h"
#include "store/png_file.h"
#include "study/axis.h"
#include "study/cells.h"
#include "study/csv.h"
#include "study/exporting.h"

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

// Pixels are planes of channels in a sample, and channels of pixels in an image.
std::size_t place_in_image(const BoundarySamples& all, std::size_t pixel) {
  const auto plane = static_cast<std::size_t>(all.rows * all.columns);
  return pixel % plane * static_cast<std::size_t>(all.channels) + pixel / plane;
}

void write_image(const BoundarySamples& all, std::size_t number, const std::string& path) {
  const std::vector<float>& pixels = all.samples[number].pixels;
  const auto refuse = [&](const std::string& why) {
    throw InputError("sample " + std::to_string(number) + " cannot be a PNG: " + why +
                     "; --format npy or raw keeps it");
  };
  if (all.channels != 1 && all.channels != 3) refuse("it has " + std::to_string(all.channels) + " channels");
  if (!all.samples[number].eight_bit) refuse("it is not on the 8-bit grid");
  store::PngImage image{all.rows, all.columns, all.channels, Bytes(pixels.size())};
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (!(pixels[i] >= 0 && pixels[i] <= 1)) refuse("a pixel is outside [0, 1]");
    image.bytes[place_in_image(all, i)] = static_cast<std::uint8_t>(std::lround(pixels[i] * 255.0f));
  }
  store::write_png(path, image);
  // What a service will see, and what the machines saw, must be the same floats.
  const store::PngImage back = store::read_png(path);
  if (back.rows != image.rows || back.columns != image.columns || back.channels != image.channels)
    throw Error("the image " + path + " was read back with another shape than it was written with");
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const float pixel = static_cast<float>(back.bytes[place_in_image(all, i)]) / 255.0f;
    if (std::bit_cast<std::uint32_t>(pixel) != std::bit_cast<std::uint32_t>(pixels[i]))
      throw Error("the image " + path + " does not give back sample " + std::to_string(number) + " bit for bit");
  }
}

// NumPy's format 1.0: magic, length of the header, a Python literal padded to 64 bytes; then the values.
Bytes npy_header(const std::vector<std::int64_t>& shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t size : shape) text += std::to_string(size) + ", ";
  text += "), }";
  constexpr std::size_t before = 10;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  ByteWriter header;
  header.raw(as_bytes("\x93NUMPY\x01")).put<std::uint8_t>(0).put(static_cast<std::uint16_t>(text.size()));
  return header.raw(as_bytes(text)).take();
}

void write_npy(const BoundarySamples& all, const std::vector<std::size_t>& chosen, const std::string& path) {
  Bytes values;
  for (const std::size_t number : chosen) {
    const ByteSpan sample = bytes_of(all.samples[number].pixels);
    values.insert(values.end(), sample.begin(), sample.end());
  }
  store::write_file_atomically(
      path, {npy_header({static_cast<std::int64_t>(chosen.size()), all.channels, all.rows, all.columns}), values});
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
  if (format == ExportFormat::npy) write_npy(all, chosen, in_folder + file_of(0, format));
  for (const std::size_t number : chosen) {
    const std::string path = in_folder + file_of(number, format);
    if (format == ExportFormat::png) write_image(all, number, path);
    if (format == ExportFormat::raw) store::write_file_atomically(path, {bytes_of(all.samples[number].pixels)});
  }
  if (format == ExportFormat::raw)
    store::write_file_atomically(in_folder + "samples.json", {as_bytes(raw_manifest(all, chosen))});
  store::write_file_atomically(in_folder + "manifest.csv", {as_bytes(manifest(all, chosen, format))});
  store::write_file_atomically(in_folder + "answers.csv",
                               {as_bytes(answers_template(chosen, all.classes, all.identity()))});
}

}  // namespace telltale::experiments
