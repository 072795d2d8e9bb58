// What `telltale transform` does: an owner's transform used by itself, apart from its network.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace telltale::experiments {

struct TransformedImages {
  std::int64_t count = 0;
  data::ImageShape shape;
};

/// Writes what the transform makes of images to `output`: safetensors with the float32 tensor "points", N x C x H x W,
/// as `telltale replay` asks a network about, and, where they are known, "labels", int64.
/// `transform`: safetensors that `telltale export --models` wrote, or a product out of a folder of artifacts.
/// `images`: the name of a data set, whose test images are taken from `data_dir` ("A:B", or where TELLTALE_DATA says);
/// a PNG file, or a folder of them, in the order of their names; safetensors with "points" in [0, 1]. Of larger images
/// the middle is taken. Throws InputError for a file that holds no transform or no images, and for images of another
/// shape.
TransformedImages transform_files(const std::string& transform, const std::string& images, const std::string& data_dir,
                                  const std::string& output);

}  // namespace telltale::experiments
