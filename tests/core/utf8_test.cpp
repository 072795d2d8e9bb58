#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace telltale {
namespace {

TEST(Utf8, TextsAreAccepted) {
  EXPECT_FALSE(first_not_utf8(""));
  EXPECT_FALSE(first_not_utf8("plain"));
  EXPECT_FALSE(first_not_utf8("Größe α \xe2\x82\xac"));
  // The first and last characters of every length, and those on both sides of the surrogates.
  EXPECT_FALSE(first_not_utf8("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(first_not_utf8("\xed\x9f\xbf\xee\x80\x80"));
  EXPECT_FALSE(first_not_utf8(std::string("a\0b", 3)));
}

TEST(Utf8, TheFirstByteThatIsNoTextIsFound) {
  EXPECT_EQ(first_not_utf8("Gr\xf6\xdf"
                           "e"),
            2u);                                      // Latin-1
  EXPECT_EQ(first_not_utf8("\xff\xfe"), 0u);          // UTF-16
  EXPECT_EQ(first_not_utf8("ab\x80"), 2u);            // a continuation alone
  EXPECT_EQ(first_not_utf8("ab\xe2\x82"), 2u);        // cut short
  EXPECT_EQ(first_not_utf8("\xc0\xaf"), 0u);          // longer than need be, in two bytes,
  EXPECT_EQ(first_not_utf8("\xe0\x9f\xbf"), 0u);      // in three,
  EXPECT_EQ(first_not_utf8("\xf0\x8f\xbf\xbf"), 0u);  // and in four
  EXPECT_EQ(first_not_utf8("\xed\xa0\x80"), 0u);      // half of a UTF-16 pair
  EXPECT_EQ(first_not_utf8("\xf4\x90\x80\x80"), 0u);  // beyond the last character
}

}  // namespace
}  // namespace telltale
