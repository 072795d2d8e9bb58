#include "store/results_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "core/process.h"
#include "core/temporary_directory.h"
#include "sample_results.h"
#include "small_disk.h"

namespace telltale::store {
namespace {

std::string refusal_of(const std::function<void()>& attempt) {
  try {
    attempt();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ResultsFile, ReadsBackWhatWasWritten) {
  const TemporaryDirectory directory;
  const Group sample = sample_results();
  const Identity hash = write_results_file(directory / "x.h5", sample);
  EXPECT_EQ(hash, hash_file(directory / "x.h5"));
  EXPECT_EQ(read_results_file(directory / "x.h5", hash), sample);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1) << "a temporary was left";
}

TEST(ResultsFile, ItsHashIsToldBeforeItHasItsName) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  std::optional<Identity> told;
  const Identity hash = write_results_file(path, sample_results(), [&](const Identity& early) {
    told = early;
    EXPECT_FALSE(std::filesystem::exists(path));
  });
  EXPECT_EQ(told, hash);
  EXPECT_THROW(write_results_file(path, {}, [](const Identity&) { throw Error("no journal"); }), Error);
  EXPECT_EQ(hash_file(path), hash) << "published although nobody was to know of it";
}

TEST(ResultsFile, WhatAKilledWriterLeftGoesWithTheNextFile) {
  const TemporaryDirectory directory;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  std::ofstream(directory / (".x.h5.telltale." + std::to_string(dead) + ".0." + host_name())) << "part of";
  write_results_file(directory / "x.h5", sample_results());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(ResultsFile, TheSameContentGivesTheSameBytes) {
  const Bytes first = encode_results(sample_results());
  // Other memory contents, and another second: neither may show in the file.
  std::vector<Bytes> clutter;
  for (std::size_t size = 16; size < 100000; size += size / 3) clutter.emplace_back(size, 0xa5);
  clutter.clear();
  ::sleep(1);
  EXPECT_TRUE(encode_results(sample_results()) == first);
}

TEST(ResultsFile, FindsByName) {
  const Group root = sample_results();
  ASSERT_NE(root.child("train"), nullptr);
  EXPECT_EQ(root.child("sleep"), nullptr);
  ASSERT_NE(root.child("train")->find_variable("alpha"), nullptr);
  EXPECT_EQ(root.child("train")->find_variable("gamma"), nullptr);
  EXPECT_EQ(root.child("train")->find_dimension("repeat")->size, 4);
  EXPECT_EQ(std::get<std::string>(root.find_attribute("format")->value), "telltale results");
  EXPECT_THROW(static_cast<void>(root.child("train")->find_variable("alpha")->strings()), Error);
  EXPECT_THROW(static_cast<void>(root.child("train")->find_variable("scheme")->numbers()), Error);
}

TEST(ResultsFile, ManyObjectsKeepTheirOrder) {
  Group root;
  for (int i = 0; i < 100; ++i) {
    root.attributes.push_back({"attribute_" + std::to_string(i * 37 % 100), std::int64_t{i}});
    root.variables.push_back({.name = "variable_" + std::to_string(i * 37 % 100), .data = Array::scalar(i * 0.5)});
  }
  EXPECT_EQ(decode_results(encode_results(root), "x.h5"), root);
}

TEST(ResultsFile, LargeArraysAndLongTextsReadBack) {
  Group root;
  root.attributes = {{"job", std::string(200000, 'j')}};
  root.dimensions = {{"row", 1000}, {"column", 700}};
  root.variables = {
      {.name = "wide", .dimensions = {"row", "column"}, .data = Array::of<float>({1000, 700}, ramp(700000))},
      {.name = "name", .dimensions = {"row"}, .data = std::vector<std::string>(1000, std::string(300, 'n'))}};
  EXPECT_EQ(decode_results(encode_results(root), "x.h5"), root);
}

TEST(ResultsFile, TextsThatAreNotUtf8AreMadeReadable) {
  Group root;
  const std::string zero("a\0b\xc3\xa4", 5);
  root.attributes = {{"note", std::string("bad \xff byte")}};
  root.dimensions = {{"line", 2}};
  root.variables = {{.name = "log", .dimensions = {"line"}, .data = std::vector<std::string>{zero, "good \xc3\xa4"}}};
  const Group found = decode_results(encode_results(root), "x.h5");
  EXPECT_EQ(std::get<std::string>(found.find_attribute("note")->value), "bad \xef\xbf\xbd byte");
  EXPECT_EQ(found.find_variable("log")->strings(), (std::vector<std::string>{"a\xef\xbf\xbd"
                                                                             "b\xc3\xa4",
                                                                             "good \xc3\xa4"}));
}

TEST(ResultsFile, RefusesWhatTheFormatForbids) {
  Group good;
  good.dimensions = {{"environment", 2}};
  good.variables = {{.name = "x", .dimensions = {"environment"}, .data = Array::of<double>({2}, {1, 2})}};
  ASSERT_NO_THROW(encode_results(good));

  const auto refused = [&](const std::function<void(Group&)>& spoil) {
    Group bad = good;
    spoil(bad);
    return refusal_of([&] { encode_results(bad); });
  };
  EXPECT_EQ(refused([](Group& g) {
              g.variables[0].dimensions = {"environment", "environment"};
              g.variables[0].data = Array::of<double>({2, 2}, {1, 2, 3, 4});
            }),
            "the variable /x has the dimension 'environment' twice: give the second its own name");
  EXPECT_EQ(refused([](Group& g) { g.variables[0].dimensions = {"alpha"}; }),
            "the variable /x has the unknown dimension 'alpha'");
  EXPECT_EQ(refused([](Group& g) {
              g.variables[0].data = Array::of<double>({3}, {1, 2, 3});
            }),
            "the data of variable /x do not fit its dimensions");
  EXPECT_EQ(refused([](Group& g) { g.variables[0].data = std::vector<std::string>{"one"}; }),
            "the texts of variable /x do not fit its dimensions");
  EXPECT_EQ(refused([](Group& g) { g.variables[0].fill = Array::scalar(1.0f); }),
            "the fill value of variable /x is not of its type");
  EXPECT_EQ(refused([](Group& g) { g.variables.push_back(g.variables[0]); }), "'x' is used twice in group /");
  EXPECT_EQ(refused([](Group& g) { g.children = {{.name = "environment"}}; }),
            "'environment' is used twice in group /");
  EXPECT_EQ(refused([](Group& g) { g.children = {{.name = "a/b"}}; }),
            "'a/b' in group / cannot be a name in a results file");
  EXPECT_EQ(refused([](Group& g) { g.variables[0].name.clear(); }), "'' in group / cannot be a name in a results file");
  EXPECT_EQ(refused([](Group& g) {
              g.attributes = {{"_FillValue", 1.0}};
            }),
            "the attribute name _FillValue of / belongs to netCDF");
  EXPECT_EQ(refused([](Group& g) {
              g.attributes = {{"list", std::vector<double>{}}};
            }),
            "the attribute list of / is an empty list");
  EXPECT_EQ(refused([](Group& g) { g.variables.push_back({.name = "environment", .data = Array::scalar(1.0)}); }),
            "the variable /environment has the name of a dimension, but not it alone as its dimension");
  EXPECT_NE(refused([](Group& g) { g.attributes = {{"same", 1.0}, {"same", 2.0}}; }), "");
}

TEST(ResultsFile, AFullDiskIsNamedAndKeepsTheOldFile) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  const std::string path = disk / "x.h5";
  Group root;
  root.attributes = {{"title", "old"}};
  const Identity old = write_results_file(path, root);
  root.attributes = {{"title", std::string(100000, 't')}};
  EXPECT_EQ(refusal_of([&] { write_results_file(path, root); }), "cannot write " + path + ": No space left on device");
  EXPECT_EQ(hash_file(path), old);
  ASSERT_TRUE(disk.make_read_only());
  EXPECT_EQ(refusal_of([&] { write_results_file(path, {}); }), "cannot create " + path + ": Read-only file system");
}

TEST(ResultsFile, AFileThatIsNoneIsRefusedByName) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  EXPECT_EQ(refusal_of([&] { read_results_file(path); }), "cannot read " + path + ": No such file or directory");
  std::ofstream(path) << "";
  EXPECT_EQ(refusal_of([&] { read_results_file(path); }), "cannot open " + path + " as HDF5: it is empty");
  std::ofstream(path) << "no HDF5 at all";
  EXPECT_NE(refusal_of([&] { read_results_file(path); }).find("cannot open " + path + " as HDF5"), std::string::npos);
}

enum ReadOutcome { read_well = 10, refused_clearly = 11, refused_unclearly = 12 };

// Reads the file in a child process, as damage may crash libhdf5; returns its wait status.
int read_in_child(const std::string& path, const std::optional<Identity>& expected) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    if (!expected) static_cast<void>(std::freopen("/dev/null", "w", stderr));  // what a sanitizer says of libhdf5
    ReadOutcome outcome = read_well;
    try {
      read_results_file(path, expected);
    } catch (const Error& error) {
      const std::string_view message = error.what();
      outcome = message.starts_with(path + " is damaged") && message.find("telltale run") != message.npos
                    ? refused_clearly
                    : refused_unclearly;
    }
    ::_exit(outcome);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

// 200 damaged copies of a results file: half with a flipped bit, half cut.
class DamagedResults : public testing::Test {
 protected:
  template <typename Check>
  void for_each_damage(Check&& check) {
    const Bytes good = encode_results(sample_results());
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
      Bytes bad = good;
      const std::size_t at = random() % bad.size();
      if (i % 2 == 0)
        bad[at] ^= static_cast<std::uint8_t>(1 << (random() % 8));
      else
        bad.resize(at);
      std::ofstream(path_, std::ios::binary) << as_text(bad);
      check((i % 2 == 0 ? "bit flipped in byte " : "cut at byte ") + std::to_string(at));
    }
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "x.h5";
};

TEST_F(DamagedResults, WithTheHashAreAlwaysRefusedClearly) {
  const Identity hash = Identity::of(encode_results(sample_results()));
  for_each_damage([&](const std::string& damage) {
    const int status = read_in_child(path_, hash);
    ASSERT_TRUE(WIFEXITED(status)) << damage << ": signal " << WTERMSIG(status);
    ASSERT_EQ(WEXITSTATUS(status), refused_clearly) << damage;
  });
}

TEST_F(DamagedResults, WithoutTheHashNeverHang) {
  for_each_damage([&](const std::string& damage) {
    const int status = read_in_child(path_, std::nullopt);
    ASSERT_FALSE(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) << damage;
  });
}

}  // namespace
}  // namespace telltale::store
