// Readers of the official file formats. They check magic numbers, sizes, labels and hashes, and name the file at fault.
#pragma once

#include "data/catalog.h"

namespace telltale::data {

/// IDX (MNIST and its relatives): big-endian headers; one file of images, one of labels.
void read_idx(const Entry& entry, const SplitRequest& request, SplitSink& sink);

/// CIFAR-10 binary version: records of one label byte and the pixels, channel by channel.
void read_cifar_10(const Entry& entry, const SplitRequest& request, SplitSink& sink);

/// CIFAR-100 binary version: coarse label, fine label (the one that is kept), pixels.
void read_cifar_100(const Entry& entry, const SplitRequest& request, SplitSink& sink);

}  // namespace telltale::data
