#include "study/job.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "support/refusal.h"

namespace telltale::study {
namespace {

std::string refusal_to_parse(const std::string& text,
                             const std::vector<std::pair<std::string, std::string>>& overrides = {}) {
  return refusal([&] { (void)Job::parse(text, "x.ini", overrides); });
}

TEST(Job, ReadsListsAndComments) {
  const Job job =
      Job::parse("# a study\nalpha = 0.001, 0.002  # shares\nscheme = clean, new-label\nrepeats=3\n", "x.ini");
  EXPECT_EQ(job.values("alpha"), (std::vector<std::string>{"0.001", "0.002"}));
  EXPECT_EQ(job.integer("repeats"), 3);
  EXPECT_EQ(job.integer("batch"), 128);  // the default
}

TEST(Job, UnderscoresAndDashesAreTheSame) {
  EXPECT_EQ(Job::parse("prune_rate = 0.5\n", "x.ini").values("prune-rate"), std::vector<std::string>{"0.5"});
}

TEST(Job, CommandLineWins) {
  EXPECT_EQ(Job::parse("epochs = 3\n", "x.ini", {{"epochs", "4"}}).integer("epochs"), 4);
  EXPECT_EQ(refusal_to_parse("", {{"epochs", "0"}}),
            "command line: --epochs: '0' is out of range (integer, 1 to 100000; a list)");
}

TEST(Job, MessagesNameFileLineAndKey) {
  EXPECT_EQ(refusal_to_parse("seed = 1\nalhpa = 0.1\n"),
            "x.ini:2: alhpa: unknown key; did you mean alpha? (telltale run --help lists all)");
  EXPECT_EQ(refusal_to_parse("seed = 1\n\nbeta =\n"), "x.ini:3: beta: no value is given");
  EXPECT_EQ(refusal_to_parse("alpha = 0.01:0.001:0.001\n"),
            "x.ini:1: alpha: the range '0.01:0.001:0.001' holds no value: its step leads away from its end");
  EXPECT_EQ(refusal_to_parse("scheme = new-lable\n"),
            "x.ini:1: scheme: 'new-lable' is not one of new-label, noise-backdoor, clean; a list");
  EXPECT_EQ(refusal_to_parse("epochs 3\n"), "x.ini:1: a line must be `key = value`, a comment, or empty");
  EXPECT_EQ(refusal_to_parse("repeats = 0\n"), "x.ini:1: repeats: '0' is out of range (integer, 1 to 100000)");
  EXPECT_EQ(refusal_to_parse("seed = 1, 2\n"), "x.ini:1: seed: one value expected, 2 given");
  EXPECT_EQ(refusal_to_parse("official = maybe\n"), "x.ini:1: official: 'maybe' is neither yes nor no");
}

TEST(Job, TextThatIsNotUtf8IsRefusedWithItsLine) {
  EXPECT_EQ(refusal_to_parse("seed = 1\n# Gr\xf6\xdf"
                             "e\n"),
            "x.ini:2: the byte 0xf6 is not UTF-8: save the file as UTF-8");
  EXPECT_EQ(refusal_to_parse("", {{"title",
                                   "Gr\xf6\xdf"
                                   "e"}}),
            "command line: --title: the value is not UTF-8");
  EXPECT_EQ(refusal_to_parse("# Gr\xc3\xb6\xc3\x9f"
                             "e\n",
                             {{"title",
                               "Gr\xc3\xb6\xc3\x9f"
                               "e"}}),
            "accepted");
}

TEST(Job, AKeyThatStandsTwiceIsRefused) {
  EXPECT_NE(refusal_to_parse("seed = 1\nseed = 2\n"), "accepted");
  EXPECT_NE(refusal_to_parse("prune-rate = 0.1\nprune_rate = 0.2\n"), "accepted");
}

TEST(Job, ImpossibleCombinationsAreRefused) {
  EXPECT_NE(refusal_to_parse("epochs = 2\nlr-milestones = 2\n"), "accepted");
  EXPECT_NE(refusal_to_parse("scheme = clean\npredict-images = 10\n"), "accepted");
}

TEST(Job, StandardAxesAreAlwaysDimensionsOthersWhenTheyHaveSeveralValues) {
  const auto names = [](const Job& job) {
    std::vector<std::string> dimensions;
    for (const Axis& axis : job.axes()) dimensions.push_back(axis.dimension);
    return dimensions;
  };
  EXPECT_EQ(names(Job::parse("alpha = 0.1\n", "x.ini")),
            (std::vector<std::string>{"scheme", "reading", "alpha", "beta", "prune_scope", "pruning_rate", "tune",
                                      "tune_rate", "tune_epochs", "predict_batch"}));
  EXPECT_EQ(names(Job::parse("momentum = 0, 0.9\n", "x.ini")).front(), "momentum");
}

TEST(Job, KnowsWhichKeysAreGiven) {
  const Job job = Job::parse("alpha = 0.01\n", "x.ini", {{"beta", "0.1"}});
  EXPECT_TRUE(job.is_given("alpha"));  // also with the default's value
  EXPECT_TRUE(job.is_given("beta"));
  EXPECT_FALSE(job.is_given("seed"));
}

TEST(Job, SettingsNameOnlyWhatDecidesResults) {
  const Json settings = Job::parse("alpha = 1e-2\n", "x.ini", {{"profiles", "native"}}).settings();
  EXPECT_EQ(settings["alpha"], Json::array({0.01}));
  EXPECT_FALSE(settings.contains("profiles"));
  EXPECT_EQ(Job::from_settings(settings).settings(), settings);
}

TEST(Job, AKeyYoungerThanAJournalHadItsDefaultThere) {
  const Json now = Job::parse("beta = 0.001\n", "x.ini").settings();
  Json then = now;
  then.erase("key-images");
  then.erase("shortcut");
  EXPECT_FALSE(differences(now, then).empty());
  EXPECT_TRUE(differences(now, Job::from_settings(then).settings()).empty());
}

TEST(Job, AKeyOfAnotherExperimentIsRefused) {
  EXPECT_EQ(refusal_to_parse("experiment = compare\npredict-images = 1\ntwist = yes\n"),
            "x.ini:3: twist: experiment compare has no such key; only new-label has it");
  EXPECT_EQ(refusal_to_parse("experiment = empty\nepochs = 3\n"),
            "x.ini:2: epochs: experiment empty has no such key; those that have it: new-label, compare, boundary, "
            "backdoor, aime, anti-piracy, ownership");
  EXPECT_EQ(refusal_to_parse("experiment = empty\n", {{"steps", "yes"}}),
            "command line: --steps: experiment empty has no such key; only boundary has it");
}

TEST(Job, AJournalOfAnEarlierVersionHoldsTheKeysOfAllExperiments) {
  Json settings = Job::parse("experiment = compare\npredict-images = 1\n", "x.ini").settings();
  const Json own = settings;
  settings["alpha"] = Json::array({0.01});
  EXPECT_EQ(Job::from_settings(settings).settings(), own);
  settings["alhpa"] = Json::array({0.01});
  EXPECT_THROW(Job::from_settings(settings), Error);
}

// Defaults change between versions: a study that goes on keeps those that it began with.
TEST(Job, AKeyThatNobodyGivesKeepsWhatTheStudyBeganWith) {
  const std::string text = "scheme = new-label\nbeta = 0.5\n";
  Json begun = Job::parse(text, "x.ini").settings();
  begun["clip"] = {"no"};
  begun["beta"] = {0.25};
  Job job = Job::parse(text, "x.ini");
  EXPECT_EQ(
      job.keep_defaults(begun, text),
      std::vector<std::string>{"nobody gives clip, whose default is yes now: it stays no, as when this study began"});
  EXPECT_FALSE(job.flag("clip"));
  EXPECT_EQ(job.number("beta"), 0.5);  // given: what differs is refused

  // Given at either start, it is a difference.
  Job given = Job::parse(text, "x.ini", {{"clip", "yes"}});
  EXPECT_TRUE(given.keep_defaults(begun, text).empty());
  EXPECT_TRUE(given.flag("clip"));
  Job dropped = Job::parse(text, "x.ini");
  EXPECT_TRUE(dropped.keep_defaults(begun, "clip = no\n" + text).empty());
  EXPECT_TRUE(dropped.flag("clip"));
}

TEST(Job, DifferencesNameKeyAndBothValues) {
  const Json a = Job::parse("beta = 0.001\n", "x.ini").settings(),
             b = Job::parse("beta = 0.002, 0.003\n", "x.ini").settings();
  EXPECT_EQ(differences(a, b), (std::vector<std::string>{"beta: 0.001 here, 0.002, 0.003 there"}));
  EXPECT_TRUE(differences(a, a).empty());
}

}  // namespace
}  // namespace telltale::study
