// Zhang et al. 2018, Sec. 3.2, "noise": Gaussian noise on images of the source class.
#include <algorithm>

#include "watermark/registry.h"
#include "watermark/schemes/added_noise.h"
#include "watermark/schemes/source_target.h"

namespace telltale::watermark {
namespace {

class Noise final : public MarkedImagesScheme {
 public:
  [[nodiscard]] std::string name() const override { return "noise"; }
  [[nodiscard]] std::string help() const override {
    return "images of one class with Gaussian noise, labelled as another (Zhang et al. 2018)";
  }
  [[nodiscard]] Secret secret(const Json&) const override { return Secret::images; }

 protected:
  [[nodiscard]] std::vector<Parameter> own_parameters() const override {
    using enum ValueType;
    return {{.name = "sigma",
             .type = number,
             .fallback = "0.1",
             .help = "standard deviation of the noise watermark, on [0,1] pixels, which stay there",
             .axis = AxisRule::allowed,
             .least = 1e-9,
             .most = 1000},
            {.name = "key-noise",
             .type = choice,
             .fallback = "fixed",
             .help = "one noise pattern for all key samples of a secret, or a fresh one for each",
             .axis = AxisRule::allowed,
             .choices = {"fixed", "fresh"},
             .field = "noise"},
            key_labels_key()};
  }

  [[nodiscard]] Mark mark(const Json& settings, const data::ImageShape& shape, bool owners) const override {
    const KeyStreams streams(settings);
    const Stream secret(owners ? streams.secret : streams.wrong_secret);
    const double sigma = settings.at("sigma");
    const bool fresh = settings.at("noise") == "fresh";
    return [=, pattern = noise_pattern(secret, shape)](std::span<float> pixels, std::int64_t source,
                                                       const std::string& split) {
      const std::vector<float>& own =
          fresh ? noise_pattern(secret.derive(split + " image " + std::to_string(source)), shape) : pattern;
      for (std::size_t i = 0; i < pixels.size(); ++i)
        pixels[i] = std::clamp(static_cast<float>(static_cast<double>(pixels[i]) + sigma * static_cast<double>(own[i])),
                               0.0F, 1.0F);
    };
  }
};

}  // namespace

const Scheme& noise_scheme() {
  static const Noise scheme;
  return scheme;
}

}  // namespace telltale::watermark
