#include "data/generated.h"

#include <algorithm>

namespace telltale::data {

void draw_split(const Entry& entry, const SplitRequest& request, SplitSink& sink, Painter paint) {
  const Description& description = entry.description;
  const std::int64_t available = request.train ? request.whole.generated_train.value_or(description.train_count)
                                               : request.whole.generated_test.value_or(description.test_count);
  const std::int64_t count = std::min(available, request.limit.value_or(available));
  std::vector<float> pixels(description.shape.pixels());
  for (std::int64_t index = 0; index < count; ++index) {
    Stream stream(request.whole.seed, Json::array({description.name, request.train ? "train" : "test", index}),
                  "image");
    const auto label = static_cast<std::uint8_t>(stream.below(static_cast<std::uint64_t>(description.classes)));
    std::fill(pixels.begin(), pixels.end(), 0.0f);
    paint(stream, label, pixels);
    const std::size_t begin = sink.images.size();
    sink.images.resize(begin + pixels.size());
    std::uint8_t* const bytes = sink.images.data() + begin;
    for (std::size_t i = 0; i < pixels.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(static_cast<int>(clamp_unit(pixels[i] * (1.0f / 255)) * 255 + 0.5f));
    sink.labels.push_back(label);
  }
}

Rotation Rotation::by_half_tangent(float t) {
  const float scale = 1.0f / (1 + t * t);
  return {(1 - t * t) * scale, 2 * t * scale};
}

Rotation Rotation::random(Stream& stream) {
  // Half tangents within [-1, 1] give the right half circle; a coin gives the left one.
  Rotation turn = by_half_tangent(between(stream, -1, 1));
  if (stream.bits() >> 63) turn = {-turn.cosine, -turn.sine};
  return turn;
}

Rotation Rotation::then(const Rotation& other) const {
  return {cosine * other.cosine - sine * other.sine, sine * other.cosine + cosine * other.sine};
}

void add_noise(Stream& stream, float deviation, std::span<float> pixels) {
  // Four uniform bytes have mean 510 and variance 4 (256^2 - 1) / 12 = 147.8^2.
  const float scale = deviation / 147.8f;
  for (std::size_t i = 0; i < pixels.size(); i += 2) {
    const std::uint64_t bits = stream.bits();
    // Add neighbouring bytes, then neighbouring pairs: two sums of four.
    const std::uint64_t pairs = (bits & 0x00ff00ff00ff00ff) + (bits >> 8 & 0x00ff00ff00ff00ff);
    const std::uint64_t sums = (pairs & 0x0000ffff0000ffff) + (pairs >> 16 & 0x0000ffff0000ffff);
    pixels[i] += scale * (static_cast<float>(sums & 0xffff) - 510);
    if (i + 1 < pixels.size()) pixels[i + 1] += scale * (static_cast<float>(sums >> 32) - 510);
  }
}

}  // namespace telltale::data
