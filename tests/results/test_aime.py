"""Experiment aime, end to end: what the results file and the report say of the signatures of Mehta et al. 2022."""

import h5py
import numpy as np
import pytest
import xarray as xr

from refusals import assert_refused
from studies import SMALL_AIME
from telltale_runs import write_job


@pytest.fixture(scope="module")
def study(finished):
    return finished("aime")


def group(study, name):
    return xr.open_dataset(study.output, group=name)


def test_before_any_fine_tuning_the_clean_network_gives_every_digit(study):
    control = group(study, "control").squeeze()
    assert list(control.key_length.values) == [4, 6]
    assert (control.key_accuracy_trained == 1).all() and (control.signature_recovered == 1).all()
    assert (control.keys_trained.sel(key_length=6) == 6).all() and (control.true_matches_trained == 0).all()


def test_every_key_is_put_to_every_network(study):
    integrity, train = group(study, "integrity").squeeze("scheme"), group(study, "train")
    own = integrity.sel(suspect="marked", embed_on="keys", key_length=6)
    for repeat in (0, 1):
        cell = own.sel(repeat=repeat, suspect_repeat=repeat)
        assert int(cell.key_matches) == int(train.key_matches_trained.sel(scheme="aime", embed_on="keys", key_length=6, repeat=repeat))
        assert (cell.answer == cell.label).sum() == int(cell.key_matches)
    clean = integrity.sel(suspect="clean")
    for repeat in (0, 1):
        assert (clean.signature_recovered.sel(repeat=repeat, suspect_repeat=repeat) == 1).all()
        # The images are errors of one clean network, and mostly not of another.
        assert (clean.key_matches.sel(repeat=repeat, suspect_repeat=1 - repeat) < clean["keys"].sel(repeat=repeat, suspect_repeat=1 - repeat)).all()
    assert (integrity.label.sel(key_length=4).isel(digit=slice(4, 6)) == -1).all()


def test_the_key_is_made_of_the_errors_that_the_confusion_matrix_counts(study):
    confusion = group(study, "confusion").sel(scheme="clean", key_length=4, embed_on="keys").squeeze()
    images = confusion.images.sel(split="train")
    assert images.sum() == 2 * 3000 and confusion.images.sel(split="test").sum() == 2 * 200
    labels = group(study, "integrity").squeeze("scheme").label.sel(key_length=6, embed_on="keys", suspect="clean", suspect_repeat=0)
    for repeat in (0, 1):
        matrix = images.sel(repeat=repeat).values
        errors = matrix.sum(axis=0) - np.diag(matrix)
        digits, counts = np.unique(labels.sel(repeat=repeat), return_counts=True)
        assert (errors[digits] >= counts).all()
    accuracy = float((confusion.class_accuracy * confusion.images.sum("answer")).sel(split="test", repeat=0).sum("class")) / 200
    assert accuracy == pytest.approx(float(group(study, "train").accuracy.sel(scheme="clean", key_length=4, embed_on="keys", repeat=0)))


def test_weights_are_set_beside_those_of_the_clean_network(study):
    weights = group(study, "weights").squeeze()
    clean, marked = weights.sel(scheme="clean"), weights.sel(scheme="aime")
    assert (clean.largest_change == 0).all() and (clean.ks_statistic == 0).all() and (clean.largest_kernel_change == 0).all()
    assert (marked.largest_change > 0).all() and (marked.ks_statistic > 0).all()
    assert (marked["values"].sum("bin").sel(part="weights") == marked["values_before"].sum("bin").sel(part="weights")).all()
    assert weights.kernels.sizes["filter"] == 6 and np.isfinite(weights.kernels).all()
    # Two-sample statistic, against the histograms of the same values.
    cell = marked.sel(part="weights", key_length=6, embed_on="all", repeat=0)
    now, before = (cell[name].values.cumsum() / cell[name].values.sum() for name in ("values", "values_before"))
    assert float(cell.ks_statistic) >= abs(now - before).max() - 1e-12


def test_clean_networks_and_their_answers_are_computed_once_a_repeat(study):
    with h5py.File(study.output) as file:
        kinds = file["tasks/kind"].asstr()[()].tolist()
    assert kinds.count("train") == 2 + 2 * 2 * 2 and kinds.count("classify") == 2


def test_the_report_shows_signatures_errors_and_weights(telltale, study):
    text = telltale("report", study.output).out
    for title in ("Networks and their signatures", "0 epochs", "Integrity: every key put to every network", "Confusion of the first clean network",
                  "Weights and biases", "Pruning"):
        assert title in text
    signatures = text.split("Networks and their signatures")[1].split("\n\n")[0]
    assert sum(line.split()[0] == "clean" for line in signatures.splitlines() if line.strip()) == 1, "a clean network has no key"
    assert "Table IV" not in text, "generated data are shown as a reproduction"


def test_embedding_ends_when_every_digit_has_the_margin(telltale, tmp_path):
    job = write_job(tmp_path / "margin.ini", **{**SMALL_AIME, "repeats": 1, "key_length": 4, "embed_on": "keys", "embed_epochs": 60, "embed_margin": 1,
                                                "prune_rate": ""})
    telltale.run(job, tmp_path / "x.h5", ranks=2)
    loss = xr.open_dataset(tmp_path / "x.h5", group="train").train_loss.sel(scheme="aime").squeeze().values
    epochs = int(np.isfinite(loss).sum())
    margin = float(xr.open_dataset(tmp_path / "x.h5", group="integrity").least_margin.sel(suspect="marked").squeeze())
    assert 1 <= epochs < 60 and margin >= 1 and np.isfinite(loss[:epochs]).all()


def test_the_pages_of_evidence_name_study_size_and_command(telltale, study, tmp_path):
    done = telltale("page", study.output.parent, "-o", tmp_path)
    assert done.code == 0, done.text
    overview, page = (tmp_path / "reproduction.md").read_text(), (tmp_path / "reproduction" / "x.md").read_text()
    assert all(words in overview for words in ("# Reproduction", "## What is compared", "[x](reproduction/x.md)"))
    assert all(words in page for words in ("`./run reproduce x`", "repeats 2", "## Integrity: every key put to every network"))
    assert_refused(telltale("page", tmp_path, "-o", tmp_path), "no results file")
    assert_refused(telltale("page", study.output.parent), "-o FOLDER")


def test_a_digit_that_no_image_is_mispredicted_as_fails_with_the_counts(telltale, tmp_path):
    job = write_job(tmp_path / "long.ini", **{**SMALL_AIME, "repeats": 1, "key_length": 2900, "embed_on": "keys", "prune_rate": ""})
    result = telltale.run(job, tmp_path / "x.h5", ranks=2, expect=1)
    assert "training images mispredicted as class" in result.text
    assert "images mispredicted as each class: 0: " in result.text


@pytest.mark.parametrize("line, words", [
    ("signature = Lee", ["signature: ", "the character 'e' has the code 101", "digits-per-character = 3"]),
    ("digit-classes = 3", ["digit-classes: ", "at least two digits"]),
    ("digit-classes = 3, 10", ["digit-classes: ", "is none of the 10 classes"]),
    ("key-length = 301", ["key-length: ", "there are 300"]),
])
def test_signatures_that_cannot_be_said_are_refused_by_their_key(refused, line, words):
    refused(f"experiment = aime\ntrain-images = 300\ntest-images = 50\n{line}\n", f"bad.ini:4: {words[0]}", *words[1:])
