#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "experiments/aime/aime.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult extract(const Extract& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto chosen_by = context.artifact(task.answers);
  const watermark::KeySamples key =
      watermark::scheme_of(task.scheme)
          .embedded({task.scheme, models::ImageView::of(data.shape(), data.train()),
                     models::ImageView::of(data.shape(), data.test()), data.classes(), &rank.other_data, *chosen_by});
  const at::Tensor logits =
      models::predict_logits(*rank.models.get(task.model, context), images_of(key), task.eval_batch);
  const auto answers = models::labels_of(logits);
  cluster::TaskResult result;
  result.values["answers"] = array_of(answers);
  result.values["keys"] = Array::scalar<std::int64_t>(key.count());
  result.values["matches"] = Array::scalar<std::int64_t>(models::matches(answers, key.labels));
  result.values["true_matches"] = Array::scalar<std::int64_t>(models::matches(answers, key.true_labels));
  result.values["least_margin"] = Array::scalar(models::least_margin(logits, key.labels));
  return result;
}

// All values of a network's weights, or of its biases, in one row.
std::vector<double> values_of(const models::Network& network, bool biases) {
  std::vector<double> values;
  for (const auto& item : network.named_parameters()) {
    if (item.key().ends_with("bias") != biases) continue;
    const at::Tensor row = item.value().detach().to(at::kDouble).contiguous().flatten();
    values.insert(values.end(), row.data_ptr<double>(), row.data_ptr<double>() + row.numel());
  }
  return values;
}

// The two-sample Kolmogorov-Smirnov statistic: the largest distance between the two empirical distributions.
double ks_statistic(std::vector<double> one, std::vector<double> other) {
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  double largest = 0;
  for (std::size_t i = 0, j = 0; i < one.size() && j < other.size();) {
    const double value = std::min(one[i], other[j]);
    while (i < one.size() && one[i] <= value) ++i;
    while (j < other.size() && other[j] <= value) ++j;
    largest = std::max(largest, std::abs(static_cast<double>(i) / static_cast<double>(one.size()) -
                                         static_cast<double>(j) / static_cast<double>(other.size())));
  }
  return largest;
}

struct Moments {
  explicit Moments(const std::vector<double>& values) {
    for (const double value : values) mean += value;
    mean /= static_cast<double>(values.size());
    for (const double value : values) deviation += (value - mean) * (value - mean);
    deviation = std::sqrt(deviation / static_cast<double>(values.size()));
  }
  double mean = 0, deviation = 0;
};

std::vector<std::int64_t> histogram(const std::vector<double>& values, double reach) {
  std::vector<std::int64_t> counts(CompareWeights::bins, 0);
  for (const double value : values) {
    const double place = reach > 0 ? (value + reach) / (2 * reach) * static_cast<double>(CompareWeights::bins) : 0;
    const auto bin =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(place)), 0, CompareWeights::bins - 1);
    ++counts[static_cast<std::size_t>(bin)];
  }
  return counts;
}

double largest_difference(const std::vector<double>& one, const std::vector<double>& other) {
  double largest = 0;
  for (std::size_t i = 0; i < one.size(); ++i) largest = std::max(largest, std::abs(one[i] - other[i]));
  return largest;
}

// The weights of the first convolution; undefined of a network without any.
at::Tensor kernels_of(const models::Network& network) {
  for (const auto& item : network.named_parameters())
    if (item.value().dim() == 4) return item.value().detach();
  return {};
}

cluster::TaskResult compare_weights(const CompareWeights& task, RankState& rank, cluster::TaskContext& context) {
  const auto model = rank.models.get(task.model, context), start = rank.models.get(task.start, context);
  std::vector<std::int64_t> counts, start_counts;
  std::vector<double> edges, changes, statistics, shifts, ratios;
  for (const bool biases : {false, true}) {
    const std::vector<double> now = values_of(*model, biases), before = values_of(*start, biases);
    if (now.size() != before.size()) throw Error("the two networks differ in their structure");
    double reach = 0;
    for (const auto* values : {&now, &before})
      for (const double value : *values) reach = std::max(reach, std::abs(value));
    for (std::int64_t bin = 0; bin <= CompareWeights::bins; ++bin)
      edges.push_back(-reach + 2 * reach * static_cast<double>(bin) / static_cast<double>(CompareWeights::bins));
    const auto count = histogram(now, reach), start_count = histogram(before, reach);
    counts.insert(counts.end(), count.begin(), count.end());
    start_counts.insert(start_counts.end(), start_count.begin(), start_count.end());
    const Moments moments(now), start_moments(before);
    changes.push_back(largest_difference(now, before));
    statistics.push_back(ks_statistic(now, before));
    shifts.push_back(moments.mean - start_moments.mean);
    ratios.push_back(moments.deviation / start_moments.deviation);
    context.check();
  }
  cluster::TaskResult result;
  result.values["counts"] = Array::of<std::int64_t>({CompareWeights::parts, CompareWeights::bins}, counts);
  result.values["start_counts"] = Array::of<std::int64_t>({CompareWeights::parts, CompareWeights::bins}, start_counts);
  result.values["edges"] = Array::of<double>({CompareWeights::parts, CompareWeights::bins + 1}, edges);
  result.values["largest_change"] = Array::of<double>({CompareWeights::parts}, changes);
  result.values["ks_statistic"] = Array::of<double>({CompareWeights::parts}, statistics);
  result.values["mean_shift"] = Array::of<double>({CompareWeights::parts}, shifts);
  result.values["deviation_ratio"] = Array::of<double>({CompareWeights::parts}, ratios);
  if (const at::Tensor kernels = kernels_of(*model); kernels.defined()) {
    result.values["kernels"] = array_of(kernels);
    result.values["largest_kernel_change"] = Array::scalar((kernels - kernels_of(*start)).abs().max().item<double>());
  }
  return result;
}

}  // namespace

void add_aime_runners(Runners& runners) {
  runners.add(extract);
  runners.add(compare_weights);
}

}  // namespace telltale::experiments
