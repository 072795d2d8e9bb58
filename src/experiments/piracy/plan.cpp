#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "experiments/piracy/piracy.h"
#include "experiments/piracy/protection.h"
#include "experiments/predictions.h"
#include "experiments/settings.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using study::Job;
using study::Measure;

Grid cases_of(const Job& job) {
  std::vector<std::string> keys = names_of(protection_keys().parameters);
  for (const std::string& name : training_axes()) keys.push_back(name);
  return with_repeats(job.axes_of(keys), job);
}

// What became of a case's training: the tasks whose products are its network and its transform.
struct Delivered {
  std::size_t network = 0;
  std::optional<std::size_t> transform{};
};

std::vector<Measure> halves_of(const std::string& what) {
  if (what == "accuracy")
    return {
        {"accuracy", "accuracy",
         "share of the test images classified correctly by an authorised user: processed, "
         "where there is a transform"},
        {"accuracy_first_half", "accuracy_first_half", "the same of the first half of the test images, a thief's own"},
        {"accuracy_second_half", "accuracy_second_half", "the same of the second half"}};
  return {{"raw_accuracy", "raw_accuracy", "share of the raw test images that a thief gets classified correctly"},
          {"raw_accuracy_first_half", "raw_accuracy_first_half",
           "the same of the first half of the test images, a thief's own: by it he chooses"},
          {"raw_accuracy_second_half", "raw_accuracy_second_half", "the same of the second half"}};
}

std::vector<Measure> measures_of(const watermark::Attack* attack) {
  std::vector<Measure> all = halves_of("raw_accuracy");
  if (attack == nullptr || !attack->opens_raw_images())
    for (const Measure& measure : halves_of("accuracy")) all.push_back(measure);
  if (attack == nullptr) {
    all.push_back({"perturbation_rms", "perturbation_rms",
                   "root of the mean square of what the transform adds to test images, in units of the network's range "
                   "of pixels"});
    all.push_back({"perturbation_most", "perturbation_most", "largest magnitude of it"});
  } else {
    for (const auto& [name, help] : attack->measures()) all.push_back({name, name, help});
  }
  return all;
}

}  // namespace

AntiPiracy::AntiPiracy() {
  for (const char* name : {"prune", "fine-tune", "fine-prune", "quantise", "weight-noise", "weight-shift", "smooth",
                           "input-noise", "jpeg", "input-only", "pairs", "regain", "extract", "adaptive-extract"})
    attacks_.push_back(&watermark::attack_named(name));
}

std::vector<ParameterGroup> AntiPiracy::keys() const {
  ParameterGroup attacks{"Attacks", {}};
  for (const watermark::Attack* attack : attacks_)
    for (Parameter& parameter : attack->parameters()) attacks.parameters.push_back(std::move(parameter));
  return {training_keys(),
          protection_keys(),
          std::move(attacks),
          {"Answers on every environment",
           {predict_images_key("how many test images every network answers on every environment, raw and processed "
                               "there; 0: none"),
            predict_batch_key(), precision_key()}}};
}

void AntiPiracy::check(const Job& job) const {
  check_training(job);
  const data::ImageShape& shape = data::describe(job.text("dataset")).shape;
  const long long window = job.integer("window");
  if (window > std::min(shape.height, shape.width))
    job.refuse("window", "the images have only " + std::to_string(shape.height) + " rows and " +
                             std::to_string(shape.width) + " columns");
  const long long side = window > 0 ? window : std::gcd(shape.height, shape.width);
  const auto check_blocks = [&](const char* key) {
    for (const std::string& block : job.values(key))
      if (side % study::parse_integer(block) != 0)
        job.refuse(key, "blocks of " + block + " x " + block + " pixels do not divide the network's images");
  };
  const auto has = [&](const char* key, const char* value) {
    const auto& values = job.values(key);
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  if (has("transform", "keyed")) check_blocks("key-block");
  if (job.is_set("regain-labels") && has("regain-by", "blocks")) check_blocks("regain-block");
  if (job.integer("pair-attempts") > 0 && has("pair-model", "linear")) check_blocks("pair-block");
  if (window > 0 && (job.values("augment").size() > 1 || job.text("augment") != "none"))
    job.refuse("window", "windows are an augmentation of their own: augment has to be none");
}

std::vector<forensics::Subject> AntiPiracy::subjects(const Job& job, const data::Dataset* data) const {
  const data::Description& about = data::describe(job.text("dataset"));
  const long long images = data != nullptr ? data->train().count : training_images(job);
  const auto& transforms = job.values("transform");
  const auto count = [&](const char* name) { return std::count(transforms.begin(), transforms.end(), name); };
  const data::ImageShape input = input_of(job, about.shape);
  std::vector<forensics::Subject> subjects;
  const auto add = [&](const models::NetworkSpec& network, bool alone, bool behind_transform) {
    for (const std::string& text : job.values("batch")) {
      const long long batch = study::parse_integer(text), eval_batch = job.integer("eval-batch");
      if (alone) add_training_subjects(subjects, network, batch, eval_batch, images);
      if (behind_transform) add_training_subjects(subjects, network, 2 * batch, eval_batch, 2 * images);
    }
    add_attack_subjects(subjects, attacks_, network, job);
    if (job.integer("predict-images") == 0) return;
    const Grid questions({job.axis_of("precision"), job.axis_of("predict-batch")});
    for (std::size_t i = 0; i < questions.size(); ++i)
      subjects.push_back(prediction_subject(network, questions.point(i).integer("predict-batch"), 1,
                                            questions.point(i).text("precision")));
  };
  const bool ours = count(telltale_preset) > 0;
  for (const models::NetworkSpec& network : networks_of(job, input, about.classes))
    add(network, ours || count(no_transform) > 0,
        count(no_transform) + count(telltale_preset) < std::ssize(transforms));
  if (ours) add(keyed_network(input, about.classes), false, true);
  return subjects;
}

Plan AntiPiracy::plan(const StudyInputs& inputs) const {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const data::ImageShape input = input_of(job, data.shape());
  const Grid cases = cases_of(job);
  if (job.integer("pair-attempts") > 0)
    for (const std::string& pairs : job.values("pairs"))
      if (study::parse_integer(pairs) > data.train().count)
        job.refuse("pairs", "there are only " + std::to_string(data.train().count) + " training images, each one pair");
  if (job.is_set("extract-queries"))
    for (const std::string& queries : job.values("extract-queries"))
      if (study::parse_integer(queries) > data.test().count / 2)
        job.refuse("extract-queries",
                   "a thief has only the first half of the test images: " + std::to_string(data.test().count / 2));
  Plan plan;
  std::vector<std::optional<Json>> kinds;  // by case: of transforms that a secret alone decides
  const auto trainings = plan_trainings(plan, inputs, cases, [&](const CaseValues& values) {
    Trained of = protected_training(values, input, data);
    const bool is_drawn = of.protection && !models::transform_kind(of.protection->transform.name).is_trained;
    kinds.push_back(is_drawn ? std::optional(of.protection->transform.to_json()) : std::nullopt);
    return of;
  });

  std::vector<Delivered> delivered;
  const auto deliver = [&](const PlannedTraining& training, const char* part) {
    return add_task(plan, "deliver",
                    study::Task<Deliver>{{plan.tasks[training.task].identity, part}, {training.task}, {}, 0.05});
  };
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const bool is_protected = cases.point(c).text("transform") != no_transform;
    if (is_protected)
      delivered.push_back({deliver(trainings[c], "network"), deliver(trainings[c], "transform")});
    else
      delivered.push_back({trainings[c].task});
  }
  plan.stages.push_back({"deliver", {}, cases, {}, {}, {}});
  for (const Delivered& one : delivered) plan.stages.back().tasks.emplace_back(one.network);
  plan.stages.push_back({"deliver-transform", {}, cases, {}, {}, {}});
  for (const Delivered& one : delivered) plan.stages.back().tasks.push_back(one.transform);

  const double test_count = static_cast<double>(data.test().count);
  const auto query = [&](const Grid::Point& point, Json attack, const watermark::Attack* done, double trained_images) {
    const std::size_t c = point.leading(cases.axes().size());
    const PlannedTraining& training = trainings[c];
    study::Task<QueryProtected> task{{data.content_hash(),
                                      plan.tasks[delivered[c].network].identity,
                                      {},
                                      std::move(attack),
                                      training.environment,
                                      job.integer("eval-batch")},
                                     {delivered[c].network},
                                     training.environments,
                                     2 * test_count * training.image_s + trained_images * training.trained_image_s};
    // Who changes what is asked looks at raw images alone, unless he has pairs or the owner's device.
    if (delivered[c].transform &&
        (done == nullptr || !done->opens_raw_images() || done->needs_pairs() || done->asks_device())) {
      task.payload.transform = plan.tasks[*delivered[c].transform].identity;
      task.needs.push_back(*delivered[c].transform);
    }
    return task;
  };
  add_stage(plan,
            {"evaluate",
             "every case: the trained network, asked raw and processed images",
             cases,
             measures_of(nullptr),
             {},
             {}},
            [&](const Grid::Point& point) { return query(point, untouched(), nullptr, 0); });
  plan.cases = cases.size();
  if (job.integer("show-images") > 0)
    add_stage(plan, {"images", "the first test images, raw and processed (Fig. 2)", cases, {}, {}, {}},
              [&](const Grid::Point& point) -> std::optional<study::Task<ShowProcessed>> {
                const auto& transform = delivered[point.index()].transform;
                if (!transform) return {};
                return study::Task<ShowProcessed>{
                    {data.content_hash(), plan.tasks[*transform].identity, job.integer("show-images")},
                    {*transform},
                    {},
                    0.05};
              });
  if (job.integer("predict-images") > 0) {
    check_predict_images(job, data.test().count);
    const Grid questions = cases * Grid({job.axis_of("precision"), job.axis_of("predict-batch")});
    add_stage(
        plan,
        {"machines",
         "every network's answers on every environment, raw and processed there",
         questions * Grid({environment_axis(inputs.environments)}),
         {{"accuracy", "accuracy", "share of these images classified correctly, processed where there is a transform"},
          {"raw_accuracy", "raw_accuracy", "share of them classified correctly as they are"}},
         {},
         {}},
        [&](const Grid::Point& point) {
          const CaseValues values(job, point);
          const Delivered& asked = delivered[point.leading(cases.axes().size())];
          const auto e = static_cast<int>(point.position("environment"));
          const study::Environment& environment = inputs.environments.at(e);
          const long long images = job.integer("predict-images"), batch = values.integer("predict-batch");
          const std::string precision = values.text("precision");
          const std::string subject =
              prediction_subject(network_behind(values, input, data.classes()), batch, 1, precision).key();
          study::Task<AnswerProtected> task{
              {data.content_hash(),
               plan.tasks[asked.network].identity,
               {},
               images,
               batch,
               precision,
               environment.profile,
               environment.identity()},
              {asked.network},
              {e},
              2 * static_cast<double>(images) * inputs.environments.image_seconds(e, subject)};
          if (asked.transform) {
            task.payload.transform = plan.tasks[*asked.transform].identity;
            task.needs.push_back(*asked.transform);
          }
          return task;
        });
  }
  for (const watermark::Attack* attack : attacks_) {
    if (!is_on(*attack, job)) continue;
    const Grid attacked = attack_grid(*attack, cases, job);
    add_stage(plan, {attack->name(), attack->help(), attacked, measures_of(attack), {}, {}},
              [&](const Grid::Point& point) -> std::optional<study::Task<QueryProtected>> {
                const bool is_protected = point.text("transform") != no_transform;
                if (attack->opens_raw_images() && !is_protected) return {};
                std::optional<Json> done = attack_settings(*attack, job, point);
                if (!done) return {};
                // Who trains a network of his own takes the better structure, which the key does not force on him.
                if (attack->trains_own(*done) && point.text("transform") == telltale_preset)
                  (*done)["network"] = network_of(CaseValues(job, point), input, data.classes()).to_json();
                if (*done == untouched()) return query(point, *done, nullptr, 0);
                const std::size_t c = point.leading(cases.axes().size());
                if (attack->draws_as_owner(*done) && !kinds[c]) return {};
                const auto training = attack->training(*done, data.test().count);
                auto task = query(point, *done, attack,
                                  static_cast<double>(training.images) * static_cast<double>(training.epochs));
                if (attack->draws_as_owner(*done)) task.payload.drawn_as = kinds[c];
                return task;
              });
    plan.cases = std::max(plan.cases, attacked.size());
  }
  return plan;
}

}  // namespace telltale::experiments
