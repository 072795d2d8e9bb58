#include "experiments/boundary/export.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/temporary_directory.h"
#include "support/boundary_samples.h"

namespace telltale::experiments {
namespace {

// What the files hold is looked at in Python, tests/cli/test_identify.py.

TEST(Export, OverwritesNothing) {
  const TemporaryDirectory folder;
  const BoundarySamples all = read_samples(boundary_results());
  std::ofstream(folder / "mine") << "kept";
  EXPECT_THROW(export_samples(all, {0}, folder.path(), ExportFormat::npy), InputError);
  EXPECT_THROW(export_samples(all, {0}, folder / "mine", ExportFormat::npy), InputError);
  EXPECT_THROW(export_samples(all, {}, folder / "new", ExportFormat::npy), InputError);
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

TEST(Export, RefusesAPngThatWouldChangeASample) {
  const TemporaryDirectory folder;
  BoundarySamples all = read_samples(boundary_results());
  EXPECT_THROW(export_samples(all, {0}, folder / "float", ExportFormat::png), InputError);
  ASSERT_TRUE(all.samples[5].eight_bit);
  export_samples(all, {5}, folder / "good", ExportFormat::png);
  float& pixel = all.samples[5].pixels[11];
  pixel = std::nextafter(pixel, 0.5f);  // said to be on the grid, and is not
  EXPECT_THROW(export_samples(all, {5}, folder / "off", ExportFormat::png), Error);
  pixel = 1.5f;
  EXPECT_THROW(export_samples(all, {5}, folder / "outside", ExportFormat::png), InputError);
}

TEST(SamplesWhere, SelectsByLabelsOfTheCases) {
  const BoundarySamples all = read_samples(boundary_results());
  EXPECT_EQ(samples_where(all, "").size(), 40u);
  EXPECT_EQ(samples_where(all, "target=zen").size(), 10u);
  EXPECT_EQ(samples_where(all, "target=sandybridge, grid=8-bit, image=13"), (std::vector<std::size_t>{9}));
  EXPECT_THROW(samples_where(all, "image=3"), InputError);
  EXPECT_THROW(samples_where(all, "target=zen, target=haswell"), InputError);
  EXPECT_THROW(samples_where(all, "colour=red"), InputError);
  EXPECT_THROW(samples_where(all, "target"), InputError);
}

}  // namespace
}  // namespace telltale::experiments
