#include "core/json.h"
#include "watermark/attacks/student_keys.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class AdaptiveExtract final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "adaptive-extract"; }
  [[nodiscard]] std::string help() const override {
    return "extraction by a thief who knows what a watermark in near decisions is: he asks about moved copies of each "
           "image and takes their vote, leaves the least sure images out, and knows some labels himself";
  }
  [[nodiscard]] std::string title() const override { return "Adaptive extraction"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    std::vector<Parameter> keys{
        queries_key("adaptive-extract"),
        answers_key("adaptive-extract"),
        {.name = "adaptive-extract-votes",
         .type = integer,
         .fallback = "9",
         .help = "of how many copies of an image, itself and others that are moved by up to 2 "
                 "pixels each way, he takes the mean answer",
         .axis = AxisRule::always,
         .least = 1,
         .most = 1000,
         .field = "votes"},
        {.name = "adaptive-extract-keep",
         .type = number,
         .fallback = "0.9",
         .help = "the share of the images that he trains with: those whose vote is surest",
         .axis = AxisRule::always,
         .least = 0.01,
         .most = 1,
         .field = "keep"},
        {.name = "adaptive-extract-known",
         .type = number,
         .fallback = "0.1",
         .help = "the share of the images whose labels he knows himself: they take the place of "
                 "the answers",
         .axis = AxisRule::always,
         .most = 1,
         .field = "known"}};
    for (Parameter& key : student_keys("adaptive-extract")) keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "adaptive-extract-queries"; }
  [[nodiscard]] bool asks_device() const override { return true; }
  [[nodiscard]] bool opens_raw_images() const override { return true; }
  [[nodiscard]] std::vector<std::pair<const char*, const char*>> measures() const override {
    auto measured = student_measures();
    measured.emplace_back("corrected",
                          "share of the images asked about that the vote answers otherwise than the image");
    return measured;
  }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return student_training(settings, images);
  }
};

}  // namespace

const Attack& adaptive_extract_attack() {
  static const AdaptiveExtract attack;
  return attack;
}

}  // namespace telltale::watermark
