#include "cluster/artifact_cache.h"

#include <gtest/gtest.h>

namespace telltale::cluster {
namespace {

std::shared_ptr<const Bytes> artifact(std::size_t size) { return std::make_shared<const Bytes>(size); }

TEST(ArtifactCache, DropsTheLeastRecentlyUsed) {
  ArtifactCache cache(10);
  cache.put(Identity::of("a"), artifact(4));
  cache.put(Identity::of("b"), artifact(4));
  ASSERT_NE(cache.find(Identity::of("a")), nullptr);
  cache.put(Identity::of("c"), artifact(4));
  EXPECT_TRUE(cache.contains(Identity::of("a")));
  EXPECT_FALSE(cache.contains(Identity::of("b")));
  EXPECT_TRUE(cache.contains(Identity::of("c")));
}

TEST(ArtifactCache, KeepsTheNewestEvenIfItIsTooLarge) {
  ArtifactCache cache(10);
  cache.put(Identity::of("a"), artifact(4));
  cache.put(Identity::of("large"), artifact(100));
  EXPECT_FALSE(cache.contains(Identity::of("a")));
  EXPECT_TRUE(cache.contains(Identity::of("large")));
  cache.put(Identity::of("b"), artifact(4));
  EXPECT_FALSE(cache.contains(Identity::of("large")));
}

TEST(ArtifactCache, CountsAnArtifactThatIsPutTwiceOnce) {
  ArtifactCache cache(10);
  cache.put(Identity::of("a"), artifact(4));
  cache.put(Identity::of("a"), artifact(4));
  cache.put(Identity::of("b"), artifact(4));
  EXPECT_TRUE(cache.contains(Identity::of("a")));
  EXPECT_TRUE(cache.contains(Identity::of("b")));
}

}  // namespace
}  // namespace telltale::cluster
