#include <algorithm>
#include <deque>
#include <future>
#include <string>
#include <thread>

#include "data/files.h"
#include "data/formats.h"

namespace telltale::data {
namespace {

// `label_bytes` come before the pixels of a record; the last of them is the label that is kept, the others have to be
// below `other_classes`.
void read_cifar(const Entry& entry, const SplitRequest& request, SplitSink& sink, std::size_t label_bytes,
                int other_classes) {
  const Description& description = entry.description;
  const std::size_t pixels = description.shape.pixels();
  const std::size_t record = label_bytes + pixels;
  const auto paths = find_files(entry, request);
  const auto& files = entry.files(request.train);

  const auto complete = [&] { return request.limit && sink.labels.size() == static_cast<std::size_t>(*request.limit); };
  // Decompressing takes nearly all the time: the next files are read ahead on the other cores. The files beyond a limit
  // are left alone, unless all of them have to be the official ones.
  const std::size_t ahead = request.limit ? 1 : std::max(1u, std::thread::hardware_concurrency());
  std::deque<std::future<Bytes>> reading;
  std::size_t started = 0;
  for (std::size_t f = 0; f < files.size() && (request.whole.official || !complete()); ++f) {
    for (; started < files.size() && reading.size() < ahead; ++started)
      reading.push_back(std::async(std::launch::async, read_decompressed, paths[started]));
    const Bytes content = reading.front().get();
    reading.pop_front();
    check_published(entry, files[f], paths[f], content, request, sink);
    if (content.size() % record != 0)
      refuse(paths[f], "its " + std::to_string(content.size()) + " bytes are no whole number of records of " +
                           std::to_string(record) + " bytes: it is truncated, or something was appended");
    for (std::size_t i = 0; i < content.size() / record; ++i) {
      const std::uint8_t* labels = content.data() + i * record;
      for (std::size_t k = 0; k < label_bytes; ++k) {
        const int classes = k + 1 == label_bytes ? description.classes : other_classes;
        if (labels[k] >= classes)
          refuse(paths[f], (k + 1 == label_bytes ? "label " : "coarse label ") + std::to_string(labels[k]) +
                               " of record " + std::to_string(i) + " is out of range: " + description.name +
                               " has the classes 0 to " + std::to_string(classes - 1));
      }
      if (complete()) continue;
      sink.labels.push_back(labels[label_bytes - 1]);
      sink.images.insert(sink.images.end(), labels + label_bytes, labels + record);
    }
  }
}

}  // namespace

void read_cifar_10(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  read_cifar(entry, request, sink, 1, 0);
}

void read_cifar_100(const Entry& entry, const SplitRequest& request, SplitSink& sink) {
  read_cifar(entry, request, sink, 2, 20);
}

}  // namespace telltale::data
