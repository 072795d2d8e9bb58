#include "core/identity.h"

#include <gtest/gtest.h>

#include "core/json.h"

namespace telltale {
namespace {

TEST(Identity, IsSha256) {
  // FIPS 180-2, appendix B.1
  EXPECT_EQ(Identity::of("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Identity, HexReadsBack) {
  const Identity identity = Identity::of("telltale");
  EXPECT_EQ(Identity::from_hex(identity.hex()), identity);
  EXPECT_THROW(Identity::from_hex("abc"), Error);
  EXPECT_THROW(Identity::from_hex(std::string(64, 'g')), Error);
}

TEST(Identity, HasherInPiecesEqualsWhole) {
  EXPECT_EQ(Hasher().update("a").update("bc").finish(), Identity::of("abc"));
}

TEST(Json, OneValueHasOneText) {
  EXPECT_EQ(canonical(Json{{"b", 1}, {"a", 0.1}}), canonical(Json{{"a", 0.1}, {"b", 1}}));
  EXPECT_EQ(canonical(Json{{"a", 0.1}}), R"({"a":0.1})");
}

}  // namespace
}  // namespace telltale
