// A made-up world: data sets and environments that no machine and no file decides.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "study/experiment.h"

namespace telltale::experiments {

// Black images labelled 0, 1, ... and round again. The pixels are read from memory that was never written, which takes
// none.
inline data::Dataset made_up_data(const std::string& name, std::int64_t train, std::int64_t test) {
  const data::Description& description = data::describe(name);
  const auto most = static_cast<std::size_t>(std::max(train, test));
  const std::unique_ptr<void, decltype(&std::free)> pixels(std::calloc(most, description.shape.pixels()), &std::free);
  if (pixels == nullptr) throw std::bad_alloc();
  auto* first = static_cast<std::uint8_t*>(pixels.get());
  // Two data sets of one shape are two.
  *first = static_cast<std::uint8_t>(description.name.size());
  Bytes labels(most);
  for (std::size_t i = 0; i < most; ++i)
    labels[i] = static_cast<std::uint8_t>(i % static_cast<std::size_t>(description.classes));
  const auto split = [&](std::int64_t count) {
    const auto images = static_cast<std::size_t>(count);
    return data::Split{count, ByteSpan(first, images * description.shape.pixels()), ByteSpan(labels).first(images)};
  };
  return data::Dataset::open(data::pack(description, split(train), split(test), data::Origin::unofficial, "made up"));
}

// As many as the job asks for.
inline data::Dataset made_up_data(const study::Job& job) {
  const data::Description& description = data::describe(job.text("dataset"));
  const auto count_of = [&](const char* key, std::int64_t official) {
    return job.integer(key) > 0 ? job.integer(key) : official;
  };
  return made_up_data(description.name, count_of("train-images", description.train_count),
                      count_of("test-images", description.test_count));
}

// The data sets that a job uses beside its own.
inline data::OtherData made_up_other_data(const study::Job& job) {
  data::OtherData others;
  for (const std::string& name : study::experiment_named(job.experiment()).other_data(job))
    others.emplace(name, made_up_data(name, data::describe(name).train_count, data::describe(name).test_count));
  return others;
}

struct World {
  std::vector<std::string> profiles{"barcelona", "haswell", "sandybridge", "skylakex"};
  std::string rule = "bound";                  // to the last profile
  std::map<std::string, std::string> same_as;  // profiles whose bits are another's
};

inline study::Environments made_up_environments(const World& world, const std::vector<forensics::Subject>& subjects) {
  study::Environments environments;
  for (const std::string& profile : world.profiles) {
    const auto twin = world.same_as.find(profile);
    const std::string& bits = twin == world.same_as.end() ? profile : twin->second;
    const auto number = static_cast<double>(environments.list.size() + 1);
    environments.of_rank.push_back(static_cast<int>(environments.list.size()));
    environments.list.push_back({profile, profile, {{"torch", "made up"}}, {}});
    environments.train_step_s.emplace_back();
    environments.eval_image_s.emplace_back();
    for (const auto& subject : subjects) {
      environments.list.back().fingerprints[subject.key()] = Identity::of(bits + " " + subject.key()).hex();
      environments.train_step_s.back()[subject.key()] = 0.25 * number;
      environments.eval_image_s.back()[subject.key()] = 0.0625 * number;
      environments.layers[subject.key()] = {"conv", "output"};
    }
  }
  return environments;
}

}  // namespace telltale::experiments
