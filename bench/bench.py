"""Telltale's benchmarks, each beside its peer in the same run: ./run bench [--only NAME] [--quick]

docs/benchmarks.md says what each measures and against what."""

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile

import boundary
import cluster
import ownership
import piracy
import program
import storage
import sweeps
import training
from harness import BenchmarkError, Setting, table

BENCHMARKS = {
    "cluster": cluster.empty_tasks,
    "training": training.throughput,
    "tuning": sweeps.tuning,
    "repeats": sweeps.repeats,
    "protection": piracy.protection,
    "ownership": ownership.ownership,
    "journal": storage.journal,
    "results": storage.results_file,
    "startup": program.start_up,
    "memory": program.memory_of_a_rank,
    "boundary": boundary.searches,
}


def cpu_name():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def filesystem_of(path):
    path = os.path.realpath(path)
    best = ("", "unknown")
    with open("/proc/mounts") as file:
        for line in file:
            _, point, kind = line.split()[:3]
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) > len(best[0]):
                best = (point, kind)
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this one; may be given several times")
    parser.add_argument("--quick", action="store_true", help="one short repeat: shows that it works, measures little")
    parser.add_argument("--repeats", type=int, help="of each measurement (default: 5)")
    parser.add_argument("--dir", help="where scratch files go: the disk that is measured (default: the build folder)")
    arguments = parser.parse_args()
    if arguments.repeats is not None and arguments.repeats < 1:
        parser.error("--repeats: at least 1")
    names = arguments.only or list(BENCHMARKS)
    if not os.path.exists(os.path.join(arguments.build, "telltale")):
        parser.error(f"there is no built telltale in {arguments.build}: ./run build makes it")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # removes its scratch files on the way
    cores = len(os.sched_getaffinity(0))
    folder = tempfile.mkdtemp(prefix="bench-scratch-", dir=arguments.dir or arguments.build)
    setting = Setting(os.path.abspath(arguments.build), os.path.abspath(folder), arguments.quick,
                      arguments.repeats or (1 if arguments.quick else 5))
    print(f"{cpu_name()}, {cores} cores; Linux {platform.release()}; disk: {filesystem_of(folder)}")
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"this machine is not idle (load {busy:.1f}): the figures are of a busy machine")
    rows = []
    try:
        for name in names:
            print(f"{name}:", flush=True)
            rows += BENCHMARKS[name](setting)
    except BenchmarkError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    print("\nmedian (min-max) of " + ("1 repeat" if setting.repeats == 1 else f"{setting.repeats} interleaved repeats") +
          "; a ratio above 1 speaks for telltale\n")
    print(table(rows))
    options = [f"--only {name}" for name in arguments.only or []] + (["--quick"] if arguments.quick else []) + \
        ([f"--repeats {arguments.repeats}"] if arguments.repeats else [])
    print("\nagain: " + " ".join(["./run bench", *options]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
