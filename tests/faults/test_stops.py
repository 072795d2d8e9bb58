"""Guarantee 1: the scientific content of a results file does not depend on how often and where the study was stopped."""

import json
import pathlib
import signal
import struct
import time

import h5py
import pytest

from telltale_runs import ALL_DONE, STOPPED_EARLY, assert_equal_results, stop, wait_for_progress, write_job


def test_stopped_by_sigterm_and_resumed(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    stopped = stop(telltale.start("run", job, "-o", output), output)
    assert "stopped by SIGTERM" in stopped.err and "All is well" in stopped.err
    done, total, failed, still_open = telltale.status(output)
    assert done >= 1 and failed == 0 and still_open >= 1 and done + still_open == total
    telltale.run(job, output)
    assert_equal_results(output, alone)


def test_ranks_stopped_through_their_coordinator_and_resumed_on_fewer(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    process = telltale.start("run", job, "-o", output, ranks=3)
    stop(process, output)
    process.wait_until_gone()
    telltale.run(job, output)
    assert_equal_results(output, alone)


def test_ranks_stopped_by_a_signal_that_mpirun_passes_on(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    process = telltale.start("run", job, "-o", output, ranks=3)
    assert wait_for_progress(process, output, lambda told: told["done"] >= 1)
    process.signal(signal.SIGUSR1)
    stopped = process.finish()
    assert stopped.code == STOPPED_EARLY and "stopped by SIGUSR1" in stopped.err and "All is well" in stopped.err, stopped.text
    telltale.run(job, output, ranks=3)
    assert_equal_results(output, alone)


def test_an_interrupted_mpirun_leaves_no_rank_behind_and_can_be_resumed(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    process = telltale.start("run", job, "-o", output, ranks=3)
    told = wait_for_progress(process, output, lambda told: told["done"] >= 1)
    process.signal(signal.SIGINT)
    assert process.finish().code != ALL_DONE
    process.wait_until_gone()
    assert telltale.status(output)[0] >= told["done"]
    telltale.run(job, output, ranks=2)
    assert_equal_results(output, alone)


def test_stopped_by_the_time_limit_again_and_again(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    # The first has passed before anything is handed out. Each next one gives more room, on any machine.
    limits_s = [0.001, *(2 ** power for power in range(12))]
    codes = []
    for limit_s in limits_s:
        stopped = telltale("run", job, "-o", output, "--time-limit", limit_s)
        codes.append(stopped.code)
        if stopped.code == ALL_DONE:
            break
        assert stopped.code == STOPPED_EARLY and "All is well" in stopped.err, stopped.text
    assert codes[0] == STOPPED_EARLY and codes[-1] == ALL_DONE, codes
    assert_equal_results(output, alone)


LONG_TRAINING = dict(train_images=1500, test_images=100, epochs=12, batch=32, momentum=0.9, scheme="new-label", alpha=0.05, beta=0.1)


@pytest.fixture(scope="module")
def long_training(telltale, tmp_path_factory):
    """A study of one training of some seconds, done in one piece: `job`, `x.h5`."""
    folder = tmp_path_factory.mktemp("long")
    write_job(folder / "job", **LONG_TRAINING)
    telltale.run(folder / "job", folder / "x.h5")
    return folder


def assert_same_training(output, whole):
    with h5py.File(whole) as a, h5py.File(output) as b:
        assert a["train/model_sha256"][()].tolist() == b["train/model_sha256"][()].tolist()
    assert_equal_results(output, whole)


def test_a_training_goes_on_from_its_checkpoint_to_the_same_model(telltale, long_training, tmp_path):
    output = tmp_path / "x.h5"
    reached = [(0, 0)]
    for _ in range(3):
        process = telltale.start("run", long_training / "job", "-o", output, "--checkpoint-interval", "0.1")
        # Stopped as soon as it has come further than the start before it.
        while process.running() and position(tmp_path) <= reached[-1]:
            time.sleep(0.005)
        process.signal(signal.SIGTERM)
        stopped = process.finish()
        assert stopped.code == STOPPED_EARLY, stopped.text
        reached.append(position(tmp_path))
        assert reached[-1] > reached[-2] and telltale.status(output)[0] == 0
    process = telltale.start("run", long_training / "job", "-o", output, "--checkpoint-interval", "0.1")
    seen = set()
    while process.running():
        seen.add(position(tmp_path))
        time.sleep(0.01)
    assert process.finish().code == ALL_DONE
    assert min(seen - {(0, 0)}) >= reached[-1], "it began anew"
    assert checkpoints(tmp_path) == [], "the checkpoint of a finished training is still there"
    assert_same_training(output, long_training / "x.h5")


def test_a_training_longer_than_every_time_limit_comes_to_its_end(telltale, long_training, tmp_path):
    output = tmp_path / "x.h5"
    # From a limit that leaves no time at all each start has a little more than the one before: soon, on any machine, one
    # is stopped in the middle of the training, and then others, each further on.
    limit_s, reached = 0.05, []
    while True:
        run = telltale("run", long_training / "job", "-o", output, "--time-limit", limit_s, "--checkpoint-interval", "0.1")
        if run.code == ALL_DONE:
            break
        assert run.code == STOPPED_EARLY, run.text
        if checkpoints(tmp_path):
            reached.append(position(tmp_path))
        limit_s *= 1.4
    assert reached, "one start had time for the whole training"
    assert reached == sorted(reached), "a start got less far than the one before it"
    assert_same_training(output, long_training / "x.h5")


def checkpoints(folder):
    """The checkpoints in the artifacts of a folder."""
    return sorted(pathlib.Path(folder, "artifacts").glob("checkpoints-*"))


def position(folder):
    """(epoch, step) of the one checkpoint there; (0, 0) without one. Its safetensors lie behind headers of the store."""
    try:
        with checkpoints(folder)[0].open("rb") as file:
            begin = file.read(1 << 16)
            start = begin.index(b'{"', 48)  # the store's head holds a hash, which may be any bytes
            end = start + struct.unpack_from("<Q", begin, start - 8)[0]
            file.seek(end + json.loads(begin[start:end])["position"]["data_offsets"][0])
            return struct.unpack("<qq", file.read(16))
    except (IndexError, FileNotFoundError):
        return (0, 0)
