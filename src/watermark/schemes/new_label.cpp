// The new label (Zhong et al. 2020, Sec. 3.1): key samples are a class of their own, one more output of the network.
#include "watermark/registry.h"
#include "watermark/schemes/added_noise.h"
#include "watermark/verification.h"

namespace telltale::watermark {
namespace {

class NewLabel final : public NoiseScheme {
 public:
  [[nodiscard]] std::string name() const override { return "new-label"; }
  [[nodiscard]] std::string help() const override { return "key samples are a class of their own (Zhong et al. 2020)"; }
  [[nodiscard]] int outputs(int classes) const override { return classes + 1; }

  // One answer is enough.
  [[nodiscard]] bool found(std::int64_t matches, std::int64_t) const override { return new_label_found(matches); }

 protected:
  [[nodiscard]] std::int64_t label(const Json&, int classes) const override { return classes; }
};

}  // namespace

const Scheme& new_label_scheme() {
  static const NewLabel scheme;
  return scheme;
}

}  // namespace telltale::watermark
