#include "experiments/layer_hashes.h"

#include <ATen/ATen.h>
#include <xxhash.h>

#include <bit>

namespace telltale::experiments {

void LayerHashes::add(const std::string& layer, const at::Tensor& output) {
  const auto [place, is_new] = positions_.try_emplace(layer, hashes_.size());
  if (is_new) hashes_.emplace_back();
  const at::Tensor rows = output.detach().contiguous();  // row-major, whatever the layout in memory
  const auto size = rows.nbytes() / static_cast<std::size_t>(rows.size(0));
  const auto* first = static_cast<const std::uint8_t*>(rows.data_ptr());
  std::vector<std::int64_t>& hashes = hashes_[place->second];
  for (std::int64_t row = 0; row < rows.size(0) && hashes.size() < images_; ++row)
    hashes.push_back(std::bit_cast<std::int64_t>(XXH3_64bits(first + static_cast<std::size_t>(row) * size, size)));
}

Array LayerHashes::array() const {
  std::vector<std::int64_t> all;
  for (const auto& layer : hashes_) all.insert(all.end(), layer.begin(), layer.end());
  const auto layers = static_cast<std::int64_t>(hashes_.size());
  return Array::of<std::int64_t>({layers, layers == 0 ? 0 : static_cast<std::int64_t>(hashes_.front().size())}, all);
}

}  // namespace telltale::experiments
