// The answers of an unknown service to boundary samples: a small CSV file that a person or a script fills in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace telltale::study {

struct Answers {
  std::vector<std::int32_t> labels;  ///< one a sample; -1: no answer
  std::size_t missing = 0;           ///< samples that are listed without a label
  std::size_t given = 0;
};

/// Reads `sample,label` lines: an optional header of these two words, comments from `#` to the end of a line, blank
/// lines; a blank label says that the service gave none. Throws InputError, naming file and line, for anything else: a
/// number that is no sample, a label that is no class, a sample with two different labels, a form whose comment
/// `# samples: IDENTITY` names other samples.
Answers read_answers(const std::string& path, std::size_t samples, std::int64_t classes, const std::string& identity);

/// The form to fill in: one line without a label for each of the samples.
std::string answers_template(const std::vector<std::size_t>& samples, std::int64_t classes,
                             const std::string& identity);

}  // namespace telltale::study
