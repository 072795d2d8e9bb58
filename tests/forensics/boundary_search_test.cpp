// The searches, on machines that are functions. Longer than other files: every case is about the same few machines.
#include "forensics/boundary_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/identity.h"

namespace telltale::forensics {
namespace {

// --- the published searches, step by step, on machines that say what a script tells them ---

Answer says(std::vector<float> confidences, Point slope = {1, -1}) {
  return {confidences, confidences, {std::move(slope)}};
}

// machines[m][k]: what machine m answers when it is asked for the k-th time.
class Script final : public Oracle {
 public:
  explicit Script(std::vector<std::vector<Answer>> machines) : script_(std::move(machines)), asked_(script_.size()) {}

  std::vector<Answer> ask(const std::vector<int>& machines, const std::vector<Question>& questions) override {
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      const auto m = static_cast<std::size_t>(machines[i]);
      questions_.push_back(questions[i]);
      answers.push_back(script_[m].at(asked_[m]++));
    }
    return answers;
  }

  std::vector<Question> questions_;

 private:
  std::vector<std::vector<Answer>> script_;
  std::vector<std::size_t> asked_;
};

SearchOptions options_of(Preset preset, std::vector<int> microarchitectures) {
  SearchOptions options;
  options.preset = preset;
  options.microarchitectures = std::move(microarchitectures);
  options.keeps_steps = true;
  return options;
}

Attempt run(Script& script, const SearchOptions& options, int label = 0) {
  return search_boundary(script, {0.5F, 0.5F}, label, options, Stream(1, Json::object(), "test"));
}

std::vector<double> scales_of(const Attempt& attempt) {
  std::vector<double> scales;
  for (const SearchStep& step : attempt.steps) scales.push_back(step.scale);
  return scales;
}

// 0.8F - 0.2F and its like, as the searches compute them.
double delta(float top, float second) { return static_cast<double>(top - second); }

TEST(PublishedSearch, CodeDoublesOnAStallAndTakesDeltaWhenTheAnswerChanges) {
  Script script({{says({0.9F, 0.1F}), says({0.9F, 0.1F}), says({0.8F, 0.2F}), says({0.45F, 0.55F}),
                  says({0.500004F, 0.499996F}), says({0.6F, 0.4F})},
                 {says({0.4F, 0.6F})}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1}));
  EXPECT_EQ(attempt.ending, Ending::success);
  // 2 at first, 4 on the stall, then the deltas: after another confidence, and after the flip.
  EXPECT_EQ(scales_of(attempt), (std::vector<double>{2, 4, delta(0.8F, 0.2F), delta(0.55F, 0.45F)}));
  EXPECT_EQ(attempt.local_steps, 4);
  EXPECT_EQ(attempt.remote_steps, 0);
  EXPECT_EQ(attempt.evaluations, 5 * 2 + 2 * 2) << "five local looks and one at both machines, slopes included";
  // Right at the start: with the slope, and against it where the label differs from the first one.
  float up = 0.5F, down = 0.5F;
  for (const double step : {2e-4, 4e-4, delta(0.8F, 0.2F) * 1e-4, -delta(0.55F, 0.45F) * 1e-4}) {
    up += static_cast<float>(step);
    down -= static_cast<float>(step);
  }
  EXPECT_EQ(attempt.sample, (Point{up, down}));
  EXPECT_EQ(script.questions_.front().slope, Slope::loss);
  EXPECT_EQ(attempt.identified, 0) << "of two machines the first is named";
  EXPECT_EQ(attempt.identifying_label, 0);
  EXPECT_EQ(attempt.contrast_label, 1);
}

TEST(PublishedSearch, CodeGoesTheOtherWayWhereTheStartIsMisclassified) {
  Script script({{says({0.9F, 0.1F}), says({0.500001F, 0.499999F}), says({0.6F, 0.4F})}, {says({0.4F, 0.6F})}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1}), 1);
  EXPECT_EQ(attempt.sample.front(), 0.5F + static_cast<float>(-2e-4));
}

TEST(PublishedSearch, PaperBeginsWithDeltaAndLowersTheScoreOfTheTrueClass) {
  Script script({{says({0.9F, 0.1F}), says({0.9F, 0.1F}), says({0.3F, 0.7F}), says({0.5F, 0.5F}), says({0.6F, 0.4F})},
                 {says({0.4F, 0.6F})}});
  const Attempt attempt = run(script, options_of(Preset::paper, {0, 1}));
  EXPECT_EQ(attempt.ending, Ending::success);
  const double first = delta(0.9F, 0.1F), flipped = delta(0.7F, 0.3F);
  EXPECT_EQ(scales_of(attempt), (std::vector<double>{first, 2 * first, flipped}));
  float up = 0.5F;
  for (const double step : {-first * 1e-4, -2 * first * 1e-4, flipped * 1e-4}) up += static_cast<float>(step);
  EXPECT_EQ(attempt.sample.front(), up);
  EXPECT_EQ(script.questions_.front().slope, Slope::score);
}

TEST(PublishedSearch, AThirdLabelTurnsTheDirectionToo) {
  Script script({{says({0.6F, 0.3F, 0.1F}), says({0.2F, 0.3F, 0.5F}), says({0.5F, 0.5F, 0})  // delta 0: near enough
                  ,
                  says({0.6F, 0.4F, 0})},
                 {says({0.4F, 0.6F, 0})}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1}));
  EXPECT_EQ(attempt.ending, Ending::success);
  float up = 0.5F;
  for (const double step : {2e-4, -delta(0.5F, 0.3F) * 1e-4}) up += static_cast<float>(step);
  EXPECT_EQ(attempt.sample.front(), up);
}

TEST(PublishedSearch, AConfidenceOfOneIsSaturated) {
  Script script({{says({1, 0})}, {}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1}));
  EXPECT_EQ(attempt.ending, Ending::saturated);
  EXPECT_EQ(attempt.evaluations, 2);
  EXPECT_EQ(attempt.sample, (Point{0.5F, 0.5F}));
}

const Answer near = says({0.5F, 0.5F});

TEST(PublishedSearch, WhereAllAgreeTheMachineNearestToItsBoundaryLeads) {
  Script script({{near, says({0.6F, 0.4F}), says({0.6F, 0.4F})},
                 {says({0.55F, 0.45F}), says({0.4F, 0.6F})},
                 {says({0.7F, 0.3F}), says({0.7F, 0.3F})}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1, 2}));
  EXPECT_EQ(attempt.ending, Ending::success);
  ASSERT_EQ(attempt.steps.size(), 1U);
  EXPECT_EQ(attempt.steps.front().machine, 1);
  EXPECT_EQ(attempt.identified, 1);
  EXPECT_EQ(attempt.identifying_label, 1);
  EXPECT_EQ(attempt.contrast_label, 0);
  EXPECT_EQ(attempt.evaluations, 2 + 2 * 3 * 2);
}

TEST(PublishedSearch, OfTwoAgainstTwoTheFirstMachinesGroupAndItsSecondFarthestIsFollowed) {
  Script script({{near, says({0.6F, 0.4F}), says({0.3F, 0.7F})},
                 {says({0.55F, 0.45F}), says({0.6F, 0.4F})},
                 {says({0.3F, 0.7F}), says({0.3F, 0.7F})},
                 {says({0.3F, 0.7F}), says({0.3F, 0.7F})}});
  const Attempt attempt = run(script, options_of(Preset::paper, {0, 1, 2, 3}));
  EXPECT_EQ(attempt.ending, Ending::success);
  ASSERT_EQ(attempt.steps.size(), 1U);
  EXPECT_EQ(attempt.steps.front().machine, 1) << "0.55 - 0.45 is the smaller delta of the first group";
  EXPECT_EQ(attempt.identified, 1);
}

TEST(PublishedSearch, OneOfTwinsIsEnoughForThePaperAndNotForTheProgram) {
  const std::vector<std::vector<Answer>> script{{near, says({0.4F, 0.6F}), says({0.4F, 0.6F})},
                                                {says({0.6F, 0.4F}), says({0.4F, 0.6F})},
                                                {says({0.6F, 0.4F}), says({0.6F, 0.4F})},
                                                {says({0.6F, 0.4F}), says({0.6F, 0.4F})}};
  Script of_paper(script), of_code(script);
  const Attempt paper = run(of_paper, options_of(Preset::paper, {0, 0, 1, 2}));
  EXPECT_EQ(paper.remote_steps, 0);
  EXPECT_EQ(paper.identified, 0);
  const Attempt code = run(of_code, options_of(Preset::code, {0, 0, 1, 2}));
  EXPECT_EQ(code.remote_steps, 1);
  EXPECT_EQ(code.identified, 0);
  EXPECT_EQ(code.labels, (std::vector<int>{1, 1, 0, 0}));
}

TEST(PublishedSearch, ItsLimitsEndIt) {
  SearchOptions options = options_of(Preset::code, {0, 1});
  options.local_limit = 1;
  Script far({{says({0.9F, 0.1F}), says({0.8F, 0.2F})}, {}});
  EXPECT_EQ(run(far, options).ending, Ending::local_limit);
  options.remote_limit = 1;
  Script agreeing({{near, says({0.6F, 0.4F}), says({0.6F, 0.4F})}, {says({0.6F, 0.4F}), says({0.6F, 0.4F})}});
  const Attempt attempt = run(agreeing, options);
  EXPECT_EQ(attempt.ending, Ending::remote_limit);
  EXPECT_EQ(attempt.remote_steps, 1);
}

TEST(PublishedSearch, ADeltaOfNothingStillMoves) {
  Script script({{near, near, says({0.6F, 0.4F})}, {near, says({0.4F, 0.6F})}});
  const Attempt attempt = run(script, options_of(Preset::code, {0, 1}));
  ASSERT_EQ(attempt.steps.size(), 1U);
  EXPECT_EQ(attempt.steps.front().delta, 0);
  EXPECT_NE(attempt.sample.front(), 0.5F);
}

TEST(Judgement, NeedsOneMicroarchitectureAgainstAllOthers) {
  EXPECT_EQ(judge({1, 0, 0}, {0, 1, 2}).identified, 0);
  EXPECT_EQ(judge({1, 1, 0, 0}, {0, 0, 1, 2}).identified, 0);
  EXPECT_EQ(judge({1, 0, 0, 0}, {0, 0, 1, 2}).identified, -1) << "its twin answers otherwise";
  EXPECT_EQ(judge({0, 0, 1, 1}, {0, 1, 2, 3}).identified, -1);
  EXPECT_EQ(judge({0, 1, 2, 2}, {0, 1, 2, 3}).identified, -1) << "there must be one contrast label";
  EXPECT_EQ(judge({0, 0}, {0, 1}).identified, -1);
}

TEST(Psnr, IsItsDefinition) {
  EXPECT_DOUBLE_EQ(psnr(1e-5), 50);
  EXPECT_DOUBLE_EQ(psnr(1), 0);
}

// --- ours, on machines of one linear network that round differently ---

constexpr std::size_t side = 20;

class Rounding final : public Oracle {
 public:
  explicit Rounding(double noise = 1e-6) : noise_(noise), weights_(side * side) {
    Stream stream(7, Json::object(), "weights");
    for (float& weight : weights_) weight = static_cast<float>(stream.normal());
  }

  std::vector<Answer> ask(const std::vector<int>& machines, const std::vector<Question>& questions) override {
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      evaluations += questions[i].evaluations();
      answers.push_back(answer(machines[i], questions[i]));
    }
    return answers;
  }

  [[nodiscard]] int label(int machine, const Point& point) const {
    return answer(machine, {point, Slope::none, 0, {}}).label();
  }

  std::int64_t evaluations = 0;

 private:
  // What a machine rounds depends on every bit of the input.
  [[nodiscard]] double noise_of(int machine, const Point& point) const {
    Hasher hasher;
    hasher.update(ByteSpan(reinterpret_cast<const std::uint8_t*>(point.data()), point.size() * sizeof(float)));
    hasher.update(std::to_string(machine));
    const Identity hash = hasher.finish();
    std::uint64_t bits;
    std::memcpy(&bits, hash.bytes().data(), sizeof bits);
    return noise_ * (static_cast<double>(bits >> 11) * 0x1p-52 - 1);
  }

  [[nodiscard]] Answer answer(int machine, const Question& question) const {
    double sum = 3;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      sum += static_cast<double>(weights_[i]) * (static_cast<double>(question.point[i]) - 0.5);
    sum += noise_of(machine, question.point);
    Answer answer{{static_cast<float>(sum), 0, -50}, {}, {}};
    answer.confidences = answer.logits;
    for (const int rival : question.rivals) {
      answer.slopes.push_back(weights_);
      if (rival == 2)
        for (float& slope : answer.slopes.back()) slope *= 1e-3F;  // a boundary far away
    }
    return answer;
  }

  double noise_;
  Point weights_;
};

Point start_image() {
  Point start;
  Stream stream(3, Json::object(), "start");
  for (std::size_t i = 0; i < side * side; ++i) start.push_back(static_cast<float>(stream.below(256)) / 255.0F);
  return start;
}

SearchOptions our_options() {
  SearchOptions options = options_of(Preset::telltale, {0, 1, 2, 3});
  options.height = options.width = side;
  options.clip = true;
  return options;
}

Attempt search(Rounding& machines, const SearchOptions& options, const char* purpose = "search") {
  return search_boundary(machines, start_image(), 0, options, Stream(1, Json::object(), purpose));
}

TEST(NearestSearch, FindsASampleThatOneMachineAloneCallsOtherwise) {
  Rounding machines;
  const Attempt attempt = search(machines, our_options());
  ASSERT_EQ(attempt.ending, Ending::success);
  EXPECT_EQ(attempt.evaluations, machines.evaluations);
  for (int m = 0; m < 4; ++m) {
    const auto at = static_cast<std::size_t>(m);
    EXPECT_EQ(machines.label(m, attempt.sample), attempt.labels[at]);
    EXPECT_EQ(attempt.labels[at] == attempt.identifying_label, m == attempt.identified);
    EXPECT_EQ(attempt.labels[at] == attempt.contrast_label, m != attempt.identified);
  }
  EXPECT_TRUE(std::all_of(attempt.sample.begin(), attempt.sample.end(), [](float v) { return v >= 0 && v <= 1; }));
}

TEST(NearestSearch, ComesAsNearAsTheLinearBoundaryIs) {
  Rounding machines;
  SearchOptions options = our_options();
  options.clip = false;
  const Attempt attempt = search(machines, options);
  const Answer there = machines.ask({0}, {{start_image(), Slope::margin, 0, {1}}}).front();
  double square = 0;
  for (const float slope : there.slopes.front()) square += static_cast<double>(slope) * static_cast<double>(slope);
  const double margin = static_cast<double>(there.logits[0] - there.logits[1]);
  EXPECT_NEAR(attempt.squared_error / (margin * margin / square / (side * side)), 1, 1e-3);
}

TEST(NearestSearch, SinglesOutTheMachineThatIsNamed) {
  for (int target = 0; target < 4; ++target) {
    Rounding machines;
    SearchOptions options = our_options();
    options.target = target;
    const Attempt attempt = search(machines, options);
    ASSERT_EQ(attempt.ending, Ending::success);
    EXPECT_EQ(attempt.identified, target);
  }
}

TEST(NearestSearch, OfTwoMachinesNamesTheTarget) {
  Rounding machines;
  SearchOptions options = our_options();
  options.microarchitectures = {0, 1};
  options.target = 1;
  const Attempt attempt = search(machines, options);
  ASSERT_EQ(attempt.ending, Ending::success);
  EXPECT_EQ(attempt.identified, 1);
  EXPECT_EQ(attempt.identifying_label, attempt.labels[1]);
}

TEST(NearestSearch, OnTheGridEveryValueIsAMultipleOfOne255th) {
  Rounding machines;
  SearchOptions options = our_options();
  options.eight_bit = true;
  const Attempt attempt = search(machines, options);
  ASSERT_EQ(attempt.ending, Ending::success);
  for (const float value : attempt.sample) {
    const long byte = std::lround(255 * static_cast<double>(value));
    EXPECT_TRUE(byte >= 0 && byte <= 255);
    EXPECT_EQ(value, static_cast<float>(byte) / 255.0F);
  }
  EXPECT_EQ(judge(attempt.labels, options.microarchitectures).identified, attempt.identified);
}

TEST(NearestSearch, IsAFunctionOfItsStreamAndTheAnswers) {
  Rounding machines, again;
  const Attempt first = search(machines, our_options()), second = search(again, our_options());
  EXPECT_EQ(first.sample, second.sample);
  EXPECT_EQ(first.evaluations, second.evaluations);
}

TEST(NearestSearch, KeepsToItsLimitAndItsFloor) {
  SearchOptions options = our_options();
  options.evaluation_limit = 10;
  Rounding alike(0);  // machines that round alike never part
  const Attempt spent = search(alike, options);
  EXPECT_EQ(spent.ending, Ending::evaluation_limit);
  EXPECT_GE(spent.evaluations, 10);
  EXPECT_LT(spent.evaluations, 40);
  options = our_options();
  options.least_psnr = 200;
  Rounding machines;
  EXPECT_EQ(search(machines, options).ending, Ending::below_floor);
}

class Constant final : public Oracle {
 public:
  std::vector<Answer> ask(const std::vector<int>& machines, const std::vector<Question>& questions) override {
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < machines.size(); ++i)
      answers.push_back(
          {{2, 1},
           {0.7F, 0.3F},
           std::vector<Point>(static_cast<std::size_t>(questions[i].slopes()), Point(questions[i].point.size()))});
    return answers;
  }
};

TEST(NearestSearch, SaysSoWhereThereIsNoSlope) {
  Constant oracle;
  SearchOptions options = our_options();
  EXPECT_EQ(search_boundary(oracle, start_image(), 0, options, Stream(1, Json::object(), "x")).ending,
            Ending::no_slope);
}

TEST(Searches, RefuseWhatCannotBe) {
  Rounding machines;
  const auto refused = [&](auto change) {
    SearchOptions options = our_options();
    change(options);
    EXPECT_THROW(search(machines, options), Error);
  };
  refused([](SearchOptions& o) { o.microarchitectures = {0, 0}; });
  refused([](SearchOptions& o) { o.local = 4; });
  refused([](SearchOptions& o) { o.target = 9; });
  refused([](SearchOptions& o) { o.preset = Preset::code, o.target = 1; });
  refused([](SearchOptions& o) { o.preset = Preset::paper, o.eight_bit = true; });
  refused([](SearchOptions& o) { o.eight_bit = true, o.width = 0; });
  EXPECT_THROW(preset_named("fgsm"), InputError);
}

TEST(Messages, SurviveTheWire) {
  const Question question{{0.25F, -0.0F}, Slope::margin, 3, {1, 2}};
  const Question back = decode_question(encode(question));
  EXPECT_EQ(back.point, question.point);
  EXPECT_TRUE(std::signbit(back.point[1]));
  EXPECT_EQ(back.slope, question.slope);
  EXPECT_EQ(back.label, 3);
  EXPECT_EQ(back.rivals, question.rivals);
  EXPECT_EQ(back.evaluations(), 3);
  const Answer answer{{1, 2, 2}, {0.1F, 0.4F, 0.5F}, {{1, 2}, {3, 4}}};
  const Answer heard = decode_answer(encode(answer));
  EXPECT_EQ(heard.logits, answer.logits);
  EXPECT_EQ(heard.confidences, answer.confidences);
  EXPECT_EQ(heard.slopes, answer.slopes);
  EXPECT_EQ(heard.label(), 1) << "the first of equal logits";
  EXPECT_THROW(decode_question(ByteSpan(encode(question)).first(10)), Error);
}

}  // namespace
}  // namespace telltale::forensics
