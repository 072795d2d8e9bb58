#include <torch/types.h>
#include <xxhash.h>

#include <bit>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"
#include "study/compare.h"
#include "study/key_samples.h"
#include "study/training.h"

namespace telltale::study {
namespace {

// As many threads as a task asks for, and one again afterwards.
class Threads {
 public:
  explicit Threads(int count) { models::set_threads(count); }
  ~Threads() { models::set_threads_to_one(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
};

// Hashes of what layers gave for each image, in the order in which layers and images come.
class LayerHashes {
 public:
  // `output`: one row an image, of any precision.
  void add(const std::string& layer, const at::Tensor& output) {
    auto [place, is_new] = positions_.try_emplace(layer, hashes_.size());
    if (is_new) hashes_.emplace_back();
    const at::Tensor rows = output.detach().contiguous();  // row-major, whatever the layout in memory
    const auto size = rows.nbytes() / static_cast<std::size_t>(rows.size(0));
    const auto* first = static_cast<const std::uint8_t*>(rows.data_ptr());
    for (std::int64_t row = 0; row < rows.size(0); ++row)
      hashes_[place->second].push_back(
          std::bit_cast<std::int64_t>(XXH3_64bits(first + static_cast<std::size_t>(row) * size, size)));
  }

  // Layers x images.
  [[nodiscard]] Array array() const {
    std::vector<std::int64_t> all;
    for (const auto& layer : hashes_) all.insert(all.end(), layer.begin(), layer.end());
    const auto layers = static_cast<std::int64_t>(hashes_.size());
    return Array::of<std::int64_t>({layers, layers == 0 ? 0 : static_cast<std::int64_t>(hashes_.front().size())}, all);
  }

 private:
  std::map<std::string, std::size_t> positions_;
  std::vector<std::vector<std::int64_t>> hashes_;
};

// Images x classes; bfloat16 as float32, which holds it exactly.
Array array_of(const at::Tensor& values) {
  const std::vector<std::int64_t> shape = values.sizes().vec();
  if (values.scalar_type() == at::kDouble) {
    const at::Tensor rows = values.contiguous();
    return Array::of<double>(shape, std::span<const double>(rows.data_ptr<double>(), rows.numel()));
  }
  const at::Tensor rows = values.to(at::kFloat).contiguous();
  return Array::of<float>(shape, std::span<const float>(rows.data_ptr<float>(), rows.numel()));
}

class Tasks {
 public:
  explicit Tasks(const data::Dataset& data) : data_(data) {}

  cluster::TaskResult run(ByteSpan payload, cluster::TaskContext& context) {
    models::set_threads_to_one();
    const Json task = Json::parse(as_text(payload));
    if (task.at("data") != data_.content_hash().hex())
      throw Error("this rank holds other data than the task was planned for");
    const std::string kind = task.at("kind");
    if (kind == "train") return run_training(task, data_, context);
    if (kind == "compare") return predict(task, context);
    throw Error("unknown kind of task: " + kind);
  }

 private:
  cluster::TaskResult predict(const Json& task, cluster::TaskContext& context) {
    const auto model = models_.get(Identity::from_hex(task.at("model").get<std::string>()), context);
    const Threads threads(task.at("threads").get<int>());
    const auto network = models::converted(*model, models::precision_named(task.at("precision").get<std::string>()));
    const std::int64_t images = task.at("images"), batch = task.at("batch");
    LayerHashes hashes;
    network->observe([&](const std::string& layer, const at::Tensor& output) {
      hashes.add(layer, output);
      context.check();
    });
    const at::Tensor logits = models::predict_logits(*network, view_of(data_, data_.test(), images), batch);
    // In the batches in which they were predicted, as a service would.
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> slices;
    for (const at::Tensor& slice : logits.split(batch)) slices.push_back(at::softmax(slice, 1));
    const at::Tensor probabilities = at::cat(slices);
    hashes.add(compare::softmax_layer, probabilities);

    std::vector<std::int32_t> labels;
    for (const std::int64_t label : models::labels_of(logits)) labels.push_back(static_cast<std::int32_t>(label));
    cluster::TaskResult result;
    result.values["logits"] = array_of(logits);
    result.values["probabilities"] = array_of(probabilities);
    result.values["labels"] = Array::of<std::int32_t>({images}, labels);
    result.values["layer_hashes"] = hashes.array();
    return result;
  }

  const data::Dataset& data_;
  ModelCache models_;
};

}  // namespace

cluster::Executor compare::executor(const data::Dataset& data) {
  auto tasks = std::make_shared<Tasks>(data);
  return [tasks](ByteSpan payload, cluster::TaskContext& context) { return tasks->run(payload, context); };
}

}  // namespace telltale::study
