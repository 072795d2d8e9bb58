#include "study/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "study/grid.h"
#include "study/new_label.h"

namespace telltale::study {
namespace {

// A plan of a small job on generated data, with one environment of made-up bits.
class PlanOf {
 public:
  explicit PlanOf(const std::string& text, const std::string& rule = "bound")
      : job(Job::parse("train-images = 200\ntest-images = 50\n" + text, "x.ini")) {
    data::DatasetRequest request;
    request.name = "glyphs";
    request.generated_train = 200;
    request.generated_test = 50;
    data = std::make_unique<data::Dataset>(data::load(request));
    for (const char* profile : {"haswell", "zen"}) {
      Environment environment{profile, profile, {{"torch", "1"}}, {}};
      for (const auto& subject : NewLabel().subjects(job)) environment.fingerprints[subject.key()] = profile;
      environments.list.push_back(environment);
    }
    environments.train_step_s.resize(2);
    environments.eval_image_s.resize(2);
    binding = {rule, rule == "bound" ? 1 : -1};
    plan = NewLabel().plan({job, data.get(), environments, binding});
  }

  [[nodiscard]] std::size_t count(const std::string& kind) const {
    return static_cast<std::size_t>(
        std::count_if(plan.tasks.begin(), plan.tasks.end(), [&](const PlannedTask& t) { return t.kind == kind; }));
  }
  [[nodiscard]] std::set<Identity> identities(const std::string& kind) const {
    std::set<Identity> set;
    for (const PlannedTask& task : plan.tasks)
      if (task.kind == kind) set.insert(task.identity);
    return set;
  }

  Job job;
  std::unique_ptr<data::Dataset> data;
  Environments environments;
  Binding binding;
  Plan plan;
};

TEST(NewLabelPlan, TheCleanNetworkIsTrainedOnceARepeat) {
  const PlanOf p("alpha = 0.1, 0.2\nbeta = 0.01, 0.1\nrepeats = 3\n");
  EXPECT_EQ(p.count("train"), (2u * 4 + 1) * 3);
  EXPECT_EQ(p.count("evaluate"), 3u * 4 * 3);
}

TEST(NewLabelPlan, AModelIsTrainedOnceAndPrunedManyTimes) {
  const PlanOf p("scheme = new-label\nprune-scope = global, per-tensor\nprune-rate = 0:0.8:0.4\n");
  EXPECT_EQ(p.count("train"), 1u);
  EXPECT_EQ(p.count("prune"), 4u);  // a rate of zero is the model as it is
  for (const PlannedTask& task : p.plan.tasks) EXPECT_EQ(task.prerequisites.size(), task.kind == "train" ? 0u : 1u);
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

TEST(NewLabelPlan, RefusesWhatTheDataCannotServe) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      PlanOf p(text);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal("alpha = 0.0001\n").find("x.ini:3: alpha: "), std::string::npos) << refusal("alpha = 0.0001\n");
  EXPECT_NE(refusal("alpha = 1\n").find("x.ini:3: alpha: "), std::string::npos);  // the rival may not mark its target
  EXPECT_NE(refusal("network = dnn-3\n").find("x.ini:3: network: "), std::string::npos);
  EXPECT_NE(refusal("target = 10\n").find("x.ini:3: target: "), std::string::npos);
  EXPECT_NE(refusal("predict-images = 51\n").find("x.ini:3: predict-images: "), std::string::npos);
}

TEST(Grid, LastAxisVariesFastest) {
  const Grid grid({counted_axis("a", 2), counted_axis("b", 3)});
  EXPECT_EQ(grid.size(), 6u);
  EXPECT_EQ(grid.point(4).label(), "a=1, b=1");
}

}  // namespace
}  // namespace telltale::study
