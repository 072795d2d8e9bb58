#include "experiments/piracy/transform_files.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/posix.h"
#include "models/runtime.h"
#include "models/transform.h"
#include "models/weights.h"
#include "store/png_file.h"
#include "study/ledger.h"

namespace telltale::experiments {
namespace {

constexpr std::int64_t images_at_a_time = 256;

// Images as a file, a folder or a data set has them.
struct StoredImages {
  at::Tensor points;                  // N x C x H x W, where they are floats; else:
  std::optional<data::Dataset> data;  // their test images, or:
  Bytes pixels, labels;               // bytes, the labels of which mean nothing
  data::ImageShape shape;
  std::int64_t count = 0;

  [[nodiscard]] models::ImageView view() const {
    return data ? models::ImageView::of(shape, data->test()) : models::ImageView{pixels, labels, shape, count};
  }
};

void add_png(StoredImages& images, const std::string& path) {
  const store::PngImage image = store::read_png(path);
  const data::ImageShape shape{static_cast<int>(image.channels), static_cast<int>(image.rows),
                               static_cast<int>(image.columns)};
  if (images.count == 0) images.shape = shape;
  if (shape != images.shape)
    throw InputError(path + " is " + shape.to_text() + ", the images before it are " + images.shape.to_text());
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t i = channel; i < image.bytes.size(); i += channels) images.pixels.push_back(image.bytes[i]);
  images.labels.push_back(0);
  ++images.count;
}

StoredImages read_images(const std::string& from, const std::string& data_dir) {
  namespace fs = std::filesystem;
  StoredImages images;
  const auto names = data::dataset_names();
  if (!fs::exists(from) && std::find(names.begin(), names.end(), from) != names.end()) {
    data::DatasetRequest request;
    request.name = from;
    request.splits = data::Splits::test;
    request.directories = data::directories_of(data_dir);
    images.data = data::load(request);
    images.shape = images.data->shape();
    images.count = images.data->test().count;
  } else if (fs::is_directory(from)) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(from))
      if (entry.path().extension() == ".png") files.push_back(entry.path().string());
    if (files.empty()) throw InputError("there is no PNG file in " + from);
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) add_png(images, file);
  } else if (fs::path(from).extension() == ".png") {
    add_png(images, from);
  } else if (fs::exists(from)) {
    images.points = models::read_tensors(read_file(from)).at("points");
    if (images.points.dim() != 4 || images.points.scalar_type() != at::kFloat)
      throw InputError(from + ": its points are no float32 images, N x C x H x W");
    images.count = images.points.size(0);
    images.shape = {static_cast<int>(images.points.size(1)), static_cast<int>(images.points.size(2)),
                    static_cast<int>(images.points.size(3))};
  } else {
    throw InputError("there is no file and no folder " + from + ", and no data set of that name");
  }
  return images;
}

}  // namespace

TransformedImages transform_files(const std::string& transform_path, const std::string& from,
                                  const std::string& data_dir, const std::string& output) {
  models::set_threads_to_one();
  std::shared_ptr<models::Transform> transform;
  try {
    transform = models::load_transform(study::read_made(transform_path));
  } catch (const Error& error) {
    throw InputError(transform_path + " holds no transform: " + error.what());
  }
  const data::ImageShape& wanted = transform->spec().input;
  const StoredImages images = read_images(from, data_dir);
  if (images.shape.channels != wanted.channels || images.shape.height < wanted.height ||
      images.shape.width < wanted.width)
    throw InputError("the images in " + from + " are " + images.shape.to_text() + ", and the transform takes " +
                     wanted.to_text());
  models::TensorMap made;
  if (images.points.defined()) {
    const models::Variation middle = models::Variation::middle(images.shape, wanted);
    made.tensors["points"] = models::processed(
        *transform, images.points.narrow(2, middle.down, wanted.height).narrow(3, middle.right, wanted.width),
        images_at_a_time);
  } else {
    const models::WindowedImages windows(images.view(), wanted);
    made.tensors["points"] = models::processed(*transform, windows.view(), images_at_a_time);
  }
  if (images.data) {
    const at::Tensor labels = at::empty({images.count}, at::kLong);
    for (std::int64_t i = 0; i < images.count; ++i) labels.data_ptr<std::int64_t>()[i] = images.view().label(i);
    made.tensors["labels"] = labels;
  }
  made.tensors["points"] = made.tensors["points"].contiguous();
  made.metadata["transform"] = canonical(transform->spec().to_json());
  made.metadata["images"] = from;
  write_file(output, models::write_tensors(made));
  return {images.count, wanted};
}

}  // namespace telltale::experiments
