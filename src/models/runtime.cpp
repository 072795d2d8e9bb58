#include "models/runtime.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/training.h"

namespace telltale::models {

void set_threads_to_one() { set_threads(1); }

void set_threads(int count) {
  if (count < 1) throw Error("a computation needs at least one thread");
  at::set_num_threads(count);
  // LibTorch refuses to hear it twice, or after its pool has started.
  static std::once_flag once;
  std::call_once(once, [] {
    if (at::get_num_interop_threads() != 1) at::set_num_interop_threads(1);
  });
  using SetThreads = void (*)(int);
  if (auto set_threads = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set_threads(count);
}

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_ARENA_MAX, 1);  // other arenas give their memory back whenever a whole heap of theirs is free
#endif
}

bool onednn_computes_bfloat16() {
  const auto isa = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "dnnl_get_effective_cpu_isa"));
  constexpr int avx512_core = 0x20;  // the bit that AVX512_CORE and everything above have, in versions 2 and 3
  return isa == nullptr || (isa() & avx512_core) != 0;
}

double measure_step_seconds(const NetworkSpec& spec, std::int64_t batch, Pass pass) {
  constexpr int tries = 5;
  const std::shared_ptr<Network> network = make_network(spec);
  const Stream stream(0, spec.to_json(), "measure a step");
  initialise(*network, stream);

  ImageView images{{}, {}, spec.input, batch};
  Bytes pixels(static_cast<std::size_t>(batch * images.pixels_each()));
  Bytes labels(static_cast<std::size_t>(batch));
  Stream draws = stream.derive("images");
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(draws.below(256));
  for (std::uint8_t& label : labels)
    label =
        static_cast<std::uint8_t>(draws.below(std::min<std::uint64_t>(static_cast<std::uint64_t>(spec.classes), 256)));
  images.pixels = pixels;
  images.labels = labels;

  Recipe recipe;
  recipe.momentum = 0.9;
  recipe.batch = batch;
  recipe.epochs = tries + 1;
  Trainer trainer(network, recipe, {images, {}, {}}, stream);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= tries; ++i) {  // the first one prepares kernels and memory, and is not counted
    const auto start = std::chrono::steady_clock::now();
    if (pass == Pass::train)
      trainer.step();
    else
      predict_logits(*network, images, batch);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (i > 0) least = std::min(least, taken.count());
  }
  return least;
}

}  // namespace telltale::models
