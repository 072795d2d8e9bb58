#include "cluster/agreement.h"

#include <string>

namespace telltale::cluster {
namespace {

enum class Went : std::uint8_t { well, input_error, error };

struct Told {
  Went went = Went::well;
  std::string text;  // a value in JSON, or what went wrong in any bytes: a file name need not be UTF-8
};

Told try_to(const std::function<std::string()>& action) {
  try {
    return {Went::well, action()};
  } catch (const InputError& error) {
    return {Went::input_error, error.what()};
  } catch (const std::exception& error) {
    return {Went::error, error.what()};
  } catch (...) {
    return {Went::error, "something was thrown that is no std::exception"};
  }
}

Bytes encode(const Told& told) {
  ByteWriter writer;
  writer.reserve(told.text.size() + 1);
  return writer.put(told.went).raw(as_bytes(told.text)).take();
}

/// The text that an action returned; throws what it threw.
std::string heard(ByteSpan message) {
  ByteReader reader(message);
  const auto went = reader.get<Went>();
  std::string text(as_text(reader.rest()));
  if (went == Went::input_error) throw SharedInputError(text);
  if (went == Went::error) throw SharedError(text);
  return text;
}

// The text is made inside the attempt: what cannot be written as JSON is an error like any other.
std::function<std::string()> as_json(const std::function<Json()>& action) {
  return [&action] { return canonical(action()); };
}

}  // namespace

bool is_shared(const std::exception& error) {
  return dynamic_cast<const SharedError*>(&error) != nullptr ||
         dynamic_cast<const SharedInputError*>(&error) != nullptr;
}

Json on_coordinator(Communicator& communicator, const std::function<Json()>& action) {
  Bytes mine;
  if (communicator.rank() == 0) mine = encode(try_to(as_json(action)));
  return Json::parse(heard(communicator.broadcast(std::move(mine), 0)));
}

std::vector<Json> gather_json(Communicator& communicator, const std::function<Json()>& make) {
  std::vector<Json> values;
  for (const Bytes& one : communicator.gather_all(encode(try_to(as_json(make)))))
    values.push_back(Json::parse(heard(one)));
  return values;
}

void agree(Communicator& communicator, const std::function<void()>& action) {
  const Told mine = try_to([&action] {
    action();
    return std::string();
  });
  for (const Bytes& one : communicator.gather_all(encode(mine))) heard(one);
}

void unwaited(const std::function<void()>& action) {
  heard(encode(try_to([&action] {
    action();
    return std::string();
  })));
}

}  // namespace telltale::cluster
