#include "forensics/fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"

namespace telltale::forensics {
namespace {

Subject small() { return {{"dnn-1", {1, 12, 12}, 5}, 8, 16}; }

Trial trial(const std::string& bits, double train_step_s = 1, double eval_image_s = 1) {
  Trial made;
  for (const std::string& operation : operations()) made.hashes[operation] = bits;
  made.train_step_s = train_step_s;
  made.eval_image_s = eval_image_s;
  return made;
}

TEST(Subject, KeyNamesAllThatDecidesBits) {
  const Subject subject{{"dnn-1", {1, 28, 28}, 11}, 128, 256};
  EXPECT_EQ(subject.key(), "dnn-1/1x28x28/11/channels-last/batch 128/evaluation 256");
}

TEST(Subject, KeyOfAPredictionNamesThreadsAndPrecisionWhereTheyAreNotPlain) {
  Subject subject{{"resnet-20", {3, 32, 32}, 10, {{"pool", "window"}, {"shortcut", "pad"}}}, 128, 16, Use::prediction};
  EXPECT_EQ(subject.key(), "resnet-20{pool=window, shortcut=pad}/3x32x32/10/channels-last/prediction 16");
  subject.threads = 2;
  subject.precision = models::Precision::bfloat16;
  subject.network.options.clear();
  EXPECT_EQ(subject.key(), "resnet-20/3x32x32/10/channels-last/prediction 16/2 threads/bfloat16");
}

TEST(Subject, KeyOfASearchNamesItsBatch) {
  const Subject subject{{"dnn-1", {1, 28, 28}, 10}, 128, 1, Use::search};
  EXPECT_EQ(subject.key(), "dnn-1/1x28x28/10/channels-last/search 1");
}

std::vector<std::string> operations_of(const Subject& subject) {
  std::vector<std::string> names;
  for (const auto& [operation, hash] : run_trial(subject).hashes) names.push_back(operation);
  return names;
}

TEST(Fingerprint, APredictionIsForwardOnly) {
  Subject subject = small();
  subject.use = Use::prediction;
  EXPECT_EQ(operations_of(subject), std::vector<std::string>{"forward, evaluation batch"});
  subject.eval_batch = 1;
  EXPECT_EQ(operations_of(subject), std::vector<std::string>{"forward, one image"});
}

TEST(Fingerprint, ASearchIsForwardAndItsSlopes) {
  Subject subject = small();
  subject.use = Use::search;
  subject.eval_batch = 1;
  EXPECT_EQ(operations_of(subject), (std::vector<std::string>{"forward, one image", "input gradient"}));
  subject.eval_batch = 4;
  EXPECT_EQ(operations_of(subject), (std::vector<std::string>{"forward, evaluation batch", "input gradient"}));
}

TEST(Fingerprint, EveryPrecisionAndUseRepeatsItsBitsAndHasItsOwn) {
  std::vector<Subject> subjects;
  for (const auto precision : {models::Precision::float32, models::Precision::float64, models::Precision::bfloat16}) {
    Subject subject = small();
    subject.use = Use::prediction;
    subject.precision = precision;
    subjects.push_back(subject);
  }
  subjects.push_back(small());
  subjects.back().use = Use::search;
  const Fingerprints prints = take_fingerprints(subjects);
  EXPECT_TRUE(prints.repeats);
  EXPECT_EQ(prints.by_subject.size(), 4u);
  std::vector<std::string> hashes;
  for (const auto& [subject, hash] : prints.by_subject) hashes.push_back(hash);
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

TEST(Fingerprint, NamesTheLayersOfAPrediction) {
  Subject subject = small();
  EXPECT_TRUE(run_trial(subject).layers.empty());
  subject.use = Use::prediction;
  for (const int batch : {1, 4}) {
    subject.eval_batch = batch;
    const Fingerprints prints = take_fingerprints({subject});
    const std::vector<std::string> layers = prints.layers.at(subject.key());
    EXPECT_EQ(layers.front(), "conv");
    EXPECT_EQ(layers.back(), "output");
    EXPECT_EQ(Fingerprints::from_json(prints.to_json()), prints);
  }
}

TEST(Fingerprint, RepeatsItsBits) {
  const Fingerprints prints = take_fingerprints({small()}, 3);
  EXPECT_TRUE(prints.repeats) << prints.unrepeated.front();
  EXPECT_EQ(prints.by_subject.at(small().key()), fingerprint(small()).hex());
  EXPECT_GT(prints.train_step_s.at(small().key()), 0);
  EXPECT_GT(prints.eval_image_s.at(small().key()), 0);
}

TEST(Fingerprint, HashesEveryOperationOnItsOwn) {
  const Trial once = run_trial(small());
  std::vector<std::string> hashes;
  for (const std::string& operation : operations()) hashes.push_back(once.hashes.at(operation));
  EXPECT_EQ(once.hashes.size(), operations().size());
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

TEST(Fingerprint, IsAnotherForAnotherBatch) {
  Subject other = small();
  other.batch = 9;
  const Trial a = run_trial(small()), b = run_trial(other);
  EXPECT_NE(a.identity(), b.identity());
  EXPECT_EQ(a.hashes.at("forward, one image"), b.hashes.at("forward, one image"));
}

TEST(Fingerprint, AnEmptyBatchIsRefused) {
  Subject empty = small();
  empty.batch = 0;
  EXPECT_THROW(run_trial(empty), Error);
}

TEST(Fingerprints, NameTheOperationThatDoesNotRepeat) {
  Trial odd = trial("00");
  odd.hashes["weight gradients"] = "01";
  Fingerprints prints;
  prints.add("net/a", {trial("00"), trial("00")});
  EXPECT_TRUE(prints.repeats);
  prints.add("net/b", {trial("00"), odd});
  EXPECT_FALSE(prints.repeats);
  EXPECT_EQ(prints.unrepeated, std::vector<std::string>{"net/b: weight gradients"});
}

TEST(Fingerprints, OneTrialSaysNothingOfRepeating) {
  Fingerprints prints;
  EXPECT_THROW(prints.add("net/a", {trial("00")}), Error);
}

TEST(Fingerprints, KeepTheLeastTimes) {
  Fingerprints prints;
  prints.add("net/a", {trial("00", 3, 0.1), trial("00", 2, 0.2)});
  EXPECT_EQ(prints.train_step_s.at("net/a"), 2);
  EXPECT_EQ(prints.eval_image_s.at("net/a"), 0.1);
}

TEST(Fingerprints, ComeBackFromJson) {
  Fingerprints prints;
  Trial odd = trial("00");
  odd.hashes["input gradient"] = "01";
  prints.add("net/a", {trial("00"), odd});
  EXPECT_EQ(Fingerprints::from_json(Json::parse(prints.to_json().dump())), prints);
  EXPECT_THROW(Fingerprints::from_json({{"repeats", true}}), Error);
}

TEST(EnvironmentIdentity, DependsOnTheSubjectsAskedForAndOnTheBuilds) {
  const std::map<std::string, std::string> prints{{"a", "00"}, {"b", "01"}}, other_b{{"a", "00"}, {"b", "02"}};
  const Json builds = {{"torch", "1.13"}};
  EXPECT_EQ(environment_identity({"a"}, prints, builds), environment_identity({"a"}, other_b, builds));
  EXPECT_NE(environment_identity({"a", "b"}, prints, builds), environment_identity({"a", "b"}, other_b, builds));
  EXPECT_NE(environment_identity({"a"}, prints, builds), environment_identity({"a"}, prints, {{"torch", "2.6"}}));
  EXPECT_THROW(environment_identity({"c"}, prints, builds), Error);
}

// `gradients` are the bits of weight gradients and step; `forward` those of everything else.
RankReport report(int rank, const std::string& forward, const std::string& gradients, const char* torch = "1.13") {
  Trial made = trial(forward);
  made.hashes["weight gradients"] = gradients;
  made.hashes["optimizer step"] = gradients;
  RankReport result{rank, {{"libraries", {{"torch", torch}}}}, {}};
  result.fingerprints.add("net/a", {made, made});
  result.fingerprints.add("net/b", {trial(forward), trial(forward)});
  return result;
}

TEST(Grouping, RanksOfTheSameBitsFallTogether) {
  const Grouping grouping = group_environments({report(1, "00", "00"), report(2, "11", "11"), report(3, "00", "00")});
  ASSERT_EQ(grouping.groups.size(), 2u);
  EXPECT_EQ(grouping.groups[0].ranks, (std::vector<int>{1, 3}));
  EXPECT_EQ(grouping.groups[1].ranks, std::vector<int>{2});
  EXPECT_TRUE(grouping.set_aside.empty());
}

TEST(Grouping, SaysInWhatTwoGroupsDiffer) {
  const Grouping grouping = group_environments({report(2, "00", "00"), report(4, "00", "11")});
  ASSERT_EQ(grouping.differences.size(), 1u);
  const GroupDifference& difference = grouping.differences[0];
  EXPECT_EQ(difference.first, 0u);
  EXPECT_EQ(difference.second, 1u);
  EXPECT_FALSE(difference.builds);
  EXPECT_EQ(difference.operations, (std::map<std::string, std::vector<std::string>>{{"weight gradients", {"net/a"}},
                                                                                    {"optimizer step", {"net/a"}}}));
  EXPECT_EQ(grouping.by_operation.at("forward, one image"), (std::vector<std::vector<int>>{{2, 4}}));
  EXPECT_EQ(grouping.by_operation.at("weight gradients"), (std::vector<std::vector<int>>{{2}, {4}}));
}

TEST(Grouping, OtherLibrariesAreAnotherEnvironmentEvenWithTheSameBits) {
  const Grouping grouping = group_environments({report(0, "00", "00"), report(1, "00", "00", "2.6")});
  ASSERT_EQ(grouping.groups.size(), 2u);
  EXPECT_TRUE(grouping.differences.at(0).builds);
  EXPECT_TRUE(grouping.differences.at(0).operations.empty());
}

TEST(Grouping, SetsARankAsideThatDoesNotRepeatItsBits) {
  RankReport unsteady = report(1, "00", "00");
  unsteady.fingerprints.add("net/c", {trial("00"), trial("01")});
  const Grouping grouping = group_environments({report(0, "00", "00"), unsteady});
  EXPECT_EQ(grouping.set_aside, std::vector<int>{1});
  ASSERT_EQ(grouping.groups.size(), 1u);
  EXPECT_EQ(grouping.groups[0].ranks, std::vector<int>{0});
}

}  // namespace
}  // namespace telltale::forensics
