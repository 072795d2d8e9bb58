"""The peer of the results file: h5py writing the same arrays with the same chunks and filters.

Usage: python3 h5py_writing.py SOURCE.h5 COPY.h5. Reading SOURCE is not timed; the copy is as durable as the original."""

import os
import sys
import time

import h5py

arrays = []


def take(name, item):
    if isinstance(item, h5py.Dataset):
        options = dict(chunks=item.chunks, compression=item.compression, compression_opts=item.compression_opts,
                       shuffle=item.shuffle, fletcher32=item.fletcher32) if item.chunks else {}
        arrays.append((name, item[()], item.dtype, options))


with h5py.File(sys.argv[1], "r") as source:
    source.visititems(take)

start = time.perf_counter()
with h5py.File(sys.argv[2] + ".new", "w") as copy:
    for name, values, dtype, options in arrays:
        copy.create_dataset(name, data=values, dtype=dtype, **options)
with open(sys.argv[2] + ".new", "rb") as file:
    os.fsync(file.fileno())
os.rename(sys.argv[2] + ".new", sys.argv[2])
print("bytes", sum(values.nbytes for _, values, _, _ in arrays), "seconds", time.perf_counter() - start)
