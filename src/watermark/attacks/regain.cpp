#include "watermark/attacks/regain.h"

#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Regain final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "regain"; }
  [[nodiscard]] std::string help() const override {
    return "what a thief with the network, and a few raw images of his own with labels, gets of raw images; and what "
           "he "
           "gets without the network";
  }
  [[nodiscard]] std::string title() const override { return "A thief's own labels"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {
        {.name = "regain-labels",
         .type = integer,
         .fallback = "",
         .help =
             "so many images of every class a thief has labels of, from the first half of the test images; the rest "
             "of that half he has without; 0: no labels at all; empty: there is no such thief",
         .axis = AxisRule::always,
         .most = most_of_a_count,
         .optional = true,
         .field = "labels"},
        {.name = "regain-by",
         .type = choice,
         .fallback = "tune, readout, universal, scratch",
         .help =
             "what he does: trains the network on (tune); fits a linear map of its log-probabilities (readout); "
             "fits one perturbation of all images, without labels one that makes answers sure and diverse "
             "(universal), or a matrix for every block of an image, likewise (blocks), or one for the whole image that "
             "begins with what the spectrum of a dense first layer says of it (spectrum); trains a network from "
             "drawn weights (scratch); tune or scratch, and "
             "then on with its own sure answers to the images without labels (self-tune, self-training)",
         .axis = AxisRule::always,
         .choices = {"tune", "self-tune", "readout", "universal", "blocks", "spectrum", "scratch", "self-training"},
         .field = "by"},
        {.name = "regain-steps",
         .type = integer,
         .fallback = "500",
         .help = "steps of whatever he fits",
         .axis = AxisRule::always,
         .least = 1,
         .most = 1e7,
         .field = "steps"},
        {.name = "regain-block",
         .type = integer,
         .fallback = "4",
         .help = "rows and columns of the blocks that he fits matrices for",
         .axis = AxisRule::always,
         .least = 1,
         .most = 64,
         .field = "block"},
        {.name = "regain-rate",
         .type = number,
         .fallback = "0.01",
         .help = "learning rate of what he trains (SGD, momentum 0.9); readout and universal have Adam's, as large",
         .least = 1e-12,
         .most = 1000,
         .field = "rate"},
        {.name = "regain-batch",
         .type = integer,
         .fallback = "32",
         .help = "images a step",
         .least = 1,
         .most = 65536,
         .field = "batch"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "regain-labels"; }
  // Without labels there is nothing to train towards; what stands in front may still make answers sure and diverse.
  [[nodiscard]] bool has_meaning(const Json& settings) const override {
    return settings.at("labels") != 0 || fits_in_front(settings);
  }
  [[nodiscard]] bool trains_own(const Json& settings) const override {
    return settings.at("by") == "scratch" || settings.at("by") == "self-training";
  }
  [[nodiscard]] bool opens_raw_images() const override { return true; }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    const auto steps = settings.at("steps").get<std::int64_t>(), batch = settings.at("batch").get<std::int64_t>();
    const bool itself = settings.at("by").get<std::string>().starts_with("self");
    const std::int64_t rounds = itself ? 1 + regain_rounds : 1;
    return {std::min(steps * batch, images / 2), batch, std::max<std::int64_t>(1, rounds * steps * batch / images)};
  }

 private:
  static bool fits_in_front(const Json& settings) {
    const Json& by = settings.at("by");
    return by == "universal" || by == "blocks" || by == "spectrum";
  }
};

}  // namespace

const Attack& regain_attack() {
  static const Regain attack;
  return attack;
}

}  // namespace telltale::watermark
