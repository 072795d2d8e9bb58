"""The peer of `telltale run` of empty tasks: mpi4py.futures handing out one task at a time, keeping no record.

Usage: mpirun -n N python3 mpi4py_futures.py TASKS. Rank 0 hands out; the others compute, as telltale's ranks do."""

import sys
import time

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor


def nothing(index):
    return index


tasks = int(sys.argv[1])
with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
    if executor is not None:
        for _ in executor.map(nothing, range(100), chunksize=1):
            pass
        start = time.perf_counter()
        done = sum(1 for _ in executor.map(nothing, range(tasks), chunksize=1))
        print("tasks", done, "seconds", time.perf_counter() - start, flush=True)
