// The network without a watermark, which every other is compared with.
#include "core/error.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Clean final : public Scheme {
 public:
  [[nodiscard]] std::string name() const override { return "clean"; }
  [[nodiscard]] std::string help() const override { return "the network without a watermark"; }
  [[nodiscard]] bool marks() const override { return false; }
  void check(const KeyInputs&) const override {}
  [[nodiscard]] std::int64_t embedded_count(const Json&, const ClassCounts&) const override { return 0; }
  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override { return {inputs.train.shape, {}, {}, {}}; }
  [[nodiscard]] KeySamples queries(const KeyInputs&, Query, std::int64_t) const override {
    throw Error("a clean network has no key samples");
  }
};

}  // namespace

const Scheme& clean_scheme() {
  static const Clean scheme;
  return scheme;
}

}  // namespace telltale::watermark
