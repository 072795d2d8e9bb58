// Residual networks for small images (He et al. 2016, section 4.2), with the variants that the boundary-sample papers
// leave open (Schloegl et al. 2021; see resnet_options() in network_spec.cpp).
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "models/networks/layers.h"
#include "models/registry.h"

namespace telltale::models {
namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::Linear;

constexpr std::int64_t first_filters = 16;
constexpr int stages = 3;
constexpr std::int64_t pool_window = 7;

Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, bool bias) {
  return Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(bias));
}

// Keras' moving averages and epsilon, which the paper's networks had.
BatchNorm2d norm(std::int64_t filters) {
  return BatchNorm2d(torch::nn::BatchNorm2dOptions(filters).momentum(0.01).eps(1e-3));
}

enum class Shortcut { conv, conv_norm, pad };

Shortcut shortcut_of(const NetworkSpec& spec) {
  const std::string name = option_of(spec, "shortcut");
  return name == "conv" ? Shortcut::conv : name == "conv-norm" ? Shortcut::conv_norm : Shortcut::pad;
}

// ReLU(norm(conv(ReLU(norm(conv(x))))) + shortcut(x)); the shortcut is x itself where shapes stay.
class Block : public torch::nn::Module {
 public:
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut)
      : conv1_(register_module("conv1", convolution(in, out, 3, stride, false))),
        norm1_(register_module("norm1", norm(out))),
        conv2_(register_module("conv2", convolution(out, out, 3, 1, false))),
        norm2_(register_module("norm2", norm(out))),
        padding_(out - in),
        stride_(stride) {
    if (in == out || shortcut == Shortcut::pad) return;
    shortcut_ = register_module("shortcut", convolution(in, out, 1, stride, shortcut == Shortcut::conv));
    if (shortcut == Shortcut::conv_norm) shortcut_norm_ = register_module("shortcut_norm", norm(out));
  }

  at::Tensor first(const at::Tensor& maps) { return norm1_(conv1_(maps)).relu_(); }
  at::Tensor second(const at::Tensor& inner, const at::Tensor& maps) {
    return norm2_(conv2_(inner)).add_(beside(maps)).relu_();
  }

 private:
  at::Tensor beside(const at::Tensor& maps) {
    if (shortcut_) {
      const at::Tensor projected = shortcut_(maps);
      return shortcut_norm_ ? shortcut_norm_(projected) : projected;
    }
    if (padding_ == 0) return maps;
    // Every second pixel, and half of the new filters of zeros on either side (He et al.'s option A).
    const at::Tensor sampled = maps.slice(2, 0, maps.size(2), stride_).slice(3, 0, maps.size(3), stride_);
    return at::constant_pad_nd(sampled, {0, 0, 0, 0, padding_ / 2, padding_ - padding_ / 2});
  }

  Conv2d conv1_;
  BatchNorm2d norm1_;
  Conv2d conv2_;
  BatchNorm2d norm2_;
  std::int64_t padding_, stride_;
  Conv2d shortcut_{nullptr};
  BatchNorm2d shortcut_norm_{nullptr};
};

// conv 16, then three stages of `blocks` blocks with 16, 32 and 64 filters, average pool, outputs.
class ResNet : public Network {
 public:
  ResNet(const NetworkSpec& spec, int blocks)
      : Network(spec, Initialisation::he),
        conv_(register_module("conv", convolution(spec.input.channels, first_filters, 3, 1, false))),
        norm_(register_module("norm", norm(first_filters))),
        pools_globally_(option_of(spec, "pool") == "global"),
        pixels_(option_of(spec, "pixels")) {
    std::int64_t filters = first_filters;
    for (int stage = 1; stage <= stages; ++stage) {
      for (int block = 1; block <= blocks; ++block) {
        const bool shrinks = stage > 1 && block == 1;
        const std::string name = "stage" + std::to_string(stage) + "_block" + std::to_string(block);
        const std::int64_t out = shrinks ? 2 * filters : filters;
        names_.push_back(name);
        blocks_.push_back(
            register_module(name, std::make_shared<Block>(filters, out, shrinks ? 2 : 1, shortcut_of(spec))));
        filters = out;
      }
    }
    output_ =
        register_module("output", Linear(filters * pooled(spec.input.height) * pooled(spec.input.width), spec.classes));
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor maps = shown("conv", norm_(conv_(scaled(images, pixels_))).relu_());
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
      const at::Tensor inner = shown(names_[block] + ".conv1", blocks_[block]->first(maps));
      maps = shown(names_[block] + ".conv2", blocks_[block]->second(inner, maps));
    }
    maps = shown("pool",
                 pools_globally_ ? at::mean(maps, {2, 3}, true) : at::avg_pool2d(maps, {pool_window, pool_window}));
    return shown("output", output_(maps.flatten(1)));
  }

 private:
  // The side of the last stage's maps: two strides of 2.
  static std::int64_t shrunk(std::int64_t side) { return ((side + 1) / 2 + 1) / 2; }
  [[nodiscard]] std::int64_t pooled(std::int64_t side) const {
    return pools_globally_ ? 1 : shrunk(side) / pool_window;
  }

  Conv2d conv_;
  BatchNorm2d norm_;
  bool pools_globally_;
  std::string pixels_;
  std::vector<std::string> names_;
  std::vector<std::shared_ptr<Block>> blocks_;
  Linear output_{nullptr};
};

}  // namespace

std::shared_ptr<Network> make_resnet_20(const NetworkSpec& spec) { return std::make_shared<ResNet>(spec, 3); }
std::shared_ptr<Network> make_resnet_32(const NetworkSpec& spec) { return std::make_shared<ResNet>(spec, 5); }

}  // namespace telltale::models
