#include "models/training.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include "core/identity.h"
#include "models/evaluate.h"
#include "models/imitation.h"
#include "models/optimizer.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "samples.h"
#include "support/refusal.h"

namespace telltale::models {
namespace {

const NetworkSpec tiny_trained{"dnn-1", {1, 8, 8}, 4};

Recipe recipe_of(Optimizer optimizer) {
  Recipe recipe;
  recipe.optimizer = optimizer;
  recipe.learning_rate = optimizer == Optimizer::sgd ? 0.05 : 0.002;
  recipe.momentum = optimizer == Optimizer::sgd ? 0.9 : 0;
  recipe.weight_decay = 1e-4;
  recipe.batch = 8;
  recipe.epochs = 3;
  recipe.milestones = {1, 2};
  recipe.gamma = 0.5;
  return recipe;
}

// 21 images and 4 extra ones: three batches of 8 and one of 1 an epoch.
struct Setting {
  Samples samples{tiny_trained.input, 21, 3};
  TrainingData data;
  Stream stream{1, {{"case", 1}}, "train"};

  Setting() {
    torch::manual_seed(2);
    data = {samples.view(), torch::rand({4, 1, 8, 8}), torch::full({4}, 3, at::kLong)};
  }
  [[nodiscard]] Trainer trainer(const Recipe& recipe) const {
    return {fresh_network(tiny_trained), recipe, data, stream};
  }
};

class EachOptimizer : public testing::TestWithParam<Optimizer> {};

// Every step's checkpoint holds the weights, the optimizer, the sums and the records: equal bytes mean equal training.
TEST_P(EachOptimizer, ResumedAfterAnyStepEndsAsUninterrupted) {
  set_threads_to_one();
  const Setting setting;
  Recipe recipe = recipe_of(GetParam());
  recipe.augmentation = Augmentation::crop_flip;
  std::vector<Bytes> after;
  Trainer whole = setting.trainer(recipe);
  after.push_back(whole.checkpoint());
  whole.run([&] { after.push_back(whole.checkpoint()); });
  ASSERT_EQ(after.size(), 13U);
  ASSERT_EQ(whole.records().size(), 3U);

  for (const std::size_t from : {0, 1, 3, 4, 6, 8, 11, 12}) {
    Trainer resumed = setting.trainer(recipe);
    resumed.restore(after[from]);
    EXPECT_EQ(resumed.checkpoint(), after[from]);
    EXPECT_EQ(resumed.steps_done(), static_cast<std::int64_t>(from));
    if (!resumed.finished()) {
      resumed.step();
      EXPECT_EQ(resumed.checkpoint(), after[from + 1]);
    }
    resumed.run();
    EXPECT_EQ(resumed.checkpoint(), after.back());
    EXPECT_EQ(resumed.records(), whole.records());
    EXPECT_EQ(save_weights(*resumed.network()), save_weights(*whole.network()));
  }
}

TEST(WarmUp, TheFirstStepsHaveTheirPartOfTheRate) {
  set_threads_to_one();
  const Setting setting;
  Recipe rising = recipe_of(Optimizer::sgd), part = rising;
  rising.momentum = part.momentum = 0;
  rising.warm_up = 4;
  part.learning_rate = rising.learning_rate / 4;
  Trainer warm = setting.trainer(rising), slow = setting.trainer(part);
  warm.step();
  slow.step();
  EXPECT_EQ(save_weights(*warm.network()), save_weights(*slow.network()));
  warm.step();
  slow.step();
  EXPECT_NE(save_weights(*warm.network()), save_weights(*slow.network()));
}

TEST(GradientClip, ALargerGradientIsScaledToTheNormAndASmallerOneLeft) {
  set_threads_to_one();
  const Setting setting;
  // What a step of plain SGD changes is the rate times the gradient.
  const auto moved = [&](double clip) {
    Recipe recipe = recipe_of(Optimizer::sgd);
    recipe.momentum = recipe.weight_decay = 0;
    recipe.learning_rate = 1;
    recipe.gradient_clip = clip;
    Trainer trainer = setting.trainer(recipe);
    std::vector<at::Tensor> before;
    for (const at::Tensor& parameter : trainer.network()->parameters()) before.push_back(parameter.detach().clone());
    trainer.step();
    std::vector<at::Tensor> steps;
    std::size_t i = 0;
    for (const at::Tensor& parameter : trainer.network()->parameters())
      steps.push_back((before[i++] - parameter.detach()).flatten());
    return at::cat(steps);
  };
  const at::Tensor whole = moved(0);
  const double norm = whole.norm().item<double>();
  EXPECT_TRUE(torch::equal(moved(2 * norm), whole));
  EXPECT_TRUE(at::allclose(moved(norm / 4), whole / 4, 1e-3, 1e-6));
}

TEST(SquaredNorm, IsTheSumOfAllSquares) {
  std::vector<float> values;
  for (int i = 1; i <= 19; ++i) values.push_back(static_cast<float>(i));
  EXPECT_EQ(squared_norm(values), 2470);
  scale(0.5F, values);
  EXPECT_EQ(squared_norm(values), 617.5);
  EXPECT_EQ(squared_norm({}), 0);
}

// Answers that are sure of the label are the label.
TEST(Imitation, OfSureAnswersIsTrainingWithTheirLabels) {
  set_threads_to_one();
  const Setting setting;
  std::vector<std::int64_t> labels;
  for (const std::uint8_t label : setting.samples.labels) labels.push_back(label);
  const at::Tensor answers = at::one_hot(at::cat({at::tensor(labels), setting.data.extra_labels}), 4).to(at::kFloat);
  Trainer imitates(fresh_network(tiny_trained), recipe_of(Optimizer::sgd), setting.data, setting.stream,
                   std::make_shared<Imitation>(answers));
  Trainer learns = setting.trainer(recipe_of(Optimizer::sgd));
  imitates.run();
  learns.run();
  const auto mine = imitates.network()->named_parameters(), theirs = learns.network()->named_parameters();
  for (const auto& item : mine) EXPECT_TRUE(at::allclose(item.value(), theirs[item.key()], 1e-4, 1e-5)) << item.key();
}

// The independent path: LibTorch's own optimizer, data pipeline by hand.
TEST_P(EachOptimizer, StepsAreLibTorchsUpToRounding) {
  set_threads_to_one();
  const Setting setting;
  Recipe recipe = recipe_of(GetParam());
  recipe.batch = 100;  // one batch an epoch holds all samples, so that their order does not matter
  recipe.epochs = 6;
  Trainer trainer = setting.trainer(recipe);
  const auto network = fresh_network(tiny_trained);
  std::unique_ptr<torch::optim::Optimizer> theirs;
  if (GetParam() == Optimizer::sgd) {
    theirs = std::make_unique<torch::optim::SGD>(
        network->parameters(),
        torch::optim::SGDOptions(recipe.learning_rate).momentum(recipe.momentum).weight_decay(recipe.weight_decay));
  } else {
    theirs = std::make_unique<torch::optim::Adam>(
        network->parameters(), torch::optim::AdamOptions(recipe.learning_rate).weight_decay(recipe.weight_decay));
  }
  const at::Tensor images = torch::cat(
      {torch::tensor(at::ArrayRef<std::uint8_t>(setting.samples.pixels), at::kByte).view({21, 1, 8, 8}) / 255.0F,
       setting.data.extra_images});
  const at::Tensor labels = torch::cat(
      {torch::tensor(at::ArrayRef<std::uint8_t>(setting.samples.labels), at::kLong), setting.data.extra_labels});
  double rate = recipe.learning_rate;
  for (int epoch = 0; epoch < recipe.epochs; ++epoch) {
    if (epoch == 1 || epoch == 2) rate *= 0.5;
    for (auto& group : theirs->param_groups()) group.options().set_lr(rate);
    theirs->zero_grad();
    const at::Tensor logits = network->forward(images);
    const at::Tensor loss = torch::cross_entropy_loss(logits, labels);
    loss.backward();
    theirs->step();
    trainer.step();
    EXPECT_NEAR(trainer.records().back().loss, loss.item<double>(), 1e-4);
    EXPECT_EQ(trainer.records().back().accuracy, (logits.argmax(1) == labels).to(at::kDouble).mean().item<double>());
  }
  const auto ours = trainer.network()->named_parameters();
  for (const auto& item : network->named_parameters()) {
    EXPECT_TRUE(torch::allclose(ours[item.key()], item.value(), 1e-3, 2e-5)) << item.key();
  }
}

TEST_P(EachOptimizer, LearnsWhatCanBeLearned) {
  set_threads_to_one();
  const Samples samples({1, 8, 8}, 200, 4);
  Recipe recipe = recipe_of(GetParam());
  recipe.epochs = 15;
  recipe.milestones = {8, 12};  // at a constant step, the last epochs' accuracy swings with the kernels' rounding
  Trainer trainer(fresh_network(tiny_trained), recipe, {samples.view(), {}, {}}, Stream(1, {}, "learn"));
  trainer.run();
  EXPECT_GT(trainer.records().back().accuracy, 0.95);
  EXPECT_LT(trainer.records().back().loss, trainer.records().front().loss / 2);
  const at::Tensor logits = predict_logits(*trainer.network(), samples.view(), 50);
  EXPECT_GT(accuracy(labels_of(logits), samples.labels), 0.95);
}

INSTANTIATE_TEST_SUITE_P(Training, EachOptimizer, testing::Values(Optimizer::sgd, Optimizer::adam),
                         [](const auto& test) { return test.param == Optimizer::sgd ? "Sgd" : "Adam"; });

// By hand: v = 0.5 v + (g + 0.5 w), w -= 0.25 v; then without decay; then without momentum.
TEST(SgdStep, IsItsFormula) {
  std::vector<float> weights{1, -2}, velocity{0, 0};
  const std::vector<float> gradients{0.4F, 0.2F};
  apply_sgd({0.25F, 0.5F, 0.5F}, weights, gradients, velocity);
  EXPECT_FLOAT_EQ(velocity[0], 0.9F);
  EXPECT_FLOAT_EQ(weights[0], 0.775F);
  EXPECT_FLOAT_EQ(weights[1], -1.8F);
  apply_sgd({0.25F, 0.5F, 0}, weights, gradients, velocity);
  EXPECT_FLOAT_EQ(velocity[0], 0.85F);
  EXPECT_FLOAT_EQ(weights[0], 0.5625F);
  apply_sgd({0.5F, 0, 0}, weights, gradients, {});
  EXPECT_FLOAT_EQ(weights[0], 0.3625F);
}

// By hand: v = 0.5 v + g, w -= 0.25 (g + 0.5 v).
TEST(SgdStep, IsNesterovs) {
  std::vector<float> weights{1}, velocity{0.4F};
  apply_sgd({0.25F, 0.5F, 0, true}, weights, std::vector<float>{0.6F}, velocity);
  EXPECT_FLOAT_EQ(velocity[0], 0.8F);
  EXPECT_FLOAT_EQ(weights[0], 0.75F);
}

// The first step of Adam has the learning rate's size, whatever the gradient's.
TEST(AdamStep, FirstStepIsTheLearningRate) {
  std::vector<float> weights{1, 1}, first{0, 0}, second{0, 0};
  apply_adam({0.125F, 0, adam_beta1, adam_beta2}, weights, std::vector<float>{1e-3F, -50}, first, second);
  EXPECT_NEAR(weights[0], 0.875, 1e-5);
  EXPECT_NEAR(weights[1], 1.125, 1e-5);
}

// Dropout draws anew in every step, of the position in the training: no checkpoint holds anything of it.
TEST(Training, WithDropoutResumedEndsAsUninterrupted) {
  set_threads_to_one();
  const NetworkSpec spec{"zhang-mnist", {1, 16, 16}, 3};
  const Samples samples(spec.input, 20, 3);
  Recipe recipe = recipe_of(Optimizer::sgd);
  recipe.epochs = 1;
  recipe.milestones = {};
  const Stream stream(1, {}, "dropout");
  const TrainingData data{samples.view(), {}, {}};
  Trainer whole(fresh_network(spec), recipe, data, stream);
  whole.step();
  const Bytes after_one = whole.checkpoint();
  whole.run();
  Trainer resumed(fresh_network(spec), recipe, data, stream);
  resumed.restore(after_one);
  resumed.run();
  EXPECT_EQ(save_weights(*resumed.network()), save_weights(*whole.network()));
  // It does something.
  Trainer without(fresh_network({"zhang-mnist", {1, 16, 16}, 3, {{"dropout", "none"}}}), recipe, data, stream);
  without.run();
  EXPECT_NE(whole.records(), without.records());
}

// What is drawn of a stream must not change by itself: results that exist were made of it. One hash of every image of
// two epochs, in their order and as they were varied.
TEST(Training, OrderAndVariationsAreTheDrawsThatResultsWereMadeOf) {
  class Hashed : public Network {
   public:
    explicit Hashed(std::shared_ptr<Network> inner) : Network(inner->spec()), inner_(register_module("inner", inner)) {}
    at::Tensor forward(const at::Tensor& images) override {
      const at::Tensor values = images.detach().contiguous();
      hasher.update(ByteSpan(static_cast<const std::uint8_t*>(values.data_ptr()), values.nbytes()));
      return inner_->forward(images);
    }
    Hasher hasher;

   private:
    std::shared_ptr<Network> inner_;
  };
  const Setting setting;
  const auto seen = [&](Augmentation augmentation) {
    Recipe recipe = recipe_of(Optimizer::sgd);
    recipe.epochs = 2;
    recipe.milestones = {};
    recipe.augmentation = augmentation;
    const auto watched = std::make_shared<Hashed>(fresh_network(tiny_trained));
    TrainingData data = setting.data;
    data.extra_images = torch::full({4, 1, 8, 8}, 0.5F);
    Trainer(watched, recipe, data, setting.stream).run();
    return watched->hasher.finish().brief();
  };
  EXPECT_EQ(seen(Augmentation::none), "8037d2d084ec");
  EXPECT_EQ(seen(Augmentation::crop_flip), "6ace5be0930f");
}

TEST(Training, SameStreamSameTrainingOtherStreamAnother) {
  const Setting setting;
  const Recipe recipe = recipe_of(Optimizer::sgd);
  const auto trained = [&](const Stream& stream) {
    Trainer trainer(fresh_network(tiny_trained), recipe, setting.data, stream);
    trainer.run();
    return save_weights(*trainer.network());
  };
  EXPECT_EQ(trained(setting.stream), trained(setting.stream));
  EXPECT_NE(trained(setting.stream), trained(Stream(1, {{"case", 2}}, "train")));
}

TEST(Training, CallbackMayStopBetweenSteps) {
  const Setting setting;
  const Recipe recipe = recipe_of(Optimizer::sgd);
  Trainer whole = setting.trainer(recipe);
  whole.run();
  Trainer stopped = setting.trainer(recipe);
  struct Stop {};
  int calls = 0;
  EXPECT_THROW(stopped.run([&] {
    if (++calls == 6) throw Stop{};
  }),
               Stop);
  EXPECT_EQ(stopped.steps_done(), 6);
  EXPECT_EQ(stopped.epoch(), 1);
  stopped.run();
  EXPECT_EQ(stopped.checkpoint(), whole.checkpoint());
  EXPECT_TRUE(stopped.finished());
  EXPECT_THROW(stopped.step(), Error);
}

TEST(Training, CountsItsSteps) {
  const Setting setting;
  Trainer trainer = setting.trainer(recipe_of(Optimizer::sgd));
  EXPECT_EQ(trainer.steps_per_epoch(), 4);
  EXPECT_EQ(trainer.steps_total(), 12);
  trainer.run_epoch();
  EXPECT_EQ(trainer.epoch(), 1);
  EXPECT_EQ(trainer.steps_done(), 4);
}

TEST(Training, ParametersWithoutGradientStay) {
  const Setting setting;
  const auto network = fresh_network(tiny_trained);
  for (auto& item : network->named_parameters()) item.value().requires_grad_(item.key().starts_with("output"));
  const at::Tensor dense = network->named_parameters()["dense.weight"].detach().clone();
  const at::Tensor output = network->named_parameters()["output.weight"].detach().clone();
  Trainer trainer(network, recipe_of(Optimizer::sgd), setting.data, setting.stream);
  trainer.step();
  EXPECT_TRUE(torch::equal(network->named_parameters()["dense.weight"], dense));
  EXPECT_FALSE(torch::equal(network->named_parameters()["output.weight"], output));
}

TEST(Checkpoint, OfAnotherTrainingIsRefusedWithTheDifference) {
  const Setting setting;
  const Bytes checkpoint = setting.trainer(recipe_of(Optimizer::sgd)).checkpoint();
  Trainer other(fresh_network(tiny_trained), recipe_of(Optimizer::sgd), {setting.samples.view(), {}, {}},
                setting.stream);
  EXPECT_EQ(refusal<Error>([&] { other.restore(checkpoint); }),
            "the checkpoint is of another training: its samples is 25 and not 21");
  EXPECT_NE(
      refusal<Error>([&] { setting.trainer(recipe_of(Optimizer::adam)).restore(checkpoint); }).find("its recipe is"),
      std::string::npos);
  Trainer elsewhere(fresh_network(tiny_trained), recipe_of(Optimizer::sgd), setting.data, Stream(2, {}, "train"));
  EXPECT_NE(refusal<Error>([&] { elsewhere.restore(checkpoint); }).find("its stream is"), std::string::npos);
}

TEST(Checkpoint, DamagedChangesNothing) {
  const Setting setting;
  const Recipe recipe = recipe_of(Optimizer::sgd);
  Trainer source = setting.trainer(recipe);
  source.run_epoch();
  const TensorMap good = read_tensors(source.checkpoint());
  const auto restored = [&](const std::function<void(TensorMap&)>& damage) {
    TensorMap map = good;
    damage(map);
    Trainer trainer = setting.trainer(recipe);
    const Bytes before = trainer.checkpoint();
    EXPECT_THROW(trainer.restore(write_tensors(map)), Error);
    EXPECT_EQ(trainer.checkpoint(), before);
  };
  restored([](TensorMap& map) { map.tensors.erase("first.conv.weight"); });
  restored([](TensorMap& map) { map.tensors.erase("network.conv.weight"); });
  restored([](TensorMap& map) { map.tensors["sums"] = torch::zeros({3}); });
  restored([](TensorMap& map) { map.tensors["position"] = torch::tensor({1, 4, 0}, at::kLong); });
  restored([](TensorMap& map) { map.tensors["position"] = torch::tensor({-1, 0, 0}, at::kLong); });
  restored([](TensorMap& map) { map.tensors["records"] = torch::zeros({2, 2}, at::kDouble); });
  restored([](TensorMap& map) { map.metadata["training"] = "nonsense"; });
  Trainer trainer = setting.trainer(recipe);
  const Bytes checkpoint = source.checkpoint();
  EXPECT_THROW(trainer.restore(ByteSpan(checkpoint).first(checkpoint.size() - 1)), Error);
}

TEST(Training, DataThatDoNotFitAreRefused) {
  const Setting setting;
  const Recipe recipe = recipe_of(Optimizer::sgd);
  const auto with = [&](const NetworkSpec& spec, const TrainingData& data) {
    return refusal<Error>([&] { Trainer(fresh_network(spec), recipe, data, setting.stream); });
  };
  EXPECT_EQ(with({"dnn-1", {1, 8, 8}, 3}, setting.data),
            "a training sample has label 3; the network's 3 outputs count from 0");
  EXPECT_EQ(with({"dnn-1", {1, 8, 9}, 4}, setting.data), "the training images are not of the shape the network takes");
  TrainingData data = setting.data;
  data.extra_images = torch::rand({3, 1, 8, 8});
  EXPECT_EQ(with(tiny_trained, data), "the extra samples are not of the shape the network takes");
  data.extra_images = at::Tensor();
  EXPECT_EQ(with(tiny_trained, data), "extra samples need images and labels");
  EXPECT_EQ(with(tiny_trained, {{{}, {}, tiny_trained.input, 0}, {}, {}}), "there is nothing to train on");
}

TEST(Recipe, ThatCannotBeFollowedIsRefused) {
  const auto with = [](const std::function<void(Recipe&)>& change) {
    Recipe recipe;
    change(recipe);
    return refusal<Error>([&] { check(recipe); });
  };
  EXPECT_EQ(with([](Recipe&) {}), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.learning_rate = 0; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.momentum = 1; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.weight_decay = -1; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.batch = 0; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.epochs = 0; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.milestones = {2, 1}; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.optimizer = Optimizer::adam, r.momentum = 0.5; }), "accepted");
  EXPECT_NE(with([](Recipe& r) { r.gamma = 0; }), "accepted");
}

TEST(Recipe, IsDescribedWhole) {
  EXPECT_EQ(canonical(Recipe{}.to_json()),
            R"({"augmentation":"none","batch":128,"epochs":50,"gamma":0.1,"learning_rate":0.01,"milestones":[],)"
            R"("momentum":0.0,"optimizer":"sgd","weight_decay":0.0})");
}

}  // namespace
}  // namespace telltale::models
