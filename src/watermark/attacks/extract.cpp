#include "core/json.h"
#include "models/network_spec.h"
#include "watermark/attacks/student_keys.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Extract final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "extract"; }
  [[nodiscard]] std::string help() const override {
    return "another network, trained to answer as the service does whatever a thief asks it: of a network behind a "
           "transform, the owner's own device (Tramer et al. 2016, Orekondy et al. 2019)";
  }
  [[nodiscard]] std::string title() const override { return "Extraction"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    std::vector<std::string> networks = models::network_names();
    networks.insert(networks.begin(), same_network);
    std::vector<Parameter> keys{queries_key("extract"),
                                answers_key("extract"),
                                {.name = "extract-network",
                                 .type = choice,
                                 .fallback = same_network,
                                 .help = "what he trains: a network of the same structure, or another",
                                 .axis = AxisRule::always,
                                 .choices = std::move(networks),
                                 .field = "network"},
                                {.name = "extract-start",
                                 .type = choice,
                                 .fallback = "drawn",
                                 .help = "where it starts: from drawn weights, or from the stolen ones",
                                 .axis = AxisRule::always,
                                 .choices = {"drawn", "stolen"},
                                 .field = "start"}};
    for (Parameter& key : student_keys("extract")) keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "extract-queries"; }
  // Stolen weights fit the stolen structure alone.
  [[nodiscard]] bool has_meaning(const Json& settings) const override {
    return settings.at("start") == "drawn" || settings.at("network") == same_network;
  }
  [[nodiscard]] bool asks_device() const override { return true; }
  [[nodiscard]] bool opens_raw_images() const override { return true; }
  [[nodiscard]] std::vector<std::pair<const char*, const char*>> measures() const override {
    return student_measures();
  }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    const auto network = settings.at("network").get<std::string>();
    return student_training(settings, images, network == same_network ? "" : network);
  }

 private:
  static constexpr const char* same_network = "same";
};

}  // namespace

const Attack& extract_attack() {
  static const Extract attack;
  return attack;
}

}  // namespace telltale::watermark
