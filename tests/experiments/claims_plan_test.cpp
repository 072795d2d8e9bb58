// What experiment ownership lays out for claims: null models, false claims, and every machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "experiments/ownership/false_claims.h"
#include "experiments/plan_of.h"
#include "experiments/training.h"
#include "support/refusal.h"

namespace telltale::experiments {
namespace {

using study::fields_from;
using study::PlannedTask;

std::string refusal_of_claims(const std::string& text) {
  return refusal([&] { const PlanOf p(text); });
}

constexpr const char* claimed_job =
    "experiment = ownership\nscheme = noise, new-label, clean\nalpha = 0.1\nnetwork = dnn-1\ndecoys = 9\n"
    "null-models = 3\n";

TEST(ClaimsPlan, EveryKeyMeetsNullModelsOfEveryStratum) {
  const PlanOf p(std::string(claimed_job) + "null-strata = same, structure, data, marked\nnull-network = aime-cnn\n");
  EXPECT_EQ(p.count("null"), 4u * 3) << "networks without the new label say nothing of it";
  std::map<std::string, std::set<std::string>> schemes, networks, images;
  for (const PlannedTask& task : p.plan.tasks) {
    if (!task.stage.starts_with("null-models-")) continue;
    const auto training = fields_from<Train>(task.payload);
    schemes[task.stage].insert(training.of.scheme.at("method"));
    networks[task.stage].insert(training.of.network.name);
    images[task.stage].insert(training.images.value_or("train"));
    EXPECT_GE(training.of.repeat, 1000000) << "shared with the study's own";
  }
  EXPECT_EQ(schemes.size(), 4u);
  using Names = std::set<std::string>;
  EXPECT_EQ(schemes["null-models-marked"], (Names{"noise", "new-label"}));
  EXPECT_EQ(networks["null-models-structure"], Names{"aime-cnn"});
  EXPECT_EQ(images["null-models-data"], Names{"test"});
  EXPECT_EQ(images["null-models-same"], Names{"train"});
  // A key never meets a null model of its own scheme.
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "null") continue;
    const PlannedTask& model = p.plan.tasks[task.prerequisites.front()];
    EXPECT_NE(fields_from<AskNull>(task.payload).scheme.at("method"),
              fields_from<Train>(model.payload).of.scheme.at("method"));
  }
}

TEST(ClaimsPlan, AFalseClaimantHasASecretAndNetworksOfHisOwn) {
  const PlanOf p(std::string(claimed_job) + "false-claims = answers, overwrite\nfalse-claim-networks = 2\n");
  EXPECT_EQ(p.count("false-claims"), 2u * 2 * 2) << "marking schemes, suspects, forgeries";
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "false-claims") continue;
    const auto claim = fields_from<FalseClaim>(task.payload);
    EXPECT_NE(claim.scheme.at("seed"), p.job.integer("seed"));
    EXPECT_EQ(claim.ensemble.size(), 2u);
    EXPECT_EQ(claim.nulls.size(), 3u);
    for (const Identity& own : claim.ensemble)
      EXPECT_EQ(std::count(claim.nulls.begin(), claim.nulls.end(), own), 0) << "the judge's are not the claimant's";
  }
}

TEST(ClaimsPlan, EveryMachineReadsEveryPrunedNetwork) {
  const PlanOf p(std::string(claimed_job) + "machines-prune-rate = 0, 0.5, 0.9\n");
  EXPECT_EQ(p.count("machines"), 2u * 3 * 2);
  for (const PlannedTask& task : p.plan.tasks) EXPECT_TRUE(task.stage != "machines" || task.environments.size() == 1);
}

TEST(ClaimsPlan, RefusesWhatBelongsToClaimsWhereThereAreNone) {
  for (const std::string key : {"false-claims = answers", "machines-prune-rate = 0.5", "null-models = 3"}) {
    const std::string said = refusal_of_claims("experiment = ownership\nscheme = noise, clean\n" + key + "\n");
    EXPECT_NE(said.find("x.ini:5: " + key.substr(0, key.find(' ')) + ": "), std::string::npos) << said;
  }
}

TEST(ClaimsPlan, RefusesStrataThatThereCannotBe) {
  const auto refused = [](const std::string& lines) { return refusal_of_claims(claimed_job + lines); };
  EXPECT_NE(refused("null-strata = structure\n").find("x.ini:9: null-strata: "), std::string::npos);
  EXPECT_NE(refused("null-network = dnn-1\nnull-strata = structure\n").find("x.ini:9: null-network: "),
            std::string::npos);
  EXPECT_NE(refusal_of_claims("experiment = ownership\nscheme = noise, clean\ndecoys = 9\nnull-models = 3\n"
                              "null-strata = marked\n")
                .find("x.ini:7: null-strata: "),
            std::string::npos);
}

}  // namespace
}  // namespace telltale::experiments
