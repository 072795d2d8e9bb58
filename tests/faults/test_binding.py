"""The environment that trains is fixed at the first start, and no other takes its place."""

import pathlib

import h5py

from telltale_runs import ALL_DONE, STOPPED_EARLY, UNUSABLE_INPUT, assert_equal_results, stop


def environments(output):
    with h5py.File(output) as file:
        return [name.decode() for name in file["environments/environment"][()]]


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
