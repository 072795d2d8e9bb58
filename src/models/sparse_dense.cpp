#include "models/sparse_dense.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "core/widest_vectors.h"
#include "models/lanes.h"

namespace telltale::models {
namespace {

// Outputs that are computed at a time: four vectors of each of two rows are sums that have registers.
constexpr std::int64_t blocks = 4, block = blocks * lanes;
// Inputs at a time: a block of their weights stays in the first cache.
constexpr std::int64_t most_inputs = 256;
constexpr std::int64_t least_rows = 16;

// Memory that is written before it is read.
std::unique_ptr<float[]> floats(std::int64_t count) {
  return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(count));
}

TELLTALE_WIDEST_VECTORS
std::int64_t other_than_zero(const float* values, std::int64_t count) {
  std::int32_t others = 0;  // as wide as the values, for vectors' sake
  for (std::int64_t i = 0; i < count; ++i) others += values[i] != 0.0F ? 1 : 0;
  return others;
}

// For every set of lanes: those that are in it, in order, before all else.
const std::array<Places, 256> to_the_front = [] {
  std::array<Places, 256> orders{};
  for (std::size_t set = 0; set < orders.size(); ++set) {
    int front = 0;
    for (std::int32_t lane = 0; lane < lanes; ++lane) {
      if ((set >> lane & 1) != 0) orders[set][front++] = lane;
    }
  }
  return orders;
}();

// Which inputs of two rows are not both zero, with the values of both rows.
struct Pairs {
  std::int32_t* input;
  float *first, *second;
};

// Appends the pairs of `count` (a multiple of eight) inputs from number `input` on; how many there are then. Eight
// places behind the last one may be written.
TELLTALE_INLINE std::int32_t append(const float* first, const float* second, std::int32_t input, std::int64_t count,
                                    const Pairs& pairs, std::int32_t at) {
  const Places bit{1, 2, 4, 8, 16, 32, 64, 128};
  for (std::int64_t i = 0; i < count; i += lanes, input += lanes) {
    const Lanes x = load(first + i), y = load(second + i);
    Places any = ((x != 0.0F) | (y != 0.0F)) & bit;
    any |= __builtin_shufflevector(any, any, 4, 5, 6, 7, 0, 1, 2, 3);
    any |= __builtin_shufflevector(any, any, 2, 3, 0, 1, 6, 7, 4, 5);
    any |= __builtin_shufflevector(any, any, 1, 0, 3, 2, 5, 4, 7, 6);
    const auto set = static_cast<std::uint32_t>(any[0]);
    const Places order = to_the_front[set];
    store(pairs.input + at, order + input);
    store(pairs.first + at, __builtin_shuffle(x, order));
    store(pairs.second + at, __builtin_shuffle(y, order));
    at += std::popcount(set);
  }
  return at;
}

// Two rows at a time, so that a row of weights is read once for both, and `inputs_at_once` inputs at a time.
class PairedRows {
 public:
  // Every row has `stride` values, a multiple of eight: those that are no inputs are zeros.
  PairedRows(const float* values, std::int64_t rows, std::int64_t stride)
      : rows_(rows),
        slices_((stride + most_inputs - 1) / most_inputs),
        inputs_at_once_(padded((stride + slices_ - 1) / slices_)) {
    const std::int64_t pairs = (rows + 1) / 2, most = pairs * stride + lanes;
    input_ = std::make_unique_for_overwrite<std::int32_t[]>(static_cast<std::size_t>(most));
    first_ = floats(most);
    second_ = floats(most);
    starts_.reserve(static_cast<std::size_t>(pairs * slices_ + 1));
    const std::vector<float> none(rows % 2 == 0 ? 0 : static_cast<std::size_t>(stride));
    std::int32_t at = 0;
    for (std::int64_t row = 0; row < rows; row += 2) {
      const float* first = values + row * stride;
      at = pair(first, row + 1 < rows ? first + stride : none.data(), stride, at);
    }
    starts_.push_back(at);
  }

  // Adds the products with `table` (inputs x block) to `block` of what comes out, `stride` values a row.
  void multiply(const float* table, float* out, std::int64_t stride) const {
    std::array<float, block> nowhere{};  // for the row beside an odd last one
    for (std::int64_t slice = 0; slice < slices_; ++slice) {
      for (std::int64_t row = 0; row < rows_; row += 2) {
        const auto pair = static_cast<std::size_t>(row / 2 * slices_ + slice);
        float* first = out + row * stride;
        multiply_pair(starts_[pair], starts_[pair + 1], table, first,
                      row + 1 < rows_ ? first + stride : nowhere.data());
      }
    }
  }

 private:
  TELLTALE_WIDEST_VECTORS
  std::int32_t pair(const float* first, const float* second, std::int64_t stride, std::int32_t at) {
    for (std::int64_t input = 0; input < stride; input += inputs_at_once_) {
      starts_.push_back(at);
      at = append(first + input, second + input, static_cast<std::int32_t>(input),
                  std::min(inputs_at_once_, stride - input), {input_.get(), first_.get(), second_.get()}, at);
    }
    return at;
  }

  TELLTALE_WIDEST_VECTORS
  void multiply_pair(std::int32_t from, std::int32_t to, const float* table, float* first, float* second) const {
    Lanes sum[2][blocks];
#pragma GCC unroll 8
    for (int b = 0; b < blocks; ++b) {
      sum[0][b] = load(first + b * lanes);
      sum[1][b] = load(second + b * lanes);
    }
    for (std::int32_t i = from; i < to; ++i) {
      const float* weights = table + std::int64_t{input_[i]} * block;
#pragma GCC unroll 8
      for (int b = 0; b < blocks; ++b) {
        const Lanes weight = load(weights + b * lanes);
        sum[0][b] += weight * first_[i];
        sum[1][b] += weight * second_[i];
      }
    }
#pragma GCC unroll 8
    for (int b = 0; b < blocks; ++b) {
      store(first + b * lanes, sum[0][b]);
      store(second + b * lanes, sum[1][b]);
    }
  }

  std::int64_t rows_, slices_, inputs_at_once_;
  std::unique_ptr<std::int32_t[]> input_;
  std::unique_ptr<float[]> first_, second_;
  std::vector<std::int32_t> starts_;  // of each pair of rows and slice of inputs
};

TELLTALE_INLINE void transpose_eight(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  Lanes row[lanes], by_two[lanes], by_four[lanes];
#pragma GCC unroll 8
  for (int i = 0; i < lanes; ++i) row[i] = load(from + i * from_stride);
#pragma GCC unroll 8
  for (int i = 0; i < lanes; i += 2) {
    by_two[i] = __builtin_shufflevector(row[i], row[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    by_two[i + 1] = __builtin_shufflevector(row[i], row[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 8
  for (int i = 0; i < lanes; ++i) {
    if ((i & 2) != 0) continue;
    by_four[i] = __builtin_shufflevector(by_two[i], by_two[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    by_four[i + 2] = __builtin_shufflevector(by_two[i], by_two[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {
    store(to + i * to_stride, __builtin_shufflevector(by_four[i], by_four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(to + (i + 4) * to_stride, __builtin_shufflevector(by_four[i], by_four[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

// rows x columns as columns x rows. Strides are how many floats a row takes.
TELLTALE_WIDEST_VECTORS
void transpose(const float* from, std::int64_t rows, std::int64_t columns, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  const std::int64_t whole_rows = rows / lanes * lanes, whole_columns = columns / lanes * lanes;
  const auto one_by_one = [&](std::int64_t row, std::int64_t column) {
    to[column * to_stride + row] = from[row * from_stride + column];
  };
  for (std::int64_t row = 0; row < whole_rows; row += lanes) {
    for (std::int64_t column = 0; column < whole_columns; column += lanes) {
      transpose_eight(from + row * from_stride + column, from_stride, to + column * to_stride + row, to_stride);
    }
    for (std::int64_t i = row; i < row + lanes; ++i) {
      for (std::int64_t column = whole_columns; column < columns; ++column) one_by_one(i, column);
    }
  }
  for (std::int64_t row = whole_rows; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) one_by_one(row, column);
  }
}

// Rows of `columns` values as rows of padded(columns), zeros at their ends.
std::unique_ptr<float[]> with_padding(const float* values, std::int64_t rows, std::int64_t columns) {
  const std::int64_t stride = padded(columns);
  auto wide = floats(rows * stride);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* const end = std::copy_n(values + row * columns, columns, wide.get() + row * stride);
    std::fill(end, end + stride - columns, 0.0F);
  }
  return wide;
}

}  // namespace

bool SparseDense::pays(const float* values) const {
  return rows >= least_rows && outputs % block == 0 && 3 * other_than_zero(values, rows * inputs) < rows * inputs;
}

void SparseDense::forward(const float* values, const float* weight, const float* bias, float* output) const {
  const auto wide = inputs % lanes == 0 ? nullptr : with_padding(values, rows, inputs);
  const PairedRows paired(wide ? wide.get() : values, rows, padded(inputs));
  for (std::int64_t row = 0; row < rows; ++row) std::copy_n(bias, outputs, output + row * outputs);
  const auto table = floats(inputs * block);
  for (std::int64_t first = 0; first < outputs; first += block) {
    transpose(weight + first * inputs, block, inputs, inputs, table.get(), block);
    paired.multiply(table.get(), output + first, outputs);
  }
}

// The same product of the transposed values: an input's row is the images that it is not zero in.
void SparseDense::weight_backward(const float* values, const float* gradient, float* weight_gradient) const {
  const std::int64_t stride = padded(rows);
  const auto by_input = floats(inputs * stride);
  if (stride != rows) std::fill_n(by_input.get(), inputs * stride, 0.0F);
  transpose(values, rows, inputs, inputs, by_input.get(), stride);
  const PairedRows paired(by_input.get(), inputs, stride);
  const auto table = floats(rows * block), sums = floats(inputs * block);
  for (std::int64_t first = 0; first < outputs; first += block) {
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(gradient + row * outputs + first, block, table.get() + row * block);
    }
    std::fill_n(sums.get(), inputs * block, 0.0F);
    paired.multiply(table.get(), sums.get(), block);
    transpose(sums.get(), inputs, block, block, weight_gradient + first * inputs, inputs);
  }
}

}  // namespace telltale::models
