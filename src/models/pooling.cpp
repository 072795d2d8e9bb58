#include "models/pooling.h"

#include <ATen/ATen.h>
#include <ATen/TracerMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "models/convolution_pool.h"

namespace telltale::models {
namespace {

struct Window {
  std::int64_t images, height, width, channels;  // of the maps; lying channels last

  [[nodiscard]] std::int64_t row() const { return width * channels; }
  [[nodiscard]] std::int64_t outputs() const { return images * (height / 2) * (width / 2) * channels; }

  // Calls `visit(in, out)` for each window: the offset of its first pixel, and of its output, in channel 0.
  template <typename Visit>
  void each(Visit visit) const {
    std::int64_t out = 0;
    for (std::int64_t image = 0; image < images; ++image) {
      for (std::int64_t y = 0; y + 1 < height; y += 2) {
        for (std::int64_t x = 0; x + 1 < width; x += 2, out += channels) {
          visit((image * height + y) * row() + x * channels, out);
        }
      }
    }
  }
};

Window window_of(at::IntArrayRef sizes) { return {sizes[0], sizes[2], sizes[3], sizes[1]}; }

// N x C x H x W, lying channels last.
at::Tensor empty_maps(at::IntArrayRef sizes) {
  return at::empty({sizes[0], sizes[2], sizes[3], sizes[1]}, at::kFloat).permute({0, 3, 1, 2});
}

// NaN wins, as in LibTorch; the first of equal pixels wins.
template <bool keep_source>
void forward_kernel(const Window& window, const float* maps, float* outputs, std::uint8_t* sources) {
  const std::int64_t row = window.row();
  const std::int64_t channels = window.channels;
  window.each([&](std::int64_t in, std::int64_t out) {
    const float* __restrict a = maps + in;
    const float* __restrict b = a + channels;
    const float* __restrict c = a + row;
    const float* __restrict d = c + channels;
    float* __restrict output = outputs + out;
    std::uint8_t* __restrict source = sources + out;
    for (std::int64_t i = 0; i < channels; ++i) {
      float most = a[i];
      int from = 0;
      const auto consider = [&](float value, int place) {
        const bool taken = value > most || value != value;
        most = taken ? value : most;
        from = taken ? place : from;
      };
      consider(b[i], 1);
      consider(c[i], 2);
      consider(d[i], 3);
      const bool cut = most <= 0;
      output[i] = cut ? 0.0F : most;
      if constexpr (keep_source) source[i] = static_cast<std::uint8_t>(cut ? no_source : from);
    }
  });
}

void backward_kernel(const Window& window, const float* gradients, const std::uint8_t* sources, float* maps) {
  const std::int64_t row = window.row();
  const std::int64_t channels = window.channels;
  window.each([&](std::int64_t in, std::int64_t out) {
    const float* __restrict gradient = gradients + out;
    const std::uint8_t* __restrict source = sources + out;
    const auto fill = [&](float* __restrict pixel, int place) {  // a loop for each place: one for all is not vectorised
      for (std::int64_t i = 0; i < channels; ++i) {
        const float value = gradient[i];
        pixel[i] = source[i] == place ? value : 0.0F;
      }
    };
    fill(maps + in, 0);
    fill(maps + in + channels, 1);
    fill(maps + in + row, 2);
    fill(maps + in + row + channels, 3);
  });
}

at::Tensor contiguous_maps(const at::Tensor& maps) { return maps.contiguous(at::MemoryFormat::ChannelsLast); }

struct PoolRelu : torch::autograd::Function<PoolRelu> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    const at::Tensor maps = contiguous_maps(input);
    const Window window = window_of(maps.sizes());
    at::Tensor output = empty_maps({window.images, window.channels, window.height / 2, window.width / 2});
    if (input.requires_grad()) {
      const at::Tensor sources = at::empty({window.outputs()}, at::kByte);
      forward_kernel<true>(window, maps.data_ptr<float>(), output.data_ptr<float>(), sources.data_ptr<std::uint8_t>());
      context->saved_data["sources"] = sources;
      context->saved_data["sizes"] = maps.sizes().vec();
    } else {
      forward_kernel<false>(window, maps.data_ptr<float>(), output.data_ptr<float>(), nullptr);
    }
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const std::vector<std::int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const at::Tensor sources = context->saved_data["sources"].toTensor();
    const at::Tensor gradient = contiguous_maps(gradients[0]);
    const Window window = window_of(sizes);
    const at::Tensor maps = empty_maps(sizes);
    if (window.height % 2 != 0 || window.width % 2 != 0) maps.zero_();  // pixels that are in no window
    backward_kernel(window, gradient.data_ptr<float>(), sources.data_ptr<std::uint8_t>(), maps.data_ptr<float>());
    return {maps};
  }
};

ConvolutionPool shape_of(at::IntArrayRef images, at::IntArrayRef weight) {
  return {images[2], images[3], images[1], weight[2], weight[0]};
}

struct ConvolutionPoolRelu : torch::autograd::Function<ConvolutionPoolRelu> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& images_given,
                            const at::Tensor& weight_given, const at::Tensor& bias) {
    const at::Tensor images = contiguous_maps(images_given);
    const at::Tensor weight = contiguous_maps(weight_given);
    const ConvolutionPool shape = shape_of(images.sizes(), weight.sizes());
    at::Tensor output = empty_maps({images.size(0), shape.outputs, shape.pooled_height(), shape.pooled_width()});
    // Asked of what was given: a copy of it in here requires nothing.
    const bool learns = images_given.requires_grad() || weight_given.requires_grad() || bias.requires_grad();
    const at::Tensor sources = learns ? at::empty({output.numel()}, at::kByte) : at::Tensor();
    convolution_pool_forward(shape, images.size(0), images.data_ptr<float>(), weight.data_ptr<float>(),
                             bias.data_ptr<float>(), output.data_ptr<float>(),
                             learns ? sources.data_ptr<std::uint8_t>() : nullptr);
    if (learns) {
      context->save_for_backward({images, weight});
      context->saved_data["sources"] = sources;
      context->saved_data["images learn"] = images_given.requires_grad();
    }
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor images = saved[0], weight = saved[1], gradient = contiguous_maps(gradients[0]);
    const at::Tensor sources = context->saved_data["sources"].toTensor();
    const ConvolutionPool shape = shape_of(images.sizes(), weight.sizes());
    const at::Tensor of_weight = empty_maps(weight.sizes());
    const at::Tensor of_bias = at::empty({shape.outputs}, at::kFloat);
    at::Tensor of_images;
    if (context->saved_data["images learn"].toBool()) {
      of_images = empty_maps(images.sizes());
    }
    convolution_pool_backward(shape, images.size(0), images.data_ptr<float>(), weight.data_ptr<float>(),
                              gradient.data_ptr<float>(), sources.data_ptr<std::uint8_t>(), of_weight.data_ptr<float>(),
                              of_bias.data_ptr<float>(), of_images.defined() ? of_images.data_ptr<float>() : nullptr);
    return {of_images, of_weight, of_bias};
  }
};

}  // namespace

at::Tensor convolution_pool_relu(const at::Tensor& images, const at::Tensor& weight, const at::Tensor& bias) {
  return ConvolutionPoolRelu::apply(images, weight, bias);
}

at::Tensor pool_relu(const at::Tensor& maps) {
  // A script (torchscript.h) can hold LibTorch's operators only; threshold's zeros are 0, never -0, as the kernel's
  // are.
  if (at::tracer::impl::is_dispatch_enabled()) return at::threshold(at::max_pool2d(maps, {2, 2}), 0, 0);
  if (maps.scalar_type() == at::kFloat) return PoolRelu::apply(maps);
  return at::max_pool2d(maps, {2, 2}).relu_();
}

}  // namespace telltale::models
