// Whether a pinned profile computes what its CPU would: a whole emulated CPU (QEMU's user mode) against the profile.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>

#include "core/error.h"
#include "core/json.h"
#include "forensics/profile.h"

namespace telltale::forensics {
namespace {

// What a command prints; throws Error unless it ends well.
std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw Error("cannot run " + command);
  std::string text;
  char buffer[4096];
  for (std::size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, size);
  const int status = pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw Error(command + " failed: " + text);
  return text;
}

struct Emulated {
  const char* cpu;  ///< as QEMU names it
  const char* profile;
};

class EachCpu : public testing::TestWithParam<Emulated> {};

TEST_P(EachCpu, ComputesTheBitsOfItsProfile) {
  if (std::getenv("TELLTALE_SLOW") == nullptr) GTEST_SKIP() << "takes minutes; TELLTALE_SLOW=1 runs it";
  if (std::system("command -v qemu-x86_64 >/dev/null") != 0)
    GTEST_SKIP() << "there is no qemu-x86_64 (package qemu-user)";
  if (!missing_flags(*find_profile(GetParam().profile)).empty())
    GTEST_SKIP() << "this CPU cannot run profile " << GetParam().profile;
  // Nothing that steers the libraries may come in from outside: the emulated CPU alone decides. Its libm variants
  // follow its flags too, but the hashed operations use none of them.
  const std::string plain =
      "exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE -u ONEDNN_MAX_CPU_ISA -u DNNL_MAX_CPU_ISA -u "
      "ATEN_CPU_CAPABILITY "
      "-u GLIBC_TUNABLES -u TELLTALE_PROFILE OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ";
  const Json pinned = Json::parse(output_of(plain + "'" EMULATION_CHILD "' " + GetParam().profile));
  const Json emulated = Json::parse(
      output_of(plain + "qemu-x86_64 -cpu " + GetParam().cpu + " '" EMULATION_CHILD "' emulated 2>/dev/null"));
  std::cout << GetParam().cpu << " chose " << emulated.at("kernels") << "; profile " << GetParam().profile << " "
            << pinned.at("kernels") << "\n";
  EXPECT_EQ(emulated.at("hashes").size(), 12u);
  for (const auto& [operation, hash] : pinned.at("hashes").items())
    EXPECT_EQ(emulated.at("hashes").value(operation, ""), hash.get<std::string>()) << operation;
}

INSTANTIATE_TEST_SUITE_P(Qemu, EachCpu,
                         testing::Values(Emulated{"Nehalem", "nehalem"}, Emulated{"SandyBridge", "sandybridge"},
                                         Emulated{"Haswell", "haswell"}, Emulated{"EPYC-Rome", "zen"}),
                         [](const auto& instance) { return std::string(instance.param.profile); });

}  // namespace
}  // namespace telltale::forensics
