// The readers on files of a few images, written here.
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "data/dataset.h"

namespace telltale::data {
namespace {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const Bytes& content) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

// `filter`: gzip, xz or zstd, as libarchive names them.
void write_compressed(const fs::path& path, const Bytes& content, const char* filter) {
  fs::create_directories(path.parent_path());
  archive* writer = archive_write_new();
  ASSERT_EQ(archive_write_set_format_raw(writer), ARCHIVE_OK);
  ASSERT_EQ(archive_write_add_filter_by_name(writer, filter), ARCHIVE_OK);
  ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  ASSERT_EQ(archive_write_data(writer, content.data(), content.size()), static_cast<la_ssize_t>(content.size()));
  archive_entry_free(entry);
  ASSERT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
}

void big_endian(Bytes& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

// Pixels that do not compress, so that a compressed file can be cut and damaged everywhere.
std::uint8_t pixel(std::size_t index) {
  std::uint32_t mixed = static_cast<std::uint32_t>(index) * 2654435761u;
  mixed = (mixed ^ mixed >> 15) * 739982445u;
  return static_cast<std::uint8_t>(mixed >> 24);
}

Bytes idx_images(std::uint32_t count, std::uint32_t side = 28) {
  Bytes bytes;
  for (const std::uint32_t word : {std::uint32_t{2051}, count, side, side}) big_endian(bytes, word);
  for (std::size_t i = 0; i < std::size_t{count} * side * side; ++i) bytes.push_back(pixel(i));
  return bytes;
}

Bytes idx_labels(const Bytes& labels) {
  Bytes bytes;
  for (const std::uint32_t word : {std::uint32_t{2049}, static_cast<std::uint32_t>(labels.size())})
    big_endian(bytes, word);
  bytes.insert(bytes.end(), labels.begin(), labels.end());
  return bytes;
}

// Records with the given (coarse and) fine labels.
Bytes cifar_records(const std::vector<Bytes>& labels) {
  Bytes bytes;
  for (const Bytes& label : labels) {
    bytes.insert(bytes.end(), label.begin(), label.end());
    for (std::size_t i = 0; i < 3072; ++i) bytes.push_back(pixel(bytes.size()));
  }
  return bytes;
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "telltale-data-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  // Three training and two test images, plain, in the data set's own folder.
  void write_mnist(const std::string& folder = "mnist") {
    write_file(root_ / folder / "train-images-idx3-ubyte", idx_images(3));
    write_file(root_ / folder / "train-labels-idx1-ubyte", idx_labels({5, 0, 9}));
    write_file(root_ / folder / "t10k-images-idx3-ubyte", idx_images(2));
    write_file(root_ / folder / "t10k-labels-idx1-ubyte", idx_labels({7, 2}));
  }

  void write_cifar_10() {
    for (std::uint8_t batch = 1; batch <= 5; ++batch)
      write_file(root_ / "cifar-10" / ("data_batch_" + std::to_string(batch) + ".bin"), cifar_records({{batch}, {9}}));
    write_file(root_ / "cifar-10/test_batch.bin", cifar_records({{3}}));
  }

  [[nodiscard]] DatasetRequest request(const std::string& name) const {
    DatasetRequest wanted;
    wanted.name = name;
    wanted.directories = {root_};
    return wanted;
  }

  // The request is refused with a message that holds all of `parts`.
  static void expect_refused(const DatasetRequest& wanted, const std::vector<std::string>& parts) {
    try {
      load_packed(wanted);
      ADD_FAILURE() << "accepted; expected: " << parts.front();
    } catch (const InputError& error) {
      for (const std::string& part : parts)
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
            << "no '" << part << "' in: " << error.what();
    }
  }

  fs::path root_;
};

TEST_F(Files, plain_idx_is_read) {
  write_mnist();
  const Dataset set = load(request("mnist"));
  ASSERT_EQ(set.train().count, 3);
  ASSERT_EQ(set.test().count, 2);
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), (Bytes{5, 0, 9}));
  EXPECT_EQ(set.train().images[1000], pixel(1000));
  EXPECT_EQ(set.test().images.back(), pixel(2 * 784 - 1));
  EXPECT_EQ(set.origin(), Origin::unofficial);
  EXPECT_NE(set.source().find("t10k-labels-idx1-ubyte md5 "), std::string::npos);
}

TEST_F(Files, every_packaging_gives_the_same_content) {
  write_mnist();
  const Identity plain = load(request("mnist")).content_hash();
  const fs::path images = root_ / "mnist/train-images-idx3-ubyte";
  const Bytes content = read_file(images);
  fs::remove(images);
  for (const auto& [filter, suffix] : {std::pair{"gzip", ".gz"}, {"xz", ".xz"}, {"zstd", ".zst"}}) {
    const fs::path packed = images.string() + suffix;
    write_compressed(packed, content, filter);
    EXPECT_EQ(load(request("mnist")).content_hash(), plain) << filter;
    fs::remove(packed);
  }
  write_file(root_ / "mnist/train-images.idx3-ubyte", content);
  EXPECT_EQ(load(request("mnist")).content_hash(), plain) << "dotted name";
}

TEST_F(Files, usual_folders_of_other_tools_are_searched) {
  for (const std::string folder : {".", "mnist", "MNIST/raw"}) {
    write_mnist(folder);
    EXPECT_EQ(load(request("mnist")).train().count, 3) << folder;
    for (const char* file : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}) fs::remove(root_ / folder / file);
    expect_refused(request("mnist"), {"not found"});
  }
}

TEST_F(Files, split_is_never_put_together_from_two_folders) {
  write_mnist("mnist");
  write_mnist("MNIST/raw");
  fs::remove(root_ / "mnist/train-labels-idx1-ubyte");
  write_file(root_ / "mnist/train-images-idx3-ubyte", idx_images(4));
  EXPECT_EQ(load(request("mnist")).train().count, 3);
}

TEST_F(Files, missing_file_is_named_with_the_places_and_the_remedy) {
  write_mnist();
  fs::remove(root_ / "mnist/t10k-labels-idx1-ubyte");
  expect_refused(request("mnist"),
                 {"mnist: t10k-labels-idx1-ubyte (test labels) not found", (root_ / "mnist").string(),
                  (root_ / "MNIST/raw").string() + " (no such folder)", "data/fetch mnist --to DIR", "TELLTALE_DATA"});
}

TEST_F(Files, no_directory_at_all_is_said) {
  DatasetRequest wanted = request("cifar-10");
  wanted.directories.clear();
  expect_refused(wanted, {"data_batch_1.bin", "no data directory is given", "data/fetch cifar-10"});
}

TEST_F(Files, wrong_magic_is_refused) {
  write_mnist();
  write_file(root_ / "mnist/train-images-idx3-ubyte", idx_labels({1, 2, 3}));
  expect_refused(request("mnist"), {"train-images-idx3-ubyte: ", "magic number is 2049, not 2051"});
  write_mnist();
  write_file(root_ / "mnist/t10k-labels-idx1-ubyte", idx_images(2));
  expect_refused(request("mnist"), {"t10k-labels-idx1-ubyte: ", "magic number is 2051, not 2049"});
}

TEST_F(Files, wrong_image_size_is_refused) {
  write_mnist();
  write_file(root_ / "mnist/train-images-idx3-ubyte", idx_images(3, 32));
  expect_refused(request("mnist"), {"train-images-idx3-ubyte: ", "32x32", "28x28"});
}

TEST_F(Files, idx_cut_anywhere_is_refused) {
  write_mnist();
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}) {
    const Bytes whole = read_file(root_ / "mnist" / name);
    for (std::size_t size = 0; size < whole.size(); size += size < 20 ? 1 : 97) {
      write_file(root_ / "mnist" / name, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      expect_refused(request("mnist"), {std::string(name) + ": ", size == 0 ? "is empty" : "truncated"});
    }
    write_file(root_ / "mnist" / name, whole);
  }
}

TEST_F(Files, compressed_file_cut_anywhere_is_refused) {
  write_mnist();
  const fs::path plain = root_ / "mnist/train-images-idx3-ubyte";
  const Bytes content = read_file(plain);
  fs::remove(plain);
  for (const auto& [filter, suffix] : {std::pair{"gzip", ".gz"}, {"xz", ".xz"}, {"zstd", ".zst"}}) {
    const fs::path packed = plain.string() + suffix;
    write_compressed(packed, content, filter);
    const Bytes whole = read_file(packed);
    ASSERT_GT(whole.size(), 2000u);
    for (std::size_t cut = 1; cut <= whole.size(); cut += cut < 40 ? 1 : 131) {
      write_file(packed, Bytes(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(cut)));
      expect_refused(request("mnist"), {packed.string() + ": "});
    }
    fs::remove(packed);
  }
}

TEST_F(Files, damaged_compressed_data_are_refused) {
  write_mnist();
  const fs::path plain = root_ / "mnist/train-images-idx3-ubyte";
  const Bytes content = read_file(plain);
  fs::remove(plain);
  for (const auto& [filter, suffix] : {std::pair{"gzip", ".gz"}, {"xz", ".xz"}}) {
    const fs::path packed = plain.string() + suffix;
    write_compressed(packed, content, filter);
    const Bytes whole = read_file(packed);
    for (std::size_t i = 20; i < whole.size(); i += i + 40 < whole.size() ? 61 : 1) {
      Bytes damaged = whole;
      damaged[i] ^= 16;
      write_file(packed, damaged);
      expect_refused(request("mnist"), {packed.string() + ": "});
    }
    fs::remove(packed);
  }
}

TEST_F(Files, bytes_after_the_end_are_refused) {
  write_mnist();
  const fs::path images = root_ / "mnist/train-images-idx3-ubyte";
  Bytes content = read_file(images);
  Bytes longer = content;
  longer.insert(longer.end(), 5, 0);
  write_file(images, longer);
  expect_refused(request("mnist"), {"train-images-idx3-ubyte: 5 bytes follow"});

  fs::remove(images);
  const fs::path packed = images.string() + ".gz";
  write_compressed(packed, content, "gzip");
  Bytes stored = read_file(packed);
  stored.insert(stored.end(), 7, 1);
  write_file(packed, stored);
  expect_refused(request("mnist"), {"train-images-idx3-ubyte.gz: 7 bytes follow the end of the compressed data"});
}

TEST_F(Files, idx_label_out_of_range_is_refused) {
  write_mnist();
  write_file(root_ / "mnist/train-labels-idx1-ubyte", idx_labels({5, 10, 9}));
  expect_refused(request("mnist"), {"train-labels-idx1-ubyte: label 10 of image 1 is out of range", "0 to 9"});
}

TEST_F(Files, number_of_labels_has_to_fit_the_images) {
  write_mnist();
  write_file(root_ / "mnist/train-labels-idx1-ubyte", idx_labels({5, 0, 9, 1}));
  expect_refused(request("mnist"), {"train-labels-idx1-ubyte: holds 4 labels for the 3 images"});
}

TEST_F(Files, set_without_images_is_refused) {
  write_mnist();
  write_file(root_ / "mnist/t10k-images-idx3-ubyte", idx_images(0));
  expect_refused(request("mnist"), {"t10k-images-idx3-ubyte: holds no image"});
}

TEST_F(Files, official_demands_the_published_hash) {
  write_mnist();
  DatasetRequest wanted = request("mnist");
  wanted.official = true;
  expect_refused(
      wanted, {"train-images-idx3-ubyte: is not the official file", "published is 6bbc9ace898e44ae57da46a324031adb"});
}

TEST_F(Files, limits_keep_the_first_images) {
  write_mnist();
  DatasetRequest wanted = request("mnist");
  wanted.train_limit = 2;
  wanted.test_limit = 1;
  const Dataset set = load(wanted);
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), (Bytes{5, 0}));
  EXPECT_EQ(set.train().images.size(), 2u * 784);
  EXPECT_EQ(set.test().count, 1);
  wanted.train_limit = 4;
  expect_refused(wanted, {"first 4 training images", "only 3"});
}

TEST_F(Files, number_to_generate_means_nothing_for_files) {
  write_mnist();
  DatasetRequest wanted = request("mnist");
  wanted.generated_train = 100;
  expect_refused(wanted, {"mnist is read from files"});
}

TEST_F(Files, cifar_10_batches_are_joined_in_order) {
  write_cifar_10();
  const Dataset set = load(request("cifar-10"));
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), (Bytes{1, 9, 2, 9, 3, 9, 4, 9, 5, 9}));
  EXPECT_EQ(set.train().images.size(), 10u * 3072);
  EXPECT_EQ(set.train().images[0], pixel(1));
  EXPECT_EQ(set.train().images[3072], pixel(3072 + 2)) << "second record";
  EXPECT_EQ(set.test().labels[0], 3);
}

TEST_F(Files, cifar_files_beyond_a_limit_are_not_read) {
  write_cifar_10();
  write_file(root_ / "cifar-10/data_batch_3.bin", {1, 2, 3});
  DatasetRequest wanted = request("cifar-10");
  wanted.train_limit = 3;
  const Dataset set = load(wanted);
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), (Bytes{1, 9, 2}));
  EXPECT_EQ(set.source().find("data_batch_3"), std::string::npos);
  wanted.train_limit.reset();
  expect_refused(wanted, {"data_batch_3.bin: its 3 bytes are no whole number of records of 3073 bytes"});
}

TEST_F(Files, cifar_label_out_of_range_is_refused) {
  write_cifar_10();
  write_file(root_ / "cifar-10/test_batch.bin", cifar_records({{0}, {10}}));
  expect_refused(request("cifar-10"), {"test_batch.bin: label 10 of record 1 is out of range"});
}

TEST_F(Files, cifar_100_keeps_the_fine_label) {
  write_file(root_ / "cifar-100-binary/train.bin", cifar_records({{19, 99}, {0, 20}}));
  write_compressed(root_ / "cifar-100-binary/test.bin.xz", cifar_records({{4, 30}}), "xz");
  write_file(root_ / "cifar-100/test.bin", cifar_records({{1, 31}, {2, 32}}));
  const Dataset set = load(request("cifar-100"));
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.end()), (Bytes{99, 20}));
  EXPECT_EQ(set.train().images[3072], pixel(3074 + 2)) << "second record";
  EXPECT_EQ(set.test().count, 2) << "the data set's own folder comes first";
  write_file(root_ / "cifar-100/test.bin", cifar_records({{20, 31}}));
  expect_refused(request("cifar-100"), {"test.bin: coarse label 20 of record 0 is out of range"});
  write_file(root_ / "cifar-100/test.bin", cifar_records({{19, 100}}));
  expect_refused(request("cifar-100"), {"test.bin: label 100 of record 0 is out of range", "0 to 99"});
}

TEST_F(Files, cifar_100_without_its_training_split_serves_the_test_split) {
  write_file(root_ / "cifar-100/test.bin", cifar_records({{4, 30}}));
  expect_refused(request("cifar-100"), {"cifar-100: train.bin (training records) not found", "test split alone"});
  DatasetRequest wanted = request("cifar-100");
  wanted.splits = Splits::test;
  const Dataset set = load(wanted);
  EXPECT_EQ(set.train().count, 0);
  EXPECT_EQ(set.test().labels[0], 30);
}

}  // namespace
}  // namespace telltale::data
