#include "experiments/boundary/replay.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "core/posix.h"
#include "forensics/evaluator.h"
#include "models/batches.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "store/artifacts.h"
#include "store/png_file.h"
#include "study/ledger.h"

extern char** environ;

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables, texts and files

// Removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "telltale-replay-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error("cannot make a temporary folder: " + std::string(strerror(errno)));
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Without what tells a process that a launcher started it: the child is no rank.
std::vector<std::string> environment_outside_mpi() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    bool launcher = false;
    for (const char* prefix : {"OMPI_", "PMIX_", "PMI_", "PRTE_", "SLURM_"}) launcher |= variable.starts_with(prefix);
    if (!launcher) kept.emplace_back(variable);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Runs this program with `arguments`; its output goes to `log`.
void run_this_program(std::vector<std::string> arguments, const std::string& log, const std::function<void()>& check) {
  arguments.insert(arguments.begin(), "telltale");
  std::vector<std::string> environment = environment_outside_mpi();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int problem = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers(arguments).data(),
                                  pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) throw Error("cannot start a process to replay samples: " + std::string(strerror(problem)));

  int status = 0;
  try {
    while (waitpid(child, &status, WNOHANG) == 0) {
      check();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  } catch (...) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    throw;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::ostringstream said;
  said << std::ifstream(log).rdbuf();
  throw Error("the process that replays samples " +
              (WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                   : "failed with exit code " + std::to_string(WEXITSTATUS(status))) +
              ": " + said.str());
}

}  // namespace

std::vector<std::vector<float>> replay_in_process(ByteSpan model, const std::vector<forensics::Point>& points,
                                                  const data::ImageShape& shape, int batch,
                                                  const std::function<void()>& check) {
  const TemporaryFolder folder;
  const auto count = static_cast<std::int64_t>(points.size());
  const at::Tensor stored = at::empty({count, shape.channels, shape.height, shape.width}, at::kFloat);
  for (std::size_t i = 0; i < points.size(); ++i)
    std::memcpy(stored.data_ptr<float>() + i * shape.pixels(), points[i].data(), shape.pixels() * sizeof(float));
  write_file(folder.file("model"), model);
  write_file(folder.file("points"), models::write_tensors({{{"points", stored}}, {}}));
  run_this_program({"replay", "--model", folder.file("model"), "--points", folder.file("points"), "--search-batch",
                    std::to_string(batch), "--output", folder.file("logits")},
                   folder.file("log"), check);
  const models::TensorMap answer = models::read_tensors(read_file(folder.file("logits")));
  const at::Tensor& logits = answer.at("logits");
  if (logits.dim() != 2 || logits.size(0) != count || logits.scalar_type() != at::kFloat)
    throw Error("the process that replays samples answered something else");
  std::vector<std::vector<float>> rows;
  const auto classes = static_cast<std::size_t>(logits.size(1));
  for (std::size_t i = 0; i < points.size(); ++i) {
    const float* row = logits.data_ptr<float>() + i * classes;
    rows.emplace_back(row, row + classes);
  }
  return rows;
}

namespace {

// A network from safetensors, or from a training's product in the artifact store.
forensics::Evaluator evaluator_of(const std::string& path, int batch) {
  models::set_threads_to_one();
  const std::filesystem::path file(path);
  const std::string kind = std::string(product_kind) + "-", name = file.filename().string();
  try {
    if (!name.starts_with(kind)) return forensics::Evaluator(models::load_network(read_file(path)), batch);
    const auto product = store::ArtifactStore(file.parent_path().string())
                             .get(product_kind, Identity::from_hex(name.substr(kind.size())));
    if (!product) throw Error("it is missing or damaged");
    return forensics::Evaluator(models::load_network(unpack_product(*product).artifact), batch);
  } catch (const Error& error) {
    throw InputError(path + " holds no network: " + error.what());
  }
}

forensics::Point point_of(const std::string& path, const data::ImageShape& shape) {
  const store::PngImage image = store::read_png(path);
  if (image.rows != shape.height || image.columns != shape.width || image.channels != shape.channels)
    throw InputError(path + " is not of the shape that the network takes (" + std::to_string(shape.channels) + " x " +
                     std::to_string(shape.height) + " x " + std::to_string(shape.width) + ")");
  forensics::Point point(shape.pixels());
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t plane = shape.pixels() / channels;
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < channels; ++c)
      point[c * plane + i] = models::pixel_value(image.bytes[i * channels + c]);
  return point;
}

}  // namespace

std::vector<int> replay_files(const std::string& model, const std::string& points, int batch,
                              const std::string& output) {
  const forensics::Evaluator evaluator = evaluator_of(model, batch);
  const models::TensorMap map = models::read_tensors(read_file(points));
  const at::Tensor& stored = map.at("points");
  const data::ImageShape& shape = evaluator.spec().input;
  if (stored.dim() != 4 || stored.scalar_type() != at::kFloat || stored.size(1) != shape.channels ||
      stored.size(2) != shape.height || stored.size(3) != shape.width)
    throw InputError("the points are not of the shape that the network takes (" + std::to_string(shape.channels) +
                     " x " + std::to_string(shape.height) + " x " + std::to_string(shape.width) + ")");
  const at::Tensor logits = at::empty({stored.size(0), evaluator.spec().classes}, at::kFloat);
  const std::size_t size = shape.pixels();
  std::vector<int> labels;
  for (std::int64_t i = 0; i < stored.size(0); ++i) {
    const float* first = stored.data_ptr<float>() + static_cast<std::size_t>(i) * size;
    const forensics::Answer answer = evaluator.answer({{first, first + size}, forensics::Slope::none, 0, {}});
    std::memcpy(logits[i].data_ptr<float>(), answer.logits.data(), answer.logits.size() * sizeof(float));
    labels.push_back(answer.label());
  }
  if (!output.empty()) write_file(output, models::write_tensors({{{"logits", logits}}, {}}));
  return labels;
}

void replay_export(const std::string& model, const std::string& folder, int batch, const std::string& output) {
  const forensics::Evaluator evaluator = evaluator_of(model, batch);
  const std::filesystem::path form = std::filesystem::path(folder) / "answers.csv";
  std::ifstream lines(form);
  if (!lines) throw InputError(form.string() + " is missing: this is no folder that `telltale export` wrote");
  std::string filled;
  for (std::string line; std::getline(lines, line); filled += line + "\n") {
    if (line.empty() || line.front() < '0' || line.front() > '9') continue;
    const std::string sample = line.substr(0, line.find(','));
    char name[64];
    std::snprintf(name, sizeof name, "sample-%06lld.png", std::atoll(sample.c_str()));
    const auto image = std::filesystem::path(folder) / name;
    const forensics::Answer answer =
        evaluator.answer({point_of(image.string(), evaluator.spec().input), forensics::Slope::none, 0, {}});
    line = sample + "," + std::to_string(answer.label());
  }
  write_file(output, as_bytes(filled));
}

}  // namespace telltale::experiments
