#include "experiments/predictions.h"

#include "study/axis.h"

namespace telltale::experiments {

Parameter predict_images_key(const std::string& help) {
  return {.name = "predict-images", .type = ValueType::integer, .fallback = "0", .help = help, .most = most_of_a_count};
}

Parameter predict_batch_key() {
  return {.name = "predict-batch",
          .type = ValueType::integer,
          .fallback = "1",
          .help = "batch sizes of these predictions: they change bits",
          .axis = AxisRule::always,
          .least = 1,
          .most = 65536};
}

Parameter precision_key() {
  return {.name = "precision",
          .type = ValueType::choice,
          .fallback = "float32",
          .help = "what weights, images and every layer are computed in",
          .axis = AxisRule::always,
          .choices = {"float32", "float64", "bfloat16"}};
}

void check_predict_images(const study::Job& job, long long test_images) {
  if (job.integer("predict-images") > test_images)
    job.refuse("predict-images", "there are only " + std::to_string(test_images) + " test images");
}

study::Axis environment_axis(const study::Environments& environments) {
  return study::named_axis("environment", "environment that computed the answers", environments.names());
}

forensics::Subject prediction_subject(const models::NetworkSpec& network, long long batch, long long threads,
                                      const std::string& precision) {
  forensics::Subject subject{network};
  subject.use = forensics::Use::prediction;
  subject.eval_batch = static_cast<int>(batch);
  subject.threads = static_cast<int>(threads);
  subject.precision = models::precision_named(precision);
  return subject;
}

}  // namespace telltale::experiments
