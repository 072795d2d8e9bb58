#include "forensics/identification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace telltale::forensics {
namespace {

using Indices = std::vector<std::size_t>;

constexpr double e = 0.01;  // the default error rate

// Samples of two labels, 1 the identifying one: sample i identifies machine i % machines.
KnownLabels identifying(std::size_t machines, std::size_t samples) {
  std::vector<std::int32_t> labels(machines * samples, 0);
  for (std::size_t s = 0; s < samples; ++s) labels[s % machines * samples + s] = 1;
  return {machines, samples, labels};
}

std::vector<std::int32_t> answers_of(const KnownLabels& labels, std::size_t machine) {
  std::vector<std::int32_t> answers;
  for (std::size_t s = 0; s < labels.samples(); ++s) answers.push_back(labels.at(machine, s));
  return answers;
}

// Likelihoods up to the common (1 - e)^3: 1 for the first machine, e^3 for the second, 1/8 for an unknown one.
TEST(Posterior, OfTwoMachinesAndThreeSamplesIsBayesRule) {
  const KnownLabels labels(2, 3, {1, 1, 0, /**/ 0, 0, 1});
  const Identification found = identify(labels, std::vector<std::int32_t>{1, 1, 0});
  const double sum = 1 + e * e * e + 1.0 / 8;
  EXPECT_NEAR(found.machines[0].posterior, 1 / sum, 1e-15);
  EXPECT_NEAR(found.machines[1].posterior, e * e * e / sum, 1e-15);
  EXPECT_NEAR(found.unknown.posterior, 0.125 / sum, 1e-15);
  EXPECT_EQ(found.machines[0].matches, 3u);
  EXPECT_EQ(found.machines[1].matches, 0u);
  EXPECT_EQ(found.verdict, Finding::undecided);
  EXPECT_EQ(found.nearest, Indices{0});
}

// 2 of the 3 answers are the first machine's, the third is the second's: 1 * e against e * e and 1/8.
TEST(Posterior, CountsEveryAnswerOnce) {
  const KnownLabels labels(2, 3, {1, 1, 0, /**/ 0, 0, 1});
  const Identification found = identify(labels, std::vector<std::int32_t>{1, 1, 1});
  EXPECT_NEAR(found.machines[0].posterior, e / (e + e * e + 0.125), 1e-15);
  EXPECT_NEAR(found.machines[1].posterior, e * e / (e + e * e + 0.125), 1e-15);
}

// Three labels: an unknown machine gives each with 1/3, a known one each of the two others with half the errors.
TEST(Posterior, OfASampleWithThreeLabels) {
  const KnownLabels labels(3, 1, {0, 1, 2});
  const Identification found = identify(labels, std::vector<std::int32_t>{2});
  const double sum = 1 + 2 * e / 2 + 1.0 / 3;
  EXPECT_NEAR(found.machines[2].posterior, 1 / sum, 1e-15);
  EXPECT_NEAR(found.machines[0].posterior, e / 2 / sum, 1e-15);
  EXPECT_NEAR(found.unknown.posterior, 1.0 / 3 / sum, 1e-15);
}

TEST(Posterior, TakesThePriorOfAnUnknownMachine) {
  const KnownLabels labels(2, 1, {1, 0});
  const std::vector<std::int32_t> answers = {1};
  // 0.25 * 1, 0.25 * e and 0.5 * 1/2.
  EXPECT_NEAR(identify(labels, answers, {.unknown_prior = 0.5}).machines[0].posterior, 0.25 / (0.5 + 0.25 * e), 1e-15);
  EXPECT_NEAR(identify(labels, answers, {.unknown_prior = 0}).machines[0].posterior, 1 / (1 + e), 1e-15);
}

TEST(Posterior, KeepsItsDoubtWhereItRoundsToOne) {
  const KnownLabels labels = identifying(4, 80);
  const Identification found = identify(labels, answers_of(labels, 2));
  EXPECT_EQ(found.machines[2].posterior, 1);
  EXPECT_NEAR(found.machines[2].doubt / std::pow(0.5, 80), 1, 1e-9);
}

TEST(Finding, IsTheMachineWhoseLabelsTheAnswersAre) {
  const KnownLabels labels = identifying(4, 12);
  for (std::size_t machine = 0; machine < 4; ++machine) {
    const Identification found = identify(labels, answers_of(labels, machine));
    EXPECT_EQ(found.verdict, Finding::known);
    EXPECT_EQ(found.nearest, Indices{machine});
    EXPECT_EQ(found.fit.matches, 12u);
    EXPECT_EQ(found.more_answers, 0u);
  }
}

// 14 of 15: e against 2^-15.
TEST(Finding, BearsOneWrongAnswerIfThereAreEnough) {
  const KnownLabels labels = identifying(3, 15);
  auto answers = answers_of(labels, 1);
  answers[4] = 0;  // which identifies this very machine
  const Identification found = identify(labels, answers);
  EXPECT_EQ(found.verdict, Finding::known);
  EXPECT_EQ(found.nearest, Indices{1});
  EXPECT_EQ(found.fit.matches, 14u);
  EXPECT_NEAR(found.fit.doubt, std::pow(0.5, 15) / e, 2e-5);
}

TEST(Finding, IsUndecidedAfterOneWrongOfFewAnswers) {
  const KnownLabels labels = identifying(2, 4);
  const Identification found = identify(labels, std::vector<std::int32_t>{1, 0, 0, 0});
  EXPECT_EQ(found.verdict, Finding::undecided);
  EXPECT_EQ(found.nearest, Indices{0});
}

// Half of the answers are one machine's, half the other's: e^5 twice against 2^-10.
TEST(Finding, IsUnknownIfNoMachineFits) {
  const KnownLabels labels = identifying(2, 10);
  const Identification found = identify(labels, std::vector<std::int32_t>(10, 1));
  EXPECT_EQ(found.verdict, Finding::unknown);
  EXPECT_NEAR(found.unknown.posterior, 1 / (1 + 2 * std::pow(e, 5) * 1024), 1e-15);
  EXPECT_EQ(found.nearest, (Indices{0, 1}));
}

// e^2 against e, four times.
TEST(Finding, IsUnknownIfTheAnswersAreNoMachinesLabels) {
  const KnownLabels labels = identifying(2, 4);
  const Identification found = identify(labels, std::vector<std::int32_t>(4, 7));
  EXPECT_EQ(found.verdict, Finding::unknown);
  EXPECT_EQ(found.neither, (Indices{0, 1, 2, 3}));
  EXPECT_NEAR(found.unknown.posterior, 1 / (1 + 2 * std::pow(e, 4)), 1e-15);
  EXPECT_EQ(found.machines[0].matches, 0u);
}

TEST(Finding, WithoutAnswersIsUndecidedHoweverManyMachinesThereAre) {
  const KnownLabels labels = identifying(200, 200);
  const Identification found = identify(labels, std::vector<std::int32_t>(200, no_label));
  EXPECT_EQ(found.verdict, Finding::undecided);
  EXPECT_EQ(found.answers, 0u);
  EXPECT_TRUE(found.nearest.empty());
  EXPECT_NEAR(found.unknown.posterior, 1.0 / 201, 1e-15);
}

// Eight samples that only the first machine answers with 1: the two others are one set, each with the same share.
TEST(Finding, NamesMachinesThatTheAnswersDoNotTellApartTogether) {
  const KnownLabels labels(3, 10, {1, 1, 1, 1, 1, 1, 1, 1, 0, 0,  //
                                   0, 0, 0, 0, 0, 0, 0, 0, 1, 0,  //
                                   0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  std::vector<std::int32_t> answers(10, 0);
  answers[8] = answers[9] = no_label;
  const Identification found = identify(labels, answers);
  EXPECT_EQ(found.verdict, Finding::known);
  EXPECT_EQ(found.nearest, (Indices{1, 2}));
  EXPECT_EQ(found.alike, std::vector<Indices>{(Indices{1, 2})});
  EXPECT_NEAR(found.fit.posterior, 2 / (2 + std::pow(0.5, 8) + std::pow(e, 8)), 1e-15);
  EXPECT_NEAR(found.machines[1].posterior, found.fit.posterior / 2, 1e-15);
  // Then one answer leaves the other one with the factor e, too much for 0.99.
  EXPECT_EQ(found.more_answers, 2u);
}

// A machine that took no part in finding a sample fits it as well as an unknown one, and no better.
TEST(Finding, LeavesOutSamplesThatAMachineWasNotAskedAbout) {
  const KnownLabels labels(3, 8, {1,  1,  1,  1,  1,  1,  1,  1,  //
                                  0,  0,  0,  0,  0,  0,  0,  0,  //
                                  -1, -1, -1, -1, -1, -1, -1, -1});
  const Identification found = identify(labels, std::vector<std::int32_t>(8, 1));
  EXPECT_EQ(found.machines[2].compared, 0u);
  EXPECT_NEAR(found.machines[2].posterior, found.unknown.posterior, 1e-15);
  EXPECT_NEAR(found.machines[0].posterior, 1 / (1 + 2 * std::pow(0.5, 8) + std::pow(e, 8)), 1e-15);
}

// With nothing known of four machines: 1 / (1 + 2^-n + 3 e^n) reaches 0.99 at n = 7 and 0.999 at n = 10.
TEST(MoreAnswers, AreTheFewestThatReachTheConfidence) {
  const KnownLabels labels = identifying(4, 4);
  const std::vector<std::int32_t> none(4, no_label);
  EXPECT_EQ(identify(labels, none).more_answers, 7u);
  EXPECT_EQ(identify(labels, none, {.confidence = 0.999}).more_answers, 10u);
}

TEST(MoreAnswers, DecideWhenTheyCome) {
  const KnownLabels labels = identifying(3, 90);
  std::vector<std::int32_t> answers(90, no_label);
  answers[0] = 0;  // against the first machine, which the rest speaks for
  answers[3] = answers[6] = 1;
  const std::size_t more = identify(labels, answers).more_answers;
  ASSERT_GT(more, 1u);
  ASSERT_LT(more, 20u);
  for (std::size_t i = 0; i < more; ++i) {
    EXPECT_EQ(identify(labels, answers).verdict, Finding::undecided);
    answers[9 + 3 * i] = 1;
  }
  EXPECT_EQ(identify(labels, answers).verdict, Finding::known);
}

TEST(Identify, RefusesWhatIsOutOfRange) {
  const KnownLabels labels = identifying(2, 2);
  const std::vector<std::int32_t> answers(2, 0);
  EXPECT_THROW(identify(labels, std::vector<std::int32_t>(3, 0)), Error);
  for (const double rate : {0.0, 0.5, -1.0, std::nan("")})
    EXPECT_THROW(identify(labels, answers, {.error_rate = rate}), InputError);
  for (const double confidence : {0.5, 1.0, std::nan("")})
    EXPECT_THROW(identify(labels, answers, {.confidence = confidence}), InputError);
  EXPECT_THROW(identify(labels, answers, {.unknown_prior = 1}), InputError);
  EXPECT_THROW(KnownLabels(2, 3, {0, 1}), Error);
}

// ---- which samples to ask

const Indices both = {0, 1};

TEST(Choice, TakesTheBestSamplesOfEachMachine) {
  const KnownLabels labels = identifying(3, 9);  // 0, 3, 6 identify machine 0, and so on
  const std::vector<double> psnr = {50, 60, 70, 51, 61, 71, 49, 59, 69};
  const Indices all = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(choose_samples(labels, psnr, all, {0, 1, 2}, 1, Preference::fewest), (Indices{3, 4, 5}));
  EXPECT_EQ(choose_samples(labels, psnr, all, {0, 1, 2}, 2, Preference::worst_psnr), (Indices{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(choose_samples(labels, psnr, all, {1}, 2, Preference::fewest), (Indices{1, 4}));
  EXPECT_EQ(choose_samples(labels, psnr, {6, 7, 8}, {0, 1, 2}, 1, Preference::fewest), (Indices{6, 7, 8}));
}

TEST(Choice, OfTwoMachinesNeedsNoSampleTwice) {
  const KnownLabels labels = identifying(2, 4);  // each sample identifies both
  EXPECT_EQ(choose_samples(labels, std::vector<double>{40, 43, 42, 41}, {0, 1, 2, 3}, both, 2, Preference::fewest),
            (Indices{1, 2}));
}

// Sample 0 gives three machines three labels; samples 1 to 3, better ones, identify one machine each.
TEST(Choice, WeighsFewSamplesAgainstTheWorst) {
  const KnownLabels labels(3, 4,
                           {0, 1, 0, 0,  //
                            1, 0, 1, 0,  //
                            2, 0, 0, 1});
  const std::vector<double> psnr = {40, 50, 51, 52};
  EXPECT_EQ(choose_samples(labels, psnr, {0, 1, 2, 3}, {0, 1, 2}, 1, Preference::fewest), Indices{0});
  EXPECT_EQ(choose_samples(labels, psnr, {0, 1, 2, 3}, {0, 1, 2}, 1, Preference::worst_psnr), (Indices{1, 2, 3}));
}

TEST(Choice, TakesWhatThereIsOfAMachineThatHasTooFew) {
  const KnownLabels labels(3, 3, {1, 1, 1, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(count_identifying(labels, {0, 1, 2}, 0), 3u);
  EXPECT_EQ(count_identifying(labels, {0, 1, 2}, 1), 0u);
  EXPECT_EQ(choose_samples(labels, std::vector<double>{1, 2, 3}, {0, 1, 2}, {0, 1, 2}, 2, Preference::worst_psnr),
            (Indices{1, 2}));
}

TEST(Choice, CountsNoSampleThatAnotherMachineWasNotAskedAbout) {
  const KnownLabels labels(3, 1, {1, 0, no_label});
  EXPECT_FALSE(labels.identifies(0, 0));
  EXPECT_EQ(labels.of_sample(0), (std::vector<std::int32_t>{0, 1}));
}

}  // namespace
}  // namespace telltale::forensics
