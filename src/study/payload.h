// Payloads of tasks: structs whose fields read and write themselves, so that a plan and the task that it leads to
// cannot disagree. A field's name and value are part of the task's identity.
//
//   struct Predict {
//     static constexpr TaskKind kind{.name = "predict", .algorithm = 1};
//     Identity model;
//     long long images = 0;
//     void fields(auto& field) { field("model", model), field("images", images); }
//   };
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace telltale::study {

/// What all tasks of one kind have in common.
struct TaskKind {
  std::string_view name;           ///< no two kinds share one
  int algorithm = 0;               ///< raised when a change of the algorithm changes results; 0: none is written
  bool makes_product = false;      ///< what it makes is kept in the artifact store, for other tasks
  bool keeps_checkpoints = false;  ///< when it is stopped, it goes on later where it was
  bool asks = false;               ///< asks other ranks, and mostly waits for them (cluster/work.h)
};

class FieldWriter;
class FieldReader;

template <typename T>
concept HasFields = requires(T value, FieldWriter& writer, FieldReader& reader) {
  value.fields(writer);
  value.fields(reader);
};

template <typename T>
concept Payload = HasFields<T> && std::same_as<std::remove_cvref_t<decltype(T::kind)>, TaskKind>;

/// A payload with fields that a rank needs but that change no result, such as which rank to ask: they travel with the
/// task and are no part of its identity.
template <typename T>
concept HasHints = requires(T value, FieldWriter& writer, FieldReader& reader) {
  value.hints(writer);
  value.hints(reader);
};

/// Fields into a JSON object. An empty optional leaves nothing behind.
class FieldWriter {
 public:
  template <typename T>
  void operator()(const char* name, std::optional<T>& value) {
    if (value) json_[name] = to_json(*value);
  }
  template <typename T>
  void operator()(const char* name, T& value) {
    json_[name] = to_json(value);
  }
  [[nodiscard]] Json take() { return std::move(json_); }

  template <typename T>
  static Json to_json(T& value) {
    if constexpr (std::is_same_v<T, Identity>) {
      return value.hex();
    } else if constexpr (requires { value.to_json(); }) {
      return value.to_json();
    } else if constexpr (HasFields<T>) {
      FieldWriter writer;
      value.fields(writer);
      return writer.take();
    } else {
      return value;
    }
  }
  template <typename T>
  static Json to_json(std::vector<T>& values) {
    Json list = Json::array();
    for (auto&& value : values) list.push_back(to_json(value));
    return list;
  }

 private:
  Json json_ = Json::object();
};

/// Fields out of a JSON object. Throws Error, naming the field, if one is missing or of another type.
class FieldReader {
 public:
  explicit FieldReader(const Json& json) : json_(json) {}

  template <typename T>
  void operator()(const char* name, std::optional<T>& value) {
    if (json_.contains(name)) (*this)(name, value.emplace());
  }
  template <typename T>
  void operator()(const char* name, T& value) {
    if (!json_.contains(name)) throw Error("a task's payload lacks the field " + std::string(name));
    try {
      from_json(json_[name], value);
    } catch (const Json::exception& error) {
      throw Error("the field " + std::string(name) + " of a task's payload: " + error.what());
    }
  }

 private:
  template <typename T>
  static void from_json(const Json& json, T& value) {
    if constexpr (std::is_same_v<T, Identity>) {
      value = Identity::from_hex(json.get_ref<const std::string&>());
    } else if constexpr (requires { T::from_json(json); }) {
      value = T::from_json(json);
    } else if constexpr (HasFields<T>) {
      FieldReader reader(json);
      value.fields(reader);
    } else {
      value = json.get<T>();
    }
  }
  template <typename T>
  static void from_json(const Json& json, std::vector<T>& values) {
    values.clear();
    for (const Json& item : json) from_json(item, values.emplace_back());
  }

  const Json& json_;
};

/// A struct's fields as a JSON object.
template <HasFields T>
Json json_of(T value) {
  return FieldWriter::to_json(value);
}

/// What a task's identity is the hash of: its fields, its kind, and the version of its algorithm.
template <Payload P>
Json payload_of(P payload) {
  Json json = json_of(std::move(payload));
  json["kind"] = P::kind.name;
  if constexpr (P::kind.algorithm > 0) json["algorithm"] = P::kind.algorithm;
  return json;
}

/// Throws Error, naming the field, if the payload is not one of such a task.
template <HasFields T>
T fields_from(const Json& json) {
  T value;
  FieldReader reader(json);
  value.fields(reader);
  return value;
}

/// The hints; null of a payload without any.
template <Payload P>
Json hints_of(P payload) {
  if constexpr (HasHints<P>) {
    FieldWriter writer;
    payload.hints(writer);
    return writer.take();
  } else {
    return nullptr;
  }
}

/// A task as it travels to the rank that computes it.
inline Json message_of(Json payload, const Json& hints) {
  if (!hints.is_null()) payload["hints"] = hints;
  return payload;
}
/// And as it arrives there. Throws Error, naming the field, if a field or a hint is missing.
template <Payload P>
P task_from(const Json& message) {
  P task = fields_from<P>(message);
  if constexpr (HasHints<P>) {
    const Json none = Json::object();
    FieldReader reader(message.contains("hints") ? message["hints"] : none);
    task.hints(reader);
  }
  return task;
}

}  // namespace telltale::study
