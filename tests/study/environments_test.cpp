#include "study/environments.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace telltale::study {
namespace {

forensics::RankReport rank(const std::string& profile, const std::string& bits, bool repeats = true) {
  forensics::RankReport report;
  report.passport = {{"profile", profile}, {"system", {{"host", "n1"}}}, {"libraries", {{"torch", "1"}}}};
  report.fingerprints.by_subject = {{"net", bits}};
  report.fingerprints.train_step_s = {{"net", 0.5}};
  report.fingerprints.repeats = repeats;
  return report;
}

TEST(Environments, RanksOfOneProfileAndBitsAreOne) {
  const Environments e = environments_of({rank("best", "0"), rank("zen", "a"), rank("haswell", "b"), rank("zen", "a")},
                                         {false, true, true, true});
  ASSERT_EQ(e.list.size(), 2u);
  EXPECT_EQ(e.list[0].name, "haswell");
  EXPECT_EQ(e.of_rank, (std::vector<int>{-1, 1, 0, 1}));
}

TEST(Environments, OneProfileWithTwoKindsOfBitsIsTwo) {
  const Environments e = environments_of({rank("zen", "a"), rank("zen", "b")}, {true, true});
  ASSERT_EQ(e.list.size(), 2u);
  EXPECT_NE(e.list[0].name, e.list[1].name);
}

TEST(Environments, ARankThatDoesNotRepeatItsBitsIsSetAside) {
  const Environments e = environments_of({rank("zen", "a"), rank("zen", "c", false)}, {true, true});
  EXPECT_EQ(e.list.size(), 1u);
  EXPECT_EQ(e.of_rank, (std::vector<int>{0, -1}));
}

TEST(Environments, RecordedOnesAreFoundAgainWhateverTheOrderOfRanks) {
  const Environments first = environments_of({rank("zen", "a"), rank("haswell", "b")}, {true, true});
  const Environments later =
      place_ranks(first.list, {rank("haswell", "b"), rank("zen", "x"), rank("zen", "a")}, {true, true, true});
  EXPECT_EQ(later.of_rank, (std::vector<int>{0, -1, 1}));
}

// Newer versions fingerprint more: what an older one began goes on where all that it knew of is the same.
TEST(Environments, RecordedOnesAreFoundWhereMoreIsFingerprintedNow) {
  const Environments first = environments_of({rank("zen", "a")}, {true});
  forensics::RankReport more = rank("zen", "a"), other = rank("zen", "b");
  for (auto* report : {&more, &other}) report->fingerprints.by_subject["smaller batch"] = "r";
  EXPECT_EQ(place_ranks(first.list, {more, other}, {true, true}).of_rank, (std::vector<int>{0, -1}));
  // Not the other way round: whether it has the bits is not known.
  EXPECT_EQ(place_ranks(environments_of({more}, {true}).list, {rank("zen", "a")}, {true}).of_rank,
            (std::vector<int>{-1}));
}

TEST(Environments, IdentityIsOfTheSubjectsAsked) {
  Environment environment = environments_of({rank("zen", "a")}, {true}).list.front();
  const Identity before = environment.identity({"net"});
  environment.fingerprints["other"] = "z";
  EXPECT_EQ(environment.identity({"net"}), before);
  EXPECT_NE(environment.identity(), before);
}

TEST(Binding, FollowsTheRule) {
  const Environments e = environments_of({rank("zen", "a"), rank("haswell", "b")}, {true, true});
  EXPECT_EQ(bind_training("zen", e).trainer, 1);
  EXPECT_EQ(bind_training("haswell", e).trainer, 0);
  EXPECT_EQ(bind_training("spread", e).rule, "spread");
  EXPECT_EQ(bind_training("any", e).trainer, -1);
}

TEST(Binding, RefusesAnEnvironmentThatNoRankHas) {
  const Environments e = environments_of({rank("haswell", "b")}, {true});
  try {
    bind_training("zen", e);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("train on zen, and no rank has that environment (present: haswell)"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace telltale::study
