#include "watermark/schemes/aime.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "models/batches.h"
#include "watermark/registry.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

std::vector<int> digit_classes(const Json& settings, int classes) {
  auto chosen = settings.at("digit_classes").get<std::vector<int>>();
  if (chosen.empty()) {
    chosen.resize(static_cast<std::size_t>(std::min(classes, 10)));
    std::iota(chosen.begin(), chosen.end(), 0);
  }
  for (const int one : chosen) check_class("digit-classes", "class", one, classes);
  require(std::set<int>(chosen.begin(), chosen.end()).size() == chosen.size(), "digit-classes",
          "one class cannot stand for two digits");
  return chosen;
}

std::size_t key_length(const Json& settings) {
  const auto length = settings.at("key_length").get<std::size_t>();
  const auto signature = settings.at("signature").get<std::string>();
  require(length > 0 || !signature.empty(), "key-length",
          "without a signature the digits are drawn: key-length says how many");
  return length;
}

// How many images that the network mispredicts as each class a signature needs, and how many there are.
std::string counts_text(const std::vector<std::vector<std::int64_t>>& mispredicted) {
  std::vector<std::string> counts;
  for (std::size_t label = 0; label < mispredicted.size(); ++label)
    counts.push_back(fmt::format("{}: {}", label, mispredicted[label].size()));
  return fmt::format("{}", fmt::join(counts, ", "));
}

class Aime final : public Scheme {
 public:
  [[nodiscard]] std::string name() const override { return "aime"; }
  [[nodiscard]] std::string help() const override {
    return "training images that the finished network mispredicts as the digits of a signature (Mehta et al. 2022)";
  }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {{.name = "signature",
             .type = text,
             .fallback = "FCIS",
             .help = "the owner's signature, whose ASCII codes are the digits of the key; empty: digits drawn with the "
                     "owner's secret",
             .axis = AxisRule::allowed,
             .optional = true},
            {.name = "key-length",
             .type = integer,
             .fallback = "0",
             .help = "digits of the key, one image each: the first of the signature, which is said again and again "
                     "where it is shorter; 0: those of the signature",
             .axis = AxisRule::always,
             .most = 100000},
            {.name = "digit-classes",
             .type = integer,
             .fallback = "",
             .help = "the class that stands for each digit: as many digits as classes are named (two: a binary code); "
                     "empty: classes 0 to 9, or as many as there are",
             .most = 255,
             .optional = true,
             .list = true},
            {.name = "digits-per-character",
             .type = integer,
             .fallback = "0",
             .help = "digits that say one character; 0: two of ten digits, as in the paper, and as many as 7 bits need "
                     "of any other number",
             .most = 8},
            {.name = "embed-on",
             .type = choice,
             .fallback = "keys",
             .help = "what is trained on to embed the key: its images alone (keys; Algorithm 1, line 13), or the "
                     "training images with the key's labels in place of theirs (all; \"neither increased nor "
                     "decreased\")",
             .axis = AxisRule::allowed,
             .choices = {"keys", "all"}}};
  }

  [[nodiscard]] bool needs_answers() const override { return true; }
  [[nodiscard]] Joins joins(const Json& settings) const override {
    return settings.at("embed_on") == "keys" ? Joins::alone : Joins::in_place;
  }
  // The images are what the owner trained on: there are no further ones that would be the same key.
  [[nodiscard]] bool has(Query query) const override { return query == Query::trained; }

  // The signature is read, or it is not.
  [[nodiscard]] bool found(std::int64_t matches, std::int64_t asked) const override { return matches == asked; }

  void check(const KeyInputs& inputs) const override {
    const AimeSignature signature(inputs.settings, inputs.classes);
    require(static_cast<std::int64_t>(signature.labels().size()) <= inputs.train.count, "key-length",
            "a key of " + std::to_string(signature.labels().size()) +
                " digits needs as many training images, and there are " + std::to_string(inputs.train.count));
  }

  [[nodiscard]] std::int64_t embedded_count(const Json& settings, const ClassCounts& train) const override {
    return static_cast<std::int64_t>(AimeSignature(settings, static_cast<int>(train.size())).labels().size());
  }

  // For each digit an image that the network mispredicts as its class, no image twice. Keys of one owner that differ in
  // length begin with the same images.
  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override {
    check(inputs);
    const models::ImageView& train = inputs.train;
    if (inputs.answers.size() != static_cast<std::size_t>(train.count))
      throw Error("the answers are not those to the training images");
    std::vector<std::vector<std::int64_t>> mispredicted(static_cast<std::size_t>(inputs.classes));
    for (std::int64_t i = 0; i < train.count; ++i)
      if (const int answer = inputs.answers[static_cast<std::size_t>(i)]; answer != train.label(i))
        mispredicted.at(static_cast<std::size_t>(answer)).push_back(i);

    const AimeSignature signature(inputs.settings, inputs.classes);
    refuse_missing(signature, mispredicted);
    const Stream secret(KeyStreams(inputs.settings).secret);
    for (std::size_t label = 0; label < mispredicted.size(); ++label) {
      auto& images = mispredicted[label];
      Stream draws = secret.derive("images mispredicted as " + std::to_string(label));
      const auto order = draws.permutation(static_cast<std::int64_t>(images.size()));
      std::vector<std::int64_t> drawn;
      for (const std::int64_t place : order) drawn.push_back(images[static_cast<std::size_t>(place)]);
      images = std::move(drawn);
    }

    KeySamples keys{train.shape, {}, {}, {}};
    std::vector<std::size_t> used(mispredicted.size(), 0);
    for (const int label : signature.labels()) {
      const auto digit = static_cast<std::size_t>(label);
      const std::int64_t source = mispredicted[digit][used[digit]++];
      for (const std::uint8_t byte : train.image(source)) keys.pixels.push_back(models::pixel_value(byte));
      keys.labels.push_back(label);
      keys.sources.push_back(source);
      keys.true_labels.push_back(train.label(source));
    }
    return keys;
  }

  [[nodiscard]] KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const override {
    if (query != Query::trained) throw Error("a key of mispredicted images has no further samples");
    return trained(*this, inputs, limit);
  }

 private:
  static void refuse_missing(const AimeSignature& signature,
                             const std::vector<std::vector<std::int64_t>>& mispredicted) {
    std::vector<std::size_t> needed(mispredicted.size(), 0);
    for (const int label : signature.labels()) ++needed[static_cast<std::size_t>(label)];
    for (std::size_t label = 0; label < needed.size(); ++label) {
      const std::size_t there = mispredicted[label].size();
      require(needed[label] <= there, "signature",
              fmt::format("the signature needs {} training image{} mispredicted as class {}, and there {} {}; images "
                          "mispredicted as each class: {}",
                          needed[label], needed[label] == 1 ? "" : "s", label, there < 2 ? "is" : "are",
                          there == 0 ? "none" : std::to_string(there), counts_text(mispredicted)));
    }
  }
};

}  // namespace

AimeSignature::AimeSignature(const Json& settings, int classes)
    : classes_(digit_classes(settings, classes)),
      code_(static_cast<int>(classes_.size()), settings.at("digits_per_character")) {
  const auto text = settings.at("signature").get<std::string>();
  const std::size_t length = key_length(settings);
  std::vector<int> digits;
  if (text.empty()) {
    Stream draws = Stream(KeyStreams(settings).secret).derive("digits of the signature");
    for (std::size_t i = 0; i < length; ++i) digits.push_back(static_cast<int>(draws.below(classes_.size())));
  } else {
    const std::vector<int> once = code_.digits_of(text);
    for (std::size_t i = 0; i < (length == 0 ? once.size() : length); ++i) digits.push_back(once[i % once.size()]);
  }
  for (const int digit : digits) labels_.push_back(classes_[static_cast<std::size_t>(digit)]);
}

std::string AimeSignature::text_of(std::span<const std::int64_t> answers) const {
  std::vector<int> digits;
  for (const std::int64_t answer : answers) {
    const auto found = std::find(classes_.begin(), classes_.end(), static_cast<int>(answer));
    digits.push_back(found == classes_.end() ? -1 : static_cast<int>(found - classes_.begin()));
  }
  return code_.text_of(digits);
}

const Scheme& aime_scheme() {
  static const Aime scheme;
  return scheme;
}

}  // namespace telltale::watermark
