"""The journal against plain writes of the same bytes, and the results file against h5py writing the same arrays."""

import os

from cluster import run_empty
from harness import PEERS, PYTHON, Row, alternate, fields, run, say


def journal(setting):
    rows = []
    for payload, records, lone_records in ((160, 400000, 2000), (65536, 8000, 1000)):
        if setting.quick:
            records, lone_records = records // 20, lone_records // 20
        size = f"{payload} B" if payload < 1024 else f"{payload // 1024} KiB"

        def measured(mode, fsync, count, writes=None):
            path = setting.scratch("journal")
            if os.path.exists(path):
                os.remove(path)
            command = [setting.program("journal_throughput"), mode, path, str(count), str(payload), fsync]
            return fields(run(command + ([str(writes)] if writes else [])))

        lone = Row(f"journal, {size} records/s, fsync", "write + fdatasync of each")
        same = Row(f"journal, {size} records, MB/s, fsync", "as many write + fdatasync as commits")
        unsafe = Row(f"journal, {size} records/s, no fsync", "write of each")
        unsafe_rate = Row(f"journal, {size} records, MB/s, no fsync", "as many writes as commits")
        for repeat in range(setting.repeats):
            ours, theirs = alternate(repeat, lambda: measured("journal", "fsync", records),
                                     lambda: measured("plain", "fsync", lone_records))
            lone.add(records / ours["seconds"], lone_records / theirs["seconds"])
            grouped = measured("plain", "fsync", records, int(ours["commits"]))
            same.add(ours["bytes"] / ours["seconds"] / 1e6, grouped["bytes"] / grouped["seconds"] / 1e6)
            say(f"{size}: {records} records in {ours['seconds']:.3f} s, {ours['commits']:.0f} commits, median latency "
                f"{1e3 * ours['median_commit_s']:.2f} ms")
            ours, theirs = alternate(repeat, lambda: measured("journal", "no-fsync", records),
                                     lambda: measured("plain", "no-fsync", records))
            unsafe.add(records / ours["seconds"], records / theirs["seconds"])
            grouped = measured("plain", "no-fsync", records, int(ours["commits"]))
            unsafe_rate.add(ours["bytes"] / ours["seconds"] / 1e6, grouped["bytes"] / grouped["seconds"] / 1e6)
        rows += [lone, same, unsafe, unsafe_rate]
    return rows


def results_file(setting):
    megabytes, tasks = (20, 20000) if setting.quick else (200, 200000)
    arrays = Row(f"results file of {megabytes} MB of arrays, MB/s", "h5py, same arrays and filters")
    study = Row(f"results file of {tasks} tasks, s", "h5py, same arrays and filters", more_is_better=False)
    for repeat in range(setting.repeats):
        path = setting.scratch("arrays.h5")
        ours = fields(run([setting.program("results_file_writing"), path, str(megabytes)]))
        theirs = fields(run([PYTHON, os.path.join(PEERS, "h5py_writing.py"), path, setting.scratch("peer.h5")]))
        say(f"{theirs['bytes'] / 1e6:.0f} MB of arrays: {ours['seconds']:.2f} s, h5py {theirs['seconds']:.2f} s")
        arrays.add(theirs["bytes"] / ours["seconds"] / 1e6, theirs["bytes"] / theirs["seconds"] / 1e6)

        _, _, results_s, _ = run_empty(setting, tasks)
        path = os.path.join(setting.scratch("empty"), "empty.h5")
        theirs = fields(run([PYTHON, os.path.join(PEERS, "h5py_writing.py"), path, setting.scratch("peer.h5")]))
        say(f"{tasks} tasks, journal to results file: {results_s:.2f} s, h5py {theirs['seconds']:.2f} s")
        study.add(results_s, theirs["seconds"])
    return [arrays, study]
