#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class InputOnly final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "input-only"; }
  [[nodiscard]] std::string help() const override {
    return "raw images behind a thief's own transform: he knows how such transforms are drawn, and not this one (a "
           "bipolar pattern: Chen and Wu 2018, Sec. 4)";
  }
  [[nodiscard]] std::string title() const override { return "Input-only attack"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {{.name = "input-only-attempts",
             .type = integer,
             .fallback = "0",
             .help = "how many patterns an input-only attack tries; 0: there is none",
             .most = 100000},
            {.name = "input-only-as",
             .type = choice,
             .fallback = "pattern",
             .help = "what he draws: a bipolar pattern, whatever the owner's transform is; or the owner's kind of "
                     "transform under a key of his own (key), which is what another customer has",
             .axis = AxisRule::always,
             .choices = {"pattern", "key"},
             .field = "as"},
            {.name = "input-only-sigma",
             .type = number,
             .fallback = "0.1",
             .help = "amplitude of its patterns",
             .axis = AxisRule::always,
             .least = 1e-9,
             .most = 10,
             .field = "sigma"},
            {.name = "input-only-share",
             .type = number,
             .fallback = "0.2",
             .help = "a pixel of them is sigma with this probability, and -sigma with it",
             .axis = AxisRule::always,
             .most = 0.5,
             .field = "share"}};
  }
  [[nodiscard]] std::string attempts_key() const override { return "input-only-attempts"; }
  [[nodiscard]] std::string switched_on_by() const override { return attempts_key(); }
  [[nodiscard]] bool draws_as_owner(const Json& settings) const override { return settings.at("as") == "key"; }
  [[nodiscard]] bool opens_raw_images() const override { return true; }
};

}  // namespace

const Attack& input_only_attack() {
  static const InputOnly attack;
  return attack;
}

}  // namespace telltale::watermark
