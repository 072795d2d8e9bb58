// A small results file with one of everything: for the round trip, for damage, and for the readers in other languages.
#pragma once

#include <cmath>
#include <limits>
#include <numeric>

#include "store/results_file.h"

namespace telltale::store {

inline std::vector<float> ramp(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

/// Accuracy of cell (m, a, r) of the sample: m + a / 10 + r / 100.
inline Group sample_results() {
  std::vector<double> accuracy;
  for (int m = 0; m < 2; ++m)
    for (int a = 0; a < 3; ++a)
      for (int r = 0; r < 4; ++r) accuracy.push_back(m + a / 10.0 + r / 100.0);
  accuracy.back() = std::numeric_limits<double>::quiet_NaN();

  Group root;
  root.attributes = {
      {"format", "telltale results"}, {"format_version", std::int64_t{1}}, {"title", "Stichprobe für α"}};

  Group train{.name = "train"};
  train.attributes = {{"axes", std::vector<std::string>{"scheme", "alpha"}},
                      {"levels", std::vector<double>{0.01, 0.05}},
                      {"counts", std::vector<std::int64_t>{2, 3, 4}},
                      {"seconds", 1.5}};
  train.dimensions = {{"scheme", 2}, {"alpha", 3}, {"repeat", 4}};
  train.variables = {
      {.name = "scheme", .dimensions = {"scheme"}, .data = std::vector<std::string>{"new-label", "noise-backdoor"}},
      {.name = "alpha",
       .dimensions = {"alpha"},
       .data = Array::of<double>({3}, {0.001, 0.01, 0.1}),
       .attributes = {{"long_name", "amplitude"}}},
      {.name = "accuracy",
       .dimensions = {"scheme", "alpha", "repeat"},
       .data = Array::of<double>({2, 3, 4}, accuracy),
       .attributes = {{"units", "1"}, {"long_name", "test accuracy"}},
       .fill = Array::scalar(std::numeric_limits<double>::quiet_NaN())},
      {.name = "status",
       .dimensions = {"scheme", "repeat"},
       .data = std::vector<std::string>{"done", "done", "", "done", "failed: ε", "done", "done", "done"}},
  };

  Group predictions{.name = "predictions"};
  predictions.dimensions = {{"image", 300}, {"class", 4}};
  predictions.variables = {
      {.name = "logits", .dimensions = {"image", "class"}, .data = Array::of<float>({300, 4}, ramp(1200))},
  };

  constexpr std::size_t limit = compression_limit_bytes;
  Group elements{.name = "elements"};
  elements.dimensions = {{"byte", limit}, {"byte_less", limit - 1}, {"nothing", 0}, {"row", 3}, {"column", 1 << 19}};
  elements.variables = {
      {.name = "a_float32", .data = Array::scalar(0.5f)},
      {.name = "a_float64", .data = Array::scalar(0.25)},
      {.name = "a_int32", .data = Array::scalar<std::int32_t>(-7)},
      {.name = "a_int64", .data = Array::scalar(std::int64_t{1} << 40)},
      {.name = "a_uint8", .data = Array::scalar<std::uint8_t>(200)},
      {.name = "a_text", .data = std::vector<std::string>{"text"}},
      {.name = "large", .dimensions = {"byte"}, .data = Array::of<std::uint8_t>({limit}, Bytes(limit, 3))},
      {.name = "small", .dimensions = {"byte_less"}, .data = Array::of<std::uint8_t>({limit - 1}, Bytes(limit - 1, 3))},
      {.name = "huge", .dimensions = {"row", "column"}, .data = Array::of<std::uint8_t>({3, 1 << 19}, Bytes(3 << 19))},
      {.name = "none", .dimensions = {"nothing"}, .data = Array::of<float>({0}, std::vector<float>{})},
      {.name = "no_texts", .dimensions = {"nothing"}, .data = std::vector<std::string>{}},
  };

  Group nested{.name = "nested"};
  nested.dimensions = {{"step", 2}};
  nested.variables = {{.name = "loss",
                       .dimensions = {"alpha", "step"},
                       .data = Array::of<float>({3, 2}, ramp(6)),
                       .fill = Array::scalar(-1.0f)}};
  train.children = {std::move(nested)};
  root.children = {std::move(train), std::move(predictions), std::move(elements)};
  return root;
}

}  // namespace telltale::store
