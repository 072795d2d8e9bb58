#include "study/axis.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace telltale::study {
namespace {

using Texts = std::vector<std::string>;

TEST(Axis, RangeHoldsBothEndsAsExactDecimals) {
  const Texts values = expand_numbers("0.001:0.01:0.001");
  ASSERT_EQ(values.size(), 10u);
  EXPECT_EQ(values.front(), "0.001");
  EXPECT_EQ(parse_number(values.back()), 0.01);  // the double that .sel(alpha=0.01) looks for
  EXPECT_EQ(parse_number(values[2]), 0.003);     // not 0.001 + 2 * 0.001
}

TEST(Axis, RangeStopsBeforeAnEndItsStepDoesNotMeet) {
  EXPECT_EQ(expand_numbers("0:1:0.4"), (Texts{"0", "0.4", "0.8"}));
}
TEST(Axis, RangeMayFall) { EXPECT_EQ(expand_numbers("3:1:-1"), (Texts{"3", "2", "1"})); }

TEST(Axis, LogarithmicRangeHasExactEnds) {
  EXPECT_EQ(expand_numbers("0.0001:0.01:log5"), (Texts{"0.0001", "0.000316228", "0.001", "0.00316228", "0.01"}));
}

TEST(Axis, ListsAndRangesMix) { EXPECT_EQ(expand_numbers("1, 2:4:2, 9"), (Texts{"1", "2", "4", "9"})); }

TEST(Axis, WhatIsNoAxisIsRefused) {
  for (const char* text : {"", " ", "1,", ",1", "1,,2", "one", "1:2", "1:2:3:4", "0.01:0.001:0.001", "1:2:0",
                           "0:1:log3", "1:2:log1", "nan", "inf", "1e999", "0.1,0.10", "0:1e9:0.001"})
    EXPECT_THROW(expand_numbers(text), InputError) << text;
}

TEST(Axis, IntegersAreWhole) {
  EXPECT_EQ(parse_integer("-3"), -3);
  EXPECT_THROW(parse_integer("3.0"), InputError);
  EXPECT_THROW(parse_integer("99999999999999999999"), InputError);
}

}  // namespace
}  // namespace telltale::study
