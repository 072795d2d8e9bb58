"""Sweeps of watermarked networks: what embedding into a finished network saves, and how 50 repeats spread over ranks."""

import csv
import os
import re
import shutil

from harness import BenchmarkError, Row, alternate, clean_environment, mpirun, run, say
from training import on_all_cores

_TASKS_S = re.compile(r"tasks ([\d.]+) s, results file")
_TITLE = "Embedding into a finished network"


def study(setting, name, text, ranks):
    """Runs a job; its results file, and the seconds that its tasks took."""
    folder = setting.scratch(name)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    job, output = os.path.join(folder, "job.ini"), os.path.join(folder, "x.h5")
    with open(job, "w") as file:
        file.write(text)
    words = run(mpirun(ranks, [setting.telltale, "run", job, "-o", output, "--durable", "no"]))
    found = _TASKS_S.search(words)
    if not found or " 0 failed, 0 open" not in words:
        raise BenchmarkError(f"telltale run did not do all of its tasks:\n{words}")
    return output, float(found.group(1))


def table_of(setting, output, title):
    """A table of the report, a dict a row."""
    # Every line begins with its table's title; a table's first holds its columns.
    lines = [row[1:] for row in csv.reader(run([setting.telltale, "report", output, "--format", "csv"]).splitlines())
             if row and row[0].startswith(title)]
    if not lines:
        raise BenchmarkError(f"the report has no table \"{title}\"")
    return [dict(zip(lines[0], row)) for row in lines[1:]]


def tuning(setting):
    cores = len(os.sched_getaffinity(0))
    repeats, epochs, images = (2, 10, 200) if setting.quick else (3, 50, 2000)
    # The full job's epochs, and a grid of the generated digits on which some watermarks are learned and others are not.
    output, _ = study(setting, "tuning", f"""experiment = new-label
dataset = glyphs
train-images = {images}
test-images = {images // 2}
network = dnn-1
batch = 64
momentum = 0.9
epochs = {epochs}
repeats = {repeats}
scheme = new-label, noise-backdoor, clean
alpha = 0.01, 0.02, 0.05, 0.1
beta = 0.003, 0.01, 0.03, 0.1
embed = joint, tune
embed-epochs = 3
""", cores + 1)
    rows = []
    for found in table_of(setting, output, _TITLE):
        say(f"{found['scheme']}: test accuracies agree in {found['test accuracies agree']} cells, key accuracies in "
            f"{found['key accuracies agree']}, both in {found['both']}")
        row = Row(f"{found['scheme']}, seconds of training a 4 x 4 grid, tune", "joint, from the start", more_is_better=False, target=8)
        row.add(float(found["tune, s"]) + float(found["clean, s"]), float(found["joint, s"]))
        rows.append(row)
    return rows


def repeats(setting):
    cores = len(os.sched_getaffinity(0))
    count, epochs = (2 * cores, 1) if setting.quick else (50, 3)
    job = f"""experiment = new-label
dataset = glyphs
train-images = 5000
test-images = 1000
network = dnn-1
momentum = 0.9
epochs = {epochs}
repeats = {count}
scheme = clean
"""
    row = Row(f"{count} repeats, {cores} working ranks, times as fast as one", "bare processes, training alone", target=0.97)
    seconds = 1 if setting.quick else 10
    bare = [setting.program("training_throughput"), "dnn-1", str(seconds)]
    for repeat in range(setting.repeats):
        one, all_of_them = alternate(repeat, lambda: study(setting, "repeats", job, 2)[1],
                                     lambda: study(setting, "repeats", job, cores + 1)[1])
        alone = on_all_cores(bare, clean_environment(), "images", processes=1)
        together = on_all_cores(bare, clean_environment(), "images")
        row.add(one / all_of_them, together / alone)
        say(f"{count} repeats: {one:.1f} s on one rank, {all_of_them:.1f} s on {cores}; bare: {alone:.0f} and {together:.0f} images/s")
    return [row]
