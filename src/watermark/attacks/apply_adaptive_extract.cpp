// An adaptive thief. Each step takes away what a bias of near decisions leaves in the answers: a vote over moved copies
// averages it, the least sure images are those that it changes, and a label that is known does not have it.
#include <ATen/ATen.h>

#include <cmath>

#include "models/network.h"
#include "models/transform.h"
#include "watermark/attacks/student.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_adaptive_extract(const AttackInputs& inputs) {
  const Json& settings = inputs.settings;
  const auto device = inputs.device ? inputs.device : std::shared_ptr<Service>(serve(inputs.model));
  const models::ImageView half = first_half(inputs.images);
  const auto chosen = asked_images(inputs);
  const at::Tensor places = at::tensor(chosen);
  const at::Tensor images = models::planes_of(half).index_select(0, places);
  const auto answers_to = [&](const at::Tensor& asked) {
    inputs.check();
    return told(*device, asked, settings);
  };
  const at::Tensor first = answers_to(images);
  at::Tensor vote = first.clone();
  const auto votes = settings.at("votes").get<int>();
  for (int copy = 1; copy < votes; ++copy) {
    const Stream draws = inputs.stream.derive("moved copy " + std::to_string(copy));
    vote += answers_to(models::shifted_planes_of(half, draws).index_select(0, places));
  }
  vote /= votes;
  // Of copies that are divided, the image itself decides.
  const at::Tensor decided = (vote + first * (0.5 / votes)).argmax(1);
  inputs.measured("corrected", decided.ne(first.argmax(1)).to(at::kDouble).mean().item<double>());

  at::Tensor wanted =
      settings.at("answers") == "probabilities" ? vote : at::one_hot(decided, vote.size(1)).to(at::kFloat);
  const auto known = static_cast<std::int64_t>(settings.at("known").get<double>() * static_cast<double>(chosen.size()));
  for (std::int64_t i = 0; i < known; ++i) {
    wanted[i].zero_();
    wanted[i][half.label(chosen[static_cast<std::size_t>(i)])] = 1;
  }
  // Those that he knows are sure.
  at::Tensor sure = std::get<0>(vote.max(1));
  sure.slice(0, 0, known).fill_(2);
  const auto kept =
      std::max<std::int64_t>(1, std::llround(settings.at("keep").get<double>() * static_cast<double>(chosen.size())));
  const at::Tensor surest = std::get<0>(std::get<1>(sure.sort(true, 0, true)).slice(0, 0, kept).sort());  // as asked

  const std::shared_ptr<models::Network> student = new_student(inputs, inputs.model->spec());
  train_student(student, inputs, images.index_select(0, surest), wanted.index_select(0, surest));
  measure_agreement(inputs, *student, *device);
  return serve(student);
}

}  // namespace telltale::watermark
