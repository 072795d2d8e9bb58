#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "watermark/claims.h"
#include "watermark/forgery.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// Ten images of each class, no two alike.
struct ForgersImages {
  Bytes pixels, labels;
  data::ImageShape shape{1, 8, 10};

  ForgersImages() {
    for (int i = 0; i < 100; ++i) {
      pixels.insert(pixels.end(), shape.pixels(), static_cast<std::uint8_t>(i));
      labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
  }
  [[nodiscard]] models::ImageView view() const {
    return {pixels, labels, shape, static_cast<std::int64_t>(labels.size())};
  }
};

// Answers 3 to images that are bright, and 1 to others; counts what it is asked.
class CountingService final : public Service {
 public:
  [[nodiscard]] int outputs() const override { return 11; }
  at::Tensor logits(const models::ImageView&, std::int64_t) override { throw Error("nobody asks this with bytes"); }
  at::Tensor logits(const at::Tensor& images, std::int64_t) override {
    asked += images.size(0);
    const at::Tensor answers =
        at::where(images.mean({1, 2, 3}) > 0.2, at::tensor(3, at::kLong), at::tensor(1, at::kLong));
    return at::one_hot(answers, 11).to(at::kFloat);
  }

  std::int64_t asked = 0;
};

TEST(BestOf, AsksEveryKeyOrTheFirstAloneWhereAllHaveItsImages) {
  const ForgersImages images;
  const Json own{{"method", "new-label"}, {"reading", "amplitude"}, {"alpha", 0.1}, {"beta", 0.04},
                 {"clip", false},         {"noise", "fixed"},       {"seed", 1},    {"repeat", 0}};
  const KeyInputs key{own, images.view(), images.view(), 10};
  const auto suspect = std::make_shared<CountingService>();
  const ForgeryInputs inputs{key, suspect, {}, 20, 20, 4, 0, 8, Stream(1, {}, "forger"), [] {}};
  const auto origin = [&](std::uint64_t seed) {
    KeyOrigin made{own, images.view(), images.view(), {}};
    made.settings["seed"] = seed;
    return made;
  };
  const std::int64_t count = key_of(origin(1), inputs).count();

  const Forged same = best_of(
      4, [&](std::int64_t) { return origin(1); }, inputs, true);
  EXPECT_EQ(suspect->asked, count);
  EXPECT_EQ(same.tries, 4);
  EXPECT_EQ(same.samples.pixels, key_of(origin(1), inputs).pixels);

  suspect->asked = 0;
  const Forged others = best_of(
      4, [&](std::int64_t i) { return origin(1 + static_cast<std::uint64_t>(i)); }, inputs, false);
  EXPECT_EQ(suspect->asked, 4 * count);
  EXPECT_EQ(others.samples.pixels, key_of(*others.origin, inputs).pixels);
}

}  // namespace
}  // namespace telltale::watermark
