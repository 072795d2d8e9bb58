"""A rank that fails says why, and no rank is left waiting for it."""

import os
import shutil

import pytest

from telltale_runs import STOPPED_EARLY, UNUSABLE_INPUT, Process, clean_environment, write_job

SLEEPS = dict(experiment="empty", tasks=20, task_seconds=0.01)


def run_failing_rank(*arguments):
    command = [shutil.which("mpirun"), "--oversubscribe", "--bind-to", "none", "-n", "3", os.environ["FAILING_RANK"], *arguments]
    process = Process(command, clean_environment(), None)
    done = process.finish()
    process.wait_until_gone()
    return done


@pytest.mark.parametrize("rank", ["0", "2"])
@pytest.mark.parametrize("how, code, words", [
    ("error", STOPPED_EARLY, "telltale run: out of luck"),
    ("input", UNUSABLE_INPUT, "telltale run: unusable"),
    ("odd", STOPPED_EARLY, "telltale run: something was thrown that is no std::exception"),
])
def test_a_rank_that_fails_alone_says_why_and_ends_all(rank, how, code, words):
    done = run_failing_rank(rank, how)
    assert done.code == code, done.text
    assert done.text.count(words) == 1, done.text
    assert ("rank 2: " + words in done.text) == (rank == "2")


def test_a_rank_that_freezes_when_all_is_done_is_not_waited_for_ever():
    done = run_failing_rank("2", "freezes")
    assert "all is done\nnot all ranks have left: they are ended" in done.err, done.text


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_error_whose_text_is_no_utf8_ends_all_ranks_in_order(telltale, tmp_path, command):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    # A folder that is not there, in Latin-1; for the plan, a journal that is none.
    folder = tmp_path / "ol\udce9"
    if command == "plan":
        folder.mkdir()
        (folder / "x.h5.journal").write_text("my diary, day 1\n")
    done = telltale(command, job, "-o", folder / "x.h5", ranks=3)
    assert done.code == UNUSABLE_INPUT, done.text
    assert done.text.count("is no journal" if command == "plan" else "No such file or directory") == 1, done.text
    assert "MPI_ABORT" not in done.text
