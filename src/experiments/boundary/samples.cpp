#include "experiments/boundary/samples.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/identity.h"
#include "study/cells.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables, texts and files

// Never nullptr; a pointer because GCC 13 takes a reference for one to the arguments' temporaries.
const store::Variable* variable(const store::Group& group, const std::string& name,
                                const std::vector<std::string>& dimensions) {
  const store::Variable* found = group.find_variable(name);
  if (found == nullptr) throw Error("the group boundary of the results has no variable " + name);
  if (found->dimensions != dimensions)
    throw Error("the variable boundary/" + name + " of the results does not have the dimensions that it should have");
  return found;
}

// One number a case, of either width.
std::int32_t whole_number(const store::Variable& of, std::size_t cell) {
  const Array& numbers = of.numbers();
  return numbers.dtype == DType::int64 ? static_cast<std::int32_t>(numbers.as<std::int64_t>()[cell])
                                       : numbers.as<std::int32_t>()[cell];
}

// The part of an array that belongs to one case; the cases are its leading dimensions.
template <typename T>
std::vector<T> part(const store::Variable& of, std::size_t cell, std::size_t cells) {
  const auto all = of.numbers().as<T>();
  const std::size_t size = all.size() / cells;
  return {all.begin() + static_cast<std::ptrdiff_t>(cell * size),
          all.begin() + static_cast<std::ptrdiff_t>((cell + 1) * size)};
}

std::vector<std::string> with(std::vector<std::string> dimensions, std::initializer_list<const char*> more) {
  dimensions.insert(dimensions.end(), more.begin(), more.end());
  return dimensions;
}

void check_whole(const BoundarySample& sample, const BoundarySamples& all, std::size_t number) {
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) throw Error("boundary sample " + std::to_string(number) + " of the results is incomplete: " + what);
  };
  const auto is_class = [&](std::int32_t label) { return label >= 0 && label < all.classes; };
  require(std::find(all.machines.begin(), all.machines.end(), sample.identified) != all.machines.end(),
          "it identifies '" + sample.identified + "', which is no machine of the study");
  require(is_class(sample.identifying_label) && is_class(sample.contrast_label), "its labels are missing");
  require(std::all_of(sample.labels.begin(), sample.labels.end(),
                      [&](std::int32_t label) { return label == -1 || is_class(label); }),
          "a machine's label is no class");
  require(sample.labels[all.machine(sample.identified)] == sample.identifying_label,
          "its identifying label is not what " + sample.identified + " answers");
  require(!std::isnan(sample.psnr), "its PSNR is missing");
  require(std::all_of(sample.pixels.begin(), sample.pixels.end(), [](float pixel) { return std::isfinite(pixel); }),
          "pixels are missing");
}

}  // namespace

std::size_t BoundarySamples::machine(const std::string& name) const {
  const auto found = std::find(machines.begin(), machines.end(), name);
  if (found != machines.end()) return static_cast<std::size_t>(found - machines.begin());
  std::string known;
  for (const std::string& one : machines) known += (known.empty() ? "" : ", ") + one;
  throw InputError("there is no machine " + name + " in these results: " + known);
}

std::string BoundarySamples::identity() const {
  Hasher hasher;
  for (const BoundarySample& sample : samples)
    hasher.update({reinterpret_cast<const std::uint8_t*>(sample.pixels.data()), sample.pixels.size() * sizeof(float)});
  return hasher.finish().brief();
}

forensics::KnownLabels BoundarySamples::labels() const {
  std::vector<std::int32_t> by_machine;
  for (std::size_t m = 0; m < machines.size(); ++m)
    for (const BoundarySample& sample : samples) by_machine.push_back(sample.labels[m]);
  return {machines.size(), samples.size(), std::move(by_machine)};
}

BoundarySamples read_samples(const store::Group& root) {
  const store::Group* group = root.child("boundary");
  if (group == nullptr)
    throw InputError("these results hold no boundary samples: a study with `experiment = boundary` finds them");
  BoundarySamples all;
  all.network = text_of(*group, "network");
  all.model = text_of(*group, "model");
  const store::Variable* status = group->find_variable("status");
  if (status == nullptr) throw Error("the group boundary of the results has no variable status");
  all.dimensions = status->dimensions;
  all.machines = variable(*group, "machine", {"machine"})->strings();
  const auto size = [&](const char* dimension) {
    const store::Dimension* found = group->find_dimension(dimension);
    if (found == nullptr) throw Error("the group boundary of the results has no dimension " + std::string(dimension));
    return found->size;
  };
  all.classes = size("class");
  all.channels = size("channel");
  all.rows = size("row");
  all.columns = size("column");
  const auto grid_at = std::find(all.dimensions.begin(), all.dimensions.end(), "grid");
  if (grid_at == all.dimensions.end()) throw Error("the cases of the group boundary have no dimension grid");

  const auto& of_case = all.dimensions;
  const store::Variable& verified = *variable(*group, "verified", of_case);
  const store::Variable& identified = *variable(*group, "identified", of_case);
  const store::Variable& identifying = *variable(*group, "identifying_label", of_case);
  const store::Variable& contrast = *variable(*group, "contrast_label", of_case);
  const store::Variable& start = *variable(*group, "start_label", of_case);
  const Cells psnr(*group, variable(*group, "psnr", of_case)->name);  // which knows the labels of the cases too
  const store::Variable& label = *variable(*group, "label", with(of_case, {"machine"}));
  const store::Variable& logits = *variable(*group, "logits", with(of_case, {"machine", "class"}));
  const store::Variable& pixels = *variable(*group, "sample", with(of_case, {"channel", "row", "column"}));

  const std::vector<std::string>& reached = status->strings();
  std::size_t unverified = 0;
  for (std::size_t cell = 0; cell < reached.size(); ++cell) {
    if (reached[cell] != "success") continue;
    if (whole_number(verified, cell) != 1) {
      ++unverified;
      continue;
    }
    BoundarySample sample;
    const auto labels = psnr.labels(cell);
    for (const std::string& dimension : of_case) sample.coordinates.push_back(labels.at(dimension));
    sample.eight_bit = labels.at("grid") == "8-bit";
    sample.identified = identified.strings()[cell];
    sample.identifying_label = whole_number(identifying, cell);
    sample.contrast_label = whole_number(contrast, cell);
    sample.start_label = whole_number(start, cell);
    sample.psnr = psnr.value(cell);
    sample.labels = part<std::int32_t>(label, cell, reached.size());
    sample.logits = part<float>(logits, cell, reached.size());
    sample.pixels = part<float>(pixels, cell, reached.size());
    check_whole(sample, all, all.samples.size());
    all.samples.push_back(std::move(sample));
  }
  if (all.samples.empty()) {
    const std::string of_all = " of " + std::to_string(reached.size()) + " searches";
    throw InputError(unverified > 0 ? "no boundary sample counts yet: " + std::to_string(unverified) + of_all +
                                          " succeeded, but no sample has been verified; `telltale run` goes on with it"
                                    : "no boundary sample counts: none" + of_all +
                                          " has succeeded; `telltale report` shows why, `telltale run` goes on with "
                                          "what is open");
  }
  return all;
}

}  // namespace telltale::experiments
