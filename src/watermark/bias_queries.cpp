#include "watermark/bias_queries.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "core/error.h"
#include "models/batches.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

constexpr std::uint32_t magic = 0x32414942;  // "BIA2"

template <typename T>
void put(ByteWriter& writer, const std::vector<T>& values) {
  writer.block({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)});
}

template <typename T>
void get(ByteSpan bytes, std::vector<T>& values) {
  values.resize(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
}

}  // namespace

std::vector<float> BiasSettings::weights(int classes, std::size_t features) const {
  Stream draws = Stream(KeyStreams(secret).secret).derive("keyed bias");
  std::vector<float> all(static_cast<std::size_t>(classes) * features);
  const double scale = 1 / std::sqrt(static_cast<double>(features));
  for (float& one : all) one = static_cast<float>(scale * draws.normal());
  return all;
}

Bytes BiasQueries::encoded() const {
  ByteWriter writer;
  writer.put(magic).put(shape.channels).put(shape.height).put(shape.width).put(classes);
  put(writer, means), put(writer, whitening), writer.block(pixels), put(writer, first), put(writer, second);
  put(writer, margin), put(writer, features);
  return writer.take();
}

BiasQueries BiasQueries::decoded(ByteSpan bytes, bool with_pixels) {
  ByteReader reader(bytes);
  if (reader.get<std::uint32_t>() != magic) throw Error("these are no queries of a keyed bias");
  BiasQueries queries;
  queries.shape.channels = reader.get<int>(), queries.shape.height = reader.get<int>();
  queries.shape.width = reader.get<int>(), queries.classes = reader.get<int>();
  get(reader.block(), queries.means), get(reader.block(), queries.whitening);
  const ByteSpan pixels = reader.block();
  if (with_pixels) queries.pixels.assign(pixels.begin(), pixels.end());
  get(reader.block(), queries.first), get(reader.block(), queries.second), get(reader.block(), queries.margin),
      get(reader.block(), queries.features);
  if (queries.classes < 1) throw Error("the queries of a keyed bias are between no classes");
  const std::size_t count = queries.count(), each = queries.each();
  if (queries.second.size() != count || queries.margin.size() != count || queries.features.size() != count * each ||
      pixels.size() != count * queries.shape.pixels() ||
      queries.means.size() != each * static_cast<std::size_t>(queries.classes) ||
      queries.whitening.size() != each * each)
    throw Error("the queries of a keyed bias do not fit together");
  return queries;
}

KeySamples claimed_decisions(const BiasQueries& queries, const BiasSettings& settings) {
  const std::size_t each = queries.each(), count = queries.count();
  const std::vector<float> weights = settings.weights(queries.classes, each);
  std::vector<double> favour(count);  // of the first class over the second
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<double, double>> pairs;  // sum and count
  // A pair has one mean, whichever of its classes is ahead.
  const auto of_pair = [&](std::size_t i) {
    const bool in_order = queries.first[i] < queries.second[i];
    return std::pair(
        std::pair(in_order ? queries.first[i] : queries.second[i], in_order ? queries.second[i] : queries.first[i]),
        in_order ? 1.0 : -1.0);
  };
  for (std::size_t i = 0; i < count; ++i) {
    // Without the limits of the bias that was taught: how far a copy of it goes is not known, which way is.
    const auto bias = [&](std::int64_t label) {
      double sum = 0;
      for (std::size_t f = 0; f < each; ++f)
        sum += static_cast<double>(weights[static_cast<std::size_t>(label) * each + f]) *
               static_cast<double>(queries.features[i * each + f]);
      return settings.slope * sum;
    };
    favour[i] = bias(queries.first[i]) - bias(queries.second[i]);
    const auto [pair, sign] = of_pair(i);
    pairs[pair].first += sign * favour[i], pairs[pair].second += 1;
  }
  KeySamples keys{queries.shape, {}, {}, {}};
  keys.pixels.reserve(queries.pixels.size());
  for (const std::uint8_t byte : queries.pixels) keys.pixels.push_back(models::pixel_value(byte));
  for (std::size_t i = 0; i < count; ++i) {
    const auto [pair, sign] = of_pair(i);
    const double centred = favour[i] - sign * pairs[pair].first / pairs[pair].second;
    const bool first = centred >= 0;
    keys.labels.push_back(first ? queries.first[i] : queries.second[i]);
    keys.instead.push_back(first ? queries.second[i] : queries.first[i]);
    keys.weights.push_back(std::abs(centred) / (1 + static_cast<double>(queries.margin[i])));
    keys.sources.push_back(static_cast<std::int64_t>(i));
  }
  return keys;
}

}  // namespace telltale::watermark
