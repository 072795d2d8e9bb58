// A job: what one job file and its command line describe, checked, before anything runs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "study/keys.h"

namespace telltale::study {

/// Where a value was written, for messages.
struct Origin {
  std::string file;  ///< empty: the command line, or the default
  int line = 0;
  bool command_line = false;

  [[nodiscard]] std::string text(std::string_view key) const;
};

/// One axis: a key (or something counted, such as the repeats) and its values in the order in which they were written.
struct Axis {
  std::string key;
  std::string dimension;  ///< its name in the results
  std::string help;
  ValueType type = ValueType::text;
  std::vector<std::string> values;
};

/// The settings of a study. Constructed valid: every value has been checked against its key.
class Job {
 public:
  /// Reads a job file, then the command line's overrides (key, value). Throws InputError naming file, line and key for
  /// an unknown key, one that the experiment does not have, one that stands twice, a bad value, or an impossible
  /// combination.
  static Job load(const std::string& path, const std::vector<std::pair<std::string, std::string>>& overrides);
  /// The same from text; `name` stands for the file in messages.
  static Job parse(const std::string& text, const std::string& name,
                   const std::vector<std::pair<std::string, std::string>>& overrides = {});
  /// A job from the settings that a journal holds.
  static Job from_settings(const Json& settings);

  [[nodiscard]] const std::string& experiment() const { return experiment_; }
  /// Whether the experiment has such a key.
  [[nodiscard]] bool has(std::string_view key) const;
  /// Of this and of what follows: throws Error for a key that the experiment does not have.
  [[nodiscard]] const std::vector<std::string>& values(std::string_view key) const;
  /// The one value of a key. An empty text if it is optional and not set.
  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] long long integer(std::string_view key) const;
  [[nodiscard]] double number(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  [[nodiscard]] bool is_set(std::string_view key) const { return !text_or_empty(key).empty(); }

  /// For a study that goes on: takes the value that it was begun with for every scientific key that nobody gives, now
  /// or in the job file of its first start (`begun_text`), since defaults change between versions. Returns a line for
  /// each that is not today's default.
  std::vector<std::string> keep_defaults(const Json& begun_settings, const std::string& begun_text);

  /// The key stands in the job file or on the command line.
  [[nodiscard]] bool is_given(std::string_view key) const { return entries_.find(key) != entries_.end(); }

  /// The list of profiles as `forensics::parse_profile_list` reads it.
  [[nodiscard]] std::string profiles() const;

  /// The axes in the order of the keys: the first varies slowest.
  [[nodiscard]] std::vector<Axis> axes() const;
  /// Those of these keys.
  [[nodiscard]] std::vector<Axis> axes_of(const std::vector<std::string>& keys) const;
  /// The axis of a key, also of one that is none with a single value.
  [[nodiscard]] Axis axis_of(const std::string& key) const;

  /// Throws an InputError about a key that says where it was written.
  [[noreturn]] void refuse(std::string_view key, const std::string& what) const;

  /// The scientific settings as JSON: key -> list of texts (numbers as doubles): what a study's head record holds.
  [[nodiscard]] Json settings() const;
  /// The job file as it was read.
  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Entry {
    std::vector<std::string> values;
    Origin origin;
  };

  [[nodiscard]] const Entry& entry(std::string_view key) const;
  [[nodiscard]] const std::string& text_or_empty(std::string_view key) const;
  [[nodiscard]] const Parameter& own_key(const std::string& name, const Origin& origin) const;
  void set(const Parameter& key, const std::string& text, Origin origin);
  void check() const;

  std::map<std::string, Entry, std::less<>> entries_;
  std::string experiment_;
  std::string source_;
  std::string path_;
};

/// What differs between the settings of two jobs, one line a key: "beta: 0.001 here, 0.002 there".
std::vector<std::string> differences(const Json& here, const Json& there);

}  // namespace telltale::study
