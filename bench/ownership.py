"""Claims and attacks: how many claims a second, and attacks a minute from one trained network."""

import collections
import json
import os
import statistics

import h5py

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, fields, run, say
from sweeps import study

_TRAINED = """experiment = ownership
dataset = glyphs
train-images = 2000
test-images = 10000
network = dnn-1
momentum = 0.9
epochs = 1
repeats = 2
scheme = noise
key-images = 500
"""
_ATTACKS = {"prune": "prune-rate = 0.5, 0.9", "fine-tune": "tune = ftal\ntune-epochs = 5", "extract": "extract-queries = 5000\nextract-steps = 1000"}


def seconds_of_tasks(output):
    """Seconds of every task by its attack; of claims on a machine, by their kind."""
    seconds = collections.defaultdict(list)
    with h5py.File(output) as file:
        for kind, description, took in zip(file["tasks/kind"].asstr(), file["tasks/description"].asstr(), file["run/seconds"]):
            attack = json.loads(description).get("attack", {}).get("name")
            seconds["claims" if kind == "machines" else attack].append(took)
    return seconds


def ownership(setting):
    """A claim is 100 queries and those of 999 decoys; an attack, what is done to the network and 10,000 test images."""
    # Read on one machine, a claim is a task of its own.
    claim_job = _TRAINED + "claim-queries = 100\ndecoys = 999\nmachines-prune-rate = 0, 0.5\nmachines-batch = 250\n"
    attack_job = _TRAINED + "\n".join(_ATTACKS.values()) + "\n"
    # As an expert has it: memory that was taken is kept, or every batch pays for its pages anew.
    kept = [f"MALLOC_TRIM_THRESHOLD_={1 << 32}", f"MALLOC_MMAP_THRESHOLD_={1 << 30}", f"MALLOC_TOP_PAD_={64 << 20}"]
    peer = ["env", *kept, PYTHON, os.path.join(PEERS, "torch_ownership.py"), "2" if setting.quick else "15"]
    claims = Row("claims a second with 999 decoys, dnn-1, one rank", "python3-torch, tuned, one thread")
    attacks = {name: Row(f"attacks a minute, {name}, one rank", "python3-torch, tuned, one thread") for name in _ATTACKS}

    def ours():
        seconds = seconds_of_tasks(study(setting, "attacks", attack_job, 2)[0])
        seconds["claims"] = seconds_of_tasks(study(setting, "claims", claim_job, 2)[0])["claims"]
        return seconds

    for repeat in range(setting.repeats):
        seconds, theirs = alternate(repeat, ours, lambda: fields(run(peer)))
        for name in ("claims", *_ATTACKS):
            if not seconds[name]:
                raise BenchmarkError(f"the study has no task of {name}: {list(seconds)}")
        claims.add(1 / statistics.mean(seconds["claims"]), theirs["claims"] / 60)
        for name, row in attacks.items():
            row.add(60 / statistics.mean(seconds[name]), theirs[name])
        say(f"claims: {claims.ours[-1]:.2f} a second, PyTorch {claims.theirs[-1]:.2f}; "
            + ", ".join(f"{name}: {row.ours[-1]:.0f} a minute, PyTorch {row.theirs[-1]:.0f}" for name, row in attacks.items()))
    return [claims, *attacks.values()]
