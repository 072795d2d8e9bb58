#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "data/dataset.h"

namespace telltale::data {
namespace {

const Description tiny{"tiny", {1, 2, 3}, 4};

struct TinyImages {
  Bytes images = Bytes(5 * 6), labels = {0, 1, 2, 3, 0};
  TinyImages() { std::iota(images.begin(), images.end(), std::uint8_t{0}); }

  [[nodiscard]] Split first(std::int64_t count) const {
    const auto n = static_cast<std::size_t>(count);
    return {count, ByteSpan(images).first(n * 6), ByteSpan(labels).first(n)};
  }
  [[nodiscard]] Bytes packed() const { return pack(tiny, first(5), first(2), Origin::unofficial, "made by hand"); }
};

TEST(Packed, round_trip_keeps_everything) {
  const TinyImages made;
  const Dataset set = Dataset::open(made.packed());
  EXPECT_EQ(set.name(), "tiny");
  EXPECT_EQ(set.shape(), (ImageShape{1, 2, 3}));
  EXPECT_EQ(set.classes(), 4);
  EXPECT_EQ(set.origin(), Origin::unofficial);
  EXPECT_EQ(set.source(), "made by hand");
  EXPECT_EQ(set.train().count, 5);
  EXPECT_EQ(Bytes(set.train().images.begin(), set.train().images.end()), made.images);
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), made.labels);
  EXPECT_EQ(set.test().count, 2);
  EXPECT_EQ(set.test().images.size(), 12u);
  EXPECT_EQ(set.test().labels[1], 1);
}

TEST(Packed, view_keeps_its_owner_alive_and_copies_nothing) {
  auto owner = std::make_shared<const Bytes>(TinyImages().packed());
  std::weak_ptr<const Bytes> watch = owner;
  const ByteSpan bytes = *owner;
  auto set = std::make_unique<Dataset>(Dataset::open(bytes, std::move(owner)));
  EXPECT_FALSE(watch.expired());
  EXPECT_GE(set->train().images.data(), bytes.data());
  EXPECT_LT(set->train().images.data(), bytes.data() + bytes.size());
  set.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Packed, content_hash_depends_on_the_data_and_not_on_the_name_or_source) {
  TinyImages made;
  const auto hash = [&](const Description& description, const Split& train, const std::string& source) {
    return Dataset::open(pack(description, train, made.first(2), Origin::unofficial, source)).content_hash();
  };
  const Identity reference = hash(tiny, made.first(5), "a");
  EXPECT_EQ(hash({"other name", {1, 2, 3}, 4}, made.first(5), "b"), reference);
  EXPECT_NE(hash(tiny, made.first(4), "a"), reference);
  EXPECT_NE(hash({"tiny", {1, 3, 2}, 4}, made.first(5), "a"), reference);
  EXPECT_NE(hash({"tiny", {1, 2, 3}, 5}, made.first(5), "a"), reference);
  made.images[29] ^= 1;
  EXPECT_NE(hash(tiny, made.first(5), "a"), reference);
}

TEST(Packed, sizes_that_do_not_fit_are_refused) {
  const TinyImages made;
  Split wrong = made.first(5);
  wrong.images = wrong.images.first(29);
  EXPECT_THROW(pack(tiny, wrong, made.first(1), Origin::unofficial, ""), Error);
  wrong = made.first(5);
  wrong.count = 4;
  EXPECT_THROW(pack(tiny, wrong, made.first(1), Origin::unofficial, ""), Error);
}

TEST(Packed, label_out_of_range_is_refused) {
  TinyImages made;
  made.labels[3] = 4;
  EXPECT_THROW((void)made.packed(), Error);
}

TEST(Packed, block_cut_anywhere_is_refused) {
  const Bytes whole = TinyImages().packed();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(Dataset::open(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), Error) << size;
}

TEST(Packed, flipped_bit_in_the_description_is_refused) {
  const Bytes whole = TinyImages().packed();
  const std::size_t metadata = 64 + 5 * 7 + 2 * 7;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i >= 56 && i < metadata) continue;  // padding, pixels and labels
    Bytes damaged = whole;
    damaged[i] ^= 4;
    EXPECT_THROW(Dataset::open(std::move(damaged)), Error) << i;
  }
}

}  // namespace
}  // namespace telltale::data
