// Whether a cluster's nodes and a folder do for studies: what Telltale needs of them, tried out by all ranks together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/communicator.h"

namespace telltale::cluster {

/// What one rank found.
struct RankFindings {
  std::string host;
  std::string microarchitecture;
  int cores = 0;                   ///< that this process may use
  double memory_bytes = 0;         ///< that is free on its node, or its control group, for each rank there
  double unix_s = 0;               ///< its clock, when all ranks were at one point
  bool sees_folder = false;        ///< a file that rank 0 made there is there, with its content
  double seen_after_s = 0;         ///< how long that took to be so
  bool sees_size = false;          ///< of an open file, at once after another rank has appended to it
  std::optional<bool> locked_out;  ///< a lock that rank 0 held kept it out; none: rank 0 itself
};

struct SiteFindings {
  std::vector<RankFindings> ranks;
  bool folder_seen_back = false;  ///< rank 0 sees the file that every other rank made
  bool appends_whole = false;     ///< what all ranks appended to one file at once is there, each piece in one
  double commit_s = 0;            ///< median: some 4 KiB appended, and on the disk
};

/// Collective. Makes files in `folder`, and removes them. `microarchitecture` is this rank's. Every rank has the whole
/// result. Throws shared errors: SharedInputError if rank 0 cannot write in the folder.
SiteFindings check_site(Communicator& communicator, const std::string& folder, const std::string& microarchitecture);

/// Something that is found, for people.
struct Remark {
  enum class Kind { good, note, missing } kind;
  std::string text;
};

/// What the findings mean. Where something is missing studies will not work as they are meant to.
std::vector<Remark> remarks_on(const SiteFindings& findings);

}  // namespace telltale::cluster
