#include "store/npy_file.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/posix.h"
#include "core/temporary_directory.h"
#include "support/refusal.h"

namespace telltale::store {
namespace {

Bytes written(const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  const TemporaryDirectory folder;
  const std::string path = folder / "x.npy";
  write_npy(path, shape, {values});
  return read_file(path);
}

TEST(NpyFile, ArraysComeBackAsTheyWere) {
  const std::vector<float> values{0, -1.5f, 3e-40f, 4, 5, 6};
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{6}, {2, 3}, {1, 2, 3, 1}}) {
    const NpyArray back = parse_npy(written(shape, values));
    EXPECT_EQ(back.shape, shape);
    EXPECT_EQ(back.values, values);
  }
  EXPECT_TRUE(parse_npy(written({0, 4}, {})).values.empty());
}

TEST(NpyFile, WhatIsCutOrOfAnotherTypeIsRefused) {
  const Bytes whole = written({2, 3}, {1, 2, 3, 4, 5, 6});
  const ByteSpan all = whole;
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{40}, whole.size() - 1})
    EXPECT_THROW(parse_npy(all.first(size)), Error) << size;
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text(as_text(all));
    text.replace(text.find(from), from.size(), to);
    const ByteSpan changed = as_bytes(text);
    return Bytes(changed.begin(), changed.end());
  };
  EXPECT_EQ(refusal<Error>([&] { parse_npy(with("<f4", "<f8")); }),
            "no array of little-endian float32 values in C order");
  EXPECT_EQ(refusal<Error>([&] { parse_npy(with("False", "True ")); }),
            "no array of little-endian float32 values in C order");
  EXPECT_EQ(refusal<Error>([&] { parse_npy(with("(2, 3", "(2, 4")); }), "it has not as many values as its shape");
  EXPECT_THROW(parse_npy(with("(2, 3, )", "(-2, 3,)")), Error);
}

}  // namespace
}  // namespace telltale::store
