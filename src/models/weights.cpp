#include "models/weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <vector>

namespace telltale::models {
namespace {

struct Kind {
  at::ScalarType type;
  const char* name;
};

// By element size, largest first: in this order every tensor starts at a multiple of its element size.
constexpr std::array kinds{Kind{at::kDouble, "F64"}, Kind{at::kLong, "I64"}, Kind{at::kFloat, "F32"},
                           Kind{at::kByte, "U8"}};

std::size_t kind_of(at::ScalarType type) {
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i].type == type) return i;
  }
  throw Error(std::string("tensors of type ") + at::toString(type) + " are not stored");
}

at::ScalarType type_named(const std::string& name) {
  for (const Kind& kind : kinds) {
    if (kind.name == name) return kind.type;
  }
  throw Error("stored tensors are of the unknown type " + name);
}

std::uint64_t size_in_bytes(const std::vector<std::int64_t>& shape, at::ScalarType type) {
  std::uint64_t size = at::elementSize(type);
  for (const std::int64_t side : shape) {
    if (side < 0 || __builtin_mul_overflow(size, static_cast<std::uint64_t>(side), &size)) {
      throw Error("a stored tensor has an impossible shape");
    }
  }
  return size;
}

struct Place {
  std::uint64_t begin, end;
  std::string name;
  std::vector<std::int64_t> shape;
  at::ScalarType type;
};

Place place_of(const std::string& name, const Json& entry) {
  Place place{0, 0, name, entry.at("shape").get<std::vector<std::int64_t>>(),
              type_named(entry.at("dtype").get<std::string>())};
  const Json& offsets = entry.at("data_offsets");
  if (offsets.size() != 2) throw Error("stored tensor " + name + " does not say where it lies");
  place.begin = offsets.at(0).get<std::uint64_t>();
  place.end = offsets.at(1).get<std::uint64_t>();
  if (place.end < place.begin || place.end - place.begin != size_in_bytes(place.shape, place.type)) {
    throw Error("stored tensor " + name + " has another size than its shape says");
  }
  return place;
}

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (const std::int64_t side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + "]";
}

}  // namespace

const at::Tensor& TensorMap::at(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error("there is no stored tensor " + name);
  return found->second;
}

const std::string& TensorMap::note(const std::string& name) const {
  const auto found = metadata.find(name);
  if (found == metadata.end()) throw Error("stored tensors do not say their \"" + name + "\"");
  return found->second;
}

Bytes write_tensors(const TensorMap& map) {
  std::vector<std::pair<std::string, at::Tensor>> ordered;
  for (const auto& [name, tensor] : map.tensors) ordered.emplace_back(name, tensor.detach().contiguous());
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return kind_of(a.second.scalar_type()) < kind_of(b.second.scalar_type());
  });

  Json header = Json::object();
  if (!map.metadata.empty()) header["__metadata__"] = map.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    const std::uint64_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", kinds[kind_of(tensor.scalar_type())].name},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // values start at a multiple of 8, for readers that map the file

  ByteWriter writer;
  writer.reserve(8 + text.size() + offset);
  writer.text(text);
  for (const auto& [name, tensor] : ordered) {
    writer.raw({static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()});
  }
  return writer.take();
}

TensorMap read_tensors(ByteSpan bytes) try {
  ByteReader reader(bytes);
  const Json header = Json::parse(as_text(reader.block()));
  if (!header.is_object()) throw Error("stored tensors have no header");
  TensorMap map;
  std::vector<Place> places;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__")
      map.metadata = entry.get<Metadata>();
    else
      places.push_back(place_of(name, entry));
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t read = 0;
  for (const Place& place : places) {
    if (place.begin != read) throw Error("stored tensor " + place.name + " does not lie where the one before ends");
    const ByteSpan values = reader.raw(place.end - place.begin);
    at::Tensor tensor = at::empty(place.shape, at::TensorOptions(place.type));
    if (!values.empty()) std::memcpy(tensor.data_ptr(), values.data(), values.size());
    map.tensors.emplace(place.name, std::move(tensor));
    read = place.end;
  }
  if (!reader.empty()) throw Error("bytes follow the last stored tensor");
  return map;
} catch (const Json::exception& problem) {
  throw Error(std::string("the header of stored tensors is damaged: ") + problem.what());
}

std::map<std::string, at::Tensor> state_of(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

Bytes save_weights(const Network& network, Metadata metadata) {
  metadata["network"] = canonical(network.spec().to_json());
  return write_tensors({state_of(network), std::move(metadata)});
}

void load_weights(Network& network, ByteSpan bytes) { load_weights(network, read_tensors(bytes)); }

void load_weights(Network& network, const TensorMap& map) { load_state(network, network.spec().name, map); }

void load_state(torch::nn::Module& module, const std::string& what, const TensorMap& map) {
  const std::string refused = "these are not the weights of " + what + ": ";
  const auto state = state_of(module);
  for (const auto& [name, tensor] : state) {
    const auto found = map.tensors.find(name);
    if (found == map.tensors.end()) throw Error(refused + name + " is missing");
    const at::Tensor& stored = found->second;
    if (stored.sizes() != tensor.sizes()) {
      throw Error(refused + name + " has shape " + text_of(stored.sizes()) + " and not " + text_of(tensor.sizes()));
    }
    if (stored.scalar_type() != tensor.scalar_type()) {
      throw Error(refused + name + " is of type " + at::toString(stored.scalar_type()) + " and not " +
                  at::toString(tensor.scalar_type()));
    }
  }
  for (const auto& [name, tensor] : map.tensors) {
    if (!state.contains(name)) throw Error(refused + name + " is not known there");
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) tensor.copy_(map.tensors.at(name));
}

void take_over(Network& network, const Network& from) {
  const at::NoGradGuard no_grad;
  const auto take = [](const auto& all, const auto& others) {
    if (all.size() != others.size()) throw Error("weights of a network of other layers are taken over");
    for (const auto& item : all) {
      const at::Tensor* other = others.find(item.key());
      at::Tensor mine = item.value();
      if (other == nullptr || other->dim() != mine.dim())
        throw Error("weights of a network without " + item.key() + " are taken over");
      if (mine.dim() > 0 && other->size(0) < mine.size(0)) mine = mine.narrow(0, 0, other->size(0));
      if (!mine.sizes().equals(other->sizes())) throw Error("weights of another shape are taken over as " + item.key());
      mine.copy_(*other);
    }
  };
  take(network.named_parameters(), from.named_parameters());
  take(network.named_buffers(), from.named_buffers());
}

std::shared_ptr<Network> load_network(ByteSpan bytes) {
  const TensorMap map = read_tensors(bytes);
  const Json description = Json::parse(map.note("network"), nullptr, false);
  std::shared_ptr<Network> network = make_network(NetworkSpec::from_json(description));
  load_weights(*network, map);
  return network;
}

std::shared_ptr<Network> copied(const Network& network) { return load_network(save_weights(network)); }

}  // namespace telltale::models
