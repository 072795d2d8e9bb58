// emulation_child <profile>: hashes of every operation of some networks, as JSON; "native" leaves the choice of kernels
// to the libraries, and to the CPU that they see. Exit code 2 if the profile is refused.
#include <iostream>

#include "forensics/fingerprint.h"
#include "forensics/libtorch.h"
#include "forensics/profile.h"

int main(int argc, char** argv) {
  using namespace telltale;
  if (argc < 2) return 1;
  try {
    // An emulated CPU is asked as it is: /proc/self/exe is then the emulator, which must not be executed again.
    if (std::string(argv[1]) != "emulated") forensics::pin_and_reexecute(argv[1], argv);
    // Small, since emulation is slow: forward at batch 1 and 16, and a training step with all its gradients.
    Json hashes = Json::object();
    for (const forensics::Subject& subject :
         std::vector<forensics::Subject>{{{"resnet-20", {3, 32, 32}, 10}, 4, 16}, {{"dnn-1", {1, 28, 28}, 10}, 16, 16}})
      for (const auto& [operation, hash] : forensics::run_trial(subject).hashes)
        hashes[subject.key() + ": " + operation] = hash;
    const Json passport = forensics::passport(forensics::loaded_libtorch());
    std::cout
        << Json{{"hashes", hashes}, {"kernels", passport.at("kernels")}, {"cpu", passport.at("cpu").at("flags")}}.dump()
        << std::endl;
    return 0;
  } catch (const InputError& error) {
    std::cout << error.what() << std::endl;
    return 2;
  }
}
