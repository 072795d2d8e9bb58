// Machines of one small network that round differently. Exact IEEE operations only: the same bits on every CPU.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "core/identity.h"
#include "core/random.h"
#include "forensics/oracle.h"

namespace telltale::forensics {

struct Toy {
  std::size_t pixels = 400;
  std::size_t classes = 5;
  std::size_t hidden = 24;
  bool kinks = true;    ///< a ReLU on the hidden units; without it the network is linear
  double gain = 1;      ///< of the logits: a large one saturates the published searches
  double noise = 1e-6;  ///< what rounding may do to a logit
  std::uint64_t seed = 1;
  std::vector<int> bits;  ///< by machine: those of one number round alike
};

class ToyMachines final : public Oracle {
 public:
  explicit ToyMachines(Toy toy) : toy_(std::move(toy)) {
    Stream stream(toy_.seed, Json::object(), "toy machines");
    const auto fill = [&](std::vector<double>& values, std::size_t count, double scale) {
      for (std::size_t i = 0; i < count; ++i) values.push_back(scale * stream.normal());
    };
    fill(first_, toy_.hidden * toy_.pixels, 0.25);
    fill(bias_, toy_.hidden, 0.5);
    fill(second_, toy_.classes * toy_.hidden, 0.5);
  }

  std::vector<Answer> ask(const std::vector<int>& machines, const std::vector<Question>& questions) override {
    calls_.put(static_cast<std::uint32_t>(machines.size()));
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      answers.push_back(answer(toy_.bits.at(static_cast<std::size_t>(machines[i])), questions[i]));
      calls_.put(static_cast<std::int32_t>(machines[i]));
      calls_.block(encode(questions[i])).block(encode(answers.back()));
      evaluations += questions[i].evaluations();
    }
    return answers;
  }

  /// Digest of every question and its answer, in the order in which they were asked.
  [[nodiscard]] Identity calls() const { return Identity::of(ByteSpan(calls_.bytes())); }

  std::int64_t evaluations = 0;

 private:
  [[nodiscard]] double rounding(int bits, std::size_t label, const Point& point) const {
    Hasher hasher;
    hasher.update(ByteSpan(reinterpret_cast<const std::uint8_t*>(point.data()), point.size() * sizeof(float)));
    hasher.update(std::to_string(bits) + "/" + std::to_string(label));
    const Identity hash = hasher.finish();
    std::uint64_t drawn;
    std::memcpy(&drawn, hash.bytes().data(), sizeof drawn);
    return toy_.noise * (static_cast<double>(drawn >> 11) * 0x1p-52 - 1);
  }

  // An exponential's stand-in, positive and rising, that needs no libm; and its derivative.
  static double rise(double x) { return x >= 0 ? 1 + x + x * x / 2 : 1 / (1 - x + x * x / 2); }
  static double rise_slope(double x) {
    if (x >= 0) return 1 + x;
    const double down = 1 - x + x * x / 2;
    return (1 - x) / (down * down);
  }

  [[nodiscard]] Answer answer(int bits, const Question& question) const {
    const std::size_t pixels = toy_.pixels, hidden = toy_.hidden, classes = toy_.classes;
    std::vector<double> units(hidden), logits(classes);
    for (std::size_t j = 0; j < hidden; ++j) {
      units[j] = bias_[j];
      for (std::size_t i = 0; i < pixels; ++i)
        units[j] += first_[j * pixels + i] * (static_cast<double>(question.point.at(i)) - 0.5);
    }
    const auto lets = [&](std::size_t j) { return !toy_.kinks || units[j] > 0; };
    Answer answer;
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      for (std::size_t j = 0; j < hidden; ++j)
        if (lets(j)) logits[k] += toy_.gain * second_[k * hidden + j] * units[j];
      logits[k] += rounding(bits, k, question.point);
      answer.logits.push_back(static_cast<float>(logits[k]));
      sum += rise(logits[k]);
    }
    for (const double logit : logits) answer.confidences.push_back(static_cast<float>(rise(logit) / sum));

    // The slope of what weighs the logits so.
    const auto add_slope = [&](const std::vector<double>& weights) {
      std::vector<double> back(hidden);
      for (std::size_t j = 0; j < hidden; ++j)
        for (std::size_t k = 0; k < classes && lets(j); ++k)
          back[j] += weights[k] * toy_.gain * second_[k * hidden + j];
      Point slope;
      for (std::size_t i = 0; i < pixels; ++i) {
        double value = 0;
        for (std::size_t j = 0; j < hidden; ++j) value += back[j] * first_[j * pixels + i];
        slope.push_back(static_cast<float>(value));
      }
      answer.slopes.push_back(std::move(slope));
    };
    const auto label = static_cast<std::size_t>(question.label);
    std::vector<double> weights(classes);
    switch (question.slope) {
      case Slope::none: break;
      case Slope::loss:
      case Slope::score:
        for (std::size_t k = 0; k < classes; ++k) {
          weights[k] = -rise(logits[label]) * rise_slope(logits[k]) / (sum * sum);
          if (k == label) weights[k] += rise_slope(logits[k]) / sum;
          if (question.slope == Slope::loss) weights[k] = -weights[k];
        }
        add_slope(weights);
        break;
      case Slope::margin:
        for (const int rival : question.rivals) {
          weights.assign(classes, 0);
          weights[label] += 1;
          weights[static_cast<std::size_t>(rival)] -= 1;
          add_slope(weights);
        }
        break;
    }
    return answer;
  }

  Toy toy_;
  std::vector<double> first_, bias_, second_;
  ByteWriter calls_;
};

}  // namespace telltale::forensics
