// What every layer of a network gave for each image, as hashes: machines are compared by them, layer by layer.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/array.h"

namespace telltale::experiments {

class LayerHashes {
 public:
  explicit LayerHashes(long long images) : images_(static_cast<std::size_t>(images)) {}

  /// Takes what a layer gave for the next images, one row each, of any precision; layers and images in their order.
  /// What fills the last batch counts for nothing.
  void add(const std::string& layer, const at::Tensor& output);

  /// Layers x images, int64.
  [[nodiscard]] Array array() const;

 private:
  std::size_t images_;
  std::map<std::string, std::size_t> positions_;
  std::vector<std::vector<std::int64_t>> hashes_;
};

}  // namespace telltale::experiments
