"""Networks behind a transform: what joint training costs, and how many tries a minute a thief has."""

import collections
import json
import os
import statistics

import h5py

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, fields, run, say
from sweeps import study

_TRANSFORMS = ("fixed", "learned", "generator")


def seconds_of_tasks(output):
    """Seconds of every task by its kind and, of trainings, by the transform."""
    seconds = collections.defaultdict(list)
    with h5py.File(output) as file:
        for kind, description, took in zip(file["tasks/kind"].asstr(), file["tasks/description"].asstr(), file["run/seconds"]):
            protection = json.loads(description).get("protection", {})
            seconds[kind, protection.get("transform", {}).get("name", "none") if kind == "train" else None].append(took)
    return seconds


def joint_training(setting):
    images, rows = (1000 if setting.quick else 10000), []
    job = f"""experiment = anti-piracy
dataset = glyphs
train-images = {images}
test-images = 100
network = simple-cnn
momentum = 0.9
epochs = 1
repeats = {setting.repeats}
transform = {', '.join(_TRANSFORMS)}, none
"""
    seconds = seconds_of_tasks(study(setting, "joint", job, 2)[0])
    for transform in _TRANSFORMS:
        row = Row(f"joint training, transform {transform}, s", "the network alone", more_is_better=False)
        for ours, theirs in zip(seconds["train", transform], seconds["train", "none"]):
            row.add(ours, theirs)
        say(f"{transform}: {row.ours[-1]:.1f} s, alone {row.theirs[-1]:.1f} s")
        rows.append(row)
    return rows


def attempts(setting):
    count, tries = (10000, 2) if setting.quick else (10000, 8)
    job = f"""experiment = anti-piracy
dataset = glyphs
train-images = 1000
test-images = {count}
network = simple-cnn
momentum = 0.9
epochs = 1
repeats = 1
transform = generator
input-only-attempts = {4 * tries}
pair-attempts = {tries}
pairs = 100
pair-model = generator
pair-steps = 500
"""
    peer = [PYTHON, os.path.join(PEERS, "torch_attempts.py"), "2" if setting.quick else "15"]
    rows = {kind: Row(f"{kind} attempts a minute, one rank", "python3-torch, tuned, one thread") for kind in ("input-only", "pairs")}
    for repeat in range(setting.repeats):
        ours, theirs = alternate(repeat, lambda: seconds_of_tasks(study(setting, "attempts", job, 2)[0]), lambda: fields(run(peer)))
        for kind, row in rows.items():
            if not ours[kind, None]:
                raise BenchmarkError(f"the study has no task of kind {kind}: {list(ours)}")
            row.add(60 / statistics.mean(ours[kind, None]), theirs[kind])
        say(", ".join(f"{kind}: {row.ours[-1]:.0f} a minute, PyTorch {row.theirs[-1]:.0f}" for kind, row in rows.items()))
    return list(rows.values())


def protection(setting):
    return joint_training(setting) + attempts(setting)
