#include "forensics/search_draws.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace telltale::forensics {
namespace {

SearchDraws example() {
  SearchDraws draws;
  draws.data = "d";
  draws.model = "m";
  draws.image = 7;
  draws.search = "telltale";
  draws.clip = true;
  draws.machines = {"c", "a", "b"};
  draws.local = "a";
  return draws;
}

// Draws that are stored in results: they change with a version only.
TEST(SearchDraws, HaveTheseCoordinates) {
  EXPECT_EQ(example().coordinates().dump(),
            R"({"batch":1,"clip":true,"data":"d","eight_bit":false,"image":7,"local":"a","machines":["a","b","c"],)"
            R"("model":"m","search":"telltale"})");
}

TEST(SearchDraws, DoNotDependOnTheOrderOfTheMachines) {
  SearchDraws other = example();
  other.machines = {"b", "c", "a"};
  EXPECT_EQ(other.coordinates(), example().coordinates());
}

TEST(SearchDraws, DifferInEverythingThatTheAnswersDependOn) {
  const auto differs = [](auto change) {
    SearchDraws other = example();
    change(other);
    EXPECT_NE(Stream(1, other.coordinates(), "search").key(), Stream(1, example().coordinates(), "search").key());
  };
  differs([](SearchDraws& d) { d.data = "e"; });
  differs([](SearchDraws& d) { d.model = "n"; });
  differs([](SearchDraws& d) { d.image = 8; });
  differs([](SearchDraws& d) { d.search = "code"; });
  differs([](SearchDraws& d) { d.eight_bit = true; });
  differs([](SearchDraws& d) { d.clip = false; });
  differs([](SearchDraws& d) { d.batch = 2; });
  differs([](SearchDraws& d) { d.machines = {"a", "b"}; });
  differs([](SearchDraws& d) { d.local = "b"; });
  differs([](SearchDraws& d) { d.target = "b"; });
}

}  // namespace
}  // namespace telltale::forensics
