#include <ATen/ATen.h>

#include <string>

#include "core/error.h"
#include "models/evaluate.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_remove_class(const AttackInputs& inputs) {
  const auto output = inputs.settings.at("output").get<std::string>();
  const std::int64_t outputs = inputs.model->spec().classes;
  const std::int64_t first = output == "extra" ? inputs.classes : std::stoll(output);
  const std::int64_t count = output == "extra" ? outputs - first : 1;
  if (first < 0 || count < 0 || first + count > outputs)
    throw Error("the network has no output " + output + " that could be taken from it");
  return serve_read(inputs.model, [first, count](const at::Tensor& logits) {
    at::Tensor left = logits.clone();
    left.narrow(1, first, count).fill_(models::no_answer);
    return left;
  });
}

}  // namespace telltale::watermark
