// The room of networks: what they are made of, their weights, how they are trained and asked.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "models/network_spec.h"

namespace telltale::models {

/// How weights are drawn: Glorot and Bengio 2010 (uniform, as TensorFlow's layers have them), or He et al. 2015
/// (normal, variance 2 / inputs).
enum class Initialisation { glorot, he };

/// A network of one spec. Convolution weights lie in memory channels last, which is what is fast here.
class Network : public torch::nn::Module {
 public:
  /// Sees a layer's name and its output, N x ..., while a forward pass is under way; the output may be overwritten
  /// later.
  using Observer = std::function<void(const std::string& layer, const at::Tensor& output)>;

  explicit Network(NetworkSpec spec, Initialisation initialisation = Initialisation::glorot)
      : spec_(std::move(spec)), initialisation_(initialisation) {}

  /// Logits, N x classes, for images of the weights' precision, N x C x H x W with pixels in [0, 1], best laid out
  /// channels last. While it is traced (torchscript.h) it may use operators of LibTorch alone, and read no sizes of N.
  virtual at::Tensor forward(const at::Tensor& images) = 0;

  [[nodiscard]] const NetworkSpec& spec() const { return spec_; }
  [[nodiscard]] Initialisation initialisation() const { return initialisation_; }

  /// Where layers that draw (dropout) draw from while training: a trainer names a stream's key before
  /// every step.
  virtual void draw_from(const Identity& stream) { draws_ = stream; }

  /// From now on every layer's output is shown to `observer`, in the order of computation; an empty one ends that.
  void observe(Observer observer) { observer_ = std::move(observer); }

 protected:
  /// Dropout (Srivastava et al. 2014): in training every value is zero with probability `rate`, and the others are
  /// scaled up to make up for it; otherwise the values as they are. Throws Error in training without draw_from().
  [[nodiscard]] at::Tensor dropped(const char* layer, const at::Tensor& values, double rate) const;

  /// ReLU of the 2 x 2 max pool of a convolution of few channels (stride 1, no padding), shown as `layer` before it is
  /// pooled. In training it is computed in one pass (pooling.h), and the convolution's own output is not there to be
  /// shown.
  [[nodiscard]] at::Tensor pooled_convolution(const char* layer, torch::nn::Conv2d& convolution,
                                              const at::Tensor& images) const;

  using NamedDense = std::pair<const char*, torch::nn::Linear*>;
  /// Dense layers with ReLU between them, each shown under its name, for `values`, N x inputs. In training, where
  /// nobody observes, they are computed as one operation (dense.h), with the same bits.
  [[nodiscard]] at::Tensor dense(std::initializer_list<NamedDense> layers, const at::Tensor& values) const;

  /// To be called on each layer's output.
  at::Tensor shown(const char* layer, at::Tensor output) const {
    if (observer_) observer_(layer, output);
    return output;
  }
  at::Tensor shown(const std::string& layer, at::Tensor output) const {
    return shown(layer.c_str(), std::move(output));
  }

 private:
  NetworkSpec spec_;
  Initialisation initialisation_;
  Observer observer_;
  std::optional<Identity> draws_;  ///< a stream's key: most networks never draw
};

/// A network with undefined weights: initialise or load them next. Throws InputError if there is no network of that
/// name, if it has fewer than one output, or if its layers would reduce such an input to nothing.
std::shared_ptr<Network> make_network(const NetworkSpec& spec);

/// Weights as the network's Initialisation says, zero biases, batch norms that change nothing. A parameter's draws are
/// a function of `stream`'s key, its name and its shape, and are the same on every CPU: two networks that differ in the
/// number of outputs start with the same inner layers.
void initialise(Network& network, const Stream& stream);

/// The same of any module's parameters and buffers.
void draw_weights(torch::nn::Module& module, Initialisation initialisation, const Stream& stream);

/// Whether a parameter, by its name, belongs to the layer that gives the logits.
bool is_of_output_layer(std::string_view parameter);
/// From now on only that layer's parameters require a gradient. Batch norms of the others still learn their statistics.
void train_output_layer_alone(Network& network);

/// A copy that computes in `precision`: every weight converted, rounded to nearest.
std::shared_ptr<Network> converted(const Network& network, Precision precision);

}  // namespace telltale::models
