// What a study's journal holds, read back: the one source from which resuming, status, verification and the results
// file all start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.h"
#include "core/outcome.h"
#include "store/journal.h"

namespace telltale::study {

/// Types of journal records. Numbers are never reused.
enum class RecordType : std::uint32_t {
  head = 1,       ///< JSON: settings, data, environments, binding; written twice at the first start
  outcome = 2,    ///< an encoded Outcome
  session = 3,    ///< JSON: one start: when, ranks, hosts, passports, counts of the plan
  published = 4,  ///< JSON: SHA-256 of a results file, written before that file gets its name
  crash = 5,      ///< JSON: a task that was running when its rank crashed
  product = 6,    ///< JSON: a task has a product in the artifact store: its kind and size; before the task's outcome
};

/// The paths that belong to the results file `x.h5`.
struct StudyPaths {
  std::string results;

  [[nodiscard]] std::string journal() const { return results + ".journal"; }
  [[nodiscard]] std::string lock() const { return results + ".lock"; }
  [[nodiscard]] std::string crash_notes() const { return results + ".crash"; }
  /// What a running study is doing just now: JSON, rewritten a few times a second and gone at its orderly end.
  [[nodiscard]] std::string progress() const { return results + ".progress"; }
  /// The starts under Slurm (slurm/starts.h).
  [[nodiscard]] std::string starts() const { return results + ".starts"; }
  /// The batch script that `telltale submit` writes.
  [[nodiscard]] std::string script() const { return results + ".sbatch"; }
  /// Where Slurm writes what all starts say.
  [[nodiscard]] std::string log() const { return results + ".log"; }
  /// The folder of artifacts: `chosen`, or `artifacts` beside the results file.
  [[nodiscard]] std::string artifacts(const std::string& chosen) const;
};

/// What the journal knows of a task's product.
struct ProductNote {
  std::string kind;         ///< of the task
  std::uint64_t bytes = 0;  ///< of the product itself
};

/// A journal's contents.
struct StudyRecords {
  std::optional<Json> head;
  std::vector<Json> sessions;
  std::unordered_map<Identity, Outcome> outcomes;  ///< the last word on each task: done wins over failed
  std::vector<Identity> published;                 ///< oldest first
  std::map<Identity, ProductNote> products;        ///< by task; journals of early versions have none
  std::map<Identity, int> crashes;                 ///< only of tasks that were running when their rank crashed
  std::vector<store::Damage> damages;
  double last_commit_s = 0;  ///< Unix time of the newest outcome

  /// The task is done (not merely recorded as failed).
  [[nodiscard]] bool is_done(const Identity& task) const;
  /// Of the last start's plan; 0 before the first.
  [[nodiscard]] std::size_t planned_tasks() const;
  /// How often its rank crashed while the task ran.
  [[nodiscard]] int crashes_of(const Identity& task) const;
};

/// Reads a journal without changing it. A record whose content cannot be read counts as damaged. Throws InputError
/// if there is no journal, or the file is none.
StudyRecords read_records(const std::string& journal_path);

/// The same from records that were already scanned.
StudyRecords interpret(const store::Scan& scan);

/// The contents of the progress file; null if there is none.
Json read_progress(const StudyPaths& paths);

/// "2026-11-20 22:39:05 UTC".
std::string utc_text(double unix_s);

}  // namespace telltale::study
