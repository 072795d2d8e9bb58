#include <algorithm>

#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Combine final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "combine"; }
  [[nodiscard]] std::string help() const override {
    return "every model after one attack and then another, each with the last value of each of its keys";
  }
  [[nodiscard]] std::string title() const override { return "Two attacks, one after the other"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "combine",
             .type = ValueType::choice,
             .fallback = "",
             .help = "pairs of attacks, both of which have to be switched on: the second is made on what the first "
                     "leaves; empty: none",
             .axis = AxisRule::always,
             .choices = {"fine-tune+prune", "prune+fine-tune", "extract+fine-tune", "extract+prune",
                         "adaptive-extract+fine-tune"},
             .optional = true,
             .dimension = "combination",
             .field = "attacks"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "combine"; }
  [[nodiscard]] std::vector<std::string> parts(const Json& settings) const override {
    const auto both = settings.at("attacks").get<std::string>();
    const std::size_t plus = both.find('+');
    return {both.substr(0, plus), both.substr(plus + 1)};
  }
  // What each trains is covered where it is made alone; the longer of the two says how long this takes.
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    Training longest;
    for (const Json& part : settings.at("parts")) {
      const Training one = attack_named(part.at("name").get<std::string>()).training(part, images);
      if (one.images * one.epochs > longest.images * longest.epochs) longest = one;
    }
    return longest;
  }
};

}  // namespace

const Attack& combine_attack() {
  static const Combine attack;
  return attack;
}

}  // namespace telltale::watermark
