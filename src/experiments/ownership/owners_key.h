// An owner's key outside of its study: what a claim of ownership asks, and what was fixed before anybody was asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/identity.h"
#include "core/json.h"
#include "study/records.h"
#include "watermark/scheme.h"

namespace telltale::experiments {

/// What the null models of one stratum gave.
struct NullClaims {
  std::string stratum;
  std::vector<std::vector<double>> parts;  ///< by model: watermark::claim_parts()

  void fields(auto& field) { field("stratum", stratum), field("parts", parts); }
};

/// What was fixed: all of it is under the commitment. The owner's secret is the seed and the repeat in `scheme`.
struct KeyManifest {
  Json scheme;  ///< the settings that key samples are made with (watermark/scheme.h)
  Json data;    ///< the data set that they are made of: name, how much of it, which; "others": those besides, by name
  Identity data_hash;
  int classes = 0;           ///< of the data set
  long long key_images = 0;  ///< of how many images key samples are made; 0: of all
  long long queries = 0;     ///< how many are asked: the first
  long long decoys = 0;      ///< secrets of others that are put beside the owner's
  double level = 0;          ///< at which a claim is proven
  Identity samples;          ///< hash of what is asked: images, labels
  std::string model;         ///< hash of the model that was marked, hexadecimal
  /// What each null model of the study gave to the claim.
  std::vector<NullClaims> nulls;
  std::optional<Identity> answers{};  ///< hash of the answers that the images were chosen by

  void fields(auto& field) {
    field("scheme", scheme), field("data", data), field("data_hash", data_hash), field("classes", classes),
        field("key_images", key_images), field("queries", queries), field("decoys", decoys), field("level", level),
        field("samples", samples), field("model", model), field("nulls", nulls), field("answers", answers);
  }
};

struct OwnersKey {
  KeyManifest manifest;
  Identity nonce;                 ///< 256 random bits: without them nobody can guess what was committed to
  Identity commitment;            ///< as the file says it
  watermark::KeySamples samples;  ///< what a claim asks
  Bytes answers;                  ///< of schemes that choose images by them: a label for each training image

  /// Twelve hexadecimal digits that name what is asked, decoys too, in its order: for the form of answers.
  [[nodiscard]] std::string form() const;
};

/// SHA-256 of images and labels.
Identity hash_of(const watermark::KeySamples& samples);

/// SHA-256 of the domain, the manifest and the nonce: to be time-stamped before anything is asked.
Identity commitment_to(const KeyManifest& manifest, const Identity& nonce);

/// Where a key is taken from.
struct KeySource {
  study::StudyPaths paths;
  std::string where;      ///< "scheme=content, repeat=0": selects one marked case; empty: the only one
  std::string data_dir;   ///< where the data set lies; empty: as the study's job says
  std::string artifacts;  ///< the study's folder of artifacts; needed for what is chosen by answers
  std::optional<long long> queries{}, decoys{};  ///< none: as the study's claims; 100 and 99 where it has none
};

/// Makes the key of one marked case anew from what its study began with. Throws InputError, saying what to do, if the
/// study has no watermark, several cases are selected, or data or answers are missing.
OwnersKey take_key(const KeySource& source);

/// netCDF-4, as results files are, for its owner's eyes only: docs/ownership.md specifies it. Throws InputError if
/// there is something of that name.
void write_key(const std::string& path, const OwnersKey& key);
/// Throws InputError for a file that is no key, is of a newer version, or lacks a part.
OwnersKey read_key(const std::string& path);

/// The data that a key is made of.
struct KeyData {
  data::Dataset data;
  data::OtherData others;
};
/// Throws InputError if they are not there, or are others than the key was made of.
KeyData load_data(const KeyManifest& manifest, const std::string& data_dir);

/// What the owner's secret makes of the data now, or with `decoy` somebody else's. `labels_alone`: KeyInputs. Throws as
/// Scheme::queries().
watermark::KeySamples regenerated(const OwnersKey& key, const KeyData& data, std::optional<long long> decoy = {},
                                  bool labels_alone = false);

}  // namespace telltale::experiments
