// profile_child <profile> [fingerprints]: pins itself, then says what it became, as JSON. Exit code 2 if refused.
#include <cmath>
#include <iostream>

#include "core/random.h"
#include "forensics/fingerprint.h"
#include "forensics/libtorch.h"
#include "forensics/profile.h"

namespace telltale {
namespace {

Identity hash_of(const std::vector<double>& values) {
  return Identity::of(ByteSpan(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(double)));
}

// glibc's double-precision functions over a range where their FMA variants round some values differently.
std::string libm_hash() {
  std::vector<double> values;
  for (int i = 1; i < 200000; ++i) {
    const double x = i * 0.000731;
    for (const double y : {std::sin(x), std::exp(-0.1 * x), std::log(x), std::tanh(0.01 * x)}) values.push_back(y);
  }
  return hash_of(values).hex();
}

std::string normals_hash() {
  Stream stream(1, {{"alpha", "0.01"}}, "golden");
  std::vector<double> draws(100000);
  for (double& draw : draws) draw = stream.normal();
  return hash_of(draws).hex();
}

std::vector<forensics::Subject> subjects() {
  std::vector<forensics::Subject> all{{{"dnn-1", {1, 28, 28}, 11}, 128, 256}, {{"dnn-2", {3, 16, 16}, 10}, 8, 16}};
  for (const auto precision : {models::Precision::float64, models::Precision::bfloat16})
    for (const int batch : {1, 4})
      all.push_back({{"resnet-20", {1, 9, 9}, 10}, 1, batch, forensics::Use::prediction, 1, precision});
  return all;
}

}  // namespace
}  // namespace telltale

int main(int argc, char** argv) {
  using namespace telltale;
  if (argc < 2) return 1;
  try {
    forensics::pin_and_reexecute(argv[1], argv);
    const Json passport = forensics::passport(forensics::loaded_libtorch());
    Json answer = {{"profile", forensics::pinned_profile()},
                   {"passport", passport},
                   {"warnings", forensics::warnings(passport)},
                   {"libm", libm_hash()},
                   {"normals", normals_hash()}};
    if (argc > 2) answer["fingerprints"] = forensics::take_fingerprints(subjects()).to_json();
    std::cout << answer.dump() << std::endl;
    return 0;
  } catch (const InputError& error) {
    std::cout << error.what() << std::endl;
    return 2;
  }
}
