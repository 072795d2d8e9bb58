#include "experiments/tensors.h"

#include <ATen/ATen.h>

#include "models/evaluate.h"

namespace telltale::experiments {

Array array_of(const at::Tensor& values) {
  const std::vector<std::int64_t> shape = values.sizes().vec();
  if (values.scalar_type() == at::kDouble) {
    const at::Tensor rows = values.contiguous();
    return Array::of<double>(shape, std::span<const double>(rows.data_ptr<double>(), rows.numel()));
  }
  const at::Tensor rows = values.to(at::kFloat).contiguous();
  return Array::of<float>(shape, std::span<const float>(rows.data_ptr<float>(), rows.numel()));
}

Array array_of(const std::vector<std::int64_t>& labels) {
  return Array::of<std::int32_t>({static_cast<std::int64_t>(labels.size())},
                                 std::vector<std::int32_t>(labels.begin(), labels.end()));
}

void put_accuracies(cluster::TaskResult& result, const std::string& name, std::span<const std::int64_t> answers,
                    ByteSpan labels) {
  const std::size_t half = labels.size() / 2;
  const auto put = [&](const std::string& which, double value) { result.values[which] = Array::scalar(value); };
  put(name, models::accuracy(answers, labels));
  if (half > 0) put(name + "_first_half", models::accuracy(answers.first(half), labels.first(half)));
  put(name + "_second_half", models::accuracy(answers.subspan(half), labels.subspan(half)));
}

}  // namespace telltale::experiments
