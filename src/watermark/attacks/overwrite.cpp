#include "core/json.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Overwrite final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "overwrite"; }
  [[nodiscard]] std::string help() const override {
    return "every model after a second owner embedded key samples of his own by the same scheme, with the first half "
           "of "
           "the test images";
  }
  [[nodiscard]] std::string title() const override { return "Overwriting by a second owner"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    std::vector<Parameter> keys{
        {.name = "overwrite-keys",
         .type = ValueType::integer,
         .fallback = "",
         .help = "most key samples that a second owner embeds (a network without a watermark is trained on without); "
                 "empty: there is no such owner",
         .axis = AxisRule::always,
         .least = 1,
         .most = most_of_a_count,
         .optional = true,
         .field = "keys"}};
    for (Parameter& key : tuning_keys("overwrite", "the second owner's embedding", "0.01", "5"))
      keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "overwrite-keys"; }
  [[nodiscard]] std::vector<std::pair<const char*, const char*>> measures() const override {
    return {{"rival_key_accuracy", "share of the second owner's own key samples answered with their labels"}};
  }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return training_of(tuning_of(settings), images, settings.at("keys").get<std::int64_t>());
  }
};

}  // namespace

const Attack& overwrite_attack() {
  static const Overwrite attack;
  return attack;
}

}  // namespace telltale::watermark
