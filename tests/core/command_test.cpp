#include "core/command.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "support/refusal.h"

namespace telltale {
namespace {

using namespace std::chrono_literals;

TEST(Command, SaysWhatAProgramPrintsAndHowItEnds) {
  const CommandResult result = run_command({"sh", "-c", "echo out; echo $HUE >&2; exit 3"}, {"HUE=red"}, 1min);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "red\n");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(run_command({"sh", "-c", "kill -TERM $$"}, {}, 1min).exit_code, 128 + 15);
}

// No shell reads them.
TEST(Command, WordsReachTheProgramAsTheyAre) {
  const std::string hostile = "a b; $(exit 9) '\"*";
  EXPECT_EQ(run_command({"printf", "%s", hostile}, {}, 1min).output, hostile);
}

TEST(Command, MoreOutputThanAPipeHoldsIsReadFromBothStreams) {
  const CommandResult result =
      run_command({"sh", "-c", "head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2"}, {}, 1min);
  EXPECT_EQ(result.output.size(), 300000u);
  EXPECT_EQ(result.errors.size(), 200000u);
}

TEST(Command, AProgramThatDoesNotEndIsKilled) {
  EXPECT_EQ(refusal<Error>([] { run_command({"sleep", "600"}, {}, 200ms); }), "sleep did not come to an end");
  EXPECT_EQ(refusal<Error>([] {
              run_command({"sleep", "600"}, {}, 10min, [] { return true; });
            }),
            "sleep did not come to an end");
}

TEST(Command, AProgramThatClosesItsStreamsAndGoesOnIsKilledToo) {
  EXPECT_EQ(refusal<Error>([] { run_command({"sh", "-c", "exec sleep 600 >&- 2>&-"}, {}, 200ms); }),
            "sh did not come to an end");
}

TEST(Command, AProgramThatIsNotThereIsNamed) {
  EXPECT_EQ(refusal<Error>([] { run_command({"no-such-program"}, {}, 1min); }),
            "cannot start no-such-program: No such file or directory");
}

}  // namespace
}  // namespace telltale
