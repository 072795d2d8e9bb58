// Named tensors as bytes, in the safetensors container: bit for bit, and Python's safetensors reads them.
//
// The container is 8 bytes of header length (little-endian), a JSON header that names each tensor's type, shape and
// place, and the raw values, row-major whatever their layout in memory was. Equal contents have equal bytes.
#pragma once

#include <ATen/Tensor.h>

#include <map>
#include <memory>
#include <string>

#include "core/bytes.h"
#include "models/network.h"

namespace telltale::models {

using Metadata = std::map<std::string, std::string>;

struct TensorMap {
  std::map<std::string, at::Tensor> tensors;  ///< float32, float64, int64 or uint8
  Metadata metadata;

  /// Throws Error if there is no tensor of that name.
  [[nodiscard]] const at::Tensor& at(const std::string& name) const;
  /// Throws Error if there is no such entry.
  [[nodiscard]] const std::string& note(const std::string& name) const;
};

Bytes write_tensors(const TensorMap& map);
/// Throws Error if the bytes are cut, or are no such container: holes, overlaps and trailing bytes included.
TensorMap read_tensors(ByteSpan bytes);

/// Parameters and buffers of a module under their full names.
std::map<std::string, at::Tensor> state_of(const torch::nn::Module& module);
/// Throws Error, and leaves the module as it was, unless names, shapes and types are exactly its own. `what`: it, in
/// messages.
void load_state(torch::nn::Module& module, const std::string& what, const TensorMap& map);

/// Parameters and buffers of a network under their own names; `network` is its spec as JSON in the metadata.
Bytes save_weights(const Network& network, Metadata metadata = {});

/// Throws Error, and leaves the network as it was, unless names, shapes and types are exactly the network's.
void load_weights(Network& network, ByteSpan bytes);
void load_weights(Network& network, const TensorMap& map);

/// Gives a network the weights of another that differs from it in the number of outputs at most: outputs that `from`
/// lacks keep their own. Throws Error if they differ in more.
void take_over(Network& network, const Network& from);

/// The network that save_weights() wrote.
std::shared_ptr<Network> load_network(ByteSpan bytes);
/// A network of its own with the same weights.
std::shared_ptr<Network> copied(const Network& network);

}  // namespace telltale::models
