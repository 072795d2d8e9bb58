// AIME (Mehta et al. 2022): signatures as digits, and keys of mispredicted images.
#include "watermark/schemes/aime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/refusal.h"
#include "watermark/scheme.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

TEST(SignatureCode, IsThePapersExample) {
  const SignatureCode code(10, 0);
  EXPECT_EQ(code.digits_of("FCIS"), (std::vector<int>{7, 0, 6, 7, 7, 3, 8, 3}));
  EXPECT_EQ(code.text_of(code.digits_of("FCIS")), "FCIS");
}

TEST(SignatureCode, IsBinaryWhereThereAreTwoClassesAndHoldsEveryCharacter) {
  const SignatureCode code(2, 0);
  EXPECT_EQ(code.group(), 7);
  EXPECT_EQ(code.digits_of("A"), (std::vector<int>{1, 0, 0, 0, 0, 0, 1}));
  for (char character = ' '; character <= '~'; ++character)
    EXPECT_EQ(code.text_of(code.digits_of(std::string(1, character))), std::string(1, character));
}

TEST(SignatureCode, RefusesCharactersOutsideItAndSaysWhatWouldHoldThem) {
  EXPECT_EQ(
      refusal([] { static_cast<void>(SignatureCode(10, 0).digits_of("Lee")); }),
      "the character 'e' has the code 101, and 2 digits of base 10 end at 99; digits-per-character = 3 can say every "
      "character");
  EXPECT_EQ(SignatureCode(10, 3).text_of(SignatureCode(10, 3).digits_of("Lee")), "Lee");
  EXPECT_NE(refusal([] { static_cast<void>(SignatureCode(10, 3).digits_of("\xc3\xa9")); }).find("ASCII"),
            std::string::npos);
  EXPECT_NE(refusal([] { SignatureCode(1, 0); }).find("at least two digits"), std::string::npos);
}

TEST(SignatureCode, AnswersThatSayNoCharacterAreShownAsSuch) {
  const SignatureCode code(10, 2);
  EXPECT_EQ(code.text_of(std::vector<int>{7, 0, 0, 3, -1, 5, 8, 3, 7}), "F??S") << "and half a group is none";
}

// A hundred images of five classes in turn, image i all of brightness i. The network answers the next class for every
// image of class 0 and 1, and is right of the others.
struct Mispredicted {
  data::ImageShape shape{1, 2, 2};
  Bytes pixels, labels, answers;
  Json settings{{"method", "aime"},   {"seed", 1},
                {"repeat", 0},        {"signature", ""},
                {"key_length", 6},    {"digit_classes", {1, 2}},
                {"embed_on", "keys"}, {"digits_per_character", 0}};

  Mispredicted() {
    for (int i = 0; i < 100; ++i) {
      pixels.insert(pixels.end(), shape.pixels(), static_cast<std::uint8_t>(i));
      labels.push_back(static_cast<std::uint8_t>(i % 5));
      answers.push_back(static_cast<std::uint8_t>(i % 5 < 2 ? i % 5 + 1 : i % 5));
    }
  }
  Mispredicted&& with(const char* name, const Json& value) && {
    settings[name] = value;
    return std::move(*this);
  }
  [[nodiscard]] KeyInputs inputs() const {
    const models::ImageView view{pixels, labels, shape, 100};
    return {settings, view, view, 5, nullptr, answers};
  }
  [[nodiscard]] KeySamples key() const { return scheme_of(settings).embedded(inputs()); }
  [[nodiscard]] std::string refused() const {
    return refusal([this] { static_cast<void>(key()); });
  }
};

TEST(Aime, AKeyIsOfImagesThatAreMispredictedAsItsDigits) {
  const Mispredicted of;
  const KeySamples key = of.key();
  ASSERT_EQ(key.count(), 6);
  EXPECT_EQ(std::set<std::int64_t>(key.sources.begin(), key.sources.end()).size(), 6u) << "an image stands twice";
  for (std::size_t i = 0; i < 6; ++i) {
    const auto source = static_cast<std::size_t>(key.sources[i]);
    EXPECT_EQ(key.labels[i], of.answers[source]);
    EXPECT_EQ(key.true_labels[i], of.labels[source]);
    EXPECT_NE(key.labels[i], key.true_labels[i]);
    EXPECT_EQ(key.pixels[i * 4], static_cast<float>(source) / 255.0F) << "the image is as it was";
  }
  const AimeSignature signature(of.settings, 5);
  EXPECT_EQ(key.labels, std::vector<std::int64_t>(signature.labels().begin(), signature.labels().end()));
}

TEST(Aime, ALongerKeyBeginsWithTheShorterOne) {
  const KeySamples shorter = Mispredicted().key(), longer = Mispredicted().with("key_length", 12).key();
  EXPECT_TRUE(std::equal(shorter.sources.begin(), shorter.sources.end(), longer.sources.begin()));
}

TEST(Aime, AnotherRepeatHasAnotherKey) {
  EXPECT_NE(Mispredicted().key().sources, Mispredicted().with("repeat", 1).key().sources);
}

TEST(Aime, AShortSignatureIsSaidAgainAndALongOneCut) {
  const Mispredicted spoken = Mispredicted().with("signature", "A");
  EXPECT_EQ(AimeSignature(Json(spoken.settings), 5).labels(), (std::vector<int>{2, 1, 1, 1, 1, 1}));
  const Mispredicted whole = Mispredicted().with("signature", "A").with("key_length", 0);
  EXPECT_EQ(whole.key().count(), 7);
  const KeySamples key = whole.key();
  EXPECT_EQ(AimeSignature(whole.settings, 5).text_of(key.labels), "A");
}

TEST(Aime, ADigitThatNothingIsMispredictedAsIsNamedWithTheCounts) {
  EXPECT_EQ(
      Mispredicted().with("digit_classes", {1, 3}).with("signature", "A").refused(),
      "the signature needs 1 training image mispredicted as class 3, and there is none; images mispredicted as each "
      "class: 0: 0, 1: 20, 2: 20, 3: 0, 4: 0");
  EXPECT_NE(Mispredicted().with("key_length", 90).refused().find("and there are 20;"), std::string::npos);
}

TEST(Aime, SettingsThatSayNoKeyAreRefusedByTheirKey) {
  const auto key_of = [](const Mispredicted& of) -> std::string {
    try {
      scheme_of(of.settings).check(of.inputs());
    } catch (const SettingError& error) {
      return error.key();
    }
    return "accepted";
  };
  EXPECT_EQ(key_of(Mispredicted()), "accepted");
  EXPECT_EQ(key_of(Mispredicted().with("digit_classes", {1, 5})), "digit-classes");
  EXPECT_EQ(key_of(Mispredicted().with("digit_classes", {1, 1})), "digit-classes");
  EXPECT_EQ(key_of(Mispredicted().with("digit_classes", {1})), "digit-classes");
  EXPECT_EQ(key_of(Mispredicted().with("key_length", 0)), "key-length");
  EXPECT_EQ(key_of(Mispredicted().with("key_length", 101)), "key-length");
  EXPECT_EQ(key_of(Mispredicted().with("signature", "\x80")), "signature");
}

TEST(Aime, IsTrainedAloneOrInThePlaceOfItsImages) {
  const ClassCounts counts(5, 20);
  EXPECT_EQ(samples_trained(Mispredicted().settings, counts), 6);
  EXPECT_EQ(samples_trained(Mispredicted().with("embed_on", "all").settings, counts), 100);
}

TEST(Aime, HasNoKeySamplesButThoseThatAreTrainedOn) {
  const Scheme& scheme = scheme_named("aime");
  EXPECT_TRUE(scheme.has(Query::trained));
  for (const Query query : {Query::fresh, Query::wrong_secret, Query::other_source}) EXPECT_FALSE(scheme.has(query));
}

}  // namespace
}  // namespace telltale::watermark
