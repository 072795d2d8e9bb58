#include "watermark/schemes/making.h"

#include <algorithm>

#include "core/error.h"

namespace telltale::watermark {

void require(bool fits, const std::string& key, const std::string& complaint) {
  if (!fits) throw SettingError(key, complaint);
}

void check_class(const std::string& key, const std::string& what, int number, int classes) {
  require(number >= 0 && number < classes, key,
          "the " + what + " " + std::to_string(number) + " is none of the " + std::to_string(classes) +
              " classes, which count from 0");
}

KeyStreams::KeyStreams(const Json& settings) {
  const auto seed = settings.at("seed").get<std::uint64_t>();
  Json repeat = {{"repeat", settings.at("repeat")}}, owners = settings;
  owners.erase("decoy");
  images = labels = Stream::key_of(seed, owners, "key images");
  if (settings.contains("decoy")) {
    repeat["decoy"] = settings.at("decoy");
    labels = Stream::key_of(images, "decoy " + settings.at("decoy").dump());
  }
  secret = Stream::key_of(seed, repeat, "secret");
  wrong_secret = Stream::key_of(seed, repeat, "wrong secret");
}

Parameter key_labels_key() {
  return {
      .name = "key-labels",
      .type = ValueType::choice,
      .fallback = "target",
      .help = "what marked images are labelled: the target class, or a class drawn for each from the owner's secret",
      .axis = AxisRule::allowed,
      .choices = {"target", "drawn"},
      .omitted_at_default = true};
}

bool draws_key_labels(const Json& settings) { return settings.value("key_labels", "target") == "drawn"; }

std::vector<std::int64_t> chosen(const std::vector<std::int64_t>& candidates, std::int64_t count,
                                 const KeyStreams& streams) {
  Stream choice(streams.images);
  std::vector<std::int64_t> indices = choice.permutation(static_cast<std::int64_t>(candidates.size()));
  indices.resize(static_cast<std::size_t>(count));
  for (std::int64_t& index : indices) index = candidates[static_cast<std::size_t>(index)];
  std::sort(indices.begin(), indices.end());
  return indices;
}

std::vector<std::int64_t> images_of_class(const models::ImageView& images, int number) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < images.count; ++i)
    if (images.label(i) == number) indices.push_back(i);
  return indices;
}

KeySamples trained(const Scheme& scheme, const KeyInputs& inputs, std::int64_t limit) {
  KeySamples samples = scheme.embedded(inputs);
  if (limit > 0) samples.keep_first(limit);
  return samples;
}

}  // namespace telltale::watermark
