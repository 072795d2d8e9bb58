"""Guarantee 1: the scientific content of a results file does not depend on how many ranks computed it, in which order
their profiles stood, or how often and where the study was stopped."""

import json
import pathlib
import signal
import time

import h5py
import pytest

from telltale_runs import (ALL_DONE, STOPPED_EARLY, UNUSABLE_INPUT, assert_equal_results, contents, differences, wait_for_progress,
                           write_job)

# Trainings of a few tenths of a second, every kind of task.
STUDY = dict(train_images=400, test_images=100, epochs=3, batch=32, momentum=0.9, scheme=["new-label", "clean"], alpha=[0.02, 0.1],
             beta=0.1, repeats=2, prune_rate=[0, 0.5], predict_images=50, predict_batch=[1, 16])


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("job") / "job.ini", **STUDY)


@pytest.fixture(scope="module")
def alone(telltale, job, tmp_path_factory):
    """The study as one process without a launcher computes it."""
    output = tmp_path_factory.mktemp("alone") / "x.h5"
    telltale.run(job, output)
    return output


@pytest.fixture(scope="module")
def others(telltale):
    """Profiles besides the best that this CPU can run, those most unlike it first."""
    probed = telltale("probe", "--experiment", "empty", "--profiles", "best,others:3", "--json", ranks=4)
    assert probed.code == ALL_DONE, probed.text
    names = [rank["passport"]["profile"] for rank in json.loads(probed.out)]
    found = [name for name in dict.fromkeys(names) if name != names[0]]
    if len(found) < 2:
        pytest.skip(f"this CPU can run hardly any profile besides {names[0]}: {found}")
    return found


@pytest.fixture(scope="module")
def mixed(telltale, job, others, tmp_path_factory):
    """The study on three environments, one rank of each."""
    output = tmp_path_factory.mktemp("mixed") / "x.h5"
    telltale.run(job, output, "--profiles", f"best,{others[0]},{others[1]}", ranks=4)
    return output


def stop(process, output, results=1):
    """SIGTERM to the coordinator (or the only process) once so many results are committed and something is left to do."""
    told = wait_for_progress(process, output, lambda told: told["done"] >= results)
    assert told and told["remaining"] >= 1, "the study was over before it could be stopped"
    process.signal(signal.SIGTERM, process.ranks().get(0))
    stopped = process.finish()
    assert stopped.code == STOPPED_EARLY, stopped.text
    return stopped


def environments(output):
    with h5py.File(output) as file:
        return [name.decode() for name in file["environments/environment"][()]]


# ---- numbers of ranks

@pytest.mark.parametrize("ranks", [2, 5])
def test_one_environment_on_more_ranks_gives_the_bits_of_one_process(telltale, job, alone, tmp_path, ranks):
    telltale.run(job, tmp_path / "x.h5", ranks=ranks)
    assert_equal_results(tmp_path / "x.h5", alone)


def test_a_coordinator_that_works_changes_nothing(telltale, job, alone, tmp_path):
    telltale.run(job, tmp_path / "x.h5", "--coordinator-works", "yes", ranks=2)
    assert_equal_results(tmp_path / "x.h5", alone)


def test_mixed_environments_really_differ(mixed):
    with h5py.File(mixed) as file:
        differing = file["predict/differing_images"][()]
    assert differing.max() > 0, "all environments have the same bits: comparing runs of them would show nothing"


@pytest.mark.parametrize("ranks, profiles", [(5, "{1},best,{0},best"), (6, "{0},{0},{1},{1},best")])
def test_mixed_environments_at_other_rank_counts_and_orders(telltale, job, mixed, others, tmp_path, ranks, profiles):
    telltale.run(job, tmp_path / "x.h5", "--profiles", profiles.format(*others), ranks=ranks)
    assert_equal_results(tmp_path / "x.h5", mixed)


def test_trainings_spread_over_mixed_environments_at_other_rank_counts(telltale, job, others, tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    telltale.run(job, tmp_path / "a/x.h5", "--train-on", "spread", "--profiles", f"best,{others[0]}", ranks=3)
    telltale.run(job, tmp_path / "b/x.h5", "--train-on", "spread", "--profiles", f"{others[0]},best,best", ranks=4)
    assert_equal_results(tmp_path / "a/x.h5", tmp_path / "b/x.h5")
    with h5py.File(tmp_path / "a/x.h5") as file:
        trained_on = set(file["tasks/environment"][()][file["tasks/kind"][()] == b"train"])
    assert len(trained_on) == 2, "the trainings of eight cases all fell on one environment"


# ---- stopping

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
    assert process.wait_until_gone() < 10
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
    assert process.wait_until_gone() < 10
    assert telltale.status(output)[0] >= told["done"]
    telltale.run(job, output, ranks=2)
    assert_equal_results(output, alone)


def test_stopped_by_the_time_limit_again_and_again(telltale, job, alone, tmp_path):
    output = tmp_path / "x.h5"
    codes = []
    for limit_s in (0.6, 1.2, 2, 4, 8, 100):
        stopped = telltale("run", job, "-o", output, "--time-limit", limit_s)
        codes.append(stopped.code)
        if stopped.code == ALL_DONE:
            break
        assert stopped.code == STOPPED_EARLY and "All is well" in stopped.err, stopped.text
    assert codes[0] == STOPPED_EARLY, "even the shortest limit was long enough: nothing was stopped"
    assert codes[-1] == ALL_DONE
    assert_equal_results(output, alone)


def test_a_training_goes_on_from_its_checkpoint_to_the_same_model(telltale, tmp_path):
    job = write_job(tmp_path / "long.ini", train_images=1500, test_images=100, epochs=12, batch=32, momentum=0.9, scheme="new-label",
                    alpha=0.05, beta=0.1)
    (tmp_path / "whole").mkdir(), (tmp_path / "pieces").mkdir()
    telltale.run(job, tmp_path / "whole/x.h5")
    output = tmp_path / "pieces/x.h5"
    stops = 0
    while True:
        process = telltale.start("run", job, "-o", output, "--checkpoint-interval", "0.7")
        # Stopped just after its first checkpoint: a training that began anew each time would never end.
        before = checkpoints(tmp_path / "pieces")
        while process.running() and checkpoints(tmp_path / "pieces") in (before, {}):
            time.sleep(0.005)
        if not process.running():
            break
        process.signal(signal.SIGTERM)
        stopped = process.finish()
        if stopped.code == ALL_DONE:
            break
        assert stopped.code == STOPPED_EARLY, stopped.text
        assert stops > 0 or telltale.status(output)[0] == 0, "the training was over before it could be stopped"
        stops += 1
        assert stops < 40, "a training that is stopped after every checkpoint does not come to its end"
    assert process.finish().code == ALL_DONE
    assert stops >= 1, "the training was never stopped"
    assert checkpoints(tmp_path / "pieces") == {}, "the checkpoint of a finished training is still there"
    with h5py.File(tmp_path / "whole/x.h5") as whole, h5py.File(output) as pieces:
        assert pieces["train/model_sha256"][()].tolist() == whole["train/model_sha256"][()].tolist()
    assert_equal_results(output, tmp_path / "whole/x.h5")


def test_a_training_longer_than_every_time_limit_comes_to_its_end(telltale, tmp_path):
    job = write_job(tmp_path / "long.ini", train_images=1500, test_images=100, epochs=12, batch=32, momentum=0.9, scheme="new-label",
                    alpha=0.05, beta=0.1)
    (tmp_path / "whole").mkdir(), (tmp_path / "pieces").mkdir()
    telltale.run(job, tmp_path / "whole/x.h5")
    with h5py.File(tmp_path / "whole/x.h5") as file:
        limit_s = 0.6 * float(file["run/seconds"][()][file["tasks/kind"][()] == b"train"].max())
    starts = 1
    while telltale("run", job, "-o", tmp_path / "pieces/x.h5", "--time-limit", limit_s + 0.5, "--checkpoint-interval", "0.2").code == STOPPED_EARLY:
        starts += 1
        assert starts < 40, "no start gets further than the one before it"
    assert starts > 1, "one start was enough: the limit was none"
    assert_equal_results(tmp_path / "pieces/x.h5", tmp_path / "whole/x.h5")


def checkpoints(folder):
    """The checkpoints in the artifacts of a folder, with when they were written."""
    found = {}
    for path in pathlib.Path(folder, "artifacts").glob("checkpoints-*"):
        try:
            found[path.name] = path.stat().st_mtime_ns
        except FileNotFoundError:
            pass
    return found


# ---- the environment that trains

def test_training_stays_bound_to_the_environment_of_the_first_start(telltale, job, mixed, others, tmp_path):
    output = tmp_path / "x.h5"
    all_three = f"best,{others[0]},{others[1]}"
    stop(telltale.start("run", job, "-o", output, "--profiles", all_three, ranks=4), output, results=0)
    journal = pathlib.Path(f"{output}.journal").read_bytes()
    trainer = [name for name in environments(mixed) if name not in others][0]

    refused = telltale("run", job, "-o", output, "--profiles", others[0], ranks=2)
    assert refused.code == UNUSABLE_INPUT
    assert f"bound to the environment {trainer}" in refused.err and f"present: {others[0]}" in refused.err, refused.err
    planned = telltale("plan", job, "-o", output, "--profiles", others[0])
    assert planned.code == UNUSABLE_INPUT and f"bound to the environment {trainer}" in planned.err
    assert pathlib.Path(f"{output}.journal").read_bytes() == journal

    # Ranks of it alone do what it alone can do, and say what stays open.
    partly = telltale.run(job, output, "--profiles", "best", ranks=2, expect=STOPPED_EARLY)
    assert f"no rank has the environment {others[0]}" in partly.err and f"no rank has the environment {others[1]}" in partly.err

    # The rest, with the profiles in another order.
    telltale.run(job, output, "--profiles", f"{others[1]},{others[0]},best", ranks=4)
    assert_equal_results(output, mixed)
    whole = telltale.run(job, output, "--profiles", "best")
    assert "no rank has the environment" not in whole.err, "nothing is left for it to do"


def test_a_named_environment_trains_and_must_be_there(telltale, job, others, tmp_path):
    refused = telltale("run", job, "-o", tmp_path / "x.h5", "--train-on", others[0], "--profiles", "best", ranks=2)
    assert refused.code == UNUSABLE_INPUT and others[0] in refused.err and "present: " in refused.err
    assert list(tmp_path.iterdir()) == []
    output = tmp_path / "x.h5"
    command = ("run", job, "-o", output, "--train-on", others[0], "--profiles")
    stop(telltale.start(*command, f"{others[0]},best", ranks=3), output)
    refused = telltale(*command, "best", ranks=2)
    assert refused.code == UNUSABLE_INPUT and f"bound to the environment {others[0]}" in refused.err
    finished = telltale(*command, f"best,{others[0]},{others[0]}", ranks=4)
    assert finished.code == ALL_DONE, finished.text
    with h5py.File(output) as file:
        computed = set(file["tasks/environment"][()][file["tasks/kind"][()] != b"predict"])
    assert computed == {others[0].encode()}


def test_train_on_any_is_marked_as_not_reproducible(telltale, job, others, alone, tmp_path):
    telltale.run(job, tmp_path / "x.h5", "--train-on", "any", "--profiles", f"best,{others[0]}", ranks=3)
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.attrs["reproducible"] == 0
    with h5py.File(alone) as file:
        assert file.attrs["reproducible"] == 1
    assert "not reproducible" in telltale("report", tmp_path / "x.h5").out


# ---- sharing

def test_another_job_file_takes_over_the_models_it_shares(telltale, job, alone, tmp_path):
    first = write_job(tmp_path / "first.ini", **{**STUDY, "alpha": 0.02, "prune_rate": []})
    telltale.run(first, tmp_path / "first.h5", "--artifacts", tmp_path / "shared")
    shared = telltale.run(job, tmp_path / "second.h5", "--artifacts", tmp_path / "shared", ranks=2)
    # Two repeats of the new label at one alpha, and of the clean network, which has no alpha.
    assert "4 tasks taken from the artifacts of other studies" in shared.out
    assert_equal_results(tmp_path / "second.h5", alone)
    planned = telltale("plan", first, "--artifacts", tmp_path / "shared")
    assert [line.split()[1:3] for line in planned.out.splitlines() if line.startswith("  train")] == [["4", "4"]]


def test_a_lost_journal_costs_no_training(telltale, job, alone, tmp_path):
    telltale.run(job, tmp_path / "x.h5")
    (tmp_path / "x.h5").unlink()
    (tmp_path / "x.h5.journal").unlink()
    again = telltale.run(job, tmp_path / "x.h5")
    assert "6 tasks taken from the artifacts" in again.out
    assert_equal_results(tmp_path / "x.h5", alone)


def test_the_comparison_itself_sees_a_single_bit(alone, tmp_path):
    changed = tmp_path / "changed.h5"
    changed.write_bytes(alone.read_bytes())
    with h5py.File(changed, "r+") as file:
        logits = file["predict/logits"][()]
        logits.view("u4").flat[-1] ^= 1
        file["predict/logits"][...] = logits
        file["train"].attrs["description"] = "another"
    assert differences(contents(alone), contents(changed)) == ["predict/logits", "train@description"]
