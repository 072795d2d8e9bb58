// Zhang et al. 2018, Sec. 3.2, "content": a logo drawn on images of the source class.
#include "core/error.h"
#include "watermark/registry.h"
#include "watermark/schemes/logo.h"
#include "watermark/schemes/source_target.h"

namespace telltale::watermark {
namespace {

class Content final : public MarkedImagesScheme {
 public:
  [[nodiscard]] std::string name() const override { return "content"; }
  [[nodiscard]] std::string help() const override {
    return "images of one class with a logo on them, labelled as another (Zhang et al. 2018)";
  }
  // The logo is chosen.
  [[nodiscard]] Secret secret(const Json& settings) const override {
    return draws_labels(settings) ? Secret::labels : Secret::none;
  }
  void check(const KeyInputs& inputs) const override {
    MarkedImagesScheme::check(inputs);
    std::vector<float> image(inputs.train.shape.pixels());
    for (const bool owners : {true, false}) try {
        mark(inputs.settings, inputs.train.shape, owners)(image, 0, "check");
      } catch (const InputError& error) {
        throw SettingError(!owners                              ? "other-logo"
                           : inputs.settings.at("logo_box") > 0 ? "logo-box"
                                                                : "logo",
                           error.what());
      }
  }

 protected:
  [[nodiscard]] std::vector<Parameter> own_parameters() const override {
    using enum ValueType;
    return {{.name = "logo",
             .type = text,
             .fallback = "TEST",
             .help = "the word that the content watermark writes: letters, digits, spaces",
             .axis = AxisRule::allowed},
            {.name = "logo-size",
             .type = integer,
             .fallback = "1",
             .help = "pixels that a dot of the logo's letters (5 x 7 dots each) is wide and high",
             .axis = AxisRule::allowed,
             .least = 1,
             .most = 100},
            {.name = "logo-box",
             .type = integer,
             .fallback = "0",
             .help = "a box so many pixels wide instead of the word; 0: none",
             .axis = AxisRule::allowed,
             .most = 1000},
            {.name = "logo-box-height",
             .type = integer,
             .fallback = "0",
             .help = "height of the box; 0: as its width",
             .axis = AxisRule::allowed,
             .most = 1000},
            {.name = "logo-place",
             .type = choice,
             .fallback = "bottom-right",
             .help = "where the logo lies",
             .axis = AxisRule::allowed,
             .choices = place_names()},
            {.name = "logo-colour",
             .type = choice,
             .fallback = "white",
             .help = "colour of the logo; grey images take its luminance",
             .axis = AxisRule::allowed,
             .choices = colour_names()},
            {.name = "logo-opacity",
             .type = number,
             .fallback = "1",
             .help = "how much the logo covers what lies below it",
             .axis = AxisRule::allowed,
             .least = 1e-9,
             .most = 1},
            {.name = "other-logo",
             .type = text,
             .fallback = "FAKE",
             .help = "the word on the key samples of a wrong secret: does any logo trigger the watermark?",
             .axis = AxisRule::allowed},
            key_labels_key()};
  }

  [[nodiscard]] Mark mark(const Json& settings, const data::ImageShape& shape, bool owners) const override {
    const int box = settings.at("logo_box"), height = settings.at("logo_box_height");
    const Logo logo = owners && box > 0
                          ? Logo::of_box(box, height > 0 ? height : box)
                          : Logo::of_text(settings.at(owners ? "logo" : "other_logo"), settings.at("logo_size"));
    return [=, place = place_named(settings.at("logo_place")), colour = colour_named(settings.at("logo_colour")),
            opacity = settings.at("logo_opacity").get<float>()](std::span<float> pixels, std::int64_t,
                                                                const std::string&) {
      draw(logo, place, colour, opacity, shape, pixels);
    };
  }
};

}  // namespace

const Scheme& content_scheme() {
  static const Content scheme;
  return scheme;
}

}  // namespace telltale::watermark
