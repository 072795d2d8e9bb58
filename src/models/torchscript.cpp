#include "models/torchscript.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/fuse_linear.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <sstream>

#include "models/weights.h"

namespace telltale::models {
namespace {

namespace jit = torch::jit;

// A name as TorchScript allows one.
std::string identifier(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

// A module of a script with the tensors of `module` and its parts: the tensors themselves, by which the tracer knows
// them. Each has a class of its own in `unit`.
jit::Module mirror(const torch::nn::Module& module, const std::string& name,
                   const std::shared_ptr<jit::CompilationUnit>& unit) {
  jit::Module script(c10::QualifiedName("__torch__.telltale." + identifier(name)), unit);
  script.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& item : module.named_parameters(false)) script.register_parameter(item.key(), item.value(), false);
  for (const auto& item : module.named_buffers(false)) script.register_buffer(item.key(), item.value());
  for (const auto& item : module.named_children())
    script.register_module(item.key(), mirror(*item.value(), name + "_" + item.key(), unit));
  return script;
}

// A script of a module's own copy, which computes `forward` of images of such a shape.
Bytes scripted(torch::nn::Module& module, const std::string& name, const data::ImageShape& shape,
               const std::function<at::Tensor(const at::Tensor&)>& forward, const std::string& description) {
  const at::NoGradGuard no_grad;
  module.eval();
  for (at::Tensor& parameter : module.parameters()) parameter.set_requires_grad(false);
  const auto unit = std::make_shared<jit::CompilationUnit>();
  jit::Module script = mirror(module, name, unit);
  const auto recorded = [&](jit::Stack inputs) {
    // A copy, even of what lies channels last already: of grey images both layouts are equal, but their strides are
    // not, and LibTorch chooses kernels by strides.
    return jit::Stack{forward(inputs.front().toTensor().clone(at::MemoryFormat::ChannelsLast))};
  };
  const auto traced =
      jit::tracer::trace({at::zeros({2, shape.channels, shape.height, shape.width})}, recorded,
                         [](const at::Tensor&) { return std::string(); }, true, false, &script, {"images"});
  std::shared_ptr<jit::Graph> graph = traced.first->graph;
  // A dense layer is recorded as addmm, which PyTorch would compute as mm and add: other bits. It leaves linear whole.
  jit::FuseLinear(graph);
  jit::EliminateDeadCode(graph);
  script.type()->addMethod(unit->create_function(c10::QualifiedName(*script.type()->name(), "forward"), graph));
  std::ostringstream file;
  script.save(file, {{"telltale.json", description}});
  const std::string bytes = std::move(file).str();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Bytes torchscript_of(const Network& network, const std::string& description) {
  const std::shared_ptr<Network> copy = copied(network);
  return scripted(
      *copy, copy->spec().name, copy->spec().input, [&](const at::Tensor& images) { return copy->forward(images); },
      description);
}

Bytes torchscript_of(const Transform& transform, const std::string& description) {
  const std::shared_ptr<Transform> copy = load_transform(save_transform(transform));
  return scripted(
      *copy, copy->spec().name, copy->spec().input, [&](const at::Tensor& images) { return copy->forward(images); },
      description);
}

std::function<at::Tensor(const at::Tensor&)> load_torchscript(ByteSpan bytes) {
  std::istringstream stream{std::string(as_text(bytes))};
  auto module = std::make_shared<jit::Module>(jit::load(stream, at::kCPU));
  module->eval();
  return [module](const at::Tensor& images) { return module->forward({images}).toTensor(); };
}

}  // namespace telltale::models
