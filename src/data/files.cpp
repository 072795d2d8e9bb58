#include "data/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>

#include "core/hex.h"

namespace telltale::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> suffixes = {"", ".gz", ".xz", ".zst"};
constexpr std::size_t chunk = std::size_t{1} << 20;

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

// IDX files are also distributed as "train-images.idx3-ubyte".
std::vector<std::string> spellings(const std::string& name) {
  std::vector<std::string> names{name};
  if (const auto idx = name.find("-idx"); idx != std::string::npos) {
    names.push_back(name);
    names.back()[idx] = '.';
  }
  return names;
}

std::optional<fs::path> find_in(const fs::path& folder, const std::string& name) {
  for (const std::string& spelling : spellings(name))
    for (const std::string_view suffix : suffixes) {
      const fs::path path = folder / (spelling + std::string(suffix));
      std::error_code ignored;  // a folder that cannot be looked into has no such file
      if (fs::is_regular_file(path, ignored)) return path;
    }
  return std::nullopt;
}

[[noreturn]] void refuse_missing(const Entry& entry, const SplitRequest& request, const PublishedFile& missing,
                                 const std::vector<fs::path>& places) {
  const std::string& name = entry.description.name;
  std::string message = name + ": " + missing.name + " (" + missing.role + ") not found";
  if (places.empty()) {
    message += ": no data directory is given";
  } else {
    message += ", plain or as .gz, .xz or .zst, in:";
    for (const fs::path& place : places) {
      std::error_code ignored;
      message += "\n  " + place.string() + (fs::is_directory(place, ignored) ? "" : " (no such folder)");
    }
  }
  message += "\nGet it with 'data/fetch " + name + " --to DIR', and name DIR in TELLTALE_DATA or --data-dir";
  if (request.train && request.whole.splits == Splits::both) message += " (or ask for the test split alone)";
  throw InputError(message);
}

std::string why(archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "the data end too early" : text;
}

// libarchive reads past a gzip trailer without comparing the checksum in it.
void check_gzip_trailer(const fs::path& path, ByteSpan content) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(-8, std::ios::end);
  std::array<char, 8> trailer{};
  if (!file.read(trailer.data(), trailer.size())) refuse(path, "cannot be read again");
  ByteReader reader(as_bytes({trailer.data(), trailer.size()}));
  boost::crc_32_type crc;
  crc.process_bytes(content.data(), content.size());
  if (reader.get<std::uint32_t>() != crc.checksum() ||
      reader.get<std::uint32_t>() != static_cast<std::uint32_t>(content.size()))
    refuse(path, "is damaged: the decompressed data do not have the checksum that the gzip file names");
}

std::string digest_of(ByteSpan content, const EVP_MD* algorithm) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(content.data(), content.size(), digest.data(), &size, algorithm, nullptr) != 1)
    throw Error("OpenSSL could not compute the hash a data set is published with");
  return to_hex({digest.data(), size});
}

const Entry* published_in(const std::string& digest) {
  for (const Entry& entry : catalog())
    for (const bool train : {true, false})
      for (const PublishedFile& file : entry.files(train))
        if (file.digest == digest) return &entry;
  return nullptr;
}

}  // namespace

void refuse(const fs::path& path, const std::string& problem) { throw InputError(path.string() + ": " + problem); }

std::vector<fs::path> find_files(const Entry& entry, const SplitRequest& request) {
  const auto& wanted = entry.files(request.train);
  std::vector<fs::path> places;
  for (const fs::path& directory : request.whole.directories) {
    places.push_back(directory / entry.description.name);
    for (const std::string& folder : entry.folders) places.push_back(directory / folder);
    places.push_back(directory);
  }
  // One folder for all: files of different folders need not belong together.
  const PublishedFile* missing = &wanted.front();
  std::size_t most_found = 0;
  for (const fs::path& place : places) {
    std::vector<fs::path> found;
    const PublishedFile* first_missing = nullptr;
    for (const PublishedFile& file : wanted) {
      if (auto path = find_in(place, file.name))
        found.push_back(std::move(*path));
      else if (first_missing == nullptr)
        first_missing = &file;
    }
    if (first_missing == nullptr) return found;
    if (found.size() > most_found) {
      most_found = found.size();
      missing = first_missing;
    }
  }
  refuse_missing(entry, request, *missing, places);
}

Bytes read_decompressed(const fs::path& path) {
  const Archive reader(archive_read_new(), archive_read_free);
  if (reader == nullptr) throw Error("libarchive could not start a reader");
  archive_read_support_format_raw(reader.get());
  archive_read_support_format_empty(reader.get());
  // Only the filters that are looked for by name: more could take plain data for compressed ones.
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());

  if (!std::ifstream(path, std::ios::binary)) refuse(path, "cannot be read (permission?)");
  const auto stored_size = static_cast<std::int64_t>(fs::file_size(path));
  archive_entry* member = nullptr;
  if (archive_read_open_filename(reader.get(), path.c_str(), chunk) != ARCHIVE_OK)
    refuse(path, "is truncated or damaged (" + why(reader.get()) + ")");
  const int header = archive_read_next_header(reader.get(), &member);
  if (header == ARCHIVE_EOF) refuse(path, "is empty");
  if (header != ARCHIVE_OK) refuse(path, "is truncated or damaged (" + why(reader.get()) + ")");

  Bytes content;
  std::size_t size = 0;
  for (;;) {
    if (content.size() < size + chunk) content.resize(std::max(2 * content.size(), size + chunk));
    const la_ssize_t got = archive_read_data(reader.get(), content.data() + size, content.size() - size);
    if (got < 0) refuse(path, "is truncated or damaged (" + why(reader.get()) + ")");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);

  const std::int64_t consumed = archive_filter_bytes(reader.get(), -1);
  if (consumed < stored_size)
    refuse(path, std::to_string(stored_size - consumed) + " bytes follow the end of the compressed data");
  if (archive_filter_code(reader.get(), 0) == ARCHIVE_FILTER_GZIP) check_gzip_trailer(path, content);
  return content;
}

void check_published(const Entry& entry, const PublishedFile& expected, const fs::path& path, ByteSpan content,
                     const SplitRequest& request, SplitSink& sink) {
  const bool md5 = expected.digest.size() == 32;
  const std::string digest = digest_of(content, md5 ? EVP_md5() : EVP_sha1());
  const std::string algorithm = md5 ? "md5" : "sha1";
  const bool official = digest == expected.digest;
  if (!official) {
    // MNIST and Fashion-MNIST files have the same names.
    if (const Entry* other = published_in(digest); other != nullptr && other != &entry)
      refuse(path, "belongs to " + other->description.name + ", not to " + entry.description.name);
    if (request.whole.official)
      refuse(path, "is not the official file: its content has " + algorithm + " " + digest + ", published is " +
                       expected.digest);
  }
  sink.official = sink.official && official;
  sink.sources.push_back(expected.name + " " + algorithm + " " + digest + (official ? " (official)" : " (unofficial)"));
}

}  // namespace telltale::data
