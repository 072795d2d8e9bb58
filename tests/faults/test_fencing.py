"""Two runs of one study where locks do not reach from one to the other, and ranks that freeze: nothing is lost or overwritten."""

import fcntl
import os
import signal

import pytest

from telltale_runs import ALL_DONE, STOPPED_EARLY, TAKEN_OVER, UNUSABLE_INPUT, assert_equal_results, wait_for_progress, write_job

WITHOUT_LOCKS = {"LD_PRELOAD": os.environ.get("TELLTALE_NO_FLOCK", "")}
FROZEN_AFTER_S = 8


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Its one worker sleeps for 16 s in all, whatever the machine."""
    return write_job(tmp_path_factory.mktemp("job") / "x.ini", experiment="empty", tasks=32, task_seconds=0.5)


@pytest.fixture(scope="module")
def uninterrupted(telltale, job, tmp_path_factory):
    output = tmp_path_factory.mktemp("uninterrupted") / "x.h5"
    telltale.run(job, output, ranks=5)
    return output


def begin(telltale, job, output, *more, environment=None):
    process = telltale.start("run", job, "-o", output, *more, ranks=2, environment=environment)
    told = wait_for_progress(process, output, lambda told: told["done"] >= 2)
    assert told and told["remaining"] >= 1
    return process


def assert_whole(telltale, output, reference):
    assert_equal_results(output, reference)
    verified = telltale("verify", output)
    assert verified.code == ALL_DONE, verified.text


def held(process):
    """Stops every process of a run, so that it cannot end before another has begun; returns what lets it go on."""
    members = process.members()
    for pid in members:
        process.signal(signal.SIGSTOP, pid)
    return lambda: [process.signal(signal.SIGCONT, pid) for pid in members]


def test_a_run_that_another_one_takes_over_from_ends_and_says_so(telltale, job, uninterrupted, tmp_path):
    output = tmp_path / "x.h5"
    first = begin(telltale, job, output, environment=WITHOUT_LOCKS)
    second = None
    try:
        let_go = held(first)
        second = telltale.start("run", job, "-o", output, ranks=5, environment=WITHOUT_LOCKS)
        wait_for_progress(second, output, lambda told: told["done"] >= 1)
        let_go()
        went_on, ended = second.finish(), first.finish()
    finally:
        first.end()
        if second:
            second.end()
    assert went_on.code == ALL_DONE, went_on.text
    assert ended.code == TAKEN_OVER, ended.text
    assert f") has taken over {output}.journal: this one ends" in ended.err and "Nothing is lost" in ended.err
    assert_whole(telltale, output, uninterrupted)


def test_a_coordinator_that_wakes_after_another_has_finished_changes_nothing(telltale, job, uninterrupted, tmp_path):
    output = tmp_path / "x.h5"
    first = begin(telltale, job, output, environment=WITHOUT_LOCKS)
    try:
        let_go = held(first)
        telltale.run(job, output, ranks=5, environment=WITHOUT_LOCKS)
        finished = output.read_bytes()
        let_go()
        ended = first.finish()
    finally:
        first.end()
    assert ended.code == TAKEN_OVER, ended.text
    assert output.read_bytes() == finished
    assert_whole(telltale, output, uninterrupted)


def test_a_lock_that_outlived_its_holder_is_broken_by_its_hosts_name(telltale, job, uninterrupted, tmp_path):
    output = tmp_path / "x.h5"
    with open(f"{output}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("pid 7 on host n17, since 2026-11-29 12:00:00 UTC\n")
        lock.flush()
        for more in ([], ["--break-lock", "n18"]):
            refused = telltale("run", job, "-o", output, *more)
            assert refused.code == UNUSABLE_INPUT and "pid 7 on host n17" in refused.err and "add --break-lock n17" in refused.err, refused.text
        telltale.run(job, output, "--break-lock", "n17", ranks=5)
    assert_whole(telltale, output, uninterrupted)


@pytest.mark.parametrize("rank, says", [(1, f"stopped early: rank 1 has said nothing for {FROZEN_AFTER_S} s"),
                                        (0, f"the coordinator (rank 0) has said nothing for {FROZEN_AFTER_S} s")])
def test_a_frozen_rank_is_noticed_and_the_study_goes_on_with_the_next_start(telltale, job, uninterrupted, tmp_path, rank, says):
    output = tmp_path / "x.h5"
    process = begin(telltale, job, output, "--rank-timeout", FROZEN_AFTER_S)
    try:
        process.signal(signal.SIGSTOP, process.ranks()[rank])
        ended = process.finish()
        process.wait_until_gone()
    finally:
        process.end()
    assert ended.code == STOPPED_EARLY and says in ended.err, ended.text
    assert telltale.status(output)[0] >= 2
    telltale.run(job, output, ranks=5)
    assert_whole(telltale, output, uninterrupted)
