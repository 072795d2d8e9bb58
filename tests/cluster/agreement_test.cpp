// Run by all ranks of one mpirun together. Every rank asserts what it got or what it had to throw.
#include "cluster/agreement.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "ranks.h"

namespace telltale::cluster {
namespace {

int last_rank() { return world().size() - 1; }

// What a call throws: "shared: ..." or "shared input: ..." for what every rank can leave in order by.
template <typename Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return std::string(is_shared(error) ? "shared input: " : "input: ") + error.what();
  } catch (const std::exception& error) {
    return std::string(is_shared(error) ? "shared: " : "alone: ") + error.what();
  }
  return "nothing";
}

// Whatever happened before, the ranks are still at the same place.
void expect_together() {
  const auto ranks = gather_json(world(), [] { return Json(world().rank()); });
  ASSERT_EQ(ranks.size(), static_cast<std::size_t>(world().size()));
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) EXPECT_EQ(ranks[rank], rank);
}

TEST(Agreement, EveryRankGetsTheCoordinatorsValue) {
  int ran = 0;
  const Json value = on_coordinator(world(), [&]() -> Json {
    ++ran;
    return {{"names", {"a", "b"}}, {"share", 0.1}};
  });
  EXPECT_EQ(value, (Json{{"names", {"a", "b"}}, {"share", 0.1}}));
  EXPECT_EQ(ran, world().rank() == 0 ? 1 : 0);
}

TEST(Agreement, EveryRankThrowsWhatTheCoordinatorThrew) {
  EXPECT_EQ(thrown_by([] { on_coordinator(world(), []() -> Json { throw InputError("no such key"); }); }),
            "shared input: no such key");
  EXPECT_EQ(thrown_by([] { on_coordinator(world(), []() -> Json { throw std::length_error("too long"); }); }),
            "shared: too long");
  EXPECT_EQ(thrown_by([] { on_coordinator(world(), []() -> Json { throw 7; }); }),
            "shared: something was thrown that is no std::exception");
  expect_together();
}

TEST(Agreement, AMessageThatIsNoUtf8ReachesEveryRank) {
  const std::string message = "cannot create ol\xe9/x.h5";
  EXPECT_EQ(thrown_by([&] { on_coordinator(world(), [&]() -> Json { throw InputError(message); }); }),
            "shared input: " + message);
  expect_together();
}

TEST(Agreement, AValueThatIsNoUtf8IsAnErrorOfEveryRank) {
  const auto latin_1 = [] { return Json("ol\xe9"); };
  EXPECT_NE(thrown_by([&] { on_coordinator(world(), latin_1); }).find("shared: "), std::string::npos);
  EXPECT_NE(thrown_by([&] { gather_json(world(), latin_1); }).find("shared: "), std::string::npos);
  expect_together();
}

TEST(Agreement, EveryRankThrowsTheErrorOfTheFirstThatFailed) {
  const auto fail_from = [](int first) {
    if (world().rank() >= first) throw Error("rank " + std::to_string(world().rank()) + " failed");
  };
  const std::string last = "shared: rank " + std::to_string(last_rank()) + " failed";
  EXPECT_EQ(thrown_by([&] { agree(world(), [&] { fail_from(last_rank()); }); }), last);
  EXPECT_EQ(thrown_by([&] { agree(world(), [&] { fail_from(0); }); }), "shared: rank 0 failed");
  EXPECT_EQ(thrown_by([&] { agree(world(), [&] { fail_from(world().size()); }); }), "nothing");
  EXPECT_EQ(thrown_by([&] {
              gather_json(world(), [&]() -> Json {
                fail_from(last_rank());
                return {};
              });
            }),
            last);
  expect_together();
}

TEST(Agreement, WhatNobodyWaitsForIsShared) {
  EXPECT_EQ(thrown_by([] { unwaited([] { throw InputError("a"); }); }), "shared input: a");
  EXPECT_EQ(thrown_by([] { unwaited([] { throw std::runtime_error("b"); }); }), "shared: b");
  EXPECT_EQ(thrown_by([] { unwaited([] {}); }), "nothing");
}

}  // namespace
}  // namespace telltale::cluster
