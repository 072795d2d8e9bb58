"""--log-level and --log-file: what each rank did, in its own file; and nothing new without them."""

import re

from telltale_runs import ALL_DONE, SOME_FAILED, UNUSABLE_INPUT, write_job

# Tasks that never come to their end by themselves.
FAILS = dict(experiment="empty", tasks=1, task_seconds=86400, task_time_limit=0.05)
TRAINS = dict(train_images=200, test_images=50, epochs=2, batch=50, scheme="clean", alpha=0.05, beta=0.1, repeats=1,
              prune_rate=0, predict_images=0, checkpoint_interval=0)

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} rank (\d+) (trace|debug|info|warning|error): .+")


def logs(folder):
    """The lines by rank; every line is of the file's rank."""
    found = {}
    for path in sorted(folder.glob("run.*.log")):
        rank = int(path.name.split(".")[1])
        found[rank] = path.read_text().splitlines()
        for line in found[rank]:
            match = LINE.fullmatch(line)
            assert match and int(match[1]) == rank, line
    return found


def holding(lines, *words):
    return [line for line in lines if all(word in line for word in words)]


def test_a_failing_task_is_in_the_log_of_its_rank(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **FAILS)
    done = telltale("run", job, "-o", tmp_path / "x.h5", "--log-file", tmp_path / "run.log", ranks=2)
    assert done.code == SOME_FAILED, done.text
    assert "info" not in done.err
    found = logs(tmp_path)
    assert list(found) == [0, 1]
    assert len(holding(found[1], "has failed at attempt", "ran past its time limit of 0.05 s")) == 2
    assert len(holding(found[0], "failed on rank 1 and is tried again: ran past its time limit")) == 1
    assert len(holding(found[0], "failed on rank 1 for good: ran past its time limit")) == 1
    assert holding(found[0], "x.h5 is published")
    assert not holding(found[0], "has failed at attempt") and not holding(found[1], "tried again")


def test_checkpoints_are_in_the_log_of_the_rank_that_trains(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **TRAINS)
    done = telltale("run", job, "-o", tmp_path / "x.h5", "--log-level", "debug", "--log-file", tmp_path / "run.log", ranks=2)
    assert done.code == ALL_DONE, done.text
    found = logs(tmp_path)
    assert holding(found[1], "info: task", "a checkpoint of", "bytes is saved")
    assert holding(found[0], "debug: a checkpoint of task", "is on disk")
    assert not holding(found[0], "bytes is saved")


def test_a_second_start_adds_to_the_log(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=2, task_seconds=0)
    for _ in range(2):
        assert telltale("run", job, "-o", tmp_path / "x.h5", "--log-file", tmp_path / "run.log").code == ALL_DONE
    assert [line.rpartition("info: ")[2] for line in holding(logs(tmp_path)[0], "tasks are open")] == [
        "2 of 2 tasks are open", "0 of 2 tasks are open"]


def test_without_the_options_nothing_is_logged(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **FAILS)
    quiet = telltale("run", job, "-o", tmp_path / "x.h5", ranks=2)
    assert quiet.code == SOME_FAILED
    assert not any(LINE.fullmatch(line) for line in quiet.text.splitlines()), quiet.text
    loud = telltale("run", job, "-o", tmp_path / "y.h5", "--log-level", "info", ranks=2)
    assert loud.code == SOME_FAILED
    assert {match[1] for line in loud.err.splitlines() if (match := LINE.fullmatch(line))} == {"0", "1"}, loud.err


def test_bad_log_options_are_refused(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **FAILS)
    for options, words in ((("--log-level", "loud"), '--log-level: there is no log level "loud"'),
                           (("--log-file", tmp_path / "x.ini/run.log"), "the log cannot be written")):
        done = telltale("run", job, "-o", tmp_path / "x.h5", *options)
        assert done.code == UNUSABLE_INPUT and words in done.err, done.text
    assert "--log-file" in telltale("run", "--help").out
