// Profiles in processes of their own: whether the libraries really took them.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <map>
#include <memory>

#include "core/error.h"
#include "core/json.h"
#include "forensics/profile.h"

namespace telltale::forensics {
namespace {

struct ChildAnswer {
  int exit_code = -1;
  std::string text;
};

// Runs the child with more variables in front ("NAME=value NAME=value").
ChildAnswer run_child(const std::string& arguments, const std::string& variables = "") {
  const std::string command = "exec env " + variables + " '" PROFILE_CHILD "' " + arguments;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw Error("cannot run " + command);
  ChildAnswer answer;
  char buffer[4096];
  for (std::size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) answer.text.append(buffer, size);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) answer.exit_code = WEXITSTATUS(status);
  return answer;
}

Json ask_child(const std::string& arguments, const std::string& variables = "") {
  const ChildAnswer answer = run_child(arguments, variables);
  if (answer.exit_code != 0)
    throw Error("the child ended with " + std::to_string(answer.exit_code) + ": " + answer.text);
  return Json::parse(answer.text);
}

// A profile's answer with fingerprints, asked once for all tests.
const Json& child_under(const std::string& profile) {
  static std::map<std::string, Json> answers;
  const auto found = answers.find(profile);
  if (found != answers.end()) return found->second;
  return answers[profile] = ask_child(profile + " fingerprints");
}

bool runs_here(const std::string& profile) { return missing_flags(*find_profile(profile)).empty(); }

std::string reason_to_skip(const std::string& profile) {
  std::string reason = "this CPU cannot run profile " + profile + ": it lacks";
  for (const std::string& flag : missing_flags(*find_profile(profile))) reason += " " + flag;
  return reason;
}

std::string fingerprints_of(const std::string& profile) {
  return child_under(profile).at("fingerprints").at("by_operation").dump();
}

class EachProfile : public testing::TestWithParam<std::string> {};

TEST_P(EachProfile, IsTakenByTheLibrariesOrRefusedByName) {
  const Profile& profile = *find_profile(GetParam());
  if (!runs_here(profile.name)) {
    const ChildAnswer answer = run_child(profile.name);
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_NE(answer.text.find("profile \"" + profile.name + "\" cannot run on this CPU"), std::string::npos);
    GTEST_SKIP() << reason_to_skip(profile.name);
  }
  const Json& child = child_under(profile.name);
  EXPECT_EQ(child.at("profile"), profile.name);
  EXPECT_EQ(child.at("warnings"), Json::array());
  const Json& kernels = child.at("passport").at("kernels");
  if (kernels.at("openblas") != "unknown") {
    EXPECT_EQ(kernels.at("openblas"), profile.openblas_coretype);
  }
  if (kernels.at("onednn") != "unknown" && !profile.onednn_max_cpu_isa.empty()) {
    EXPECT_EQ(kernels.at("onednn"), profile.onednn_max_cpu_isa);
  }
  const std::map<std::string, std::string> aten{{"default", "DEFAULT"}, {"avx2", "AVX2"}, {"avx512", "AVX512"}};
  if (!profile.aten_capability.empty()) {
    EXPECT_EQ(kernels.at("aten"), aten.at(profile.aten_capability));
  }
  for (const auto& [library, threads] : child.at("passport").at("threads").items()) {
    EXPECT_TRUE(threads == 1 || threads == "unknown") << library << ": " << threads;
  }
}

TEST_P(EachProfile, RepeatsItsOwnBits) {
  if (!runs_here(GetParam())) GTEST_SKIP() << reason_to_skip(GetParam());
  const Json& prints = child_under(GetParam()).at("fingerprints");
  EXPECT_TRUE(prints.at("repeats").get<bool>()) << prints.at("unrepeated");
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const Profile& profile : profiles()) names.push_back(profile.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Table, EachProfile, testing::ValuesIn(profile_names()),
                         [](const auto& instance) { return instance.param; });

TEST(Pinning, TheSameProfileTwiceGivesTheSameBits) {
  const std::string best = best_profile().name;
  EXPECT_EQ(ask_child("best fingerprints").at("fingerprints").at("by_operation").dump(), fingerprints_of(best));
}

TEST(Pinning, VectorWidthsDifferInBits) {
  for (const char* profile : {"nehalem", "haswell"}) {
    if (!runs_here(profile)) GTEST_SKIP() << reason_to_skip(profile);
  }
  EXPECT_NE(fingerprints_of("nehalem"), fingerprints_of("haswell"));
}

TEST(Pinning, AllProfilesShareTheirLibraryBuilds) {
  const Json& builds = child_under(best_profile().name).at("passport").at("libraries");
  for (const std::string& profile : profile_names()) {
    if (!runs_here(profile)) continue;
    EXPECT_EQ(child_under(profile).at("passport").at("libraries"), builds) << profile;
  }
}

TEST(Pinning, ReplacesWhatTheShellHolds) {
  const std::string best = best_profile().name;
  const Json child = ask_child("best", "OPENBLAS_CORETYPE=Prescott OMP_NUM_THREADS=3 TELLTALE_PROFILE=" + best);
  EXPECT_EQ(child.at("passport").at("kernels"), child_under(best).at("passport").at("kernels"));
  EXPECT_EQ(child.at("passport").at("threads").at("aten"), 1);
}

TEST(Pinning, NativeLeavesTheChoiceToTheLibraries) {
  const Json free = ask_child("native", "-u OPENBLAS_CORETYPE -u ATEN_CPU_CAPABILITY -u ONEDNN_MAX_CPU_ISA");
  const Json held =
      ask_child("native", "OPENBLAS_CORETYPE=Prescott ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41");
  EXPECT_EQ(held.at("profile"), "native");
  EXPECT_EQ(held.at("passport").at("kernels"), free.at("passport").at("kernels"));
}

TEST(Pinning, UnknownProfileIsRefused) {
  const ChildAnswer answer = run_child("hazwell");
  EXPECT_EQ(answer.exit_code, 2);
  EXPECT_NE(answer.text.find("known: native, best"), std::string::npos) << answer.text;
}

// Profiles without FMA switch glibc's FMA variants off. It must show in libm, and not in our own streams.
TEST(Pinning, RandomStreamsDoNotDependOnLibmVariants) {
  for (const char* profile : {"nehalem", "haswell"}) {
    if (!runs_here(profile)) GTEST_SKIP() << reason_to_skip(profile);
  }
  const Json plain = child_under("nehalem"), fused = child_under("haswell");
#ifdef __GLIBC__
  EXPECT_NE(plain.at("libm"), fused.at("libm")) << "GLIBC_TUNABLES did not take";
#endif
  EXPECT_EQ(plain.at("normals"), fused.at("normals"));
  EXPECT_EQ(fused.at("normals"), "71beddf9af1deb146faff478ae7fffe77b7543b2ad4f6395953f930f85abf0b6");
}

}  // namespace
}  // namespace telltale::forensics
