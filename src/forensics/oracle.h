// What a boundary search asks of a machine, and what it hears. Nothing here needs LibTorch.
#pragma once

#include <vector>

#include "core/bytes.h"

namespace telltale::forensics {

/// An input as a search moves it: channels x height x width, row-major.
using Point = std::vector<float>;

/// Which slopes (gradients with respect to the input) a question wants.
enum class Slope : std::uint8_t {
  none,
  loss,    ///< of the cross-entropy at `label`
  score,   ///< of the softmax confidence of `label`
  margin,  ///< of logit[label] - logit[rival], for each of `rivals`
};

struct Question {
  Point point;
  Slope slope = Slope::none;
  int label = 0;
  std::vector<int> rivals;

  [[nodiscard]] int slopes() const;
  /// The unit of cost: one forward or one backward pass of one image on one machine is one evaluation.
  [[nodiscard]] int evaluations() const { return 1 + slopes(); }
};

struct Answer {
  std::vector<float> logits;       ///< one a class
  std::vector<float> confidences;  ///< their softmax, as the machine computes it
  std::vector<Point> slopes;       ///< as many as were asked for

  /// The class of the largest logit, the first if several are: what the machine would call the input.
  [[nodiscard]] int label() const;
};

Bytes encode(const Question& question);
Bytes encode(const Answer& answer);
/// Throw Error if the bytes are none.
Question decode_question(ByteSpan bytes);
Answer decode_answer(ByteSpan bytes);

/// One machine of a search: every rank that computes the same bits is the same machine.
class Oracle {
 public:
  virtual ~Oracle() = default;
  /// The machines' answers to one question each: `machines[i]` is asked `questions[i]`. All are asked at once.
  virtual std::vector<Answer> ask(const std::vector<int>& machines, const std::vector<Question>& questions) = 0;
};

}  // namespace telltale::forensics
