// Decoys of a claim: how they are asked, and what of.
#include "experiments/ownership/asking.h"

#include <gtest/gtest.h>

#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

// Two hundred images of four classes, and a claim whose key is made of them.
struct DecoysOf {
  data::ImageShape shape{1, 12, 40};
  Bytes pixels = Bytes(200 * shape.pixels(), 100), labels;
  Json settings;
  ClaimSettings claim{.decoys = 7, .queries = 10, .sizes = {10}, .together = 25};
  std::vector<std::int64_t> asked, scored;  // samples of each question, samples of each decoy

  explicit DecoysOf(const Json& scheme) : settings(scheme) {
    for (int i = 0; i < 200; ++i) labels.push_back(static_cast<std::uint8_t>(i % 4));
    settings["seed"] = 1, settings["repeat"] = 0;
    const models::ImageView view{pixels, labels, shape, 200};
    const watermark::KeyInputs inputs{settings, view, view, 4};
    const watermark::KeySamples keys = watermark::claimed_keys(inputs, 0, claim.queries);
    const std::vector<std::int64_t> given(static_cast<std::size_t>(keys.count()), 3);
    ask_decoys(
        claim, 0, inputs, keys, given,
        [&](const watermark::KeySamples& samples) {
          asked.push_back(samples.count());
          return std::vector<std::int64_t>(static_cast<std::size_t>(samples.count()), 2);
        },
        [&](std::span<const std::int64_t> answers, const watermark::KeySamples& samples) {
          scored.push_back(samples.count());
          EXPECT_EQ(std::ssize(answers), samples.count());
          EXPECT_EQ(answers.front(), asked.empty() ? 3 : 2);
        });
  }
};

const Json drawn_content{{"method", "content"},
                         {"source", 1},
                         {"target", 3},
                         {"share", 0.5},
                         {"logo", "TEST"},
                         {"other_logo", "FAKE"},
                         {"logo_size", 1},
                         {"logo_box", 0},
                         {"logo_box_height", 0},
                         {"logo_place", "bottom-right"},
                         {"logo_colour", "white"},
                         {"logo_opacity", 1.0},
                         {"key_labels", "drawn"}};
const Json noise_keys{{"method", "noise"}, {"source", 1},  {"target", 3},
                      {"share", 0.5},      {"sigma", 0.1}, {"noise", "fixed"}};

TEST(Decoys, OfOtherImagesAreAskedSeveralAtATime) {
  const DecoysOf of(noise_keys);
  EXPECT_EQ(of.asked, (std::vector<std::int64_t>{20, 20, 20, 10}));
  EXPECT_EQ(of.scored, std::vector<std::int64_t>(7, 10));
}

TEST(Decoys, OfTheSameImagesNeedNoAnswersOfTheirOwn) {
  const DecoysOf of(drawn_content);
  EXPECT_TRUE(of.asked.empty());
  EXPECT_EQ(of.scored, std::vector<std::int64_t>(7, 10));
}

// A claim of three labels and of five, of which the second part counts each by ten.
watermark::KeySamples two_parts() {
  watermark::KeySamples keys{{1, 1, 1}, {}, std::vector<std::int64_t>(8, 1), {}};
  keys.weights = {1, 1, 1, 10, 10, 10, 10, 10};
  keys.parts = {{.first = 0, .mean = 0, .deviation = 1}, {.first = 3, .mean = 0, .deviation = 1}};
  return keys;
}

ClaimGiven given_to(const watermark::KeySamples& keys, int first, int second) {
  std::vector<std::int64_t> answers(8, 0);
  std::fill_n(answers.begin(), first, 1), std::fill_n(answers.begin() + 3, second, 1);
  cluster::TaskResult result;
  put_statistic(result, answers, keys, std::vector<std::int64_t>{2, 5, 9});
  EXPECT_EQ(result.values.at("claim_matches").as<std::int64_t>().front(), first + second);
  Outcome outcome;
  outcome.values = std::move(result.values);
  return ClaimGiven::of(outcome);
}

TEST(Statistic, IsToldByPartsOfAllAndOfTheFirstQueries) {
  using Parts = std::vector<double>;
  const ClaimGiven given = given_to(two_parts(), 3, 4);
  EXPECT_EQ(given.whole, (Parts{3, 40}));
  EXPECT_EQ(given.by_size, (std::vector<Parts>{{2}, {3, 20}, {}}))
      << "two queries reach one part, and there are no nine";
}

TEST(Statistic, ANullModelIsComparedByTheSpreadOfEachPart) {
  const watermark::KeySamples keys = two_parts();
  NullsGiven nulls{"same", {}};
  for (int i = 0; i < 99; ++i) nulls.models.push_back(given_to(keys, 0, i % 6));
  const ClaimGiven own = given_to(keys, 3, 2);
  EXPECT_EQ(nulls.p(own), 0.01) << "three labels of the first part that no null model gives";
  EXPECT_EQ(nulls.p(own, 0), 0.01);
  EXPECT_EQ(nulls.p(given_to(keys, 0, 5)), 17. / 100) << "16 of 99 give five labels of the second part too";
  EXPECT_EQ(nulls.p(own, 2), 1) << "there are no nine queries";
}

}  // namespace
}  // namespace telltale::experiments
