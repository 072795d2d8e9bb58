#include "models/dense.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "models/sparse_dense.h"

namespace telltale::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

SparseDense shape_of(const at::Tensor& values, std::int64_t outputs) {
  return {values.size(0), values.size(1), outputs};
}

// Whether a training's first layer leaves out zeros: of images, which nothing learns of.
bool leaves_out_zeros(const at::Tensor& values, const at::Tensor& weight) {
  const auto is_plain = [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
  };
  return at::GradMode::is_enabled() && weight.requires_grad() && !values.requires_grad() && is_plain(values) &&
         is_plain(weight) && shape_of(values, weight.size(0)).pays(values.data_ptr<float>());
}

at::Tensor without_zeros(const at::Tensor& values, const at::Tensor& weight, const at::Tensor& bias) {
  at::Tensor output = at::empty({values.size(0), weight.size(0)}, values.options());
  shape_of(values, weight.size(0))
      .forward(values.data_ptr<float>(), weight.data_ptr<float>(), bias.contiguous().data_ptr<float>(),
               output.data_ptr<float>());
  return output;
}

at::Tensor weight_gradient_without_zeros(const at::Tensor& gradient, const at::Tensor& values) {
  at::Tensor result = at::empty({gradient.size(1), values.size(1)}, values.options());
  shape_of(values, gradient.size(1))
      .weight_backward(values.data_ptr<float>(), gradient.contiguous().data_ptr<float>(), result.data_ptr<float>());
  return result;
}

// What is saved: the values that go into each layer, then the weights. What learns: the first values, then each layer's
// weight and bias.
struct DenseLayers : torch::autograd::Function<DenseLayers> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& values, at::TensorList parameters,
                            bool sparse) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    std::vector<bool> learns{values.requires_grad()};
    variable_list saved;
    at::Tensor output = values;
    for (std::size_t i = 0; i < parameters.size(); i += 2) {
      const at::Tensor &weight = parameters[i], &bias = parameters[i + 1];
      if (i > 0) output.relu_();
      saved.push_back(output);
      output = sparse && i == 0 ? without_zeros(output, weight, bias) : at::addmm(bias, output, weight.t());
      learns.push_back(weight.requires_grad());
      learns.push_back(bias.requires_grad());
    }
    for (std::size_t i = 0; i < parameters.size(); i += 2) saved.push_back(parameters[i]);
    context->save_for_backward(std::move(saved));
    context->saved_data["learns"] = std::move(learns);
    context->saved_data["sparse"] = sparse;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const c10::List<bool> learns = context->saved_data["learns"].toBoolList();
    const std::size_t layers = saved.size() / 2;
    std::size_t first = 0;  // that anything learns of
    while (!learns[first]) ++first;
    const bool sparse = context->saved_data["sparse"].toBool();
    variable_list result(learns.size() + 1);  // of `sparse` there is no gradient
    at::Tensor gradient = gradients[0];
    for (std::size_t layer = layers; layer-- > 0;) {
      const at::Tensor &values = saved[layer], &weight = saved[layers + layer];
      const std::size_t of_weight = 1 + 2 * layer, of_bias = of_weight + 1;
      if (learns[of_weight]) {
        result[of_weight] =
            sparse && layer == 0 ? weight_gradient_without_zeros(gradient, values) : at::mm(gradient.t(), values);
      }
      if (learns[of_bias]) result[of_bias] = gradient.sum(0);
      if (first >= of_weight) break;
      gradient = at::mm(gradient, weight);
      if (layer > 0) gradient = at::threshold_backward(gradient, values, 0);
    }
    if (learns[0]) result[0] = gradient;
    return result;
  }
};

}  // namespace

at::Tensor dense_layers(const at::Tensor& values, at::TensorList parameters) {
  return DenseLayers::apply(values, parameters, leaves_out_zeros(values, parameters[0]));
}

}  // namespace telltale::models
