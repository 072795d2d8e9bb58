// From journal to results file: the whole content of `x.h5`, built anew each time from what is committed.
#pragma once

#include <functional>
#include <optional>

#include "store/results_file.h"
#include "study/records.h"
#include "study/session.h"

namespace telltale::study {

inline constexpr const char* results_format = "telltale results";
inline constexpr int results_version = 1;

/// The content of the results file: the experiment's groups, then `tasks` (identity, status, environment: scientific)
/// and `run` (timings, hosts, sessions: what may differ between two equal studies).
store::Group build_results(const Session& session, const StudyRecords& records);

/// Builds the results file from the journal on disk and gives it its name; its hash is journaled first. Returns the
/// hash.
Identity publish(const Session& session, const StudyPaths& paths, store::Journal& journal);

/// A results file and its journal, as they were when they were read.
struct Publication {
  StudyRecords records;
  std::optional<Bytes> file;  ///< nothing if there is none
  Identity hash;              ///< of the file
  bool known = false;         ///< the journal names the file's hash
};

/// Reads the file first and the journal second: as the journal knows a file before it has its name, a study that
/// publishes in between is never taken for damaged. `between` runs between the two, for tests. Throws InputError if
/// there is no journal.
Publication read_publication(const StudyPaths& paths, const std::function<void()>& between = {});

/// Reads a results file after checking it against the hashes in the journal beside it. Without a journal the file is
/// read as it is. Throws InputError if there is no such file, Error if it is damaged (says how to get it back).
store::Group open_results(const StudyPaths& paths);

}  // namespace telltale::study
