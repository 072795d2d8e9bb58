#include "forensics/oracle.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace telltale::forensics {
namespace {

template <typename T>
void put_values(ByteWriter& writer, const std::vector<T>& values) {
  writer.block(ByteSpan(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)));
}

template <typename T>
std::vector<T> get_values(ByteReader& reader) {
  const ByteSpan bytes = reader.block();
  if (bytes.size() % sizeof(T) != 0) throw Error("a machine was sent half a number");
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

int Question::slopes() const {
  if (slope == Slope::none) return 0;
  return slope == Slope::margin ? static_cast<int>(rivals.size()) : 1;
}

int Answer::label() const { return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin()); }

Bytes encode(const Question& question) {
  ByteWriter writer;
  writer.reserve(64 + question.rivals.size() * sizeof(int) + question.point.size() * sizeof(float));
  writer.put(static_cast<std::uint8_t>(question.slope)).put(static_cast<std::int32_t>(question.label));
  put_values(writer, question.rivals);
  put_values(writer, question.point);
  return writer.take();
}

Question decode_question(ByteSpan bytes) {
  ByteReader reader(bytes);
  Question question;
  const auto slope = reader.get<std::uint8_t>();
  if (slope > static_cast<std::uint8_t>(Slope::margin)) throw Error("a machine was asked for an unknown slope");
  question.slope = static_cast<Slope>(slope);
  question.label = reader.get<std::int32_t>();
  question.rivals = get_values<int>(reader);
  question.point = get_values<float>(reader);
  return question;
}

Bytes encode(const Answer& answer) {
  ByteWriter writer;
  put_values(writer, answer.logits);
  put_values(writer, answer.confidences);
  writer.put(static_cast<std::uint32_t>(answer.slopes.size()));
  for (const Point& slope : answer.slopes) put_values(writer, slope);
  return writer.take();
}

Answer decode_answer(ByteSpan bytes) {
  ByteReader reader(bytes);
  Answer answer;
  answer.logits = get_values<float>(reader);
  answer.confidences = get_values<float>(reader);
  for (auto count = reader.get<std::uint32_t>(); count > 0; --count) answer.slopes.push_back(get_values<float>(reader));
  return answer;
}

}  // namespace telltale::forensics
