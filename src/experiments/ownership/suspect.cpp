#include "experiments/ownership/suspect.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>

#include "core/confinement.h"
#include "core/error.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/torchscript.h"
#include "models/weights.h"
#include "store/npy_file.h"
#include "study/ledger.h"

namespace telltale::experiments {
namespace {

constexpr std::int64_t at_once = 250;

// Why, in one line: LibTorch's own reports go on with where in its sources that was.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::function<at::Tensor(const at::Tensor&)> forward_of(const Bytes& model) {
  constexpr std::string_view archive = "PK\x03\x04";
  if (as_text(model).starts_with(archive)) return models::load_torchscript(model);
  const std::shared_ptr<models::Network> network = models::load_network(model);
  network->eval();
  return [network](const at::Tensor& images) {
    const data::ImageShape& input = network->spec().input;
    if (images.size(1) != input.channels || images.size(2) != input.height || images.size(3) != input.width)
      throw InputError("it takes images of " + input.to_text());
    return network->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
  };
}

void take_labels(SuspectAnswers& answers, const at::Tensor& logits, std::int64_t asked) {
  if (logits.dim() != 2 || logits.size(0) != asked || logits.size(1) < 1 || !logits.is_floating_point())
    throw InputError("what it gives for " + std::to_string(asked) + " images is not as many rows of logits");
  if (answers.outputs != 0 && answers.outputs != logits.size(1)) throw InputError("its number of outputs changes");
  answers.outputs = logits.size(1);
  const at::Tensor values = logits.to(at::kDouble).contiguous();
  for (std::int64_t row = 0; row < asked; ++row) {
    const double *first = values.data_ptr<double>() + row * answers.outputs, *last = first + answers.outputs;
    const bool answered = std::none_of(first, last, [](double value) { return value != value; });
    answers.labels.push_back(answered ? std::max_element(first, last) - first : -1);
  }
}

}  // namespace

SuspectAnswers ask_confined(const std::string& model, const std::string& queries, std::uint64_t memory_bytes) {
  models::set_threads_to_one();
  Bytes stored;
  store::NpyArray images;
  try {
    stored = study::read_made(model);
  } catch (const Error& error) {
    throw InputError(model + " cannot be read: " + error.what());
  }
  try {
    images = store::parse_npy(study::read_made(queries));
    if (images.shape.size() != 4) throw Error("images have four dimensions");
  } catch (const Error& error) {
    throw InputError(queries + " holds no images: " + error.what());
  }
  // Once, while files can still be opened: LibTorch looks at the machine when it computes for the first time, and asks
  // it for random bits unless it is given some.
  const at::NoGradGuard no_grad;
  at::manual_seed(0);
  static_cast<void>(at::conv2d(at::zeros({1, 1, 4, 4}), at::zeros({1, 1, 3, 3})).sum().item<float>());
  static_cast<void>(at::mm(at::zeros({4, 4}), at::zeros({4, 4})).sum().item<float>());
  confine(memory_bytes);
  try {
    const auto forward = forward_of(stored);
    const at::Tensor all = at::from_blob(images.values.data(), images.shape, at::kFloat);
    SuspectAnswers answers;
    for (std::int64_t first = 0; first < all.size(0); first += at_once) {
      const at::Tensor batch = all.slice(0, first, std::min(first + at_once, all.size(0)));
      take_labels(answers, forward(batch.clone()), batch.size(0));
    }
    return answers;
  } catch (const std::exception& error) {
    throw InputError(model + " cannot be asked: " + first_line(error.what()));
  }
}

}  // namespace telltale::experiments
