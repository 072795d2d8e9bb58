// What the coordinator holds while a study runs: the journal and its lock, the artifacts, what is known already.
#pragma once

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "cluster/coordinator.h"
#include "store/artifacts.h"
#include "store/journal.h"
#include "store/lock.h"
#include "study/ledger.h"
#include "study/records.h"
#include "study/run.h"
#include "study/session.h"

namespace telltale::study {

class Desk {
 public:
  /// Opens or begins the study: makes the plan, decides what is done already. Throws InputError, with nothing written,
  /// for input that cannot be used.
  Desk(Session& session, const RunOptions& options);

  [[nodiscard]] std::vector<std::optional<TaskStatus>> known() const;
  [[nodiscard]] JournalLedger& ledger();
  [[nodiscard]] std::vector<cluster::WorkItem> work_items() const;

  /// For `telltale status`. Not durable, and nothing depends on it.
  void show_progress(const cluster::Progress& p) const;

  /// Publishes in the background when the interval has passed; the study goes on meanwhile.
  void publish_now_and_then();

  void finish(const cluster::Summary& summary);

  RunReport report;

 private:
  // A partial file that could not be written is no reason to stop: the journal is what counts.
  void collect_publishing();

  // Those of earlier starts too, which are tried again: why they failed stands in the journal alone.
  void name_failures();

  // An algorithm that changed since the last start gives its tasks other identities: they are computed anew, and what
  // was computed before stays in the journal.
  void note_newer_algorithms();

  void take_crash_notes();

  // Done: as the journal or the artifact store says. What failed at an earlier start is tried again.
  void decide_what_is_known();

  void note_missing_environments();
  void note_missing_nodes();

  [[nodiscard]] Json session_record() const;

  Session& session_;
  const RunOptions& options_;
  StudyPaths paths_;
  store::RunLock lock_;
  StudyRecords records_;
  std::optional<store::Journal> journal_;
  std::optional<store::ArtifactStore> artifacts_;
  std::optional<JournalLedger> ledger_;
  std::vector<std::optional<TaskStatus>> known_;
  std::future<void> publishing_;
  std::chrono::steady_clock::time_point last_published_ = std::chrono::steady_clock::now();
};

}  // namespace telltale::study
