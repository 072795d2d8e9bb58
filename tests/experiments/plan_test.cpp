#include "study/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "experiments/aime/aime.h"
#include "experiments/classification.h"
#include "experiments/made_up.h"
#include "experiments/plan_of.h"
#include "experiments/training.h"
#include "models/network_spec.h"
#include "study/experiment.h"
#include "study/grid.h"
#include "study/keys.h"
#include "support/refusal.h"

namespace telltale::experiments {
namespace {

using namespace study;

TEST(NewLabelPlan, TheCleanNetworkIsTrainedOnceARepeat) {
  const PlanOf p("alpha = 0.1, 0.2\nbeta = 0.01, 0.1\nrepeats = 3\n");
  EXPECT_EQ(p.count("train"), (2u * 4 + 1) * 3);
  EXPECT_EQ(p.count("evaluate"), 3u * 4 * 3);
}

TEST(NewLabelPlan, AModelIsTrainedOnceAndPrunedManyTimes) {
  const PlanOf p("scheme = new-label\nprune-scope = global, per-tensor\nprune-rate = 0:0.8:0.4\n");
  EXPECT_EQ(p.count("train"), 1u);
  EXPECT_EQ(p.count("prune"), 4u);  // a rate of zero is the model as it is
  for (const PlannedTask& task : p.plan.tasks) EXPECT_EQ(task.prerequisites.size(), task.stage == "train" ? 0u : 1u);
}

TEST(NewLabelPlan, JobFilesShareTheTrainingsTheyHaveInCommon) {
  const PlanOf small("scheme = new-label\nalpha = 0.1\n"),
      large("scheme = new-label, clean\nalpha = 0.1, 0.2\nprune-rate = 0.5\n");
  const auto few = small.identities("train"), many = large.identities("train");
  EXPECT_TRUE(std::includes(many.begin(), many.end(), few.begin(), few.end()));
}

TEST(NewLabelPlan, TrainingsDependOnTheEnvironmentThatComputesThem) {
  const PlanOf bound("scheme = new-label\n"), any("scheme = new-label\n", "any");
  EXPECT_NE(bound.identities("train"), any.identities("train"));
  EXPECT_EQ(bound.plan.tasks.front().environments, std::vector<int>{1});
  EXPECT_TRUE(any.plan.tasks.front().environments.empty());
}

TEST(NewLabelPlan, SpreadPlacesACaseByItsIdentity) {
  const PlanOf once("repeats = 8\n", "spread"), again("repeats = 16\n", "spread");
  std::set<int> used;
  for (const PlannedTask& task : once.plan.tasks) {
    used.insert(task.environments.at(0));
    const auto same = std::find_if(again.plan.tasks.begin(), again.plan.tasks.end(),
                                   [&](const PlannedTask& t) { return t.identity == task.identity; });
    ASSERT_NE(same, again.plan.tasks.end());
    EXPECT_EQ(same->environments, task.environments);
  }
  EXPECT_EQ(used.size(), 2u);
}

TEST(NewLabelPlan, EveryEnvironmentPredictsAtEveryBatchSize) {
  const PlanOf p("predict-images = 10\npredict-batch = 1, 16\n");
  EXPECT_EQ(p.count("predict"), 4u);
}

// embed = tune: each marked network goes on from the clean one of its repeat, which is trained once.
TEST(NewLabelPlan, TunedNetworksStartFromTheCleanOneOfTheirRepeat) {
  const PlanOf p("scheme = new-label, clean\nembed = joint, tune\nembed-epochs = 3\nepochs = 7\nrepeats = 2\n");
  std::map<std::string, std::size_t> kinds;
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "train") continue;
    const auto train = fields_from<Train>(task.payload);
    if (train.of.scheme.at("method") == "clean") {
      ++kinds["clean"];
      continue;
    }
    if (!train.start) {
      ++kinds["joint"];
      EXPECT_EQ(train.of.recipe.epochs, 7);
      continue;
    }
    ++kinds["tuned"];
    EXPECT_EQ(train.of.recipe.epochs, 3);
    ASSERT_EQ(task.prerequisites.size(), 1u);
    const PlannedTask& clean = p.plan.tasks[task.prerequisites.front()];
    EXPECT_EQ(clean.identity, *train.start);
    const auto start = fields_from<Train>(clean.payload);
    EXPECT_EQ(start.of.scheme.at("method"), "clean");
    EXPECT_EQ(start.of.repeat, train.of.repeat);
    EXPECT_EQ(start.of.network.classes + 1, train.of.network.classes);
  }
  EXPECT_EQ(kinds, (std::map<std::string, std::size_t>{{"clean", 2}, {"joint", 2}, {"tuned", 2}}));
}

// A key is made of the errors of the clean network of its repeat: it is trained once, its training images are
// classified once, and every embedding starts from there.
TEST(AimePlan, KeysAreMadeOfTheErrorsOfTheCleanNetworkOfTheirRepeat) {
  const PlanOf p(
      "experiment = aime\nkey-length = 5, 8\nembed-on = keys, all\nembed-epochs = 3\nepochs = 7\nrepeats = 2\n");
  std::set<Identity> starts;
  std::size_t embedded = 0;
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "train") continue;
    const auto train = fields_from<Train>(task.payload);
    if (!train.start) continue;
    ++embedded;
    starts.insert(*train.start);
    EXPECT_EQ(train.of.recipe.epochs, 3);
    ASSERT_EQ(task.prerequisites.size(), 2u);
    EXPECT_EQ(p.plan.tasks[task.prerequisites[0]].identity, *train.start);
    const PlannedTask& answers = p.plan.tasks[task.prerequisites[1]];
    EXPECT_EQ(answers.identity, *train.answers);
    const auto classified = fields_from<Classify>(answers.payload);
    EXPECT_EQ(classified.model, *train.start);
    EXPECT_EQ(classified.split, "train");
  }
  EXPECT_EQ(embedded, 2u * 2 * 2);
  EXPECT_EQ(starts.size(), 2u);
  EXPECT_EQ(p.count("train"), embedded + 2);
  EXPECT_EQ(p.count("classify"), 2u);
}

// Every key of every repeat, put to the marked and the clean network of every repeat.
TEST(AimePlan, EveryKeyIsPutToEveryNetwork) {
  const PlanOf p("experiment = aime\nkey-length = 5\nrepeats = 3\n");
  EXPECT_EQ(p.count("integrity"), 3u * 2 * 3);
  std::map<std::string, std::set<Identity>> networks;
  for (const PlannedTask& task : p.plan.tasks)
    if (task.stage == "integrity")
      networks[task.payload.at("answers")].insert(fields_from<Extract>(task.payload).model);
  EXPECT_EQ(networks.size(), 3u);
  for (const auto& [key, asked] : networks) EXPECT_EQ(asked.size(), 6u);
}

// The clean network is trained once a repeat, and asked with the key samples of every scheme and setting.
TEST(BackdoorPlan, TheCleanNetworkIsTheControlOfEveryScheme) {
  const PlanOf p(
      "experiment = backdoor\nunrelated = glyphs\nunrelated-class = 1\nunrelated-other-class = 2\ntarget = 0, 3\n"
      "repeats = 2\n");
  EXPECT_EQ(p.count("train"), 2u * (3 * 2 + 1));
  EXPECT_EQ(p.count("control"), 2u * 3 * 2);
  std::set<Identity> asked;
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "control") continue;
    ASSERT_EQ(task.prerequisites.size(), 1u);
    const PlannedTask& model = p.plan.tasks[task.prerequisites.front()];
    EXPECT_EQ(fields_from<Train>(model.payload).of.scheme.at("method"), "clean");
    asked.insert(model.identity);
  }
  EXPECT_EQ(asked.size(), 2u);  // of each repeat its own
}

TEST(BackdoorPlan, WithoutACleanNetworkThereIsNoControl) {
  EXPECT_EQ(PlanOf("experiment = backdoor\nscheme = content, noise\n").plan.find_stage("control"), nullptr);
}

std::string refusal_of_plan(const std::string& text) {
  return refusal([&] { const PlanOf p(text); });
}

TEST(NewLabelPlan, RefusesWhatTheDataCannotServe) {
  EXPECT_NE(refusal_of_plan("alpha = 0.0001\n").find("x.ini:3: alpha: "), std::string::npos)
      << refusal_of_plan("alpha = 0.0001\n");
  EXPECT_NE(refusal_of_plan("alpha = 1\n").find("x.ini:3: alpha: "),
            std::string::npos);  // the rival may not mark its target
  EXPECT_NE(refusal_of_plan("network = dnn-3\n").find("x.ini:3: network: "), std::string::npos);
  EXPECT_NE(refusal_of_plan("target = 10\n").find("x.ini:3: target: "), std::string::npos);
  EXPECT_NE(refusal_of_plan("predict-images = 51\n").find("x.ini:3: predict-images: "), std::string::npos);
}

// What an identity is made of must not change by itself: it names results that exist.
TEST(NewLabelPlan, ATrainingsPayloadIsTheOneThatResultsWereMadeWith) {
  const PlanOf p("scheme = clean\nnetwork = dnn-2\nlr-milestones = 10\n");
  const Json& training = p.plan.tasks.front().payload;
  EXPECT_EQ(
      canonical(training.at("case")),
      R"({"network":{"channels":1,"classes":10,"height":28,"name":"dnn-2","width":28},"recipe":{"augment":"none",)"
      R"("batch":128,"epochs":50,"gamma":0.1,"learning_rate":0.01,"milestones":[10],"momentum":0.0,)"
      R"("optimizer":"sgd","weight_decay":0.0},"repeat":0,"scheme":{"method":"clean"},"seed":1})");
  std::vector<std::string> keys;
  for (const auto& [key, value] : training.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"algorithm", "case", "data", "environment", "eval_batch", "kind"}));
  EXPECT_EQ(training.at("environment"), p.environments.list[1]
                                            .identity({"dnn-2/1x28x28/10/channels-last/batch 128/evaluation 250",
                                                       "dnn-2/1x28x28/10/channels-last/batch 72/evaluation 1"})
                                            .hex());
}

// 200 images, and with alpha 0.1 20 key samples beside them.
TEST(NewLabelPlan, FingerprintsCoverTheSmallerBatchThatEndsAnEpoch) {
  const auto batches = [](const std::string& text) {
    const Job job = Job::parse("train-images = 200\n" + text, "x.ini");
    std::set<std::pair<int, int>> all;  // outputs, images
    for (const auto& subject : experiment_named("new-label").subjects(job, nullptr))
      all.emplace(subject.network.classes, subject.batch);
    return all;
  };
  using Batches = std::set<std::pair<int, int>>;
  EXPECT_EQ(batches("scheme = clean, new-label\nalpha = 0.1\nbatch = 128\n"),
            (Batches{{10, 128}, {10, 72}, {11, 128}, {11, 92}}));
  EXPECT_EQ(batches("scheme = clean\nbatch = 50\n"), (Batches{{10, 50}, {11, 50}}));
}

TEST(NewLabelPlan, FingerprintsCoverTheBatchesOfFineTuning) {
  const Job job = Job::parse("test-images = 50\nscheme = clean\ntune = ftal\ntune-batch = 10\n", "x.ini");
  std::set<int> batches;
  for (const auto& subject : experiment_named("new-label").subjects(job, nullptr)) batches.insert(subject.batch);
  EXPECT_TRUE(batches.count(10) == 1 && batches.count(5) == 1);
}

TEST(NewLabelPlan, EveryWayOfFineTuningIsATaskOfItsModel) {
  const PlanOf p("scheme = new-label\ntune = ftll, rtal\ntune-rate = 0.01, 0.1\n");
  EXPECT_EQ(p.count("fine-tune"), 4u);
  EXPECT_EQ(p.count("train"), 1u);
}

// A study that an older version began knows nothing of smaller batches.
TEST(NewLabelPlan, EnvironmentsOfOlderStudiesAreWhatTheyWere) {
  PlanOf p("scheme = clean\n");
  const std::string full = "dnn-1/1x28x28/10/channels-last/batch 128/evaluation 250";
  std::erase_if(p.environments.list[1].fingerprints, [&](const auto& one) { return one.first != full; });
  const Plan old = p.experiment->plan(p.inputs());
  EXPECT_EQ(old.tasks.front().payload.at("environment"), p.environments.list[1].identity({full}).hex());
}

TEST(NetworkOptions, AreKeysWithTheNetworksOwnValues) {
  for (const std::string& name : models::network_names())
    for (const models::NetworkOption& option : models::network_options(name)) {
      const Parameter* parameter = find_key("compare", option.name);
      ASSERT_NE(parameter, nullptr) << option.name;
      EXPECT_EQ(parameter->choices, option.values);
      EXPECT_EQ(parameter->fallback, option.values.front());
      const auto& keys = training_axes();
      EXPECT_NE(std::find(keys.begin(), keys.end(), option.name), keys.end()) << option.name;
    }
}

TEST(NetworkOptions, ADefaultWrittenOutIsTheSameNetwork) {
  const PlanOf plain("network = resnet-20\nscheme = clean\n"),
      written("network = resnet-20\nscheme = clean\nshortcut = conv\npool = global\n"),
      other("network = resnet-20\nscheme = clean\npool = window\n");
  EXPECT_EQ(plain.identities("train"), written.identities("train"));
  EXPECT_NE(plain.identities("train"), other.identities("train"));
}

TEST(NetworkOptions, AreAxesOfTheNetworksThatHaveThem) {
  const PlanOf p("network = resnet-20, resnet-32\nscheme = clean\nshortcut = conv, pad\npool = global, window\n");
  EXPECT_EQ(p.count("train"), 8u);
  EXPECT_EQ(refusal_of_plan("network = resnet-20, dnn-1\npool = window\n"),
            "x.ini:4: pool: network dnn-1 has no such option; those that do: resnet-20, resnet-32");
  EXPECT_NE(refusal_of_plan("network = dnn-1\nshortcut = conv\n").find("x.ini:4: shortcut: network dnn-1"),
            std::string::npos);
}

TEST(ComparePlan, EveryMachineIsAskedAboutEveryModel) {
  const PlanOf p(
      "experiment = compare\nnetwork = dnn-1, resnet-20\npredict-images = 10\npredict-batch = 1, 16\n"
      "threads = 1, 2\nprecision = float32, float64, bfloat16\n");
  EXPECT_EQ(p.count("train"), 2u);
  EXPECT_EQ(p.count("compare"), 2u * 2 * 2 * 3 * 2);  // models, batch sizes, threads, precisions, environments
  EXPECT_EQ(p.identities("compare").size(), 48u);
  for (const PlannedTask& task : p.plan.tasks) {
    if (task.stage != "compare") continue;
    EXPECT_EQ(task.prerequisites.size(), 1u);
    const auto& environment = p.environments.list[static_cast<std::size_t>(task.environments.at(0))];
    EXPECT_EQ(task.payload.at("environment"), environment.identity().hex());
    EXPECT_EQ(task.payload.at("profile"), environment.profile);
  }
}

TEST(Plans, HaveTheAxesOfTheirStages) {
  const auto names = [](const PlanOf& p) {
    std::vector<std::string> dimensions;
    for (const Axis& axis : axes_of(p.plan)) dimensions.push_back(axis.dimension);
    return dimensions;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(PlanOf("momentum = 0, 0.9\n")), (Names{"momentum", "scheme", "reading", "alpha", "beta", "repeat"}));
  EXPECT_EQ(names(PlanOf("experiment = compare\npredict-images = 1\nmomentum = 0, 0.9\n")),
            (Names{"network", "momentum", "repeat", "precision", "predict_batch", "environment", "threads"}));
}

TEST(ComparePlan, FingerprintsCoverEveryPrediction) {
  const PlanOf p("experiment = compare\npredict-images = 10\nthreads = 1, 2\nprecision = float32, bfloat16\n");
  std::set<std::string> subjects;
  for (const auto& subject : p.experiment->subjects(p.job, nullptr)) subjects.insert(subject.key());
  const std::string network = "dnn-1/1x28x28/10/channels-last/";
  EXPECT_EQ(subjects,
            (std::set<std::string>{network + "batch 128/evaluation 250", network + "batch 72/evaluation 1",
                                   network + "prediction 1", network + "prediction 1/2 threads",
                                   network + "prediction 1/bfloat16", network + "prediction 1/2 threads/bfloat16"}));
}

TEST(ComparePlan, TakesTheCleanModelsOfOtherExperiments) {
  const PlanOf comparing("experiment = compare\npredict-images = 10\n"), marking("alpha = 0.1, 0.2\n");
  const auto one = comparing.identities("train"), many = marking.identities("train");
  EXPECT_EQ(one.size(), 1u);
  EXPECT_TRUE(std::includes(many.begin(), many.end(), one.begin(), one.end()));
}

TEST(ComparePlan, NeedsImagesThatAreThere) {
  EXPECT_NE(
      refusal_of_plan("experiment = compare\n").find("predict-images: experiment compare needs at least one image"),
      std::string::npos);
  EXPECT_NE(refusal_of_plan("experiment = compare\npredict-images = 51\n").find("x.ini:4: predict-images: "),
            std::string::npos);
  EXPECT_EQ(refusal_of_plan("experiment = compare\npredict-images = 50\n"), "accepted");
}

// Nothing has been computed: every value is missing, and nothing fails.
TEST(CompareTables, OpenTasksLeaveFillValues) {
  const PlanOf p("experiment = compare\npredict-images = 3\nthreads = 1, 2\nprecision = float32, float64\n");
  const auto groups = p.experiment->tabulate(p.inputs(), p.plan, [](std::size_t) { return nullptr; });
  ASSERT_EQ(groups.size(), 3u);
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const auto all_are = [&](const char* name, auto missing) {
      for (const auto value : groups[i].find_variable(name)->numbers().as<decltype(missing)>())
        EXPECT_EQ(value, missing);
    };
    all_are("equivalence_class", std::int32_t{-1});
    all_are("max_ulp", std::int64_t{-1});
    all_are("first_layer", std::int32_t{-2});
    all_are("merge_first", std::int32_t{-1});
    all_are("label", std::int32_t{-1});
    EXPECT_NO_THROW(static_cast<void>(store::encode_results({"", {}, {}, {}, {groups[i]}})));
  }
  store::Group root;
  root.children = groups;
  EXPECT_FALSE(p.experiment->report(root).empty());
}

TEST(Grid, LastAxisVariesFastest) {
  const Grid grid({counted_axis("a", 2), counted_axis("b", 3)});
  EXPECT_EQ(grid.size(), 6u);
  EXPECT_EQ(grid.point(4).label(), "a=1, b=1");
}

}  // namespace
}  // namespace telltale::experiments
