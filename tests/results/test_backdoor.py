"""Experiment backdoor, end to end: what the results file and the report say of the three watermarks of Zhang et al. 2018."""

import h5py
import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def study(finished):
    return finished("backdoor")


def group(study, name):
    return xr.open_dataset(study.output, group=name)


def joint(study, name):
    return group(study, name).sel(embed="joint").squeeze()


def test_new_keys_are_the_test_images_of_the_source_class_and_trained_ones_a_share_of_its_training_images(study):
    train = joint(study, "train")
    with h5py.File(study.output) as file:
        assert "glyphs" in file.attrs["other_datasets"]
    keys = {scheme: int(train["keys"].sel(scheme=scheme)) for scheme in ("content", "unrelated", "noise")}
    assert keys["content"] == keys["noise"] > 0
    assert int(train["keys"].sel(scheme="clean")) == -1
    trained = train.keys_trained.sel(scheme=["content", "unrelated", "noise"]).values
    assert (trained == trained[0]).all() and 0 < trained[0] < 40
    # Images of the eight other classes, with a mark.
    assert 50 < int(train.keys_other_source.sel(scheme="content")) < 100 - keys["content"]
    assert int(train.keys_other_source.sel(scheme="unrelated")) == -1


def test_the_clean_network_is_asked_with_the_keys_of_every_scheme(study):
    control, train = joint(study, "control"), joint(study, "train")
    assert list(control.scheme.values) == ["content", "unrelated", "noise"]
    assert np.isfinite(control.key_accuracy).all()
    for scheme in control.scheme.values:
        assert int(control["keys"].sel(scheme=scheme)) == int(train["keys"].sel(scheme=scheme))
    assert np.isnan(train.key_accuracy.sel(scheme="clean"))


def test_attacks_measure_the_same_and_no_pruning_is_the_network_as_it_is(study):
    train, prune, tuned = (joint(study, name) for name in ("train", "prune", "fine-tune"))
    for measure in ("accuracy", "key_accuracy", "key_accuracy_trained", "key_accuracy_other_source"):
        assert np.array_equal(prune[measure].sel(pruning_rate=0), train[measure], equal_nan=True)
        assert np.isfinite(tuned[measure].sel(scheme="content"))


def test_a_tuned_network_is_another_and_the_clean_one_is_the_same(study):
    train = group(study, "train").squeeze()
    models = {(scheme, embed): str(train.model_sha256.sel(scheme=scheme, embed=embed).values)
              for scheme in train.scheme.values for embed in ("joint", "tune")}
    assert models["clean", "joint"] == models["clean", "tune"]
    assert len(set(models.values())) == 7
    assert np.isfinite(train.epoch_accuracy.sel(scheme="content", embed="tune")).sum() == 3
    assert np.isfinite(train.epoch_accuracy.sel(scheme="content", embed="joint")).sum() == 2
    with h5py.File(study.output) as file:
        assert file["tasks/kind"].asstr()[()].tolist().count("train") == 7


def test_key_images_stand_beside_their_originals_with_the_best_answers(study):
    images = joint(study, "key-images")
    assert list(images.scheme.values) == ["content", "unrelated", "noise"] and (images.label == 0).all()
    content = images.sel(scheme="content")
    changed = (content.key != content.original).squeeze()
    assert 0 < int(changed.sum()) < changed.size / 4, "a logo covers a part of the image"
    assert np.isnan(images.original.sel(scheme="unrelated")).all() and (images.answer.sel(scheme="unrelated", version="original") == -1).all()
    assert (images.probability.sel(scheme="noise").diff("rank") <= 0).all()


def test_inversion_is_compared_with_the_pattern_that_it_shows(study):
    inversion = joint(study, "inversion")
    assert list(inversion.suspect.values) == ["marked", "clean"]
    for scheme in ("content", "unrelated", "noise"):
        for cell in (inversion.sel(scheme=scheme, suspect=suspect, invert_from=start) for suspect in ("marked", "clean") for start in ("blank", "noise")):
            assert 0 <= float(cell.image.min()) and float(cell.image.max()) <= 1 and 0 <= int(cell.steps) <= 20
            expected = np.corrcoef(cell.image.values.ravel().astype(float), cell.pattern.values.ravel().astype(float))[0, 1]
            assert float(cell.correlation) == pytest.approx(0 if np.isnan(expected) else expected, abs=1e-4)
            assert 0 <= float(cell.chance_correlation) < 0.3


def test_the_report_has_a_table_of_the_networks_their_control_and_each_attack(telltale, study):
    text = telltale("report", study.output).out
    for title in ("Networks and their watermarks", "The clean network, asked with the same key samples", "Pruning", "Fine-tuning", "Model inversion"):
        assert title in text
    assert "Table 1" not in text, "generated data are shown as a reproduction"


@pytest.mark.parametrize("line, words", [
    ("target = 1", ["target: ", "both 1"]),
    ("source = 12", ["source: ", "the source class 12 is none of the 10 classes"]),
    ("share = 0.001", ["share: ", "selects no image"]),
    ("logo = TESTING", ["logo: ", "a logo of 41 x 7 pixels is larger than the images of 28 x 28"]),
    ("logo = T-T", ["logo: ", "the character '-'"]),
    ("logo-box = 29", ["logo-box: ", "larger than the images"]),
    ("unrelated = tiles", ["unrelated: ", "do not fit into those of the network"]),
    ("unrelated-class = 10", ["unrelated-class: ", "is none of the 10 classes"]),
])
def test_watermarks_that_cannot_be_made_are_refused_by_their_key(refused, line, words):
    more = "" if line.startswith("unrelated =") else "unrelated = glyphs\n"
    unrelated = "unrelated-class = 3\nunrelated-other-class = 4\n" if not line.startswith("unrelated-class") else "unrelated-other-class = 4\n"
    refused(f"experiment = backdoor\ntrain-images = 300\ntest-images = 50\n{line}\n{more}{unrelated}", f"bad.ini:4: {words[0]}", *words[1:])
