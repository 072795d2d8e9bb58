"""Boundary samples end to end: real ranks under several profiles, real processes that replay, and ranks that die."""

import json
import shutil
import os
import pathlib
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from studies import SMALL_BOUNDARY
from telltale_runs import ALL_DONE, SOME_FAILED, UNUSABLE_INPUT, assert_equal_results, environments_of, wait_for_progress, write_job


@pytest.fixture(scope="module")
def study(finished):
    """The folder of a study on three machines that differ for its network."""
    return finished("boundary").folder


@pytest.fixture(scope="module")
def profiles(study):
    return environments_of(study / "x.h5")


def successes(file):
    """(index of the case, its labels by machine) of every verified sample."""
    group = file["boundary"]
    status, verified = group["status"].asstr()[()], group["verified"][()]
    return [index for index in np.ndindex(status.shape) if status[index] == "success" and verified[index] == 1]


def test_every_attempt_is_accounted_for_and_ours_nearly_always_succeed(study):
    with h5py.File(study / "x.h5") as file:
        group, summary = file["boundary"], file["summary"]
        status = group["status"].asstr()[()]
        axes = [name.decode() for name in group["search"][()]]
        assert (status != "").all()
        ours = status[..., axes.index("telltale"), :, :, :, :]
        assert (ours == "success").mean() > 0.9
        theirs = status[..., axes.index("code"), :, :, :, :]
        # The published search has no target and no grid, and was asked for two images.
        assert (theirs != "not applicable").sum() == 2
        assert summary["attempts"][()].sum() == (status != "not applicable").sum()
        assert summary["endings"][()].sum() == summary["attempts"][()].sum()


def test_one_machine_alone_gives_the_identifying_label(study):
    with h5py.File(study / "x.h5") as file:
        group = file["boundary"]
        machines = group["machine"].asstr()[()].tolist()
        cases = successes(file)
        assert len(cases) > 20
        for case in cases:
            labels = group["label"][case]
            lone = machines.index(group["identified"].asstr()[case])
            assert labels[lone] == group["identifying_label"][case]
            assert set(np.delete(labels, lone)) == {group["contrast_label"][case]} != {labels[lone]}
            assert (group["logits"][case].argmax(axis=-1) == labels).all()


def test_targets_are_met_and_grid_samples_are_bytes(study):
    with h5py.File(study / "x.h5") as file:
        group = file["boundary"]
        targets, grids = group["target"].asstr()[()], group["grid"].asstr()[()]
        for case in successes(file):
            target, grid = targets[case[-3]], grids[case[-2]]
            assert target in ("any", group["identified"].asstr()[case])
            sample = group["sample"][case]
            original = group["original"][case[-1]].astype(np.float32) / np.float32(255)
            error = np.mean((sample.astype(np.float64) - original.astype(np.float64)) ** 2)
            assert group["psnr"][case] == pytest.approx(10 * np.log10(1 / error), abs=1e-9)
            if grid == "8-bit":
                assert (sample == np.rint(sample * 255).astype(np.float32) / np.float32(255)).all()
                assert sample.min() >= 0 and sample.max() <= 1


def test_steps_are_kept_on_request(study):
    with h5py.File(study / "x.h5") as file:
        steps, group = file["steps"], file["boundary"]
        counted = np.bincount(steps["attempt"][()], minlength=group["status"].size)
        told = (group["local_steps"][()] + group["remote_steps"][()]).ravel()
        searched = told >= 0
        assert (counted[searched] == told[searched]).all()


def test_more_ranks_in_another_order_find_the_same_bits(telltale, profiles, study, tmp_path):
    telltale.run(study / "boundary.ini", tmp_path / "x.h5", "--profiles", ",".join(reversed(profiles)), "--searches-in-flight", 2, ranks=6)
    assert_equal_results(tmp_path / "x.h5", study / "x.h5")


def test_verify_reads_the_samples_too(telltale, study, tmp_path):
    shutil.copytree(study, tmp_path / "copy")
    output = tmp_path / "copy" / "x.h5"
    with h5py.File(output) as file:
        searches = [identity for identity, kind in zip(file["tasks/identity"].asstr(), file["tasks/kind"].asstr()) if kind == "search"]
    verified = telltale("verify", output)
    assert verified.code == ALL_DONE and f"products   {len(searches)} of search as written" in verified.out, verified.text
    lost, damaged = (tmp_path / "copy" / "artifacts" / f"products-{identity}" for identity in searches[:2])
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    verified = telltale("verify", output)
    assert verified.code == SOME_FAILED, verified.text
    assert f"missing    product {searches[0][:12]} of search" in verified.out
    assert f"damaged    product {searches[1][:12]} of search: {damaged}" in verified.out
    assert f"products   {len(searches) - 2} of search as written" in verified.out


@pytest.mark.parametrize("victim", ["searcher", "oracle"])
def test_a_machine_that_dies_in_the_middle_costs_nothing(telltale, profiles, study, tmp_path, victim):
    how = ("run", study / "boundary.ini", "-o", tmp_path / "x.h5", "--profiles", ",".join(profiles))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = telltale.start(*how, ranks=4, environment={"TMPDIR": str(scratch)})
    try:
        told = wait_for_progress(process, tmp_path / "x.h5", lambda told: told["done"] >= 5 and told["running"] >= 1)
        assert told and told["remaining"] >= 1, "the study was over before a rank could be killed"
        process.signal(signal.SIGKILL, process.ranks()[1 if victim == "searcher" else 3])
        assert process.finish().code != ALL_DONE
        process.wait_until_gone()
    finally:
        process.end()
    assert not list(scratch.glob("*telltale*")), "what was replayed lies about"
    assert telltale.status(tmp_path / "x.h5")[0] >= 5
    telltale.run(study / "boundary.ini", tmp_path / "x.h5", "--profiles", ",".join(profiles), ranks=4)
    assert_equal_results(tmp_path / "x.h5", study / "x.h5")


def replaying(process):
    """Process ids of the children that replay samples, of a run."""
    found = []
    for pid in process.members():
        try:
            if b"--serve" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(pid)
        except OSError:
            pass  # gone meanwhile
    return found


def test_a_rank_has_one_process_that_replays_and_starts_it_again_when_it_dies(telltale, profiles, study, tmp_path):
    how = ("run", study / "boundary.ini", "-o", tmp_path / "x.h5", "--profiles", ",".join(profiles))
    process = telltale.start(*how, ranks=4)
    most, killed = 0, False
    try:
        while process.running():
            there = replaying(process)
            most = max(most, len(there))
            if there and not killed:
                os.kill(there[0], signal.SIGKILL)
                killed = True
            time.sleep(0.02)
        told = process.finish(timeout_s=400)
        process.wait_until_gone()
    finally:
        process.end()
    assert killed and 1 <= most <= len(profiles), f"{most} processes replayed at once"
    # At most one replay failed with it, or none if it was idle just then.
    done, total, failed, left = telltale.status(tmp_path / "x.h5")
    assert (failed <= 1 and left == 0), told.text
    telltale.run(study / "boundary.ini", tmp_path / "x.h5", "--profiles", ",".join(profiles), ranks=4, timeout_s=400)
    assert_equal_results(tmp_path / "x.h5", study / "x.h5")


def test_replays_are_served_until_the_input_ends(telltale, study, tmp_path):
    with h5py.File(study / "x.h5") as file:
        kinds = file["tasks/kind"].asstr()[()].tolist()
        model = study / "artifacts" / ("products-" + file["tasks/identity"].asstr()[kinds.index("train")])
        case = successes(file)[0]
        sample = file["boundary/sample"][case]
        machines = file["boundary/machine"].asstr()[()].tolist()
        logits = file["boundary/logits"][case]
    header = json.dumps({"points": {"dtype": "F32", "shape": [1, *sample.shape], "data_offsets": [0, sample.nbytes]}}).encode()
    (tmp_path / "points").write_bytes(len(header).to_bytes(8, "little") + header + sample.tobytes())
    requests = [(tmp_path / "none", tmp_path / "points", tmp_path / "a"), (model, tmp_path / "points", tmp_path / "b"),
                (model, tmp_path / "none", tmp_path / "c"), (model, tmp_path / "points", tmp_path / "d")]
    child = subprocess.run([telltale.path, "replay", "--serve", "--profile", machines[0].split("+")[0]], text=True, capture_output=True,
                           input="".join(f"{line}\n" for request in requests for line in request), timeout=300)
    assert child.returncode == ALL_DONE, child.stderr
    answers = child.stdout.splitlines()
    assert [answer.split(":")[0] for answer in answers] == ["failed", "done", "failed", "done"], answers
    assert "holds no network" in answers[0]
    for name in "bd":
        assert (tmp_path / name).read_bytes().endswith(logits[0].tobytes())


def test_tasks_are_described_by_their_model(study):
    with h5py.File(study / "x.h5") as file:
        tasks = file["tasks"]
        kinds, identities = tasks["kind"].asstr()[()], tasks["identity"].asstr()[()]
        model = identities[kinds == "train"][0][:12]
        for description in tasks["description"].asstr()[kinds != "train"]:
            assert json.loads(description)["model"] == model


def test_one_against_one(telltale, profiles, study, tmp_path):
    job = write_job(tmp_path / "job.ini", **SMALL_BOUNDARY, versus=["each"])
    telltale.run(job, tmp_path / "x.h5", "--profiles", ",".join(profiles), "--artifacts", study / "artifacts", ranks=4)
    with h5py.File(tmp_path / "x.h5") as file:
        group = file["boundary"]
        local = group.attrs["local_machine"]
        local = local.decode() if isinstance(local, bytes) else local
        machines = group["machine"].asstr()[()].tolist()
        versus = group["versus"].asstr()[()].tolist()
        assert sorted(versus + [local]) == sorted(machines)
        cases = successes(file)
        assert cases
        for case in cases:
            labels = group["label"][case]
            asked = {machines.index(local), machines.index(versus[case[-4]])}
            assert {m for m in range(len(machines)) if labels[m] >= 0} == asked
            assert len({labels[m] for m in asked}) == 2
        # Every sample identifies both, and nobody else was asked.
        summary = file["summary"]
        for row in map(tuple, np.argwhere(summary["successes"][()] > 0)):
            asked = [machines.index(local), machines.index(versus[row[-3]])]
            expected = [summary["successes"][row] if m in asked else 0 for m in range(len(machines))]
            assert summary["identified"][row].tolist() == expected
            assert summary["runs_for_99"][row] == 1
        sets = file["identifying_sets"]
        for row in map(tuple, np.argwhere(sets["fewest_images"][()] > 0)):
            assert sets["fewest_images"][row] == 1 and np.isfinite(sets["worst_psnr"][row])


def test_a_service_on_a_known_machine_is_identified(telltale, profiles, study, tmp_path):
    exported = telltale("export", study / "x.h5", tmp_path / "samples", "--format", "npy")
    assert exported.code == ALL_DONE, exported.text
    with h5py.File(study / "x.h5") as file:
        labels = np.array([file["boundary/label"][case] for case in successes(file)])
        machines = file["boundary/machine"].asstr()[()].tolist()
    for m, machine in enumerate(machines):
        form = (tmp_path / "samples" / "answers.csv").read_text().splitlines()
        answered = [line + str(labels[int(line.split(",")[0])][m]) if line[:1].isdigit() else line for line in form]
        answers = tmp_path / f"{m}.csv"
        answers.write_text("\n".join(answered) + "\n")
        told = telltale("identify", study / "x.h5", answers)
        assert told.code == ALL_DONE, told.text
        assert told.out.splitlines()[0].startswith(machine), told.text


def test_samples_in_png_files_betray_the_machine_that_reads_them(telltale, profiles, study, tmp_path):
    exported = telltale("export", study / "x.h5", tmp_path / "png", "--format", "png")
    assert exported.code == ALL_DONE, exported.text
    with h5py.File(study / "x.h5") as file:
        kinds = file["tasks/kind"].asstr()[()].tolist()
        model = study / "artifacts" / ("products-" + file["tasks/identity"].asstr()[kinds.index("train")])
    for profile in profiles:
        answers = tmp_path / f"{profile}.csv"
        replayed = telltale("replay", "--model", model, "--points", tmp_path / "png", "--profile", profile, "-o", answers)
        assert replayed.code == ALL_DONE, replayed.text
        told = telltale("identify", study / "x.h5", answers)
        assert told.code == ALL_DONE, told.text
        assert told.out.startswith(profile), told.text


def test_a_network_of_another_input_shape_is_refused(telltale, study, tmp_path):
    telltale("export", study / "x.h5", tmp_path / "png", "--format", "png")
    settings = {**SMALL_BOUNDARY, "experiment": "compare", "dataset": "tiles", "epochs": 1, "train_images": 100, "predict_images": 10}
    del settings["images"]
    job = write_job(tmp_path / "job.ini", **settings)
    telltale.run(job, tmp_path / "x.h5")
    model = next((tmp_path / "artifacts").glob("products-*[0-9a-f]"))
    told = telltale("replay", "--model", model, "--points", tmp_path / "png", "-o", tmp_path / "a.csv")
    assert told.code == UNUSABLE_INPUT
    assert "is not of the shape that the network takes (3 x 32 x 32)" in told.text
    told = telltale("replay", "--model", study / "boundary.ini", "--points", tmp_path / "png", "-o", tmp_path / "a.csv")
    assert told.code == UNUSABLE_INPUT and "holds no network" in told.text


# What is wrong whatever machines there are is found by a process alone.
@pytest.mark.parametrize("ranks, change, complaint", [
    (3, dict(target_machine="pentium"), "no machine is called pentium"),
    (3, dict(images=101), "the test images from number 0 on are 100, not 101"),
    (3, dict(first_image=98), "from number 98 on are 2, not 6"),
    (0, dict(search="fgsm"), "search"),
    (0, dict(network=["dnn-1", "dnn-2"]), "share one network"),
    (3, dict(local="pentium"), "no machine is called pentium"),
])
def test_impossible_jobs_are_refused_before_any_search(telltale, profiles, tmp_path, ranks, change, complaint):
    job = write_job(tmp_path / "job.ini", **{**SMALL_BOUNDARY, **change})
    told = telltale("plan", job, "--profiles", ",".join(profiles[:max(1, ranks - 1)]), ranks=ranks)
    assert told.code == UNUSABLE_INPUT
    assert complaint in told.text, told.text


def test_machines_that_fall_together_are_refused_before_any_search(telltale, profiles, tmp_path):
    job = write_job(tmp_path / "job.ini", **SMALL_BOUNDARY)
    told = telltale("run", job, "-o", tmp_path / "x.h5", "--profiles", profiles[0], ranks=3)
    assert told.code == UNUSABLE_INPUT
    assert "predict the same bits" in told.text and "--profiles" in told.text
    assert not (tmp_path / "x.h5.journal").exists()
