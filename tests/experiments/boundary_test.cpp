// Plans and tables of boundary studies, with made-up environments and outcomes.
#include "experiments/boundary/boundary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "experiments/made_up.h"
#include "support/refusal.h"

namespace telltale::experiments {
namespace {

using namespace study;

class BoundaryStudy {
 public:
  explicit BoundaryStudy(const std::string& text, const World& world = {.profiles = {"haswell", "skylakex"}})
      : job(Job::parse("experiment = boundary\ntrain-images = 200\ntest-images = 50\nnetwork = dnn-1\n" + text,
                       "x.ini")),
        data(made_up_data(job)),
        environments(made_up_environments(world, boundary.subjects(job, nullptr))),
        binding{"bound", static_cast<int>(world.profiles.size()) - 1},
        plan(boundary.plan(inputs())) {}

  [[nodiscard]] StudyInputs inputs() const { return {job, &data, others, environments, binding}; }

  [[nodiscard]] std::vector<boundary::Search> searches() const {
    std::vector<boundary::Search> all;
    for (const auto& task : plan.stage("search").tasks)
      if (task) all.push_back(fields_from<boundary::Search>(plan.tasks[*task].payload));
    return all;
  }
  [[nodiscard]] std::set<Identity> identities(const std::string& stage) const {
    std::set<Identity> all;
    for (const auto& task : plan.stage(stage).tasks)
      if (task) all.insert(plan.tasks[*task].identity);
    return all;
  }
  [[nodiscard]] std::set<Identity> draws() const {
    std::set<Identity> all;
    for (const boundary::Search& search : searches()) all.insert(boundary::draws_of(search));
    return all;
  }

  // ---- what became of tasks, by their place in the stage

  Outcome& end(const std::string& stage, std::size_t place) { return outcomes[*plan.stage(stage).tasks.at(place)]; }
  void fail(const std::string& stage, std::size_t place, const std::string& reason) {
    end(stage, place).status = TaskStatus::failed;
    end(stage, place).reason = reason;
  }
  // The first machine of the search alone says 1, all others 2.
  void find(std::size_t place) {
    const auto search = fields_from<boundary::Search>(plan.tasks[*plan.stage("search").tasks.at(place)].payload);
    const auto machines = static_cast<std::int64_t>(search.machines.size());
    auto& values = end("search", place).values;
    for (const auto& [name, value] : std::map<const char*, std::int64_t>{{"ending", 0},
                                                                         {"true_label", 0},
                                                                         {"start_label", 0},
                                                                         {"identified", 0},
                                                                         {"identifying_label", 1},
                                                                         {"contrast_label", 2},
                                                                         {"local_steps", 3},
                                                                         {"remote_steps", 4},
                                                                         {"evaluations", 5}})
      values[name] = Array::scalar(value);
    values["squared_error"] = Array::scalar(1e-6);
    values["sample"] = Array::of<float>({1, 28, 28}, std::vector<float>(28 * 28, 0.5F));
    std::vector<std::int32_t> labels(static_cast<std::size_t>(machines), 2);
    labels.front() = 1;
    values["labels"] = Array::of<std::int32_t>({machines}, labels);
    values["logits"] =
        Array::of<float>({machines, 10}, std::vector<float>(static_cast<std::size_t>(machines) * 10, 0.25F));
  }
  void replay(std::size_t place, std::int32_t repeats = 1) {
    end("replay", place).values["repeats"] = Array::scalar(repeats);
  }

  [[nodiscard]] store::Group group(const std::string& name) const {
    for (store::Group& group : boundary.tabulate(inputs(), plan, [&](std::size_t task) {
           const auto found = outcomes.find(task);
           return found == outcomes.end() ? nullptr : &found->second;
         }))
      if (group.name == name) return group;
    throw Error("there is no group " + name);
  }

  Boundary boundary;
  Job job;
  data::Dataset data;
  data::OtherData others;
  Environments environments;
  Binding binding;
  Plan plan;
  std::map<std::size_t, Outcome> outcomes;
};

template <typename T>
T first_of(const store::Group& group, const char* variable) {
  return group.find_variable(variable)->numbers().as<T>().front();
}

// ---- plans

TEST(BoundaryPlan, ASampleIsReplayedByItselfOnEveryEnvironment) {
  const BoundaryStudy study("images = 3\n");
  const auto& replays = study.plan.stage("replay").tasks;
  ASSERT_EQ(replays.size(), 3u * 2);
  for (std::size_t i = 0; i < replays.size(); ++i) {
    const PlannedTask& task = study.plan.tasks[*replays[i]];
    const std::vector<std::size_t> needs{*study.plan.stage("search").tasks[i / 2], *study.plan.stage("train").tasks[0]};
    EXPECT_EQ(task.prerequisites, needs) << "a search that fails would fail others' replays";
    EXPECT_EQ(task.environments, std::vector<int>{static_cast<int>(i % 2)});
  }
}

TEST(BoundaryPlan, KeepingStepsChangesNoDraw) {
  const BoundaryStudy without("search = paper, telltale\nimages = 2\n"),
      with("search = paper, telltale\nimages = 2\nsteps = yes\n");
  EXPECT_EQ(without.draws(), with.draws());
  EXPECT_EQ(without.draws().size(), 4u);
  EXPECT_NE(without.identities("search"), with.identities("search"));  // they have other outcomes
}

TEST(BoundaryPlan, SettingsOfOtherPresetsAreNoPartOfASearch) {
  EXPECT_EQ(BoundaryStudy("images = 2\n").identities("search"),
            BoundaryStudy("images = 2\nlocal-limit = 7\nremote-limit = 8\n").identities("search"));
  EXPECT_EQ(BoundaryStudy("search = code\nimages = 2\n").identities("search"),
            BoundaryStudy("search = code\nimages = 2\nevaluation-limit = 7\n").identities("search"));
  EXPECT_NE(BoundaryStudy("images = 2\n").identities("search"),
            BoundaryStudy("images = 2\nevaluation-limit = 7\n").identities("search"));
}

TEST(BoundaryPlan, AProfileThatASearchDoesNotAskChangesNothing) {
  const std::string text = "versus = haswell\nlocal = skylakex\nimages = 2\ntarget-machine = any, haswell\n";
  const BoundaryStudy two(text), three(text, {.profiles = {"barcelona", "haswell", "skylakex"}});
  EXPECT_EQ(two.identities("search"), three.identities("search"));
  EXPECT_EQ(two.draws(), three.draws());
  EXPECT_EQ(two.identities("replay"), three.identities("replay"));
  // Whom to ask is told beside: environments have moved up.
  const auto asked = [](const BoundaryStudy& study) {
    const PlannedTask& task = study.plan.tasks[*study.plan.stage("search").tasks.front()];
    auto environments = task_from<boundary::Search>(message_of(task.payload, task.hints)).environments;
    std::sort(environments.begin(), environments.end());
    return environments;
  };
  EXPECT_EQ(asked(two), (std::vector<int>{0, 1}));
  EXPECT_EQ(asked(three), (std::vector<int>{1, 2}));
}

std::string refusal_of_study(const std::string& text) {
  return refusal([&] { const BoundaryStudy study(text); });
}

TEST(BoundaryPlan, RefusesAJobOfWhichNothingHasAMeaning) {
  EXPECT_EQ(refusal_of_study("search = code\ngrid = 8-bit\n"),
            "x.ini:6: grid: search=code, grid=8-bit has no meaning (only telltale searches on the 8-bit grid), and "
            "nothing else is left to search");
  EXPECT_NE(refusal_of_study("search = paper, code\ntarget-machine = each\n").find("x.ini:6: target-machine: "),
            std::string::npos);
  EXPECT_NE(refusal_of_study("versus = skylakex\nlocal = skylakex\n").find("x.ini:5: versus: "), std::string::npos);
}

TEST(BoundaryPlan, SaysWhatIsLeftOut) {
  const BoundaryStudy study("search = code, telltale\ngrid = float, 8-bit\nimages = 5\nrepeats = 2\n");
  EXPECT_EQ(study.plan.notes, std::vector<std::string>{"search=code, grid=8-bit: no meaning, left out (10 cells): only "
                                                       "telltale searches on the 8-bit grid"});
  EXPECT_EQ(study.plan.cases, 3u * 5 * 2);
  EXPECT_TRUE(BoundaryStudy("images = 2\n").plan.notes.empty());
}

// ---- tables

TEST(BoundaryTables, AFailedSearchIsAnAttemptWithItsReason) {
  BoundaryStudy study("images = 3\n");
  study.find(0), study.replay(0), study.replay(1);
  study.fail("search", 1, "past its time limit");
  study.fail("replay", 2, "a task that it needs failed");
  const store::Group boundary = study.group("boundary"), summary = study.group("summary");
  EXPECT_EQ(boundary.find_variable("status")->strings(), (std::vector<std::string>{"success", "failed", ""}));
  EXPECT_EQ(boundary.find_variable("reason")->strings(), (std::vector<std::string>{"", "past its time limit", ""}));
  EXPECT_EQ(first_of<std::int64_t>(summary, "attempts"), 2);
  EXPECT_EQ(first_of<std::int64_t>(summary, "successes"), 1);
  EXPECT_EQ(first_of<double>(summary, "success_share"), 0.5);
  EXPECT_EQ(summary.find_variable("ending")->strings().back(), "failed");
  EXPECT_EQ(summary.find_variable("endings")->numbers().as<std::int64_t>().back(), 1);
}

TEST(BoundaryTables, ASampleThatIsNotReplayedEverywhereYetIsOpen) {
  BoundaryStudy study("images = 2\n");
  study.find(0), study.replay(0), study.replay(1);
  study.find(1), study.replay(2);
  const store::Group boundary = study.group("boundary"), summary = study.group("summary");
  EXPECT_EQ(boundary.find_variable("status")->strings(), (std::vector<std::string>{"success", "open"}));
  EXPECT_EQ(first_of<std::int64_t>(summary, "attempts"), 1);
  EXPECT_EQ(first_of<std::int64_t>(summary, "successes"), 1);
}

TEST(BoundaryTables, AReplayThatFailsOrDiffersSpeaksAgainstItsOwnSampleOnly) {
  BoundaryStudy study("images = 3\n");
  for (std::size_t i = 0; i < 3; ++i) study.find(i), study.replay(2 * i), study.replay(2 * i + 1);
  study.fail("replay", 3, "it was killed");
  study.replay(4, 0);
  const store::Group boundary = study.group("boundary"), summary = study.group("summary");
  EXPECT_EQ(boundary.find_variable("status")->strings(), (std::vector<std::string>(3, "success")));
  EXPECT_EQ(boundary.find_variable("reason")->strings(),
            (std::vector<std::string>{"", "the replay on skylakex failed: it was killed",
                                      "the replay on haswell did not repeat its logits"}));
  const auto verified = boundary.find_variable("verified")->numbers().as<std::int32_t>();
  EXPECT_EQ(std::vector<std::int32_t>(verified.begin(), verified.end()), (std::vector<std::int32_t>{1, 0, 0}));
  EXPECT_EQ(first_of<std::int64_t>(summary, "attempts"), 3);
  EXPECT_EQ(first_of<std::int64_t>(summary, "successes"), 1);
}

TEST(BoundaryTables, AnswersStandAtTheMachinesOfTheStudy) {
  BoundaryStudy study("versus = haswell\nlocal = skylakex\nimages = 1\n",
                      {.profiles = {"barcelona", "haswell", "skylakex"}});
  study.find(0);
  const store::Group boundary = study.group("boundary");
  const auto labels = boundary.find_variable("label")->numbers().as<std::int32_t>();
  EXPECT_EQ(labels[0], -1);
  EXPECT_EQ(std::set<std::int32_t>(labels.begin() + 1, labels.end()), (std::set<std::int32_t>{1, 2}));
  const std::string identified = boundary.find_variable("identified")->strings().front();
  EXPECT_EQ(identified, labels[1] == 1 ? "haswell" : "skylakex");
}

TEST(BoundaryTables, EveryCaseHasTheHashOfItsNetwork) {
  const std::string hash(Identity::size, '\x11');
  const auto end_training = [&](BoundaryStudy& study, std::size_t place) {
    study.end("train", place).values["model_sha256"] =
        Array::of<std::uint8_t>({Identity::size}, std::vector<std::uint8_t>(hash.begin(), hash.end()));
    for (const char* curve : {"train_loss", "train_accuracy", "epoch_accuracy"})
      study.end("train", place).values[curve] = Array::of<double>({1}, {0.5});
  };
  BoundaryStudy two("images = 1\nrepeats = 2\nepochs = 1\n");
  end_training(two, 1);
  const store::Group of_two = two.group("boundary");
  EXPECT_EQ(of_two.find_variable("model")->dimensions, std::vector<std::string>{"repeat"});
  EXPECT_EQ(of_two.find_variable("model")->strings(),
            (std::vector<std::string>{"", Identity::from_bytes(as_bytes(hash)).hex()}));
  const auto has_model = [](const store::Group& group) {
    return std::any_of(group.attributes.begin(), group.attributes.end(),
                       [](const store::Attribute& one) { return one.name == "model"; });
  };
  EXPECT_FALSE(has_model(of_two)) << "the attribute can name one network only";
  EXPECT_TRUE(has_model(BoundaryStudy("images = 1\n").group("boundary")));
}

}  // namespace
}  // namespace telltale::experiments
