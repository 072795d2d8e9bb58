#include "data/catalog.h"

#include "data/formats.h"
#include "data/generated.h"

namespace telltale::data {
namespace {

constexpr bool from_files = false;
constexpr bool drawn = true;

std::vector<Entry> make_catalog() {
  // The hashes are those that public loaders pin for the decompressed files.
  return {
      {{"mnist", {1, 28, 28}, 10, from_files, 60'000, 10'000},
       read_idx,
       {{"train-images-idx3-ubyte", "training images", "6bbc9ace898e44ae57da46a324031adb"},
        {"train-labels-idx1-ubyte", "training labels", "a25bea736e30d166cdddb491f175f624"}},
       {{"t10k-images-idx3-ubyte", "test images", "2646ac647ad5339dbf082846283269ea"},
        {"t10k-labels-idx1-ubyte", "test labels", "27ae3e4e09519cfbb04c329615203637"}},
       {"MNIST/raw", "MNIST"}},

      {{"fashion-mnist", {1, 28, 28}, 10, from_files, 60'000, 10'000},
       read_idx,
       {{"train-images-idx3-ubyte", "training images", "f4a8712d7a061bf5bd6d2ca38dc4d50a"},
        {"train-labels-idx1-ubyte", "training labels", "9018921c3c673c538a1fc5bad174d6f9"}},
       {{"t10k-images-idx3-ubyte", "test images", "8181f5470baa50b63fa0f6fddb340f0a"},
        {"t10k-labels-idx1-ubyte", "test labels", "15d484375f8d13e6eb1aabb0c3f46965"}},
       {"FashionMNIST/raw", "FashionMNIST"}},

      {{"cifar-10", {3, 32, 32}, 10, from_files, 50'000, 10'000},
       read_cifar_10,
       {{"data_batch_1.bin", "training records 1/5", "aadd24acce27caa71bf4b10992e9e7b2d74c2540"},
        {"data_batch_2.bin", "training records 2/5", "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"},
        {"data_batch_3.bin", "training records 3/5", "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"},
        {"data_batch_4.bin", "training records 4/5", "aab85764eb3584312d3c7f65fd2fd016e36a258e"},
        {"data_batch_5.bin", "training records 5/5", "26e2849e66a845b7f1e4614ae70f4889ae604628"}},
       {{"test_batch.bin", "test records", "67eb016db431130d61cd03c7ad570b013799c88c"}},
       {"cifar-10-batches-bin"}},

      {{"cifar-100", {3, 32, 32}, 100, from_files, 50'000, 10'000},
       read_cifar_100,
       {{"train.bin", "training records", "e207cd2e05b73b1393c74c7f5e7bea451d63e08e"}},
       {{"test.bin", "test records", "8fb6623e830365ff53cf14adec797474f5478006"}},
       {"cifar-100-binary"}},

      {{"glyphs", {1, 28, 28}, 10, drawn, 6'000, 1'000}, draw_glyphs, {}, {}, {}},
      // Of each letter as many as a third of a class of MNIST: what unrelated watermarks are made of.
      {{"letters", {1, 28, 28}, 26, drawn, 62'400, 10'400}, draw_letters, {}, {}, {}},
      {{"tiles", {3, 32, 32}, 10, drawn, 6'000, 1'000}, draw_tiles, {}, {}, {}},
  };
}

}  // namespace

const std::vector<Entry>& catalog() {
  static const std::vector<Entry> entries = make_catalog();
  return entries;
}

}  // namespace telltale::data
