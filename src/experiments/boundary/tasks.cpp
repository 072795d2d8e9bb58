#include <torch/types.h>

#include <algorithm>
#include <list>

#include "core/error.h"
#include "experiments/boundary/boundary.h"
#include "experiments/boundary/replay_process.h"
#include "experiments/runners.h"
#include "forensics/evaluator.h"
#include "models/batches.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"

namespace telltale::experiments {
namespace {

using forensics::Answer;
using forensics::Attempt;
using forensics::Point;

Bytes encode_request(const Identity& model, int batch, const forensics::Question& question) {
  ByteWriter writer;
  writer.raw(model.bytes()).put(static_cast<std::int32_t>(batch)).raw(forensics::encode(question));
  return writer.take();
}

// The machines of a search behind the cluster's messages.
class RemoteOracle final : public forensics::Oracle {
 public:
  RemoteOracle(cluster::TaskContext& context, const Identity& model, int batch, std::vector<int> environments)
      : context_(context), model_(model), batch_(batch), environments_(std::move(environments)) {}

  std::vector<Answer> ask(const std::vector<int>& machines,
                          const std::vector<forensics::Question>& questions) override {
    std::vector<cluster::Question> asked;
    for (std::size_t i = 0; i < machines.size(); ++i)
      asked.push_back(
          {environments_.at(static_cast<std::size_t>(machines[i])), encode_request(model_, batch_, questions[i])});
    std::vector<Answer> answers;
    for (const Bytes& bytes : context_.ask(asked)) answers.push_back(forensics::decode_answer(bytes));
    return answers;
  }

 private:
  cluster::TaskContext& context_;
  Identity model_;
  int batch_;
  std::vector<int> environments_;
};

// Answers other ranks' questions: keeps the last few models ready.
class Desk {
 public:
  Bytes answer(ByteSpan request, cluster::Artifacts& artifacts) {
    models::set_threads_to_one();
    ByteReader reader(request);
    const Identity model = Identity::from_bytes(reader.raw(Identity::size));
    const auto batch = reader.get<std::int32_t>();
    return forensics::encode(evaluator(model, batch, artifacts).answer(forensics::decode_question(reader.rest())));
  }

 private:
  struct Entry {
    Identity model;
    int batch;
    forensics::Evaluator evaluator;
  };

  const forensics::Evaluator& evaluator(const Identity& model, int batch, cluster::Artifacts& artifacts) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.model == model && entry.batch == batch; });
    if (found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
    } else {
      constexpr std::size_t most = 4;
      entries_.push_front(
          {model, batch, forensics::Evaluator(models::load_network(*artifacts.artifact(model)), batch)});
      if (entries_.size() > most) entries_.pop_back();
    }
    return entries_.front().evaluator;
  }

  std::list<Entry> entries_;
};

// Runs beside others of its kind, on a thread of its own: nothing of the rank may be changed by it.
class Searching {
 public:
  Searching(const boundary::Search& task, const data::Dataset& data) : task_(task), data_(data) {
    if (task.environments.size() != task.machines.size()) throw Error("a search does not know whom to ask");
    for (std::size_t m = 0; m < task.machines.size(); ++m) options_.microarchitectures.push_back(static_cast<int>(m));
    options_.local = task.position(task.local);
    if (task.target) options_.target = task.position(*task.target);
    options_.preset = forensics::preset_named(task.search);
    options_.eight_bit = task.grid == "8-bit";
    options_.height = data.shape().height;
    options_.width = data.shape().width;
    options_.clip = task.clip;
    if (task.local_limit) options_.local_limit = *task.local_limit;
    if (task.remote_limit) options_.remote_limit = *task.remote_limit;
    if (task.evaluation_limit) options_.evaluation_limit = *task.evaluation_limit;
    if (task.psnr_floor) options_.least_psnr = *task.psnr_floor;
    options_.keeps_steps = task.steps;
  }

  cluster::TaskResult run(cluster::TaskContext& context) const {
    const auto test = models::ImageView::of(data_.shape(), data_.test());
    Point start;
    for (const std::uint8_t byte : test.image(task_.image)) start.push_back(models::pixel_value(byte));
    RemoteOracle oracle(context, task_.model, task_.batch, task_.environments);
    const int label = test.label(task_.image);
    const Stream draws(boundary::draws_of(task_));
    return result_of(forensics::search_boundary(oracle, start, label, options_, draws), label);
  }

 private:
  [[nodiscard]] cluster::TaskResult result_of(const Attempt& attempt, int label) const {
    cluster::TaskResult result;
    const auto put_number = [&](const char* name, std::int64_t value) {
      result.values[name] = Array::scalar<std::int64_t>(value);
    };
    const bool found = attempt.ending == forensics::Ending::success;
    put_number("ending", static_cast<std::int64_t>(attempt.ending));
    put_number("true_label", label);
    put_number("start_label", attempt.start_label);
    put_number("identified", found ? attempt.identified : -1);
    put_number("identifying_label", attempt.identifying_label);
    put_number("contrast_label", attempt.contrast_label);
    put_number("local_steps", attempt.local_steps);
    put_number("remote_steps", attempt.remote_steps);
    put_number("evaluations", attempt.evaluations);
    result.values["squared_error"] = Array::scalar(attempt.squared_error);
    const data::ImageShape& shape = data_.shape();
    result.values["sample"] = Array::of<float>({shape.channels, shape.height, shape.width}, attempt.sample);
    if (!attempt.steps.empty()) put_steps(attempt, result);
    std::optional<boundary::Found> product;
    if (found) {
      product = boundary::Found{attempt.sample, task_.machines, attempt.logits};
      const std::vector<std::int32_t> labels(attempt.labels.begin(), attempt.labels.end());
      std::vector<float> logits;
      for (const auto& row : attempt.logits) logits.insert(logits.end(), row.begin(), row.end());
      const auto count = static_cast<std::int64_t>(labels.size());
      result.values["labels"] = Array::of<std::int32_t>({count}, labels);
      result.values["logits"] = Array::of<float>({count, static_cast<std::int64_t>(logits.size()) / count}, logits);
    }
    result.artifact = boundary::encode(product);
    return result;
  }

  void put_steps(const Attempt& attempt, cluster::TaskResult& result) const {
    std::vector<std::int32_t> remote, machine, label;
    std::vector<double> delta, scale;
    for (const forensics::SearchStep& step : attempt.steps) {
      remote.push_back(step.remote);
      machine.push_back(step.machine);
      label.push_back(step.label);
      delta.push_back(step.delta);
      scale.push_back(step.scale);
    }
    const auto count = static_cast<std::int64_t>(attempt.steps.size());
    result.values["step_remote"] = Array::of<std::int32_t>({count}, remote);
    result.values["step_machine"] = Array::of<std::int32_t>({count}, machine);
    result.values["step_label"] = Array::of<std::int32_t>({count}, label);
    result.values["step_delta"] = Array::of<double>({count}, delta);
    result.values["step_scale"] = Array::of<double>({count}, scale);
  }

  const boundary::Search& task_;
  const data::Dataset& data_;
  forensics::SearchOptions options_;
};

cluster::TaskResult search(const boundary::Search& task, RankState& rank, cluster::TaskContext& context) {
  return Searching(task, rank.planned_data(task.data)).run(context);
}

cluster::TaskResult replay(const boundary::Replay& task, RankState& rank, cluster::TaskContext& context) {
  std::int32_t repeats = -1;
  if (const auto found = boundary::decode_found(*context.artifact(task.sample))) {
    const auto place = std::find(found->machines.begin(), found->machines.end(), task.machine);
    if (place == found->machines.end()) throw Error("a sample's machines are not those of its replay");
    const std::vector<float>& expected = found->logits[static_cast<std::size_t>(place - found->machines.begin())];
    if (!rank.replays) rank.replays = std::make_shared<ReplayProcess>();
    const std::vector<float> logits =
        rank.replays->predict(task.model, *context.artifact(task.model), found->sample,
                              rank.planned_data(task.data).shape(), task.batch, [&] { context.check(); });
    // Bit for bit: a NaN or another zero would be no repetition.
    repeats = logits.size() == expected.size() &&
              std::memcmp(logits.data(), expected.data(), expected.size() * sizeof(float)) == 0;
  }
  cluster::TaskResult result;
  result.values["repeats"] = Array::scalar(repeats);
  return result;
}

}  // namespace

void add_boundary_runners(Runners& runners) {
  runners.add(search);
  runners.add(replay);
}

Bytes boundary::encode(const std::optional<Found>& found) {
  ByteWriter writer;
  writer.put(static_cast<std::uint8_t>(found.has_value()));
  if (!found) return writer.take();
  const auto put_floats = [&](const std::vector<float>& values) {
    writer.block({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)});
  };
  put_floats(found->sample);
  writer.put(static_cast<std::uint32_t>(found->machines.size()));
  for (std::size_t i = 0; i < found->machines.size(); ++i) {
    writer.raw(found->machines[i].bytes());
    put_floats(found->logits[i]);
  }
  return writer.take();
}

std::optional<boundary::Found> boundary::decode_found(ByteSpan bytes) {
  ByteReader reader(bytes);
  if (reader.get<std::uint8_t>() == 0) return std::nullopt;
  const auto get_floats = [&] {
    const ByteSpan block = reader.block();
    std::vector<float> values(block.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), block.data(), values.size() * sizeof(float));
    return values;
  };
  Found found;
  found.sample = get_floats();
  for (auto count = reader.get<std::uint32_t>(); count > 0; --count) {
    found.machines.push_back(Identity::from_bytes(reader.raw(Identity::size)));
    found.logits.push_back(get_floats());
  }
  return found;
}

cluster::Responder boundary_responder() {
  auto desk = std::make_shared<Desk>();
  return [desk](ByteSpan request, cluster::Artifacts& artifacts) { return desk->answer(request, artifacts); };
}

}  // namespace telltale::experiments
