// What the tables of claims count, from a made-up results file.
#include "experiments/matrix/claims_tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "experiments/made_up_results.h"
#include "experiments/matrix/claims_made.h"

namespace telltale::experiments {
namespace {

const double none = std::nan("");

// What the networks of a group are: accuracy, p by decoys, and the verdict.
struct Network {
  double accuracy, p_key;
  const char* verdict;
};

// A group of networks of schemes noise and clean, each in two repeats; further settings in front of these.
store::Group networks(const std::string& name, const std::vector<Network>& all) {
  const auto settings = static_cast<std::int64_t>(all.size()) / 4;
  const Labels dimensions{"setting", "scheme", "repeat"};
  const std::vector<std::int64_t> shape{settings, 2, 2};
  std::vector<double> accuracy, p_key, missing(all.size(), none), places(static_cast<std::size_t>(settings));
  std::iota(places.begin(), places.end(), 0);
  Labels verdicts;
  for (const Network& one : all)
    accuracy.push_back(one.accuracy), p_key.push_back(one.p_key), verdicts.emplace_back(one.verdict);
  store::Group group;
  group.name = name;
  group.dimensions = {{"setting", settings}, {"scheme", 2}, {"repeat", 2}, {"claim_size", 1}};
  group.variables = {labels_of("scheme", "scheme", {"noise", "clean"}),
                     numbers_of("setting", {"setting"}, {settings}, places),
                     numbers_of("claim_size", {"claim_size"}, {1}, {100}),
                     numbers_of("accuracy", dimensions, shape, accuracy),
                     numbers_of("accuracy_second_half", dimensions, shape, accuracy),
                     numbers_of("p_key", dimensions, shape, p_key),
                     numbers_of("p_labels", dimensions, shape, missing),
                     numbers_of("p_model", dimensions, shape, missing),
                     {"verdict", dimensions, verdicts, {}, std::nullopt}};
  Labels sized = dimensions;
  sized.emplace_back("claim_size");
  group.variables.push_back(numbers_of("claim_p", sized, {settings, 2, 2, 1}, p_key));
  return group;
}

constexpr Network unclaimed{0.98, none, ""};

// Pruning leaves both claims proven at one rate, and a network of no worth at the other; of copies one is proven; a
// network that was trained from scratch has less than 90% of the accuracy, and counts all the same.
store::Group study_of(const std::string& decoys) {
  store::Group root;
  root.attributes = {{"settings", R"({"decoys":[)" + decoys + R"(],"null-models":[0]})"}};
  root.children = {networks("train", {{0.96, 0.001, "proven"}, {0.98, 0.001, "proven"}, unclaimed, unclaimed}),
                   networks("prune", {{0.95, 0.001, "proven"},
                                      {0.95, 0.01, "proven"},
                                      unclaimed,
                                      unclaimed,
                                      {0.5, 0.4, "not proven"},
                                      {0.6, 0.3, "not proven"},
                                      unclaimed,
                                      unclaimed}),
                   networks("extract", {{0.9, 0.01, "proven"}, {0.9, 0.2, "not proven"}, unclaimed, unclaimed}),
                   networks("scratch", {{0.7, 0.5, "not proven"}, {0.7, 0.6, "not proven"}, unclaimed, unclaimed})};
  return root;
}

const std::vector<std::string> attacks{"prune", "extract", "scratch"};

study::Table table_of(const store::Group& root, const std::string& title) {
  for (study::Table& table : claims_tables(root, attacks))
    if (table.title == title) return std::move(table);
  ADD_FAILURE() << "no table " << title;
  return {};
}

TEST(ClaimsTables, CountClaimsOfWhatIsWorthStealingAndOfWhatWasNotStolen) {
  const store::Group root = study_of("999");
  const ClaimsMade made = claims_made(root, *root.child("train"), attacks);
  EXPECT_EQ(made.unattacked.at("noise").proven(), 2u);
  EXPECT_FALSE(made.unattacked.contains("clean")) << "of whom nothing is claimed";
  EXPECT_EQ(made.attacked.at("noise").count, 4u) << "two of pruning fell below 90% of the accuracy";
  EXPECT_EQ(made.attacked.at("noise").proven(), 3u);
  EXPECT_EQ(made.attacked.at("noise").by_secret, 3u);
  EXPECT_EQ(made.attacked.at("noise").by_secret_of, 4u);
  EXPECT_EQ(made.attacked.at("noise").by_nulls_of, 0u);
  EXPECT_EQ(made.not_stolen.at("noise").count, 2u);
  EXPECT_EQ(made.not_stolen.at("noise").proven(), 0u);
  EXPECT_FALSE(made.by_attack.contains("scratch"));
}

TEST(ClaimsTables, SayWhatIsProvenAtAStricterLevelWhereDecoysCan) {
  const study::Table enough = table_of(study_of("999"), "How often a claim is proven");
  ASSERT_EQ(enough.rows.size(), 3u);
  EXPECT_EQ(cell(enough, "proven at 0.1%", 0), "2 of 2");
  EXPECT_EQ(cell(enough, "proven at 0.1%", 1), "1 of 4");
  EXPECT_EQ(cell(enough, "networks", 2), "not stolen");
  EXPECT_EQ(cell(enough, "proven at 0.1%", 2), "0 of 2");
  EXPECT_EQ(cell(table_of(study_of("99"), "How often a claim is proven"), "proven at 0.1%", 0), "-")
      << "of 99 decoys p is 0.01 at least";
}

TEST(ClaimsTables, OneLineSaysWhatASchemeSurvives) {
  const study::Table table = table_of(study_of("99"), "Every scheme in one line");
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_TRUE(table.is_beyond_papers);
  EXPECT_EQ(cell(table, "scheme"), "noise");
  EXPECT_EQ(cell(table, "test %"), "97.00");
  EXPECT_EQ(cell(table, "clean %"), "98.00");
  EXPECT_EQ(cell(table, "proven"), "2 of 2");
  EXPECT_EQ(cell(table, "proven after attacks"), "3 of 4");
  EXPECT_EQ(cell(table, "fewest after"), "extract: 1 of 2");
  EXPECT_EQ(cell(table, "proven, not stolen"), "0 of 2");
  EXPECT_EQ(cell(table, "false claims, raw"), "-") << "nobody made any";
  EXPECT_EQ(cell(table, "a machine decides"), "-");
}

}  // namespace
}  // namespace telltale::experiments
