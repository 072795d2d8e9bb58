// Every question of a boundary search, every answer and its result, case by case, against a file made before the last
// change of the code: a search is a function of its options, its stream and the answers, bit for bit.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "forensics/boundary_search.h"
#include "toy_machines.h"

namespace telltale::forensics {
namespace {

constexpr int side = 20;
const char* const golden = GOLDEN_FOLDER "/search_traces.txt";

struct Case {
  std::string name;
  Toy toy;
  SearchOptions options;
  std::uint64_t seed = 1;
  int channels = 1;
  std::uint64_t contrast = 128;  // of the start: its bytes lie so far from 128 at most
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& name, const std::function<void(Case&)>& change) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Case one;
      one.name = name + " " + std::to_string(seed);
      one.seed = seed;
      one.toy.seed = 1 + seed / 3;  // two networks
      one.toy.bits = one.options.microarchitectures = {0, 1, 2, 3};
      one.options.height = one.options.width = side;
      one.options.clip = true;
      one.options.evaluation_limit = 1500;
      one.options.keeps_steps = seed % 2 == 1;
      change(one);
      all.push_back(std::move(one));
    }
  };
  const auto machines = [](Case& c, std::vector<int> kinds) {
    c.toy.bits = c.options.microarchitectures = std::move(kinds);
  };

  add("float", [](Case&) {});
  add("float, linear", [](Case& c) { c.toy.kinks = false; });
  add("float, colour", [](Case& c) { c.channels = 3; });
  add("float, unbounded", [](Case& c) { c.options.clip = false; });
  add("float, steep", [](Case& c) { c.toy.gain = 8, c.toy.noise = 1e-5; });
  add("float, twins", [&](Case& c) { machines(c, {0, 0, 1, 2, 2}); });
  add("float, local third", [](Case& c) { c.options.local = 2; });
  add("float, two machines", [&](Case& c) { machines(c, {0, 1}); });
  add("float, second of two", [&](Case& c) { machines(c, {0, 1}), c.options.target = 1; });
  add("float, alike", [](Case& c) { c.toy.noise = 0, c.options.evaluation_limit = 400; });
  add("float, few evaluations", [](Case& c) { c.options.evaluation_limit = 12; });
  add("float, floor", [](Case& c) { c.options.least_psnr = 45; });
  add("float, ten classes", [](Case& c) { c.toy.classes = 10, c.toy.hidden = 40; });
  add("8-bit", [](Case& c) { c.options.eight_bit = true; });
  add("8-bit, linear", [](Case& c) { c.options.eight_bit = true, c.toy.kinks = false; });
  add("8-bit, colour", [](Case& c) { c.options.eight_bit = true, c.channels = 3; });
  add("8-bit, three machines", [&](Case& c) { machines(c, {0, 1, 2}), c.options.eight_bit = true; });
  add("8-bit, few evaluations", [](Case& c) { c.options.eight_bit = true, c.options.evaluation_limit = 90; });
  for (const int target : {0, 3}) {
    const std::string which = " target " + std::to_string(target);
    add("float," + which, [&](Case& c) { c.options.target = target; });
    add("8-bit," + which, [&](Case& c) { c.options.target = target, c.options.eight_bit = true; });
  }
  for (const Preset preset : {Preset::paper, Preset::code}) {
    const std::string which = preset == Preset::paper ? "paper" : "code";
    const auto gently = [&](Case& c) {
      c.options.preset = preset;
      c.options.local_limit = 800;
      c.toy.gain = 8;
      c.contrast = 16;  // a sign step of every value does much there
      c.toy.noise = 8e-6;
    };
    add(which, gently);
    add(which + ", twins", [&](Case& c) { machines(c, {0, 0, 1, 2}), gently(c); });
    add(which + ", two machines", [&](Case& c) { machines(c, {0, 1}), gently(c); });
    add(which + ", short", [&](Case& c) {
      c.options.preset = preset;
      c.options.local_limit = 5 * static_cast<std::int64_t>(c.seed);
    });
  }
  return all;
}

Point start_of(const Case& one) {
  Stream stream(one.seed, Json::object(), "start");
  Point start;
  for (int i = 0; i < one.channels * side * side; ++i)
    start.push_back(static_cast<float>(128 - one.contrast + stream.below(2 * one.contrast)) / 255.0F);
  return start;
}

Identity digest_of(const Attempt& attempt) {
  ByteWriter writer;
  const auto put_floats = [&](const std::vector<float>& values) {
    writer.block({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)});
  };
  writer.put(attempt.ending).put(attempt.start_label);
  put_floats(attempt.sample);
  writer.put(attempt.identified).put(attempt.identifying_label).put(attempt.contrast_label);
  for (const int label : attempt.labels) writer.put(label);
  for (const auto& row : attempt.logits) put_floats(row);
  writer.put(attempt.local_steps).put(attempt.remote_steps).put(attempt.evaluations).put(attempt.squared_error);
  for (const SearchStep& step : attempt.steps)
    writer.put(step.remote).put(step.machine).put(step.label).put(step.delta).put(step.scale);
  return Identity::of(ByteSpan(writer.bytes()));
}

std::string line_of(Case one) {
  one.toy.pixels = static_cast<std::size_t>(one.channels * side * side);
  ToyMachines machines(one.toy);
  const Stream draws(one.seed, Json{{"case", one.name}}, "search");
  const Attempt attempt = search_boundary(machines, start_of(one), static_cast<int>(one.seed % 3), one.options, draws);
  EXPECT_EQ(attempt.evaluations, machines.evaluations) << one.name;
  std::ostringstream line;
  line << one.name << ": " << name_of(attempt.ending) << ", " << attempt.evaluations << " evaluations, "
       << attempt.local_steps << " + " << attempt.remote_steps << " steps, identified " << attempt.identified
       << ", stream " << draws.key().brief() << ", calls " << machines.calls().hex() << ", result "
       << digest_of(attempt).hex();
  return line.str();
}

// TELLTALE_UPDATE_GOLDEN=1 writes the file anew instead.
TEST(SearchTrace, IsTheOneThatWasRecorded) {
  std::vector<std::string> lines;
  for (const Case& one : cases()) lines.push_back(line_of(one));
  if (std::getenv("TELLTALE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream file(golden);
    for (const std::string& line : lines) file << line << '\n';
    return;
  }
  std::ifstream file(golden);
  ASSERT_TRUE(file) << golden;
  std::string recorded;
  std::size_t count = 0;
  for (; std::getline(file, recorded); ++count) {
    EXPECT_EQ(count < lines.size() ? lines[count] : "", recorded);
  }
  EXPECT_EQ(count, lines.size());
}

}  // namespace
}  // namespace telltale::forensics
