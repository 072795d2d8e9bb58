#include "core/outcome.h"

#include <gtest/gtest.h>

namespace telltale {
namespace {

Outcome sample() {
  Outcome outcome;
  outcome.identity = Identity::of("task");
  outcome.status = TaskStatus::failed;
  outcome.reason = "the data file is gone";
  outcome.values["accuracy"] = Array::scalar(0.25);
  outcome.values["labels"] = Array::of<std::int32_t>({2, 3}, std::vector<std::int32_t>{1, 2, 3, 4, 5, 6});
  outcome.seconds = 1.5;
  outcome.finished_s = 1e9;
  outcome.rank = 3;
  outcome.attempt = 2;
  outcome.environment = "haswell";
  outcome.host = "n1";
  return outcome;
}

TEST(Outcome, ReadsBackAsWritten) { EXPECT_EQ(decode_outcome(encode(sample())), sample()); }

TEST(Outcome, HeadIsReadWithoutTheValues) {
  const OutcomeHead head = peek_outcome(encode(sample()));
  EXPECT_EQ(head.identity, sample().identity);
  EXPECT_EQ(head.status, TaskStatus::failed);
  EXPECT_EQ(head.reason, sample().reason);
}

TEST(Outcome, EveryCutIsRefused) {
  const Bytes whole = encode(sample());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(decode_outcome(ByteSpan(whole).first(size)), Error) << size;
}

TEST(Array, RefusesAShapeThatDoesNotFit) {
  EXPECT_THROW(Array::of<double>({3}, std::vector<double>{1, 2}), Error);
  EXPECT_THROW((void)Array::scalar(1.0).as<float>(), Error);
}

}  // namespace
}  // namespace telltale
