#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "cluster/node_share.h"
#include "ranks.h"

namespace telltale::cluster {
namespace {

TEST(Sharing, GivesEveryRankTheBytesOfOneProducer) {
  int produced = 0;
  SharedBlob blob = share_on_node(world(), "numbers", [&] {
    ++produced;
    Bytes bytes(1'000'003);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return bytes;
  });
  EXPECT_EQ(produced, world().leads_node() ? 1 : 0);
  ASSERT_EQ(blob.bytes().size(), 1'000'003U);
  EXPECT_EQ(blob.bytes()[1'000'002], static_cast<std::uint8_t>(1'000'002));
  EXPECT_EQ(blob.shared(), world().node_ranks().size() > 1);
  const SharedBlob moved = std::move(blob);
  EXPECT_EQ(moved.bytes()[257], 1);
}

TEST(Sharing, IsBetweenTheRanksOfOneHost) {
  const std::string mine = world().host();
  const auto hosts = world().gather_all(Bytes(mine.begin(), mine.end()));
  std::vector<int> neighbours;
  for (int rank = 0; rank < world().size(); ++rank)
    if (as_text(hosts[static_cast<std::size_t>(rank)]) == mine) neighbours.push_back(rank);
  EXPECT_EQ(world().node_ranks(), neighbours);
}

TEST(Sharing, OfNothingIsPossible) {
  const SharedBlob blob = share_on_node(world(), "nothing", [] { return Bytes(); });
  EXPECT_TRUE(blob.bytes().empty());
}

TEST(Sharing, OutlivesTheLeadersObject) {
  SharedBlob blob = share_on_node(world(), "kept", [] { return Bytes(100'000, 9); });
  if (world().leads_node()) blob = SharedBlob();
  world().barrier();
  if (!world().leads_node()) {
    EXPECT_EQ(blob.bytes().back(), 9);
  } else {
    EXPECT_TRUE(blob.bytes().empty());
  }
}

TEST(Sharing, BringsTheProducersErrorToEveryRank) {
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const InputError& error) {
      return std::string("input: ") + error.what();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message([] { share_on_node(world(), "a", []() -> Bytes { throw InputError("mnist: no such file"); }); }),
            "input: mnist: no such file");
  if (world().size() > 1) {
    EXPECT_EQ(message([] { share_on_node(world(), "b", []() -> Bytes { throw std::length_error("too much"); }); }),
              "too much");
  }
  // Everybody is at the same place still.
  EXPECT_EQ(world().gather_all({1}).size(), static_cast<std::size_t>(world().size()));
}

}  // namespace
}  // namespace telltale::cluster
