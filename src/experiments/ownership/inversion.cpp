#include "experiments/ownership/inversion.h"

#include "study/cells.h"

namespace telltale::experiments {

ParameterGroup inversion_keys() {
  using enum ValueType;
  return {"Model inversion",
          {{.name = "invert-from",
            .type = choice,
            .fallback = "",
            .help = "what model inversion starts from, if it takes place: an image of the class that is marked, a "
                    "black image, noise",
            .axis = AxisRule::always,
            .choices = {"class", "blank", "noise"},
            .optional = true},
           {.name = "invert-cost",
            .type = choice,
            .fallback = "confidence",
            .help = "what it lowers: 1 - p of the label (confidence; Fredrikson et al. 2015), or cross-entropy, whose "
                    "slope does not vanish where the network is sure of another label",
            .axis = AxisRule::always,
            .choices = {"confidence", "cross-entropy"}},
           {.name = "invert-steps",
            .type = integer,
            .fallback = "5000",
            .help = "its gradient steps at most",
            .least = 1,
            .most = 1e6},
           {.name = "invert-rate", .type = number, .fallback = "0.1", .help = "step size", .least = 1e-9, .most = 1e6},
           {.name = "invert-patience",
            .type = integer,
            .fallback = "100",
            .help = "it ends when the cost is not below the largest of so many steps before",
            .least = 1,
            .most = 1e6},
           {.name = "invert-confidence",
            .type = number,
            .fallback = "0.99",
            .help = "and when the label has this probability",
            .most = 1}}};
}

void add_inversion_subjects(std::vector<forensics::Subject>& subjects, const study::Job& job) {
  if (!job.is_set("invert-from")) return;
  std::vector<forensics::Subject> single;
  for (const forensics::Subject& subject : subjects) single.push_back({subject.network, 1, 1});
  for (forensics::Subject& one : single)
    if (std::none_of(subjects.begin(), subjects.end(), [&](const auto& known) { return known.key() == one.key(); }))
      subjects.push_back(std::move(one));
}

void plan_inversion(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                    const std::vector<PlannedTraining>& trainings) {
  const study::Job& job = inputs.job;
  const Grid marked = ownership.marked_cases(job), cases = ownership.cases(job);
  if (!job.is_set("invert-from") || marked.size() == 0) return;
  const Grid grid = marked * Grid({ownership.suspect_axis(job)}) * Grid(job.axes_of({"invert-from", "invert-cost"}));
  add_stage(plan,
            {"inversion",
             "images that networks answer with the watermark's label, made by model inversion, beside its pattern",
             grid,
             {{"confidence", "confidence", "probability of the watermark's label for the image that was found"},
              {"correlation", "correlation", "of the image with the watermark's pattern, over pixels"},
              {"wrong_correlation", "wrong_correlation", "of the image with the pattern of another secret"},
              {"change_correlation", "change_correlation", "of what inversion changed with the watermark's pattern"},
              {"wrong_change_correlation", "wrong_change_correlation", "of that with the pattern of another secret"},
              {"class_correlation", "class_correlation", "of the image with the mean training image of the label"},
              {"chance_correlation", "chance_correlation",
               "largest magnitude of the image's with 99 patterns of noise: what chance alone gives"}},
             {{"steps", "steps", "gradient steps that were taken"}},
             {}},
            [&](const Grid::Point& point) {
              const CaseValues values(job, point);
              const PlannedTraining& training = trainings[ownership.suspect_at(cases, job, point)];
              const long long steps = job.integer("invert-steps");
              return study::Task<Invert>{
                  {inputs.data->content_hash(), plan.tasks[training.task].identity,
                   ownership.settings(values, true, &inputs.other_data), point.text("invert-from"),
                   point.text("invert-cost"), steps, job.integer("invert-patience"), job.number("invert-rate"),
                   job.number("invert-confidence"), training.environment},
                  {training.task},
                  training.environments,
                  3 * static_cast<double>(steps) * training.image_s};
            });
}

store::Group inversion_group(const Stage& stage, const StudyInputs& inputs, const OutcomeLookup& outcome) {
  store::Group group = study::group_of(stage, outcome);
  const data::ImageShape& shape = inputs.data->shape();
  group.dimensions.insert(group.dimensions.end(),
                          {{"channel", shape.channels}, {"row", shape.height}, {"column", shape.width}});
  const std::vector<std::string> pixels{"channel", "row", "column"};
  const auto add = [&](const char* name, const std::string& help) {
    add_variable(
        group, stage.grid, name, pixels,
        study::gathered(stage, outcome, name, study::shape_of(group, pixels), std::numeric_limits<float>::quiet_NaN()),
        help, "1");
  };
  add("image", "the image that was found, pixels in [0,1]");
  add("start", "what it was made from");
  add("pattern",
      "the watermark's pattern: what key samples have more than their originals, on average; or the average "
      "key sample of a scheme that marks no images");
  return group;
}

study::Table inversion_table(const store::Group& inversion) {
  const auto dimensions = study::without(study::Cells(inversion, "correlation").dimensions(), {"repeat"});
  study::Table table = study::means_table(inversion, "Model inversion (Zhang et al. 2018, Figs. 8 and 9)", dimensions,
                                          {{"confidence", "confidence"},
                                           {"correlation", "pattern"},
                                           {"wrong_correlation", "another secret's"},
                                           {"change_correlation", "change: pattern"},
                                           {"wrong_change_correlation", "change: another's"},
                                           {"class_correlation", "mean of the class"},
                                           {"chance_correlation", "99 of noise, largest"}},
                                          [](const auto& values) { return study::decimals(study::mean(values), 3); });
  table.notes = {
      "Correlations over pixels of the image that was found, and of what inversion changed; means over the repeats.",
      "A network gives its watermark away where the pattern exceeds another secret's, chance, and the same of",
      "the clean network."};
  return table;
}

}  // namespace telltale::experiments
