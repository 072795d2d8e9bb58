#include "models/weights.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "samples.h"
#include "support/refusal.h"

namespace telltale::models {
namespace {

const NetworkSpec tiny_saved{"dnn-1", {1, 6, 6}, 3};

Bytes container(const std::string& header, std::size_t values = 0) {
  ByteWriter writer;
  writer.text(header).raw(Bytes(values));
  return writer.take();
}

TEST(Tensors, BytesAreTheSafetensorsFormat) {
  TensorMap map;
  map.metadata["a"] = "b";
  map.tensors["x"] = torch::tensor({1.0F, -2.0F}).view({2, 1});
  map.tensors["y"] = torch::tensor({3}, at::kLong);
  const std::string header = R"({"__metadata__":{"a":"b"},"x":{"data_offsets":[8,16],"dtype":"F32","shape":[2,1]},)"
                             R"("y":{"data_offsets":[0,8],"dtype":"I64","shape":[1]}})";
  const Bytes bytes = write_tensors(map);
  ByteReader reader(bytes);
  const std::string text = reader.text();
  EXPECT_EQ(text.size() % 8, 0U);
  EXPECT_EQ(text.substr(0, header.size()), header);
  EXPECT_EQ(text.find_first_not_of(' ', header.size()), std::string::npos);
  EXPECT_EQ(reader.get<std::int64_t>(), 3);
  EXPECT_EQ(reader.get<float>(), 1.0F);
  EXPECT_EQ(reader.get<float>(), -2.0F);
  EXPECT_TRUE(reader.empty());
}

TEST(Tensors, SurviveBitForBit) {
  TensorMap map;
  map.tensors["float"] = torch::tensor({-0.0F, NAN, 1e-45F, INFINITY});
  map.tensors["double"] = torch::tensor({0.1, -1e-320}, at::kDouble);
  map.tensors["bytes"] = torch::tensor({1, 255}, at::kByte);
  map.tensors["none"] = torch::empty({0, 3});
  map.tensors["scalar"] = torch::tensor(7, at::kLong);
  map.tensors["last"] = torch::rand({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  const Bytes bytes = write_tensors(map);
  const TensorMap read = read_tensors(bytes);
  EXPECT_EQ(write_tensors(read), bytes);
  ASSERT_EQ(read.tensors.size(), map.tensors.size());
  for (const auto& [name, tensor] : map.tensors) {
    EXPECT_EQ(read.at(name).sizes(), tensor.sizes());
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type());
  }
  EXPECT_TRUE(torch::equal(read.at("last"), map.at("last")));
  EXPECT_THROW((void)read.at("other"), Error);
  EXPECT_THROW((void)read.note("other"), Error);
}

TEST(Tensors, TypesThatAreNotStoredAreRefused) {
  TensorMap map;
  map.tensors["x"] = torch::zeros({1}, at::kBool);
  EXPECT_THROW(write_tensors(map), Error);
}

TEST(Tensors, CutAnywhereIsRefused) {
  TensorMap map;
  map.tensors["x"] = torch::rand({3});
  const Bytes bytes = write_tensors(map);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read_tensors(ByteSpan(bytes).first(size)), Error) << size << " bytes";
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(refusal<Error>([&] { read_tensors(longer); }), "bytes follow the last stored tensor");
}

// A flipped bit may leave another valid header; it must never be anything but a container or an Error.
TEST(Tensors, AnyFlippedBitOfTheHeaderIsReadOrRefused) {
  TensorMap map;
  map.metadata["a"] = "b";
  map.tensors["x"] = torch::rand({3});
  map.tensors["y"] = torch::rand({1, 2});
  const Bytes bytes = write_tensors(map);
  int refused = 0;
  for (std::size_t bit = 0; bit < (bytes.size() - 20) * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    try {
      const TensorMap read = read_tensors(damaged);
      EXPECT_EQ(read.tensors.size(), 2U);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Tensors, ImpossibleHeadersAreRefused) {
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return R"({"x":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_NO_THROW(read_tensors(container(entry("[2]", "[0,8]"), 8)));
  EXPECT_THROW(read_tensors(container(entry("[2]", "[0,4]"), 4)), Error);
  EXPECT_THROW(read_tensors(container(entry("[-2]", "[0,8]"), 8)), Error);
  EXPECT_THROW(read_tensors(container(entry("[2]", "[8,16]"), 16)), Error);
  EXPECT_THROW(read_tensors(container(entry("[2]", "[8,0]"), 8)), Error);
  EXPECT_THROW(read_tensors(container(entry("[4294967296,4294967296]", "[0,0]"))), Error);
  EXPECT_THROW(read_tensors(container("[]")), Error);
  EXPECT_THROW(read_tensors(container("{\"x\"")), Error);
  EXPECT_THROW(read_tensors(container(R"({"x":3})")), Error);
}

TEST(Weights, LoadedNetworkHasTheSameBits) {
  const auto network = fresh_network({"dnn-2", {3, 8, 8}, 3});
  const Bytes bytes = save_weights(*network, {{"note", "kept"}});
  const auto loaded = load_network(bytes);
  EXPECT_EQ(loaded->spec(), network->spec());
  EXPECT_EQ(save_weights(*loaded, {{"note", "kept"}}), bytes);
  EXPECT_EQ(read_tensors(bytes).note("note"), "kept");
  EXPECT_TRUE(loaded->parameters()[2].is_contiguous(at::MemoryFormat::ChannelsLast));
  const at::Tensor images = torch::rand({2, 3, 8, 8});
  EXPECT_TRUE(torch::equal(loaded->forward(images), network->forward(images)));
}

TEST(Weights, FirstDifferenceIsNamedAndNothingChanges) {
  const auto network = fresh_network(tiny_saved);
  const Bytes before = save_weights(*network);
  const auto load = [&](const std::function<void(TensorMap&)>& change) {
    TensorMap map = read_tensors(save_weights(*fresh_network(tiny_saved, "other")));
    change(map);
    return refusal<Error>([&] { load_weights(*network, write_tensors(map)); });
  };
  const std::string refused = "these are not the weights of dnn-1: ";
  EXPECT_EQ(load([](TensorMap& map) { map.tensors.erase("conv.bias"); }), refused + "conv.bias is missing");
  EXPECT_EQ(load([](TensorMap& map) { map.tensors["extra"] = torch::zeros({1}); }),
            refused + "extra is not known there");
  EXPECT_EQ(load([](TensorMap& map) { map.tensors["output.bias"] = torch::zeros({4}); }),
            refused + "output.bias has shape [4] and not [3]");
  EXPECT_EQ(load([](TensorMap& map) { map.tensors["output.bias"] = torch::zeros({3}, at::kDouble); }),
            refused + "output.bias is of type Double and not Float");
  EXPECT_EQ(save_weights(*network), before);
}

TEST(Weights, WithoutANetworkInTheMetadataThereIsNone) {
  TensorMap map;
  EXPECT_THROW(load_network(write_tensors(map)), Error);
  map.metadata["network"] = "nonsense";
  EXPECT_THROW(load_network(write_tensors(map)), Error);
}

TEST(TakeOver, GivesEveryWeightButThoseOfNewOutputs) {
  const auto from = fresh_network({"dnn-1", {1, 6, 6}, 3}, "one"), to = fresh_network({"dnn-1", {1, 6, 6}, 4}, "two");
  const at::Tensor own = to->named_parameters()["output.weight"].detach().clone();
  take_over(*to, *from);
  for (const auto& item : to->named_parameters()) {
    const at::Tensor theirs = from->named_parameters()[item.key()];
    EXPECT_TRUE(at::equal(item.value().narrow(0, 0, theirs.size(0)), theirs)) << item.key();
  }
  EXPECT_TRUE(at::equal(to->named_parameters()["output.weight"][3], own[3]));
}

TEST(TakeOver, RefusesOtherLayers) {
  const auto from = fresh_network({"dnn-1", {1, 6, 6}, 3});
  EXPECT_THROW(take_over(*fresh_network({"dnn-1", {1, 8, 8}, 3}), *from), Error);
  EXPECT_THROW(take_over(*fresh_network({"dnn-1", {1, 6, 6}, 2}), *from), Error);
  EXPECT_THROW(take_over(*fresh_network({"aime-seq", {1, 6, 6}, 3}), *from), Error);
}

}  // namespace
}  // namespace telltale::models
