// What one rank's core does: images trained in a second, and single-precision products of large matrices.
//
// bench.py starts one process a core. Each prepares itself as a rank of `telltale run` does, says "ready", and runs for
// the given time once it reads a line: all of them measure at the same time.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

#include "core/error.h"
#include "forensics/profile.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/training.h"

namespace {

using namespace telltale;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t batch = 128;
constexpr std::int64_t batches = 468;  // an epoch of about MNIST's size, in whole batches
constexpr std::int64_t matrix_side = 2048;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Runs `once` for `limit_s` after the go, and prints how much was done, counted in `amount` for each.
void measure(double limit_s, const char* unit, double amount, const std::function<void()>& once) {
  for (int warm_up = 0; warm_up < 3; ++warm_up) once();
  std::cout << "ready" << std::endl;
  std::string go;
  std::getline(std::cin, go);
  double done = 0, seconds = 0;
  const auto start = Clock::now();
  do {
    once();
    done += amount;
    seconds = seconds_since(start);
  } while (seconds < limit_s);
  std::printf("%s %.0f seconds %.6f\n", unit, done, seconds);
}

// A line of three pixels' width that wanders over the middle 20 x 20 of a black image of 28 x 28, until as many pixels
// are not black as in MNIST's mean image: 150.
void scribble(Stream& draws, std::uint8_t* image) {
  constexpr int side = 28, first = 5, last = 22, inked = 150;
  const auto anywhere = [&] { return first + static_cast<int>(draws.below(last - first + 1)); };
  int x = anywhere(), y = anywhere();
  for (int count = 0; count < inked;) {
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        std::uint8_t& pixel = image[(y + dy) * side + x + dx];
        if (pixel != 0) continue;
        pixel = static_cast<std::uint8_t>(1 + draws.below(255));
        ++count;
      }
    }
    x = std::clamp(x + static_cast<int>(draws.below(3)) - 1, first, last);
    y = std::clamp(y + static_cast<int>(draws.below(3)) - 1, first, last);
  }
}

void train(const std::string& network_name, double limit_s) {
  const bool colour = network_name == "dnn-2" || network_name == "zhang-cifar" || network_name == "aime-cnn-rgb";
  const models::NetworkSpec spec{network_name, colour ? data::ImageShape{3, 32, 32} : data::ImageShape{1, 28, 28}, 10};
  const Stream stream(1, spec.to_json(), "benchmark");
  const auto network = models::make_network(spec);
  models::initialise(*network, stream);

  models::ImageView images{{}, {}, spec.input, batch * batches};
  Bytes pixels(static_cast<std::size_t>(images.count * images.pixels_each()));
  Bytes labels(static_cast<std::size_t>(images.count));
  Stream draws = stream.derive("images");
  if (colour) {
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(draws.below(256));
  } else {
    for (std::int64_t i = 0; i < images.count; ++i) scribble(draws, pixels.data() + i * images.pixels_each());
  }
  for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(draws.below(10));
  images.pixels = pixels;
  images.labels = labels;

  models::Recipe recipe;
  recipe.momentum = 0.9;
  recipe.batch = batch;
  recipe.epochs = 100000;
  models::Trainer trainer(network, recipe, {images, {}, {}}, stream);
  measure(limit_s, "images", static_cast<double>(batch), [&] { trainer.step(); });
}

void multiply(double limit_s) {
  const at::Tensor a = at::rand({matrix_side, matrix_side}), b = at::rand({matrix_side, matrix_side});
  at::Tensor product = at::empty({matrix_side, matrix_side});
  const double flops = 2.0 * matrix_side * matrix_side * matrix_side;
  measure(limit_s, "flops", flops, [&] { at::mm_out(product, a, b); });
}

int run(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  const double limit_s = argc == 3 ? std::atof(argv[2]) : 0;
  if (limit_s <= 0) throw InputError("usage: training_throughput NETWORK|sgemm|kernel SECONDS");
  forensics::pin_and_reexecute("best", argv);
  if (what == "kernel") {
    const char* kernel = std::getenv("OPENBLAS_CORETYPE");
    std::printf("kernel %s\n", kernel == nullptr ? "" : kernel);
    return 0;
  }
  models::keep_freed_memory();
  int code = 0;
  std::thread compute([&] {
    try {
      models::set_threads_to_one();
      what == "sgemm" ? multiply(limit_s) : train(what, limit_s);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      code = 2;
    }
  });
  compute.join();
  return code;
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
