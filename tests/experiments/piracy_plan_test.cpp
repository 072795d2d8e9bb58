// What the preset of anti-piracy stands for.
#include <gtest/gtest.h>

#include "experiments/piracy/piracy.h"
#include "experiments/plan_of.h"
#include "experiments/training.h"
#include "models/network_spec.h"
#include "study/payload.h"

namespace telltale::experiments {
namespace {

const std::string small = "experiment = anti-piracy\nnetwork = simple-cnn\nepochs = 1\nrepeats = 2\n";

Train training_of(const PlanOf& p, const Identity& identity) {
  for (const study::PlannedTask& task : p.plan.tasks)
    if (task.identity == identity) return study::fields_from<Train>(task.payload);
  throw Error("there is no such task");
}

TEST(AntiPiracyPlan, TheNetworkOfThePresetIsTaughtByTheOneThatIsNotProtected) {
  const PlanOf p(small + "transform = telltale, none\n");
  EXPECT_EQ(p.count("train"), 4) << "the teacher is the network of transform = none";
  int taught = 0;
  for (const Identity& identity : p.identities("train")) {
    const Train train = training_of(p, identity);
    if (!train.protection) {
      EXPECT_EQ(train.of.network.name, "simple-cnn");
      continue;
    }
    ++taught;
    EXPECT_EQ(train.of.network.name, "mlp");
    EXPECT_EQ(train.protection->transform.name, "keyed");
    EXPECT_EQ(train.protection->transform.settings.at("key_block"), 28);
    EXPECT_TRUE(train.protection->loss.decoy);
    const Train teacher = training_of(p, train.protection->teacher.value());
    EXPECT_FALSE(teacher.protection);
    EXPECT_EQ(teacher.of.repeat, train.of.repeat);
  }
  EXPECT_EQ(taught, 2);
  EXPECT_EQ(PlanOf(small + "transform = telltale\n").identities("train"), p.identities("train"));
}

// A network of his own may be the better one: the key forces its structure on nobody else.
TEST(AntiPiracyPlan, AThiefWithoutTheNetworkBehindThePresetTrainsTheJobsNetwork) {
  const PlanOf p(small + "transform = telltale, fixed\nregain-labels = 1\nregain-by = tune, scratch\n");
  int told = 0;
  for (const study::PlannedTask& task : p.plan.tasks) {
    if (task.stage != "regain") continue;
    const Json& attack = task.payload.at("attack");
    if (!attack.contains("network")) continue;
    ++told;
    EXPECT_EQ(attack.at("by"), "scratch");
    EXPECT_EQ(attack.at("network").at("name"), "simple-cnn");
  }
  EXPECT_EQ(told, 2) << "one a repeat, of the preset alone";
}

}  // namespace
}  // namespace telltale::experiments
