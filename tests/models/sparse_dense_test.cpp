#include "models/sparse_dense.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/random.h"

namespace telltale::models {
namespace {

using Floats = std::vector<float>;

struct Layer {
  SparseDense shape;
  Floats values, weight, bias, gradient;

  Layer(const SparseDense& of, double share) : shape(of) {
    Stream draws(1, {}, "sparse layer");
    const auto fill = [&](Floats& floats, std::int64_t size, double kept) {
      floats.resize(static_cast<std::size_t>(size));
      for (float& value : floats) value = draws.uniform(0, 1) < kept ? static_cast<float>(draws.normal()) : 0.0F;
    };
    fill(values, of.rows * of.inputs, share);
    fill(weight, of.outputs * of.inputs, 1);
    fill(bias, of.outputs, 1);
    fill(gradient, of.rows * of.outputs, 1);
  }
};

// The sums that the header promises, one term after the other.
Floats forward_one_by_one(const Layer& layer) {
  const auto [rows, inputs, outputs] = layer.shape;
  Floats result;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t output = 0; output < outputs; ++output) {
      float sum = layer.bias[static_cast<std::size_t>(output)];
      for (std::int64_t input = 0; input < inputs; ++input) {
        const float value = layer.values[static_cast<std::size_t>(row * inputs + input)];
        sum += layer.weight[static_cast<std::size_t>(output * inputs + input)] * value;
      }
      result.push_back(sum);
    }
  }
  return result;
}

Floats weight_backward_one_by_one(const Layer& layer) {
  const auto [rows, inputs, outputs] = layer.shape;
  Floats result;
  for (std::int64_t output = 0; output < outputs; ++output) {
    for (std::int64_t input = 0; input < inputs; ++input) {
      float sum = 0;
      for (std::int64_t row = 0; row < rows; ++row) {
        sum += layer.gradient[static_cast<std::size_t>(row * outputs + output)] *
               layer.values[static_cast<std::size_t>(row * inputs + input)];
      }
      result.push_back(sum);
    }
  }
  return result;
}

std::string name(const SparseDense& shape) {
  return std::to_string(shape.rows) + " x " + std::to_string(shape.inputs) + " x " + std::to_string(shape.outputs);
}

// Whole batches and parts of them, odd numbers of rows, inputs that fill no vector, or more than one slice.
const std::vector<SparseDense> sizes{{128, 784, 128}, {1, 784, 32}, {7, 50, 64}, {33, 9, 32}, {8, 600, 96}, {2, 3, 32}};

TEST(SparseDense, AddsEveryOutputsTermsInTheOrderOfTheInputs) {
  for (const SparseDense& shape : sizes) {
    const Layer layer(shape, 0.2);
    Floats output(static_cast<std::size_t>(shape.rows * shape.outputs));
    shape.forward(layer.values.data(), layer.weight.data(), layer.bias.data(), output.data());
    EXPECT_EQ(output, forward_one_by_one(layer)) << name(shape);
  }
}

TEST(SparseDense, AddsEveryWeightsGradientInTheOrderOfTheRows) {
  for (const SparseDense& shape : sizes) {
    const Layer layer(shape, 0.2);
    Floats gradient(layer.weight.size());
    shape.weight_backward(layer.values.data(), layer.gradient.data(), gradient.data());
    EXPECT_EQ(gradient, weight_backward_one_by_one(layer)) << name(shape);
  }
}

TEST(SparseDense, ComputesTheSameOfNothingButZerosAndOfNoZeros) {
  for (const double share : {0.0, 1.0}) {
    const Layer layer({10, 20, 32}, share);
    Floats output(320), gradient(640);
    layer.shape.forward(layer.values.data(), layer.weight.data(), layer.bias.data(), output.data());
    layer.shape.weight_backward(layer.values.data(), layer.gradient.data(), gradient.data());
    EXPECT_EQ(output, forward_one_by_one(layer)) << share;
    EXPECT_EQ(gradient, weight_backward_one_by_one(layer)) << share;
  }
}

TEST(SparseDense, PaysWhereRowsAreManyLessThanAThirdOfTheValuesCountAndOutputsFillBlocks) {
  Floats third(16 * 3);
  for (std::size_t i = 0; i < third.size(); i += 3) third[i] = 1;
  Floats less = third;
  less.front() = 0;
  EXPECT_TRUE((SparseDense{16, 3, 32}.pays(less.data())));
  EXPECT_FALSE((SparseDense{16, 3, 32}.pays(third.data())));
  EXPECT_FALSE((SparseDense{15, 3, 32}.pays(less.data())));
  EXPECT_FALSE((SparseDense{16, 3, 10}.pays(less.data())));
}

}  // namespace
}  // namespace telltale::models
