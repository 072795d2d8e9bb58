#include "store/artifacts.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/posix.h"
#include "core/process.h"
#include "core/temporary_directory.h"
#include "small_disk.h"
#include "store/atomic_file.h"

namespace telltale::store {
namespace {

namespace fs = std::filesystem;

const Identity identity = Identity::of("a trained model");

TEST(ArtifactStore, GivesBackWhatWasPut) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory / "parts");
  EXPECT_EQ(store.get("model", identity), nullptr);
  EXPECT_EQ(store.check("model", identity), PartState::missing);
  store.put("model", identity, as_bytes("weights"));
  ASSERT_NE(store.get("model", identity), nullptr);
  EXPECT_EQ(as_text(*store.get("model", identity)), "weights");
  EXPECT_EQ(store.check("model", identity), PartState::good);
  EXPECT_EQ(store.get("key", identity), nullptr) << "parts of different kinds are different parts";
}

TEST(ArtifactStore, ReplacesAndRemoves) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory / "parts");
  store.put("checkpoint", identity, as_bytes("step 1"));
  store.put("checkpoint", identity, as_bytes("step 2"));
  EXPECT_EQ(as_text(*store.get("checkpoint", identity)), "step 2");
  store.remove("checkpoint", identity);
  EXPECT_EQ(store.check("checkpoint", identity), PartState::missing);
  EXPECT_NO_THROW(store.remove("checkpoint", identity));
  EXPECT_TRUE(fs::is_empty(directory / "parts"));
}

TEST(ArtifactStore, APartCutAnywhereIsDamaged) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory.path());
  store.put("model", identity, as_bytes("weights"));
  const std::string path = store.path_of("model", identity);
  for (std::uintmax_t size = fs::file_size(path); size-- > 0;) {
    fs::resize_file(path, size);
    EXPECT_EQ(store.check("model", identity), PartState::damaged) << size;
    EXPECT_EQ(store.get("model", identity), nullptr) << size;
  }
}

TEST(ArtifactStore, APartWithAnyBitFlippedIsDamaged) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory.path());
  store.put("model", identity, as_bytes("weights"));
  const std::string path = store.path_of("model", identity);
  const Bytes good = read_file(path);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    std::ofstream(path, std::ios::binary) << as_text(bad);
    ASSERT_EQ(store.check("model", identity), PartState::damaged) << bit;
  }
  store.put("model", identity, as_bytes("weights"));
  EXPECT_EQ(store.check("model", identity), PartState::good) << "a recomputed part takes its place";
}

TEST(ArtifactStore, APartUnderAnotherNameIsDamaged) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory.path());
  const Identity other = Identity::of("another model");
  store.put("model", identity, as_bytes("weights"));
  fs::copy_file(store.path_of("model", identity), store.path_of("model", other));
  fs::copy_file(store.path_of("model", identity), store.path_of("key", identity));
  EXPECT_EQ(store.check("model", other), PartState::damaged);
  EXPECT_EQ(store.check("key", identity), PartState::damaged);
}

TEST(ArtifactStore, AKindCannotLeaveTheDirectory) {
  const TemporaryDirectory directory;
  EXPECT_THROW(ArtifactStore(directory.path()).put("../model", identity, {}), Error);
  EXPECT_THROW(ArtifactStore(directory.path()).put("", identity, {}), Error);
}

TEST(ArtifactStore, ADescriptionLiesBesideItsPartAndGoesWithIt) {
  const TemporaryDirectory directory;
  const ArtifactStore store(directory / "parts");
  store.describe("model", identity, "{}\n");
  store.put("model", identity, as_bytes("weights"));
  EXPECT_EQ(store.description_path("model", identity), store.path_of("model", identity) + ".json");
  EXPECT_EQ(as_text(read_file(store.description_path("model", identity))), "{}\n");
  EXPECT_EQ(store.check("model", identity), PartState::good);
  store.remove("model", identity);
  EXPECT_TRUE(fs::is_empty(directory / "parts"));
}

TEST(ArtifactStore, AFullDiskIsNamedAndKeepsTheOldPart) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  const ArtifactStore store(disk / "parts");
  store.put("model", identity, as_bytes("weights"));
  try {
    store.put("model", identity, Bytes(100000));
    FAIL() << "100 KB fitted on a disk of 64 KB";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "cannot write " + store.path_of("model", identity) + ": No space left on device");
  }
  EXPECT_EQ(as_text(*store.get("model", identity)), "weights");
  EXPECT_EQ(std::distance(fs::directory_iterator(disk / "parts"), {}), 1) << "a temporary file was left";
}

TEST(StaleTemporaries, OnlyThoseOfTheDeadAndTheOldAreRemoved) {
  const TemporaryDirectory directory;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto touch = [&](const std::string& name) {
    std::ofstream(directory / name) << "part of";
    return directory / name;
  };
  const std::string of_the_dead = touch(".x.telltale." + std::to_string(dead) + ".0." + host_name());
  const pid_t not_waited_for = ::fork();
  if (not_waited_for == 0) ::_exit(0);
  siginfo_t ended;
  ::waitid(P_PID, static_cast<id_t>(not_waited_for), &ended, WEXITED | WNOWAIT);
  const std::string of_a_zombie = touch(".x.telltale." + std::to_string(not_waited_for) + ".0." + host_name());
  const std::string of_the_living = touch(".x.telltale." + std::to_string(::getppid()) + ".0." + host_name());
  const std::string of_another_host = touch(".x.telltale." + std::to_string(dead) + ".0.elsewhere");
  const std::string of_another_day = touch(".x.telltale." + std::to_string(dead) + ".1.elsewhere");
  fs::last_write_time(of_another_day, fs::file_time_type::clock::now() - std::chrono::hours(25));
  const std::string of_someone_else = touch(".x.telltale.backup");
  const std::string of_another_file = touch(".y.telltale." + std::to_string(dead) + ".0." + host_name());

  remove_stale_temporaries(directory.path(), "x");
  ::waitpid(not_waited_for, nullptr, 0);
  EXPECT_FALSE(fs::exists(of_the_dead));
  EXPECT_FALSE(fs::exists(of_a_zombie));
  EXPECT_TRUE(fs::exists(of_the_living));
  EXPECT_TRUE(fs::exists(of_another_host));
  EXPECT_FALSE(fs::exists(of_another_day));
  EXPECT_TRUE(fs::exists(of_someone_else));
  EXPECT_TRUE(fs::exists(of_another_file));

  const ArtifactStore store(directory.path());
  EXPECT_FALSE(fs::exists(of_another_file)) << "opening a store cleans up in it";
}

}  // namespace
}  // namespace telltale::store
