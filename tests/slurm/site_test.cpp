#include "slurm/site.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/error.h"

namespace telltale::slurm {
namespace {

std::string refusal_of(const std::string& text) {
  try {
    static_cast<void>(Site::parse(text, "site.ini"));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Site, MapsKindsOfNodesToWhatSlurmIsTold) {
  const Site site = Site::parse(
      "account = p1  # ours\ntime = 4:00:00\nlauncher = srun\nallocation = heterogeneous\nrequeue = no\nsuccessors = "
      "9\n"
      "sbatch = --exclusive  --mem=0\n\n[nodes zen3]\nfeature = milan\npartition = amd\nmicroarchitecture = Zen 3\n"
      "[nodes haswell]\n",
      "site.ini");
  EXPECT_EQ(site.account, "p1");
  EXPECT_EQ(site.time, "4:00:00");
  EXPECT_EQ(site.launcher, Launcher::srun);
  EXPECT_EQ(site.allocation, Allocation::heterogeneous);
  EXPECT_FALSE(site.requeue);
  EXPECT_EQ(site.successors, 9);
  EXPECT_EQ(site.sbatch, (std::vector<std::string>{"--exclusive", "--mem=0"}));
  EXPECT_EQ(site.kind("zen3").feature, "milan");
  EXPECT_EQ(site.kind("zen3").microarchitecture, "Zen 3");
  EXPECT_EQ(site.kind("haswell").feature, "") << "the kind's name will do";
}

TEST(Site, RefusesWhatItDoesNotKnowWithFileAndLine) {
  EXPECT_EQ(refusal_of("account = a\nacount = b\n"),
            "site.ini:2: acount: there is no such key here: those that there are: partition, account, qos, time, "
            "launcher, allocation, requeue, successors, sbatch");
  EXPECT_EQ(refusal_of("[nodes zen]\n\ncolour = red\n"),
            "site.ini:3: colour: there is no such key here: those that there are: feature, partition, account, qos, "
            "microarchitecture");
  EXPECT_EQ(refusal_of("[zen]\nfeature = zen\n"), "site.ini:1: [zen]: sections are [nodes NAME]");
  EXPECT_EQ(refusal_of("launcher = prun\n"), "site.ini:1: launcher: 'prun' is not one of mpirun, srun");
  EXPECT_EQ(refusal_of("successors = some\n"), "site.ini:1: successors: 'some' is no whole number from 0 to 1000");
  EXPECT_EQ(refusal_of("what is this\n"), "site.ini:1: a line must be `key = value`, a [section], a comment, or empty");
}

TEST(Site, NamesTheKindsThatItHas) {
  const Site site = Site::parse("[nodes a]\nfeature = x\n[nodes b]\nfeature = y\n", "site.ini");
  try {
    static_cast<void>(site.kind("c"));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "the site has no nodes called 'c': those that it has: a, b");
  }
}

TEST(Site, TheExampleOfTheRepositoryIsOne) {
  std::ifstream file(TELLTALE_SOURCE "/slurm/site.ini");
  std::ostringstream text;
  text << file.rdbuf();
  const Site site = Site::parse(text.str(), "slurm/site.ini");
  EXPECT_EQ(site.kinds.size(), 2u);
  EXPECT_EQ(site.partition, "");
}

TEST(Nodes, AreANumberOrKindsWithNumbers) {
  const auto any = parse_nodes("4");
  ASSERT_EQ(any.size(), 1u);
  EXPECT_EQ(any[0].kind, "");
  EXPECT_EQ(any[0].count, 4);
  const auto kinds = parse_nodes("haswell:2, zen");
  ASSERT_EQ(kinds.size(), 2u);
  EXPECT_EQ(kinds[0].kind, "haswell");
  EXPECT_EQ(kinds[0].count, 2);
  EXPECT_EQ(kinds[1].kind, "zen");
  EXPECT_EQ(kinds[1].count, 1);
  for (const char* text : {"", "0", "zen:0", "zen:-1", "zen:two", "4,zen:2", ":2", "zen*2"})
    EXPECT_THROW(parse_nodes(text), InputError) << text;
}

}  // namespace
}  // namespace telltale::slurm
