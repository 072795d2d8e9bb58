#!/usr/bin/env python3
"""Kills a study again and again and checks that nothing is lost and that not a bit of its results changes.

    kills.py --telltale build/telltale --kills 20 [--who coordinator] [--who worker] [--who mpirun]

`--kills` counts for each of those named (default: all three, in turn). A kill counts only if it happened with at least
one result committed in that very start and at least one task running, and left something to do in the journal. After
each kill no process is left, nothing that was reported as committed is gone, and the partial results file, if one has
been published, opens; at the end no temporary file is left. A study that has been killed until it is nearly done is finished undisturbed, verified, and
compared with an uninterrupted run of the same job: every array and attribute but those of the group `run`, bit for bit.
Exit code 0 if all that holds.
"""

import argparse
import itertools
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from telltale_runs import ALL_DONE, Telltale, assert_equal_results, contents, wait_for_progress, write_job

RANKS = 3
TARGETS = ("coordinator", "worker", "mpirun")

# Trainings of about half a second, so that a start that is killed soon after its first commit has done a few tasks.
STUDY = dict(train_images=600, test_images=200, epochs=5, batch=32, momentum=0.9, scheme=["new-label", "noise-backdoor"],
             alpha=[0.02, 0.1], beta=[0.01, 0.1], repeats=2, prune_rate=[0, 0.5], predict_images=50, predict_batch=[1, 16])
# One environment, then two of which both train: workers of either are hit in the middle of their work.
SHAPES = [dict(train_on="best", profiles="best"), dict(train_on="spread", profiles="best, others:1")]
# Often enough that kills meet checkpoints and publishing too.
OFTEN = ("--publish-interval", "0.4", "--checkpoint-interval", "0.2")


def leftovers(folder):
    """Temporary files in a study's folder and in its artifacts, by name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
                  and (path.name.startswith(".") or path.name.endswith((".progress", ".new", ".lock"))))


def say(text):
    print(text, flush=True)


class Study:
    """One study that is killed, and the same one left alone."""

    def __init__(self, telltale, folder, number):
        self.telltale = telltale
        self.number = number
        self.kills = 0
        self.folder = folder / f"study-{number}"
        self.folder.mkdir()
        self.job = write_job(self.folder / "job.ini", seed=number, **STUDY, **SHAPES[number % len(SHAPES)])
        self.output = self.folder / "killed.h5"

    def start(self):
        return self.telltale.start("run", self.job, "-o", self.output, *OFTEN, ranks=RANKS)

    def plant_leftovers(self):
        """What a writer that is killed at the worst moment leaves: real kills seldom hit it."""
        writer = subprocess.Popen(["true"])
        writer.wait()
        mark = f"telltale.{writer.pid}.0.{os.uname().nodename}"
        (self.folder / f".{self.output.name}.{mark}").write_text("part of a results file")
        (self.folder / "artifacts" / f".products-{'0' * 64}.{mark}").write_text("part of a product")

    def finish_and_compare(self):
        """The un-killed end, its verification, and the comparison with a run that was never killed."""
        self.plant_leftovers()
        done = self.start().finish()
        assert done.code == ALL_DONE, f"the last start ended with {done.code}: {done.text}"
        verified = self.telltale("verify", self.output)
        assert verified.code == ALL_DONE, verified.text
        assert not leftovers(self.folder), f"temporary files were left: {leftovers(self.folder)}"
        (self.folder / "alone").mkdir()  # with artifacts of its own: nothing is taken over
        reference = self.folder / "alone" / "reference.h5"
        self.telltale.run(self.job, reference, ranks=RANKS)
        assert_equal_results(self.output, reference)
        say(f"study {self.number}: killed {self.kills} times, finished, verified, and equal to the uninterrupted run")


def kill_once(study, who, chance):
    """One start of the study, killed. Returns a line about the kill, or None if the study finished first."""
    process = study.start()
    try:
        first = wait_for_progress(process, study.output, lambda told: True)
        # Not at once, so that the kill may meet any moment of the work.
        wait_s = chance.uniform(0, 0.3)
        if first is None or wait_for_progress(process, study.output, lambda told: told["done"] > first["done"]) is None:
            return _finished(process)
        time.sleep(wait_s)
        told = wait_for_progress(process, study.output, lambda told: told["running"] >= 1 and told["remaining"] >= 1)
        if told is None:
            return _finished(process)
        ranks = process.ranks()
        victim = {"coordinator": ranks.get(0), "worker": ranks.get(chance.randrange(1, RANKS)), "mpirun": process.pid}[who]
        if victim is None or not process.running():
            return _finished(process)
        process.signal(signal.SIGKILL, victim)
        left_s = process.wait_until_gone()
    finally:
        process.end()

    done, total, failed, still_open = study.telltale.status(study.output)
    if still_open == 0:
        return None  # it finished between the look and the kill
    assert told["done"] >= 1 and told["running"] >= 1
    assert done >= told["done"], f"{told['done']} results were reported as committed, and only {done} are in the journal"
    assert failed == 0, f"{failed} tasks failed"
    if study.output.exists():
        contents(study.output)
    return f"{done:3} of {total} tasks done, {told['running']} running; all ranks gone after {left_s:.1f} s"


def _finished(process):
    done = process.finish()
    assert done.code == ALL_DONE, f"a start that was not killed ended with {done.code}: {done.text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--telltale", required=True, help="the program")
    parser.add_argument("--kills", type=int, default=20, help="kills of each target (default 20)")
    parser.add_argument("--who", action="append", choices=TARGETS, help="what is killed (default: all, in turn)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and workers chosen")
    arguments = parser.parse_args()
    telltale, chance = Telltale(arguments.telltale), random.Random(arguments.seed)
    targets = arguments.who or list(TARGETS)
    begun = time.monotonic()
    wanted = arguments.kills * len(targets)
    count = 0
    with tempfile.TemporaryDirectory(prefix="telltale-kills-") as folder:
        numbers = itertools.count(1)
        study = Study(telltale, pathlib.Path(folder), next(numbers))
        while count < wanted:
            who = targets[count % len(targets)]
            line = kill_once(study, who, chance)
            if line is None:
                assert study.kills > 0, "the study finishes before it can be killed: it is too short for this machine"
                study.finish_and_compare()
                study = Study(telltale, pathlib.Path(folder), next(numbers))
                continue
            count += 1
            study.kills += 1
            say(f"kill {count:3} of {wanted}, {who:11}: {line}")
        study.finish_and_compare()
    each = ", ".join(f"{arguments.kills} of the {who}" if who != "mpirun" else f"{arguments.kills} of mpirun" for who in targets)
    say(f"{count} kills ({each}): nothing lost, every array equal to the uninterrupted run's; "
        f"{next(numbers) - 1} studies, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as failure:
        sys.exit(f"FAILED: {failure}")
