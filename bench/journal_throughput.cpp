// How fast records become durable: the journal, and plain write() and fdatasync() of the same bytes.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include "core/error.h"
#include "store/journal.h"

namespace {

using telltale::Bytes;
using telltale::Error;
using telltale::InputError;

struct Load {
  std::string path;
  long records = 0;
  std::size_t payload_bytes = 0;
  bool fsync = true;
  long writes = 0;  // of the plain loop: into how many equal writes the bytes are cut
};

struct Result {
  std::size_t bytes = 0;
  std::uint64_t commits = 0;
  double median_commit_s = 0;
};

Bytes payload_of(const Load& load) {
  Bytes payload(load.payload_bytes);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 131 % 251);
  return payload;
}

Result append_to_journal(const Load& load) {
  const Bytes payload = payload_of(load);
  telltale::store::Journal journal(load.path, {.fsync = load.fsync});
  for (long i = 0; i < load.records; ++i) journal.append(1, payload);
  journal.flush();
  return {static_cast<std::size_t>(load.records) * load.payload_bytes, journal.commits(), journal.median_commit_s()};
}

Result write_plainly(const Load& load) {
  const std::size_t total = static_cast<std::size_t>(load.records) * load.payload_bytes;
  const Bytes block(total / static_cast<std::size_t>(load.writes));
  const int file = ::open(load.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0) throw Error("cannot open " + load.path + ": " + std::strerror(errno));
  for (long i = 0; i < load.writes; ++i) {
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        (load.fsync && ::fdatasync(file) != 0))
      throw Error("cannot write " + load.path + ": " + std::strerror(errno));
  }
  ::close(file);
  return {block.size() * static_cast<std::size_t>(load.writes), static_cast<std::uint64_t>(load.writes), 0};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 6)
    throw InputError(
        "usage: journal_throughput journal|plain PATH RECORDS PAYLOAD_BYTES fsync|no-fsync [WRITES]\n"
        "journal appends RECORDS records; plain writes their bytes in WRITES writes (default: one a record)");
  const std::string_view mode = argv[1];
  Load load{argv[2], std::atol(argv[3]), static_cast<std::size_t>(std::atol(argv[4])), argv[5] == std::string_view("fsync"), 0};
  load.writes = argc > 6 ? std::atol(argv[6]) : load.records;
  if ((mode != "journal" && mode != "plain") || load.records <= 0 || load.payload_bytes == 0 || load.writes <= 0)
    throw InputError("journal_throughput: a mode, or a number above 0, is wrong");
  const auto start = std::chrono::steady_clock::now();
  const Result result = mode == "journal" ? append_to_journal(load) : write_plainly(load);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("seconds %.9f bytes %zu commits %llu median_commit_s %.9f\n", taken.count(), result.bytes,
              static_cast<unsigned long long>(result.commits), result.median_commit_s);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
