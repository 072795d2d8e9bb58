// A small job's plan, for tests that look at its tasks.
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "experiments/made_up.h"
#include "study/experiment.h"
#include "study/plan.h"

namespace telltale::experiments {

// A plan of a small job on generated data, with two environments of made-up bits.
class PlanOf {
 public:
  explicit PlanOf(const std::string& text, const std::string& rule = "bound")
      : job(study::Job::parse("train-images = 200\ntest-images = 50\n" + text, "x.ini")),
        experiment(&study::experiment_named(job.experiment())) {
    data::DatasetRequest request;
    request.name = "glyphs";
    request.generated_train = 200;
    request.generated_test = 50;
    data = std::make_unique<data::Dataset>(data::load(request));
    others = made_up_other_data(job);
    for (const char* profile : {"haswell", "zen"}) {
      study::Environment environment{profile, profile, {{"torch", "1"}}, {}};
      for (const auto& subject : experiment->subjects(job, nullptr)) {
        environment.fingerprints[subject.key()] = profile;
        environments.layers[subject.key()] = {"conv", "output"};
      }
      environments.list.push_back(environment);
    }
    environments.train_step_s.resize(2);
    environments.eval_image_s.resize(2);
    binding = {rule, rule == "bound" ? 1 : -1};
    plan = experiment->plan(inputs());
  }

  [[nodiscard]] study::StudyInputs inputs() const { return {job, data.get(), others, environments, binding}; }

  [[nodiscard]] std::size_t count(const std::string& kind) const {
    return static_cast<std::size_t>(std::count_if(plan.tasks.begin(), plan.tasks.end(),
                                                  [&](const study::PlannedTask& t) { return t.stage == kind; }));
  }
  [[nodiscard]] std::set<Identity> identities(const std::string& kind) const {
    std::set<Identity> set;
    for (const study::PlannedTask& task : plan.tasks)
      if (task.stage == kind) set.insert(task.identity);
    return set;
  }

  study::Job job;
  const study::Experiment* experiment;
  std::unique_ptr<data::Dataset> data;
  data::OtherData others;
  study::Environments environments;
  study::Binding binding;
  study::Plan plan;
};

}  // namespace telltale::experiments
