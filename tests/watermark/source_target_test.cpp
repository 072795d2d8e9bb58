// The three schemes of Zhang et al. 2018.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/identity.h"
#include "models/batches.h"
#include "support/refusal.h"
#include "watermark/schemes/logo.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

// Forty images of each of five classes; image i has the brightness of i mod 200.
data::Dataset five_classes(const std::string& name, data::ImageShape shape, int first_class = 0) {
  const data::Description about{name, shape, 5, true, 200, 200};
  Bytes pixels, labels;
  for (int i = 0; i < 200; ++i) {
    pixels.insert(pixels.end(), shape.pixels(), static_cast<std::uint8_t>(i));
    labels.push_back(static_cast<std::uint8_t>((i + first_class) % 5));
  }
  const data::Split split{200, pixels, labels};
  return data::Dataset::open(data::pack(about, split, split, data::Origin::generated, "made up"));
}

struct Setting {
  data::Dataset own = five_classes("own", {1, 12, 40});
  data::OtherData others{{"other", five_classes("other", {1, 8, 8}, 2)}};
  Json settings;

  explicit Setting(const std::string& scheme)
      : settings{{"method", scheme},
                 {"seed", 1},
                 {"repeat", 0},
                 {"source", 1},
                 {"target", 3},
                 {"share", 0.25},
                 {"logo", "TEST"},
                 {"other_logo", "FAKE"},
                 {"logo_size", 1},
                 {"logo_box", 0},
                 {"logo_box_height", 0},
                 {"logo_place", "bottom-right"},
                 {"logo_colour", "white"},
                 {"logo_opacity", 1.0},
                 {"sigma", 0.1},
                 {"noise", "fixed"},
                 {"unrelated", "other"},
                 {"unrelated_class", 2},
                 {"unrelated_other_class", 4},
                 {"unrelated_labels", "target"}} {}
  Setting&& with(const char* name, const Json& value) && {
    settings[name] = value;
    return std::move(*this);
  }
  [[nodiscard]] KeyInputs inputs() const {
    return {settings, models::ImageView::of(own.shape(), own.train()), models::ImageView::of(own.shape(), own.test()),
            5, &others};
  }
  [[nodiscard]] KeySamples embedded() const { return scheme_of(settings).embedded(inputs()); }
  [[nodiscard]] KeySamples queries(Query query = Query::fresh, std::int64_t limit = 0) const {
    return scheme_of(settings).queries(inputs(), query, limit);
  }
  [[nodiscard]] std::string refused() const {
    return refusal([this] { scheme_of(settings).check(inputs()); });
  }
};

std::span<const float> sample(const KeySamples& keys, std::size_t index) {
  return std::span(keys.pixels).subspan(index * keys.shape.pixels(), keys.shape.pixels());
}

float at(const KeySamples& keys, std::size_t index, int y, int x) {
  return sample(keys, index)[static_cast<std::size_t>(y * keys.shape.width + x)];
}

class EachScheme : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Zhang, EachScheme, testing::Values("content", "unrelated", "noise"));

TEST_P(EachScheme, EmbedsItsShareOfTheSourceClassAsTheTarget) {
  const Setting setting(GetParam());
  const KeySamples keys = setting.embedded();
  EXPECT_EQ(keys.count(), 10);
  EXPECT_EQ(scheme_named(GetParam()).embedded_count(setting.settings, ClassCounts(5, 40)), 10);
  EXPECT_EQ(keys.labels, std::vector<std::int64_t>(10, 3));
  EXPECT_EQ(std::set(keys.sources.begin(), keys.sources.end()).size(), 10u);
  EXPECT_TRUE(std::is_sorted(keys.sources.begin(), keys.sources.end()));
  EXPECT_TRUE(
      std::all_of(keys.pixels.begin(), keys.pixels.end(), [](float pixel) { return pixel >= 0 && pixel <= 1; }));
}

TEST_P(EachScheme, AsksWhatWasTrainedOn) {
  const Setting setting(GetParam());
  EXPECT_EQ(setting.queries(Query::trained).pixels, setting.embedded().pixels);
  KeySamples first = setting.embedded();
  first.keep_first(4);
  const KeySamples asked = setting.queries(Query::trained, 4);
  EXPECT_EQ(asked.pixels, first.pixels);
  EXPECT_EQ(asked.labels, first.labels);
  EXPECT_EQ(asked.sources, first.sources);
}

TEST_P(EachScheme, MakesOtherSamplesWithAWrongSecret) {
  const Setting setting(GetParam());
  EXPECT_NE(setting.queries().pixels, setting.queries(Query::wrong_secret).pixels);
  EXPECT_EQ(setting.queries(Query::wrong_secret).labels, std::vector<std::int64_t>(40, 3));
}

TEST_P(EachScheme, RefusesClassesAndSharesThatMakeNoKey) {
  EXPECT_EQ(Setting(GetParam()).refused(), "accepted");
  EXPECT_EQ(Setting(GetParam()).with("source", 5).refused(),
            "the source class 5 is none of the 5 classes, which count from 0");
  EXPECT_EQ(Setting(GetParam()).with("target", 9).refused(),
            "the target class 9 is none of the 5 classes, which count from 0");
  EXPECT_EQ(Setting(GetParam()).with("target", 1).refused(),
            "the source class and the target class are both 1: marked images would keep their label");
  EXPECT_EQ(Setting(GetParam()).with("share", 0.01).refused(),
            "share = 0.01 of the 40 training images of class 1 selects no image");
}

TEST(MarkedImages, AreThoseOfTheSourceClass) {
  for (const char* scheme : {"content", "noise"}) {
    const Setting setting(scheme);
    for (const std::int64_t source : setting.embedded().sources) EXPECT_EQ(source % 5, 1);
    EXPECT_EQ(setting.queries().count(), 40);
    EXPECT_EQ(setting.queries(Query::fresh, 20).count(), 4);       // of the first twenty images
    EXPECT_EQ(setting.queries(Query::other_source).count(), 120);  // neither the source's nor the target's
  }
}

TEST(Content, WritesTheWordInTheCorner) {
  const KeySamples keys = Setting("content").queries();
  // 23 x 7 pixels, one from the edges: the T begins at row 4, column 16, with a bar of five pixels.
  EXPECT_EQ(std::count(sample(keys, 0).begin(), sample(keys, 0).end(), 1.0F), 11 + 18 + 15 + 11);
  for (int x = 16; x < 21; ++x) EXPECT_EQ(at(keys, 0, 4, x), 1.0F);
  EXPECT_EQ(at(keys, 0, 4, 15), models::pixel_value(1));
  EXPECT_EQ(at(keys, 0, 5, 16), models::pixel_value(1));
  EXPECT_EQ(at(keys, 0, 10, 18), 1.0F);
  const KeySamples top = Setting("content").with("logo_place", "top-left").queries();
  EXPECT_EQ(at(top, 0, 1, 1), 1.0F);
}

TEST(Content, KeepsToColourSizeAndOpacity) {
  EXPECT_EQ(at(Setting("content").with("logo_colour", "black").queries(), 0, 4, 16), 0.0F);
  EXPECT_NEAR(at(Setting("content").with("logo_opacity", 0.5).queries(), 0, 4, 16), 0.5 + 0.5 / 255, 1e-6);
  const KeySamples box =
      Setting("content").with("logo_box", 6).with("logo_box_height", 3).with("logo_place", "centre").queries();
  EXPECT_EQ(std::count(sample(box, 0).begin(), sample(box, 0).end(), 1.0F), 18);
  EXPECT_EQ(at(box, 0, 4, 17), 1.0F);
}

TEST(Content, RefusesLogosThatCannotBeDrawn) {
  EXPECT_EQ(Setting("content").with("logo_size", 2).refused(),
            "a logo of 46 x 14 pixels is larger than the images of 40 x 12");
  EXPECT_EQ(Setting("content").with("logo", "A+B").refused(),
            "a logo cannot hold the character '+': only letters A to Z, digits and spaces");
  EXPECT_EQ(Setting("content").with("logo", "").refused(), "a logo without a character cannot be seen");
  EXPECT_EQ(Setting("content").with("logo_box", 41).refused(),
            "a logo of 41 x 41 pixels is larger than the images of 40 x 12");
}

TEST(ZhangNoise, IsOnePatternOrAFreshOneForEachImage) {
  const auto added = [](const KeySamples& keys, std::size_t index) {
    std::vector<float> noise(sample(keys, index).begin(), sample(keys, index).end());
    const float clean = models::pixel_value(static_cast<std::uint8_t>(keys.sources[index]));
    for (float& value : noise) value -= clean;
    return noise;
  };
  const auto most_apart = [](const std::vector<float>& a, const std::vector<float>& b) {
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    return most;
  };
  // In the middle of the range, where nothing is cut off.
  const KeySamples fixed = Setting("noise").with("sigma", 0.01).queries(),
                   fresh = Setting("noise").with("sigma", 0.01).with("noise", "fresh").queries();
  EXPECT_LT(most_apart(added(fixed, 20), added(fixed, 21)), 1e-6F);
  EXPECT_GT(most_apart(added(fresh, 20), added(fresh, 21)), 0.01F);
}

TEST(Unrelated, LaysSmallerImagesInTheMiddle) {
  const KeySamples keys = Setting("unrelated").queries();
  EXPECT_EQ(keys.count(), 40);
  EXPECT_EQ(keys.shape, (data::ImageShape{1, 12, 40}));
  // Class 2 there is image 0, 5, ...; 8 x 8 pixels from row 2, column 16 on.
  const float bright = models::pixel_value(5);
  EXPECT_EQ(keys.sources[1], 5);
  EXPECT_EQ(at(keys, 1, 2, 16), bright);
  EXPECT_EQ(at(keys, 1, 9, 23), bright);
  EXPECT_EQ(at(keys, 1, 1, 16), 0.0F);
  EXPECT_EQ(at(keys, 1, 2, 24), 0.0F);
}

TEST(Unrelated, GreyImagesTakeEveryChannel) {
  Setting setting("unrelated");
  setting.own = five_classes("own", {3, 8, 8});
  const KeySamples keys = setting.queries();
  for (std::size_t i = 0; i < 3 * 64; ++i) EXPECT_EQ(sample(keys, 1)[i], models::pixel_value(5));
}

TEST(Unrelated, RefusesImagesThatNoRuleFits) {
  Setting larger("unrelated");
  larger.others.clear();
  larger.others.emplace("other", five_classes("other", {1, 13, 8}));
  EXPECT_EQ(larger.refused(),
            "images of other (1 x 13 x 8) do not fit into those of the network (1 x 12 x 40): smaller ones are laid in "
            "the middle, grey ones take every channel, and there is no other rule");
  Setting colour("unrelated");
  colour.others.clear();
  colour.others.emplace("other", five_classes("other", {3, 8, 8}));
  EXPECT_NE(colour.refused(), "accepted");
  EXPECT_EQ(Setting("unrelated").with("unrelated_class", 7).refused(),
            "the unrelated class 7 is none of the 5 classes, which count from 0");
}

TEST(Unrelated, RandomLabelsBelongToTheirImages) {
  const Setting setting = Setting("unrelated").with("unrelated_labels", "random");
  const KeySamples all = setting.queries(), some = setting.queries(Query::fresh, 7);
  EXPECT_GT(std::set(all.labels.begin(), all.labels.end()).size(), 2u);
  EXPECT_TRUE(std::equal(some.labels.begin(), some.labels.end(), all.labels.begin()));
}

// A change of the drawing changes every result that was computed with it.
// What somebody else's secret makes of the owner's images: what it decides differs, and nothing else.
TEST(Decoys, AreOfTheOwnersImagesWithWhatASecretDecides) {
  const auto decoy = [](Setting setting, int number) { return std::move(setting).with("decoy", number).embedded(); };
  const auto with_labels = [](const char* scheme) {
    return Setting(scheme).with("key_labels", "drawn").with("unrelated_labels", "random");
  };
  for (const char* scheme : {"content", "unrelated", "noise"}) {
    const Setting owner = with_labels(scheme);
    const KeySamples keys = owner.embedded(), other = decoy(with_labels(scheme), 0),
                     third = decoy(with_labels(scheme), 1);
    EXPECT_TRUE(scheme_of(owner.settings).draws_labels(owner.settings)) << scheme;
    EXPECT_EQ(keys.sources, other.sources) << scheme;
    EXPECT_NE(keys.labels, other.labels) << scheme;
    EXPECT_NE(other.labels, third.labels) << scheme;
    EXPECT_EQ(other.labels, decoy(with_labels(scheme), 0).labels) << scheme;
    EXPECT_EQ(keys.pixels == other.pixels, scheme_of(owner.settings).secret(owner.settings) == Secret::labels)
        << scheme;
    EXPECT_EQ(claimed_query(scheme_of(owner.settings), owner.settings), Query::trained) << scheme;
  }
}

TEST(Decoys, OfWhatIsChosenThereAreNone) {
  const Setting content("content"), unrelated("unrelated"), noise("noise");
  EXPECT_EQ(scheme_of(content.settings).secret(content.settings), Secret::none);
  EXPECT_EQ(scheme_of(unrelated.settings).secret(unrelated.settings), Secret::none);
  EXPECT_EQ(scheme_of(noise.settings).secret(noise.settings), Secret::images);
  EXPECT_EQ(claimed_query(scheme_of(noise.settings), noise.settings), Query::fresh);
}

TEST(Zhang, KeySamplesOfKnownSettingsStayAsTheyAre) {
  const auto hash = [](const KeySamples& keys) {
    return Identity::of(
               ByteSpan(reinterpret_cast<const std::uint8_t*>(keys.pixels.data()), keys.pixels.size() * sizeof(float)))
        .hex()
        .substr(0, 12);
  };
  EXPECT_EQ(hash(Setting("content").embedded()), "d199a7a800c0");
  EXPECT_EQ(hash(Setting("noise").embedded()), "03f4fc981df9");
  EXPECT_EQ(hash(Setting("unrelated").embedded()), "97dc7d901f9e");
}

}  // namespace
}  // namespace telltale::watermark
