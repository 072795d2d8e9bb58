#include "watermark/attacks/student_keys.h"

#include <algorithm>
#include <utility>

#include "core/json.h"

namespace telltale::watermark {

Parameter images_key(std::string name, std::string help) {
  return {.name = std::move(name),
          .type = ValueType::integer,
          .fallback = "",
          .help = std::move(help),
          .axis = AxisRule::always,
          .least = 1,
          .most = most_of_a_count,
          .optional = true,
          .field = "queries"};
}

Parameter queries_key(const std::string& prefix) {
  return images_key(
      prefix + "-queries",
      "how many images of the first half of the test images a thief asks about; empty: there is no such thief");
}

Parameter answers_key(const std::string& prefix) {
  return {.name = prefix + "-answers",
          .type = ValueType::choice,
          .fallback = "labels",
          .help = "what he is told: the label alone, or all probabilities",
          .axis = AxisRule::always,
          .choices = {"labels", "probabilities"},
          .field = "answers"};
}

std::vector<Parameter> student_keys(const std::string& prefix) {
  using enum ValueType;
  return {{.name = prefix + "-steps",
           .type = integer,
           .fallback = "1000",
           .help = "steps of its training",
           .axis = AxisRule::always,
           .least = 1,
           .most = 1e7,
           .field = "steps"},
          {.name = prefix + "-rate",
           .type = number,
           .fallback = "0.01",
           .help = "its learning rate (SGD, momentum 0.9)",
           .least = 1e-12,
           .most = 1000,
           .field = "rate"},
          {.name = prefix + "-batch",
           .type = integer,
           .fallback = "64",
           .help = "images a step",
           .least = 1,
           .most = 65536,
           .field = "batch"}};
}

std::vector<std::pair<const char*, const char*>> student_measures() {
  return {{"agreement", "share of the second half of the test images that it answers as the service does"}};
}

Attack::Training student_training(const Json& settings, std::int64_t images, std::string network) {
  const std::int64_t asked = std::min(settings.at("queries").get<std::int64_t>(), images / 2),
                     batch = std::min(settings.at("batch").get<std::int64_t>(), asked),
                     steps = settings.at("steps").get<std::int64_t>();
  return {asked, batch, std::max<std::int64_t>(1, steps * batch / asked), std::move(network)};
}

}  // namespace telltale::watermark
