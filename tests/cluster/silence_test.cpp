#include "cluster/silence.h"

#include <gtest/gtest.h>

namespace telltale::cluster {
namespace {

using namespace std::chrono_literals;

TEST(Silence, IsTooLongForWhoSaysNothing) {
  Silence silence(2, 2);
  auto now = Silence::Clock::now();
  for (int i = 0; i < 25; ++i) {
    silence.tick(now += 100ms);
    silence.heard(1);
  }
  EXPECT_TRUE(silence.too_long(0));
  EXPECT_FALSE(silence.too_long(1));
}

TEST(Silence, DoesNotCountTheTimeInWhichThisProcessSlept) {
  Silence silence(10, 1);
  auto now = Silence::Clock::now();
  silence.tick(now += 1h);
  EXPECT_FALSE(silence.too_long(0));
  for (int i = 0; i < 100; ++i) silence.tick(now += 100ms);
  EXPECT_TRUE(silence.too_long(0));
}

TEST(Silence, IsBrokenSomeTimesWithinTheLimit) {
  Silence silence(6, 1);
  auto now = Silence::Clock::now();
  int spoken = 0;
  for (int i = 0; i < 60; ++i) {
    silence.tick(now += 100ms);
    spoken += silence.should_speak();
  }
  EXPECT_GE(spoken, 4);
  EXPECT_LE(spoken, 6);
}

TEST(Silence, WithoutALimitIsNeverTooLong) {
  Silence silence(0, 1);
  auto now = Silence::Clock::now();
  for (int i = 0; i < 1000; ++i) silence.tick(now += 1s);
  EXPECT_FALSE(silence.too_long(0));
  EXPECT_FALSE(silence.should_speak());
}

}  // namespace
}  // namespace telltale::cluster
