#include "experiments/boundary/samples.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/identity.h"
#include "study/cells.h"
#include "study/exporting.h"

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

// The hash of each case's network, empty while it is not trained. A file of an earlier version has one for all.
std::vector<std::string> models_of_cases(const store::Group& group, const store::Variable& status) {
  const std::size_t cases = status.strings().size();
  const store::Variable* model = group.find_variable("model");
  if (model == nullptr) return std::vector<std::string>(cases, text_of(group, "model"));
  const auto& dimensions = model->dimensions;
  // Trainings are the leading dimensions of the cases.
  if (dimensions.size() > status.dimensions.size() ||
      !std::equal(dimensions.begin(), dimensions.end(), status.dimensions.begin()))
    throw Error("the variable boundary/model of the results does not have the dimensions that it should have");
  std::vector<std::string> models;
  const std::size_t each = model->strings().empty() ? 0 : cases / model->strings().size();
  for (const std::string& hash : model->strings()) models.insert(models.end(), each, hash);
  return models;
}

// What --where says to select each of these networks: what tells the cases of one from all others.
std::string choices_of(const std::vector<std::string>& dimensions, const std::vector<BoundarySample>& samples,
                       const std::vector<std::string>& model_of) {
  // A dimension of which every network has one label, and not all the same.
  std::vector<std::size_t> telling;
  std::vector<std::string> models;
  std::vector<std::size_t> first;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (std::find(models.begin(), models.end(), model_of[i]) == models.end()) {
      models.push_back(model_of[i]);
      first.push_back(i);
    }
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const auto label = [&](std::size_t i) { return samples[i].coordinates[d]; };
    bool one_each = true, differs = false;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::size_t of =
          first[static_cast<std::size_t>(std::find(models.begin(), models.end(), model_of[i]) - models.begin())];
      one_each &= label(i) == label(of);
      differs |= label(i) != label(first.front());
    }
    if (one_each && differs) telling.push_back(d);
  }
  std::string text;
  for (const std::size_t i : first) {
    std::string labels;
    for (const std::size_t d : telling)
      labels += (labels.empty() ? "" : ",") + dimensions[d] + "=" + samples[i].coordinates[d];
    text += (text.empty() ? "" : ", ") + (labels.empty() ? model_of[i].substr(0, 12) : labels);
  }
  return text;
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

std::vector<std::size_t> samples_where(const BoundarySamples& all, const std::string& conditions) {
  std::vector<std::vector<std::string>> labels;
  for (const BoundarySample& sample : all.samples) labels.push_back(sample.coordinates);
  return cases_where(all.dimensions, labels, conditions, "sample");
}

BoundarySamples read_samples(const store::Group& root, const std::string& conditions) {
  const store::Group* group = root.child("boundary");
  if (group == nullptr)
    throw InputError("these results hold no boundary samples: a study with `experiment = boundary` finds them");
  BoundarySamples all;
  all.network = text_of(*group, "network");
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
  const std::vector<std::string> models = models_of_cases(*group, *status);
  std::vector<std::string> model_of;  // by sample
  std::size_t unverified = 0;
  for (std::size_t cell = 0; cell < reached.size(); ++cell) {
    if (reached[cell] != "success" && reached[cell] != "open") continue;
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
    model_of.push_back(models[cell]);
  }
  if (all.samples.empty()) {
    const std::string of_all = " of " + std::to_string(reached.size()) + " searches";
    throw InputError(unverified > 0 ? "no boundary sample counts yet: " + std::to_string(unverified) + of_all +
                                          " succeeded, but no sample has been verified; `telltale run` goes on with it"
                                    : "no boundary sample counts: none" + of_all +
                                          " has succeeded; `telltale report` shows why, `telltale run` goes on with "
                                          "what is open");
  }
  const auto selected = samples_where(all, conditions);
  all.model = model_of[selected.front()];
  if (std::any_of(selected.begin(), selected.end(), [&](std::size_t i) { return model_of[i] != all.model; }))
    throw InputError("these samples are of several networks, and a service runs one: --where selects it, of " +
                     choices_of(all.dimensions, all.samples, model_of));
  std::vector<BoundarySample> of_one;
  for (std::size_t i = 0; i < all.samples.size(); ++i)
    if (model_of[i] == all.model) of_one.push_back(std::move(all.samples[i]));
  all.samples = std::move(of_one);
  return all;
}

}  // namespace telltale::experiments
