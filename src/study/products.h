// Whether the products of a study's tasks lie in the artifact store as they were written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/artifacts.h"
#include "study/records.h"

namespace telltale::study {

struct ProductCheck {
  std::map<std::string, std::size_t> whole;  ///< products that are as written, by the kind of their task
  std::vector<std::string> faults;           ///< "missing    product 0123456789ab of search"
};

/// Reads and hashes every product of a task that is done. A model must have the hash that its training committed, any
/// other product the checksum that it was stored with, and the size that the journal names. What journals of early
/// versions do not name is checked if it is there; `kinds` then tells the kinds of tasks, where it can.
ProductCheck check_products(const StudyRecords& records, const store::ArtifactStore& artifacts,
                            const std::map<Identity, std::string>& kinds = {});

}  // namespace telltale::study
