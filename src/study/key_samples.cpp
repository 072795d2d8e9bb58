#include "study/key_samples.h"

namespace telltale::study {

models::ImageView view_of(const data::Dataset& data, const data::Split& split, std::int64_t count) {
  if (count < 0 || count > split.count) count = split.count;
  return {split.images.first(static_cast<std::size_t>(count) * data.shape().pixels()),
          split.labels.first(static_cast<std::size_t>(count)), data.shape(), count};
}

KeySamples::KeySamples(const data::Dataset& data, const Json& scheme) : data_(data), json_(scheme) {
  scheme_.method = watermark::method_named(scheme.at("method").get<std::string>());
  scheme_.reading = watermark::reading_named(scheme.at("reading").get<std::string>());
  scheme_.alpha = scheme.at("alpha");
  scheme_.beta = scheme.at("beta");
  scheme_.clip = scheme.at("clip");
  scheme_.fresh_noise = scheme.at("noise") == "fresh";
  if (scheme.contains("target")) scheme_.target = scheme.at("target");
}

std::int64_t KeySamples::label() const { return watermark::key_label(scheme_, data_.classes()); }

watermark::KeySet KeySamples::trained() const {
  const Stream images(json_.at("seed").get<std::uint64_t>(), json_, "key images");
  return watermark::make_trained_keys(scheme_, secret(), images, view_of(data_, data_.train()), data_.classes());
}

watermark::KeySet KeySamples::asked(std::int64_t count, const Stream& with) const {
  return watermark::make_query_keys(scheme_, with, view_of(data_, data_.test(), count > 0 ? count : -1),
                                    data_.classes());
}

Stream KeySamples::secret() const { return repeated("secret"); }
Stream KeySamples::wrong_secret() const { return repeated("wrong secret"); }

Stream KeySamples::repeated(const char* purpose) const {
  return Stream(json_.at("seed").get<std::uint64_t>(), {{"repeat", json_.at("repeat")}}, purpose);
}

}  // namespace telltale::study
