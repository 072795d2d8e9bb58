// A small results file with boundary samples, as a study `experiment = boundary` writes it.
//
// Four machines, three classes, images of 6 x 9; cases by target (a machine), grid and image (seven of each). The
// sample of a case identifies its target: it alone answers (image + target) % 3, all others the next class. Of the
// image without_sample the searches failed, of unverified_image nothing is verified.
#pragma once

#include <cmath>
#include <limits>
#include <numeric>

#include "store/results_file.h"

namespace telltale {

struct BoundaryFixture {
  std::int64_t channels = 1;
  bool verified = true;   ///< false: nothing is
  bool networks = false;  ///< two of them, by epochs
  bool pair = false;      ///< the first two machines only, and no targets: the search names the first of them always
};

inline store::Group boundary_results(const BoundaryFixture& fixture = {}) {
  using Texts = std::vector<std::string>;
  const Texts machines =
      fixture.pair ? Texts{"sandybridge", "haswell"} : Texts{"sandybridge", "haswell", "skylakex", "zen"};
  const Texts targets = fixture.pair ? Texts{"any"} : machines;
  const Texts grids = {"float", "8-bit"};
  const std::vector<std::int64_t> images = {0, 1, 2, 3, 5, 8, 13};
  constexpr std::int64_t without_sample = 3, unverified_image = 8;
  constexpr std::int64_t classes = 3, rows = 6, columns = 9;
  const auto n = static_cast<std::int64_t>(machines.size()), g = static_cast<std::int64_t>(grids.size()),
             m = static_cast<std::int64_t>(images.size()), t = static_cast<std::int64_t>(targets.size());
  const std::int64_t networks = fixture.networks ? 2 : 1;
  const std::int64_t cells = networks * t * g * m, pixels = fixture.channels * rows * columns;

  Texts status, identified;
  std::vector<std::int32_t> verified, label;
  std::vector<std::int64_t> identifying, contrast, start;
  std::vector<double> psnr;
  std::vector<float> logits, sample;
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const std::int64_t target = cell / (g * m) % t, grid = cell / m % g,
                       image = images[static_cast<std::size_t>(cell % m)];
    const bool found = image != without_sample;
    const auto own = static_cast<std::int32_t>((image + target) % classes), other = (own + 1) % 3;
    status.push_back(found ? "success" : grid == 0 ? "saturated" : "");
    identified.push_back(found ? machines[static_cast<std::size_t>(target)] : "");
    verified.push_back(found && fixture.verified && image != unverified_image);
    identifying.push_back(found ? own : -1);
    contrast.push_back(found ? other : -1);
    start.push_back(found ? other : -1);
    psnr.push_back(found ? 40 + static_cast<double>(cell * 7 % cells) / 4 : std::nan(""));
    for (std::int64_t machine = 0; machine < n; ++machine) {
      label.push_back(!found ? -1 : machine == target ? own : other);
      for (std::int64_t c = 0; c < classes; ++c) logits.push_back(c == label.back() ? 1.0f : 0.0f);
    }
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      const float on_grid = static_cast<float>((cell * 41 + pixel * 5) % 256) / 255.0f;
      sample.push_back(!found      ? std::numeric_limits<float>::quiet_NaN()
                       : grid == 1 ? on_grid
                                   : std::nextafter(on_grid, 0.5f));
    }
  }

  Texts cases = {"search", "versus", "target", "grid", "image"};
  if (fixture.networks) cases.insert(cases.begin(), "epochs");
  const auto with = [&](std::initializer_list<const char*> more) {
    Texts dimensions = cases;
    dimensions.insert(dimensions.end(), more.begin(), more.end());
    return dimensions;
  };
  const auto shape = [&](std::initializer_list<std::int64_t> more) {
    std::vector<std::int64_t> sizes = {1, 1, t, g, m};
    if (fixture.networks) sizes.insert(sizes.begin(), networks);
    sizes.insert(sizes.end(), more.begin(), more.end());
    return sizes;
  };
  store::Group boundary{.name = "boundary"};
  boundary.attributes = {{"network", "{\"name\":\"dnn-1\"}"}, {"model", std::string(64, 'a')}};
  boundary.dimensions = {{"search", 1}, {"versus", 1},      {"target", t},      {"grid", g},
                         {"image", m},  {"machine", n},     {"class", classes}, {"channel", fixture.channels},
                         {"row", rows}, {"column", columns}};
  std::vector<std::int64_t> every_class(static_cast<std::size_t>(classes));
  std::iota(every_class.begin(), every_class.end(), 0);
  boundary.variables = {
      {.name = "search", .dimensions = {"search"}, .data = Texts{"telltale"}},
      {.name = "versus", .dimensions = {"versus"}, .data = Texts{"all, of them"}},
      {.name = "target", .dimensions = {"target"}, .data = targets},
      {.name = "grid", .dimensions = {"grid"}, .data = grids},
      {.name = "image", .dimensions = {"image"}, .data = Array::of({m}, images)},
      {.name = "machine", .dimensions = {"machine"}, .data = machines},
      {.name = "class", .dimensions = {"class"}, .data = Array::of({classes}, every_class)},
      {.name = "status", .dimensions = cases, .data = status},
      {.name = "verified", .dimensions = cases, .data = Array::of(shape({}), verified)},
      {.name = "identified", .dimensions = cases, .data = identified},
      {.name = "identifying_label", .dimensions = cases, .data = Array::of(shape({}), identifying)},
      {.name = "contrast_label", .dimensions = cases, .data = Array::of(shape({}), contrast)},
      {.name = "start_label", .dimensions = cases, .data = Array::of(shape({}), start)},
      {.name = "psnr", .dimensions = cases, .data = Array::of(shape({}), psnr)},
      {.name = "label", .dimensions = with({"machine"}), .data = Array::of(shape({n}), label)},
      {.name = "logits", .dimensions = with({"machine", "class"}), .data = Array::of(shape({n, classes}), logits)},
      {.name = "sample",
       .dimensions = with({"channel", "row", "column"}),
       .data = Array::of(shape({fixture.channels, rows, columns}), sample)},
  };
  if (fixture.networks) {
    std::erase_if(boundary.attributes, [](const store::Attribute& one) { return one.name == "model"; });
    boundary.dimensions.push_back({"epochs", networks});
    boundary.variables.push_back(
        {.name = "epochs", .dimensions = {"epochs"}, .data = Array::of<std::int64_t>({2}, {5, 9})});
    boundary.variables.push_back(
        {.name = "model", .dimensions = {"epochs"}, .data = Texts{std::string(64, 'a'), std::string(64, 'b')}});
  }
  store::Group root;
  root.attributes = {{"format", "telltale results"}, {"format_version", std::int64_t{1}}, {"experiment", "boundary"}};
  root.children = {boundary};
  return root;
}

}  // namespace telltale
