#include "core/posix.h"

#include <gtest/gtest.h>

#include "core/process.h"
#include "core/temporary_directory.h"

namespace telltale {
namespace {

TEST(Posix, AFileReadsBackAndIsReplaced) {
  const TemporaryDirectory directory;
  write_file(directory / "x", as_bytes("long content"));
  write_file(directory / "x", as_bytes("short"));
  EXPECT_EQ(as_text(read_file(directory / "x")), "short");
}

TEST(Posix, MessagesNameThePathAndTheReason) {
  const TemporaryDirectory directory;
  const std::string path = directory / "no/x";
  for (const bool writing : {true, false}) {
    try {
      if (writing)
        write_file(path, {});
      else
        read_file(path);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.what(),
                std::string("cannot ") + (writing ? "write " : "read ") + path + ": No such file or directory");
    }
  }
}

TEST(Posix, TheDirectoryOfABareNameIsThisOne) {
  EXPECT_EQ(directory_of("x"), ".");
  EXPECT_EQ(directory_of("a/x"), "a");
  EXPECT_FALSE(host_name().empty());
}

}  // namespace
}  // namespace telltale
