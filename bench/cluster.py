"""Empty tasks: what handing out, identifying and durably committing one task costs."""

import os
import re
import shutil
import time

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, fields, mpirun, run, say

_TIME = re.compile(r"time: plan ([\d.]+) s, tasks ([\d.]+) s, results file ([\d.]+) s; commits: median ([\d.]+) ms")


def run_empty(setting, tasks, ranks=None, durable=True):
    """Seconds (plan, tasks, results) and the median commit latency in ms of one study of empty tasks."""
    folder = setting.scratch("empty")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    job = os.path.join(folder, "empty.ini")
    with open(job, "w") as file:
        file.write(f"experiment = empty\ntasks = {tasks}\n")
    command = [setting.telltale, "run", job, "-o", os.path.join(folder, "empty.h5"), "--publish-interval", "0",
               "--durable", "yes" if durable else "no"]
    words = run(mpirun(ranks, command) if ranks else command)
    found = _TIME.search(words)
    if not found or f"{tasks} of {tasks} tasks done" not in words:
        raise BenchmarkError(f"telltale run did not say how long it took:\n{words}")
    plan_s, tasks_s, results_s, latency_ms = map(float, found.groups())
    return plan_s, tasks_s, results_s, latency_ms


def lone_write_ms(setting, times):
    """Median milliseconds of one write of 4 KiB and fdatasync, one at a time."""
    taken = []
    file = os.open(setting.scratch("lone"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for _ in range(times):
        start = time.perf_counter()
        os.write(file, bytes(4096))
        os.fdatasync(file)
        taken.append(1e3 * (time.perf_counter() - start))
    os.close(file)
    return sorted(taken)[times // 2]


def empty_tasks(setting):
    tasks, peer_tasks, trip_s = (20000, 2000, 0.3) if setting.quick else (200000, 20000, 2)
    all_ranks = [2] if setting.quick else [2, 4, 8]
    rows = []
    futures, trips, latency = {}, {}, {}
    for ranks in all_ranks:
        for durable in (True, False):
            name = f"empty tasks/s, {ranks} ranks, {'durable' if durable else 'not durable'}"
            futures[ranks, durable] = Row(name, "mpi4py.futures", target=10 if durable else None)
            trips[ranks, durable] = Row(name, "bare MPI round trips/s")
            rows += [futures[ranks, durable], trips[ranks, durable]]
        latency[ranks] = Row(f"median commit latency, ms, {ranks} ranks", "lone write + fdatasync", more_is_better=False)
        rows.append(latency[ranks])

    for repeat in range(setting.repeats):
        for ranks in all_ranks:
            def ours(durable, ranks=ranks):
                plan_s, tasks_s, _, commit_ms = run_empty(setting, tasks, ranks, durable)
                say(f"{ranks} ranks, {'durable' if durable else 'not durable'}: {tasks} tasks planned in {plan_s:.3f} s, "
                    f"done in {tasks_s:.3f} s, median commit {commit_ms:.2f} ms")
                return tasks / (plan_s + tasks_s), commit_ms

            def theirs(ranks=ranks):
                found = fields(run(mpirun(ranks, [PYTHON, os.path.join(PEERS, "mpi4py_futures.py"), str(peer_tasks)])))
                say(f"{ranks} ranks, mpi4py.futures: {peer_tasks} tasks in {found['seconds']:.3f} s")
                return peer_tasks / found["seconds"]

            (durable_rate, commit_ms), futures_rate = alternate(repeat, lambda: ours(True), theirs)
            fast_rate, _ = ours(False)
            found = fields(run(mpirun(ranks, [setting.program("mpi_round_trip"), str(trip_s)])))
            trip_rate = found["round_trips"] / found["seconds"]
            for durable, rate in ((True, durable_rate), (False, fast_rate)):
                futures[ranks, durable].add(rate, futures_rate)
                trips[ranks, durable].add(rate, trip_rate)
            latency[ranks].add(commit_ms, lone_write_ms(setting, 50 if setting.quick else 500))
    return rows
