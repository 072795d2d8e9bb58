#include "experiments/ownership/key_images.h"

#include "study/axis.h"

namespace telltale::experiments {

Parameter show_images_key() {
  return {.name = "show-images",
          .type = ValueType::integer,
          .fallback = "0",
          .help =
              "so many key samples of every watermark are kept in the results, with their originals and the "
              "network's five best answers to both; 0: none",
          .most = 10000};
}

void plan_key_images(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                     const std::vector<PlannedTraining>& trainings) {
  const study::Job& job = inputs.job;
  const Grid marked = ownership.marked_cases(job), cases = ownership.cases(job);
  if (job.integer("show-images") == 0 || marked.size() == 0) return;
  add_stage(plan,
            {"key-images",
             "the first untrained key samples of every watermark, their originals, and the network's best answers to "
             "both",
             marked,
             {},
             {},
             {}},
            [&](const Grid::Point& point) {
              const PlannedTraining& training = trainings[case_at(cases, point, {})];
              return study::Task<ShowKeys>{
                  {inputs.data->content_hash(), plan.tasks[training.task].identity,
                   ownership.settings(CaseValues(job, point), true, &inputs.other_data), job.integer("show-images"),
                   training.environment, job.integer("eval-batch")},
                  {training.task},
                  training.environments,
                  2 * static_cast<double>(job.integer("eval-batch")) * training.image_s};
            });
}

store::Group key_images_group(const Stage& stage, const StudyInputs& inputs, const OutcomeLookup& outcome) {
  store::Group group = study::group_over(stage.grid, stage.name, stage.help);
  const data::ImageShape& shape = inputs.data->shape();
  const std::int64_t samples = inputs.job.integer("show-images");
  Grid({study::named_axis("version", "the image as it was, or the key sample made of it", {"original", "key"})})
      .declare(group);
  group.dimensions.insert(group.dimensions.end(), {{"sample", samples},
                                                   {"channel", shape.channels},
                                                   {"row", shape.height},
                                                   {"column", shape.width},
                                                   {"rank", ShowKeys::ranks}});
  const auto add = [&]<typename T>(const char* name, const char* value, const std::vector<std::string>& dimensions,
                                   T fill, const std::string& help, const std::string& units) {
    add_variable(group, stage.grid, name, dimensions,
                 study::gathered(stage, outcome, value, study::shape_of(group, dimensions), fill), help, units);
  };
  const std::vector<std::string> pixels{"sample", "channel", "row", "column"}, best{"sample", "version", "rank"};
  constexpr float no_pixel = std::numeric_limits<float>::quiet_NaN();
  add("key", "images", pixels, no_pixel, "key samples, pixels in [0,1]; missing: there are fewer", "1");
  add("original", "originals", pixels, no_pixel, "the images that they were made of; missing: they were made of none",
      "1");
  add("label", "labels", {"sample"}, std::int32_t{-1}, "what the key sample is to be answered with; -1: none", "");
  add("answer", "top_classes", best, std::int32_t{-1}, "the network's best answers, the best first; -1: none", "");
  add("probability", "top_shares", best, study::missing, "and their probabilities", "1");
  return group;
}

}  // namespace telltale::experiments
