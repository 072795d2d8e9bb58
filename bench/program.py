"""What the program itself costs: its start, and the memory of one more rank."""

import json
import os
import signal
import subprocess
import time

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, clean_environment, mpirun, run, say


def seconds_of(command):
    start = time.perf_counter()
    run(command)
    return time.perf_counter() - start


def start_up(setting):
    jobs = {
        "empty tasks": "experiment = empty\ntasks = 10\n",
        "training, data, fingerprints": "scheme = clean\ndataset = glyphs\ntrain-images = 1000\ntest-images = 200\nepochs = 1\n",
    }
    rows = []
    for number, (what, text) in enumerate(jobs.items()):
        job, output = setting.scratch(f"finished-{number}.ini"), setting.scratch(f"finished-{number}.h5")
        with open(job, "w") as file:
            file.write(text)
        command = [setting.telltale, "run", job, "-o", output]
        run(command)
        row = Row(f"run of a finished study, s ({what})", "python3 -c 'import torch'", more_is_better=False)
        for repeat in range(setting.repeats):
            row.add(*alternate(repeat, lambda: seconds_of(command), lambda: seconds_of([PYTHON, "-c", "import torch"])))
        say(f"{what}: {row.ours[-1]:.2f} s")
        rows.append(row)
    return rows


def descendants(pid):
    """Process ids below `pid`, itself left out."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(entry))
    found, ahead = [], [pid]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def pss_mb(pids):
    """Memory of the processes together, pages shared among n of all processes counted as 1/n each."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


def wait_for(condition, what, limit_s=300):
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit_s:
            raise BenchmarkError(f"{what}: nothing after {limit_s} s")
        time.sleep(0.1)


def pss_of_training_ranks(setting, ranks, settle_s):
    """MB of all ranks of a study on as much data as MNIST while every worker trains."""
    job, output = setting.scratch("memory.ini"), setting.scratch("memory.h5")
    with open(job, "w") as file:
        file.write("scheme = clean\ndataset = glyphs\ntrain-images = 60000\ntest-images = 10000\nepochs = 10000\nrepeats = 100\n")
    command = mpirun(ranks, [setting.telltale, "run", job, "-o", output, "--checkpoint-interval", "100000"])
    process = subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def training():
        if process.poll() is not None:
            raise BenchmarkError(f"{' '.join(command)} ended with {process.returncode}")
        try:
            with open(output + ".progress") as file:
                return json.load(file)["running"] >= ranks - 1
        except (FileNotFoundError, json.JSONDecodeError):
            return False

    try:
        wait_for(training, "telltale run")
        time.sleep(settle_s)
        workers = [pid for pid in descendants(process.pid) if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(setting.telltale)]
        if len(workers) != ranks:
            raise BenchmarkError(f"{len(workers)} processes instead of {ranks} ranks")
        return pss_mb(workers)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        for name in os.listdir(setting.folder):
            if name.startswith("memory.h5"):
                os.remove(setting.scratch(name))


def pss_of_torch(processes, form, settle_s):
    """MB of so many PyTorch processes that train on as much data, each with its own."""
    command = [PYTHON, os.path.join(PEERS, "torch_training.py"), "dnn-1", "0", form]
    started = [subprocess.Popen(command, env=clean_environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for _ in range(processes)]
    try:
        if any(process.stdout.readline() != "ready\n" for process in started):
            raise BenchmarkError(f"{' '.join(command)} did not start")
        time.sleep(settle_s)
        return pss_mb([process.pid for process in started])
    finally:
        for process in started:
            process.stdin.close()
            process.wait()
            process.stdout.close()


def memory_of_a_rank(setting):
    settle_s = 2 if setting.quick else 5
    floats = Row("memory of one more rank, MB", "one more PyTorch process, float32 data", more_is_better=False)
    small = Row("memory of one more rank, MB", "one more PyTorch process, uint8 data", more_is_better=False)
    for _ in range(min(3, setting.repeats)):
        ranks = {n: pss_of_training_ranks(setting, n, settle_s) for n in (2, 3)}
        one_more = ranks[3] - ranks[2]
        for row, form in ((floats, "float"), (small, "bytes")):
            torch = {n: pss_of_torch(n, form, settle_s) for n in (1, 2)}
            say(f"2 ranks {ranks[2]:.0f} MB, 3 ranks {ranks[3]:.0f} MB; PyTorch ({form}) {torch[1]:.0f} and {torch[2]:.0f} MB")
            row.add(one_more, torch[2] - torch[1])
    return [floats, small]
