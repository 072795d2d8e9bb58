"""Guarantee 3: a task that crashes its rank ends that start, is remembered, and in the end costs the study that task alone."""

import signal
import time

import h5py

from telltale_runs import SOME_FAILED, STOPPED_EARLY, wait_for_progress, write_job


def crash(telltale, job, output):
    """A start whose only worker crashes in its first task. A crash outside of any task leaves no note: then once more."""
    while True:
        process = telltale.start("run", job, "-o", output, ranks=2)
        try:
            # "Running" is what the coordinator handed out: the worker begins it a little later.
            told = wait_for_progress(process, output, lambda told: told["running"] >= 1)
            assert told and told["done"] == 0
            time.sleep(0.3)
            process.signal(signal.SIGSEGV, process.ranks()[1])
            assert process.finish().code != 0
            process.wait_until_gone()
        finally:
            process.end()
        if any(note.stat().st_size > 0 for note in output.parent.glob(output.name + ".crash*")):
            return


def test_a_task_that_crashed_its_rank_twice_is_set_aside_and_the_rest_is_done(telltale, tmp_path):
    job, output = write_job(tmp_path / "x.ini", experiment="empty", tasks=2, task_seconds=8), tmp_path / "x.h5"
    crash(telltale, job, output)
    assert telltale("status", output).code == STOPPED_EARLY
    crash(telltale, job, output)
    last = telltale("run", job, "-o", output, ranks=2)
    assert last.code == SOME_FAILED, last.text
    assert "1 of 2 tasks done, 1 failed, 0 open" in last.text and "its rank crashed 2 times while it ran" in last.text
    with h5py.File(output) as file:
        assert file["empty/index"][()].tolist() == [-1, 1]
        assert file["tasks/status"][()].tolist() == [b"failed", b"done"]
    assert not list(tmp_path.glob("x.h5.crash*")), "a note was left behind"
