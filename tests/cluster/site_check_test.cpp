// What findings mean. That they are found is tested on nodes of a real Slurm (tests/slurm) and with a folder that one
// rank does not see.
#include "cluster/site_check.h"

#include <gtest/gtest.h>

namespace telltale::cluster {
namespace {

constexpr double gib = 1024.0 * 1024 * 1024;

SiteFindings good_site() {
  SiteFindings site{.folder_seen_back = true, .appends_whole = true, .commit_s = 0.001};
  for (const char* host : {"n1", "n2"})
    site.ranks.push_back({.host = host,
                          .microarchitecture = "Zen 3",
                          .cores = 8,
                          .memory_bytes = 4 * gib,
                          .unix_s = 1e9,
                          .sees_folder = true,
                          .sees_size = true});
  site.ranks[1].locked_out = true;
  return site;
}

std::vector<std::string> said(const SiteFindings& site, Remark::Kind kind) {
  std::vector<std::string> texts;
  for (const Remark& remark : remarks_on(site))
    if (remark.kind == kind) texts.push_back(remark.text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(SiteCheck, OfAGoodSiteFindsNothingMissing) {
  EXPECT_EQ(said(good_site(), Remark::Kind::missing), Texts{});
  EXPECT_EQ(said(good_site(), Remark::Kind::note), Texts{});
}

TEST(SiteCheck, AFolderThatIsNotSharedIsMissing) {
  SiteFindings site = good_site();
  site.ranks[1].sees_folder = false;
  site.ranks[1].locked_out.reset();
  EXPECT_EQ(said(site, Remark::Kind::missing),
            Texts{"the folder is not shared: n2 sees no file that rank 0 made there"});
}

TEST(SiteCheck, LocksThatDoNotReachAreANoteWhileAppendingDoes) {
  SiteFindings site = good_site();
  site.ranks[1].locked_out = false;
  EXPECT_EQ(said(site, Remark::Kind::missing), Texts{});
  EXPECT_EQ(
      said(site, Remark::Kind::note),
      Texts{"locks (flock) of rank 0 do not reach n2: two runs of one study are kept apart by the journal alone"});
  site.ranks[1].sees_size = false;
  EXPECT_EQ(said(site, Remark::Kind::missing).size(), 1u) << "neither way is left";
}

TEST(SiteCheck, TooLittleMemoryIsMissingAndClocksApartAreANote) {
  SiteFindings site = good_site();
  site.ranks[1].memory_bytes = gib / 2;
  site.ranks[1].unix_s += 60;
  EXPECT_EQ(said(site, Remark::Kind::missing), Texts{"at least 0.5 GiB of memory a rank: trainings need 1 GiB"});
  EXPECT_EQ(said(site, Remark::Kind::note), Texts{"the clocks of the nodes are 60 s apart"});
}

}  // namespace
}  // namespace telltale::cluster
