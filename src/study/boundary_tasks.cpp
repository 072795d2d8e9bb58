#include <list>
#include <mutex>

#include "core/error.h"
#include "forensics/evaluator.h"
#include "models/batches.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "study/boundary.h"
#include "study/replay.h"

namespace telltale::study {
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

class Tasks {
 public:
  explicit Tasks(const data::Dataset& data) : data_(data) {}

  cluster::TaskResult run(ByteSpan payload, cluster::TaskContext& context) const {
    const Json task = Json::parse(as_text(payload));
    if (task.at("data") != data_.content_hash().hex())
      throw Error("this rank holds other data than the task was planned for");
    const std::string kind = task.at("kind");
    if (kind == "search") return search(task, context);
    models::set_threads_to_one();
    if (kind == "train") return run_training(task, data_, context);
    if (kind == "replay") return replay(task, context);
    throw Error("unknown kind of task: " + kind);
  }

 private:
  // Runs beside others of its kind: nothing here may be changed by it.
  [[nodiscard]] cluster::TaskResult search(const Json& task, cluster::TaskContext& context) const {
    const std::int64_t image = task.at("image");
    const data::Split& test = data_.test();
    const auto size = static_cast<std::size_t>(data_.shape().pixels());
    Point start;
    for (const std::uint8_t byte : test.images.subspan(static_cast<std::size_t>(image) * size, size))
      start.push_back(models::pixel_value(byte));

    std::vector<int> machines, environments;
    forensics::SearchOptions options;
    for (const Json& machine : task.at("machines")) {
      if (machine.at("machine") == task.at("local")) options.local = static_cast<int>(machines.size());
      if (task.contains("target") && machine.at("machine") == task["target"])
        options.target = static_cast<int>(machines.size());
      options.microarchitectures.push_back(static_cast<int>(machines.size()));
      machines.push_back(machine.at("machine"));
      environments.push_back(machine.at("environment"));
    }
    options.preset = forensics::preset_named(task.at("search"));
    options.eight_bit = task.at("grid") == "8-bit";
    options.height = data_.shape().height;
    options.width = data_.shape().width;
    options.clip = task.at("clip");
    options.local_limit = task.at("local_limit");
    options.remote_limit = task.at("remote_limit");
    options.evaluation_limit = task.at("evaluation_limit");
    options.least_psnr = task.at("psnr_floor");
    options.keeps_steps = task.at("steps");

    RemoteOracle oracle(context, Identity::from_hex(task.at("model").get<std::string>()), task.at("batch"),
                        environments);
    const int label = test.labels[static_cast<std::size_t>(image)];
    const Stream draws(task.at("seed").get<std::uint64_t>(), task, "search");
    const Attempt attempt = forensics::search_boundary(oracle, start, label, options, draws);
    return result_of(attempt, machines, label);
  }

  [[nodiscard]] cluster::TaskResult result_of(const Attempt& attempt, const std::vector<int>& machines,
                                              int label) const {
    cluster::TaskResult result;
    const auto put_number = [&](const char* name, std::int64_t value) {
      result.values[name] = Array::scalar<std::int64_t>(value);
    };
    const bool found = attempt.ending == forensics::Ending::success;
    put_number("ending", static_cast<std::int64_t>(attempt.ending));
    put_number("true_label", label);
    put_number("start_label", attempt.start_label);
    put_number("identified", found ? machines.at(static_cast<std::size_t>(attempt.identified)) : -1);
    put_number("identifying_label", attempt.identifying_label);
    put_number("contrast_label", attempt.contrast_label);
    put_number("local_steps", attempt.local_steps);
    put_number("remote_steps", attempt.remote_steps);
    put_number("evaluations", attempt.evaluations);
    result.values["squared_error"] = Array::scalar(attempt.squared_error);
    const data::ImageShape& shape = data_.shape();
    result.values["sample"] = Array::of<float>({shape.channels, shape.height, shape.width}, attempt.sample);
    if (!attempt.steps.empty()) put_steps(attempt, machines, result);
    std::optional<boundary::Found> product;
    if (found) {
      product = boundary::Found{attempt.sample, machines, attempt.logits};
      std::vector<std::int32_t> asked(machines.begin(), machines.end()),
          labels(attempt.labels.begin(), attempt.labels.end());
      std::vector<float> logits;
      for (const auto& row : attempt.logits) logits.insert(logits.end(), row.begin(), row.end());
      const auto count = static_cast<std::int64_t>(machines.size());
      result.values["asked"] = Array::of<std::int32_t>({count}, asked);
      result.values["labels"] = Array::of<std::int32_t>({count}, labels);
      result.values["logits"] = Array::of<float>({count, static_cast<std::int64_t>(logits.size()) / count}, logits);
    }
    result.artifact = boundary::encode(product);
    return result;
  }

  static void put_steps(const Attempt& attempt, const std::vector<int>& machines, cluster::TaskResult& result) {
    std::vector<std::int32_t> remote, machine, label;
    std::vector<double> delta, scale;
    for (const forensics::SearchStep& step : attempt.steps) {
      remote.push_back(step.remote);
      machine.push_back(step.machine < 0 ? -1 : machines.at(static_cast<std::size_t>(step.machine)));
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

  // 1 for each sample whose logits come out as the search saw them, 0 for others, -1 where there is none.
  [[nodiscard]] cluster::TaskResult replay(const Json& task, cluster::TaskContext& context) const {
    const int machine = task.at("machine");
    std::vector<std::int32_t> repeats;
    std::vector<Point> points;
    std::vector<std::vector<float>> expected;
    for (const Json& identity : task.at("samples")) {
      const auto bytes = context.artifact(Identity::from_hex(identity.get<std::string>()));
      const auto found = boundary::decode_found(*bytes);
      repeats.push_back(found ? 0 : -1);
      if (!found) continue;
      const auto place = std::find(found->machines.begin(), found->machines.end(), machine);
      if (place == found->machines.end()) throw Error("a sample's machines are not those of its replay");
      points.push_back(found->sample);
      expected.push_back(found->logits[static_cast<std::size_t>(place - found->machines.begin())]);
    }
    if (!points.empty()) {
      const auto model = context.artifact(Identity::from_hex(task.at("model").get<std::string>()));
      const auto logits = replay_in_process(*model, points, data_.shape(), task.at("batch"), [&] { context.check(); });
      std::size_t next = 0;
      for (std::int32_t& one : repeats)
        if (one == 0) {
          // Bit for bit: a NaN or another zero would be no repetition.
          one = std::memcmp(logits[next].data(), expected[next].data(), expected[next].size() * sizeof(float)) == 0;
          ++next;
        }
    }
    cluster::TaskResult result;
    result.values["repeats"] = Array::of<std::int32_t>({static_cast<std::int64_t>(repeats.size())}, repeats);
    return result;
  }

  const data::Dataset& data_;
};

}  // namespace

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
    writer.put(static_cast<std::int32_t>(found->machines[i]));
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
    found.machines.push_back(reader.get<std::int32_t>());
    found.logits.push_back(get_floats());
  }
  return found;
}

cluster::Executor boundary::executor(const data::Dataset& data) {
  auto tasks = std::make_shared<const Tasks>(data);
  return [tasks](ByteSpan payload, cluster::TaskContext& context) { return tasks->run(payload, context); };
}

cluster::Responder boundary::responder() {
  auto desk = std::make_shared<Desk>();
  return [desk](ByteSpan request, cluster::Artifacts& artifacts) { return desk->answer(request, artifacts); };
}

}  // namespace telltale::study
