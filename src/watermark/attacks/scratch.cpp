#include "core/json.h"
#include "watermark/attacks/student_keys.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Scratch final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "scratch"; }
  [[nodiscard]] std::string help() const override {
    return "no attack: a network of the same structure that a thief with labels of his own trains from drawn weights, "
           "without the stolen one";
  }
  [[nodiscard]] std::string title() const override { return "What a thief's own labels give without the network"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    std::vector<Parameter> keys{images_key(
        "scratch-images",
        "how many images of the first half of the test images are trained on with their true labels; empty: none")};
    for (Parameter& key : student_keys("scratch")) keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "scratch-images"; }
  [[nodiscard]] bool is_control() const override { return true; }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return student_training(settings, images);
  }
};

}  // namespace

const Attack& scratch_attack() {
  static const Scratch attack;
  return attack;
}

}  // namespace telltale::watermark
