#include "core/hex.h"

#include <gtest/gtest.h>

namespace telltale {
namespace {

TEST(Hex, ReadsBackWhatItWrites) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(to_hex(ByteSpan(all).first(3)), "000102");
  EXPECT_EQ(to_hex(ByteSpan(all).last(2)), "feff");
  EXPECT_EQ(from_hex(to_hex(all)), all);
  EXPECT_EQ(from_hex("FEff"), (Bytes{0xfe, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(Hex, WhatIsNoneIsRefused) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_hex("0 "));
}

}  // namespace
}  // namespace telltale
