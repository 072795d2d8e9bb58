// Scheme telltale: what a claim asks, and that a secret decides all of it but the images.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/network.h"
#include "models/runtime.h"
#include "watermark/bias_queries.h"
#include "watermark/claims.h"
#include "watermark/near_decisions.h"

namespace telltale::watermark {
namespace {

const Json telltale_settings{
    {"method", "telltale"}, {"seed", 7},         {"repeat", 0},           {"unrelated", "glyphs"},
    {"bias_strength", 1.0}, {"bias_slope", 1.5}, {"bias_frequencies", 2}, {"bias_margin", 2.0},
    {"bias_queries", 100},  {"bias_copies", 0},  {"bias_keys", 10},       {"bias_key_copies", 3}};

Json with(const char* key, const Json& value) {
  Json changed = telltale_settings;
  changed[key] = value;
  return changed;
}

// Queries between ten classes, with sixteen features that are drawn.
BiasQueries made_up(std::size_t count) {
  constexpr std::uint64_t classes = 10;
  constexpr int features = 16;
  BiasQueries queries;
  queries.shape = {1, 2, 2}, queries.classes = classes;
  Stream draws(0, {{"test", "near decisions"}}, "features");
  queries.means.assign(classes * features, 0), queries.whitening.assign(features * features, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t first = draws.below(classes), second = (first + 1 + draws.below(classes - 1)) % classes;
    queries.first.push_back(static_cast<std::int64_t>(first)),
        queries.second.push_back(static_cast<std::int64_t>(second));
    queries.margin.push_back(static_cast<float>(draws.uniform()));
    for (int f = 0; f < features; ++f) queries.features.push_back(static_cast<float>(draws.normal()));
    for (int p = 0; p < 4; ++p) queries.pixels.push_back(static_cast<std::uint8_t>(draws.below(256)));
  }
  return queries;
}

BiasSettings bias_of(const Json& of) { return *scheme_of(of).bias(of); }

TEST(NearDecisions, SurviveTheirBytes) {
  const BiasQueries queries = made_up(20), read = BiasQueries::decoded(queries.encoded());
  EXPECT_EQ(read.features, queries.features);
  EXPECT_EQ(read.second, queries.second);
  EXPECT_EQ(read.shape, queries.shape);
  EXPECT_THROW(BiasQueries::decoded(Bytes(100, 1)), Error);
  Bytes cut = queries.encoded();
  cut.resize(cut.size() / 2);
  EXPECT_THROW(BiasQueries::decoded(cut), Error);
}

TEST(NearDecisions, AClaimIsOfOneOfTheTwoClassesAndAgainstTheOther) {
  const BiasQueries queries = made_up(300);
  const KeySamples keys = claimed_decisions(queries, bias_of(telltale_settings));
  std::size_t first = 0;
  for (std::size_t i = 0; i < queries.count(); ++i) {
    const std::int64_t label = keys.labels[i], other = keys.instead[i];
    EXPECT_TRUE((label == queries.first[i] && other == queries.second[i]) ||
                (label == queries.second[i] && other == queries.first[i]));
    first += label == queries.first[i];
    EXPECT_GE(keys.weights[i], 0);
  }
  EXPECT_GT(first, queries.count() / 3);
  EXPECT_LT(first, queries.count() * 2 / 3);
}

// A small network and images that it is sure of to different degrees.
struct Asked {
  data::ImageShape shape{1, 8, 8};
  Bytes pixels, labels;
  std::shared_ptr<models::Network> network = models::make_network({"dnn-1", shape, 4});

  Asked() {
    models::set_threads_to_one();
    Stream draws(1, {}, "images");
    for (int i = 0; i < 40; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 4));
      for (std::uint32_t p = 0; p < shape.pixels(); ++p) pixels.push_back(static_cast<std::uint8_t>(draws.below(256)));
    }
    models::initialise(*network, Stream(2, {}, "asked"));
  }

  BiasQueries near(long long queries, long long copies) {
    const models::ImageView view{pixels, labels, shape, 40};
    return near_decisions(*network, view, view, 4,
                          {.frequencies = 2, .margin = 100, .queries = queries, .copies = copies}, 8, [] {});
  }
};

// All training images, the second half of the test images, and moved copies of both.
TEST(NearDecisions, AreOfImagesAndTheirMovedCopies) {
  Asked asked;
  const BiasQueries images = asked.near(1000, 0), copies = asked.near(1000, 2);
  EXPECT_EQ(images.count(), 60U);
  EXPECT_EQ(copies.count(), 180U);
  for (std::size_t i = 0; i < images.count(); ++i) {
    const ByteSpan one = ByteSpan(images.pixels).subspan(i * 64, 64);
    EXPECT_NE(std::search(asked.pixels.begin(), asked.pixels.end(), one.begin(), one.end()), asked.pixels.end());
  }
  EXPECT_EQ(copies.encoded(), asked.near(1000, 2).encoded());
}

TEST(NearDecisions, AreTheNearestHoweverManyAreLookedThrough) {
  Asked asked;
  const BiasQueries all = asked.near(1000, 3), some = asked.near(20, 3);
  ASSERT_EQ(some.count(), 20U);
  EXPECT_TRUE(std::is_sorted(all.margin.begin(), all.margin.end()));
  EXPECT_TRUE(std::equal(some.margin.begin(), some.margin.end(), all.margin.begin()));
  EXPECT_TRUE(std::equal(some.pixels.begin(), some.pixels.end(), all.pixels.begin()));
}

// A network that answers as another secret would have it says nothing of this one.
TEST(NearDecisions, OnlyTheOwnersSecretScores) {
  const BiasQueries queries = made_up(2000);
  const KeySamples own = claimed_decisions(queries, bias_of(telltale_settings));
  const double score = claim_score(own.labels, own);
  std::vector<double> others;
  for (int decoy = 0; decoy < 99; ++decoy)
    others.push_back(claim_score(own.labels, claimed_decisions(queries, bias_of(with("decoy", decoy)))));
  EXPECT_EQ(rank_p(score, others), 0.01);
  EXPECT_LT(*std::max_element(others.begin(), others.end()), score / 2);
  EXPECT_NE(claimed_decisions(queries, bias_of(with("seed", 8))).labels, own.labels);
  EXPECT_EQ(claimed_decisions(queries, bias_of(telltale_settings)).labels, own.labels);
}

TEST(NearDecisions, AKeyThatIsCutHasThePartsThatAreLeft) {
  const BiasQueries queries = made_up(50);
  KeySamples keys = claimed_decisions(queries, bias_of(telltale_settings));
  keys.sources.resize(50);
  keys.parts = {{0, 1, 2}, {20, 0, 3}};
  const std::vector<std::int64_t> first_labels(keys.labels.begin(), keys.labels.begin() + 20);
  const std::vector<double> parts = claim_parts(keys.labels, keys, 20);
  keys.keep_first(20);
  ASSERT_EQ(keys.parts.size(), 1U);
  EXPECT_EQ(claim_parts(first_labels, keys, 20), parts);
}

// What all secrets would say of a pair of classes counts for nothing.
TEST(NearDecisions, APairOfClassesThatIsFavouredAsAWholeIsNoEvidence) {
  BiasQueries queries = made_up(500);
  std::fill(queries.features.begin(), queries.features.end(), 1.0F);
  const KeySamples keys = claimed_decisions(queries, bias_of(telltale_settings));
  EXPECT_NEAR(*std::max_element(keys.weights.begin(), keys.weights.end()), 0, 1e-6);
}

}  // namespace
}  // namespace telltale::watermark
