// How long a results file of given size takes: tables of measures in float64 and predictions in float32, as a study
// leaves them. bench.py lets h5py write the same arrays.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/error.h"
#include "core/random.h"
#include "store/results_file.h"

namespace {

using telltale::Array;
using telltale::store::Group;

// As hard to compress as logits: random mantissas around a few units.
std::vector<float> logits(telltale::Stream& stream, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(stream.uniform(-8, 8));
  return values;
}

// Accuracies: counts of 10,000 test images.
std::vector<double> accuracies(telltale::Stream& stream, std::size_t count) {
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(9000 + stream.below(1000)) / 10000;
  return values;
}

Group content(std::int64_t megabytes) {
  telltale::Stream stream(1, {{"benchmark", "results file"}}, "values");
  constexpr std::int64_t images = 10000, classes = 11;
  const std::int64_t environments = std::max<std::int64_t>(1, megabytes * 1000000 * 9 / 10 / (images * classes * 4));
  const std::int64_t cases = std::max<std::int64_t>(1, megabytes * 1000000 / 10 / (8 * 50));
  Group group;
  group.name = "measures";
  group.dimensions = {{"environment", environments}, {"image", images}, {"class", classes}, {"case", cases}, {"repeat", 50}};
  group.variables = {
      {"logits", {"environment", "image", "class"},
       Array::of<float>({environments, images, classes}, logits(stream, static_cast<std::size_t>(environments * images * classes))), {}, std::nullopt},
      {"accuracy", {"case", "repeat"},
       Array::of<double>({cases, 50}, accuracies(stream, static_cast<std::size_t>(cases * 50))), {}, std::nullopt}};
  Group root;
  root.children.push_back(std::move(group));
  return root;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::int64_t megabytes = argc == 3 ? std::atoll(argv[2]) : 0;
  if (megabytes <= 0) throw telltale::InputError("usage: results_file_writing PATH MEGABYTES");
  const Group root = content(megabytes);
  const auto start = std::chrono::steady_clock::now();
  telltale::store::write_results_file(argv[1], root);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("seconds %.9f\n", taken.count());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
