"""Experiment anti-piracy, end to end: what the results file, the products and the report say of the networks of Chen and Wu 2018."""

import csv
import json

import h5py
import numpy as np
import pytest
import torch
import xarray as xr


@pytest.fixture(scope="module")
def study(finished):
    return finished("anti-piracy")


def group(study, name):
    return xr.open_dataset(study.output, group=name).squeeze("repeat")


def tensors(path):
    """What a safetensors file holds, read without a library."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    note = header.pop("__metadata__", {})
    types_of = {"F32": np.float32, "I64": np.int64, "F64": np.float64}
    return note, {name: np.frombuffer(data[8 + size:][slice(*entry["data_offsets"])], types_of[entry["dtype"]]).reshape(entry["shape"])
                  for name, entry in header.items()}


def test_raw_and_processed_accuracy_of_every_network(study):
    train = group(study, "train")
    plain = train.sel(transform="none")
    assert float(plain.accuracy) == float(plain.raw_accuracy) and np.isnan(plain.perturbation_rms)
    assert (train.epoch_accuracy.isel(epoch=-1) == train.accuracy).all()
    assert (train.epoch_raw_accuracy.isel(epoch=-1) == train.raw_accuracy).all()
    assert (train.perturbation_rms.sel(transform=["learned", "generator"]) > 0).all()
    halves = (train.raw_accuracy_first_half + train.raw_accuracy_second_half) / 2
    np.testing.assert_allclose(halves, train.raw_accuracy, atol=1e-12)


@pytest.mark.parametrize("attack", ["prune", "fine-prune", "quantise", "weight-noise", "weight-shift", "smooth", "input-noise", "jpeg"])
def test_attacks_on_weights_and_inputs_are_asked_raw_and_processed(study, attack):
    after = group(study, attack)
    assert after.accuracy.notnull().all() and after.raw_accuracy.notnull().all()
    plain = after.sel(transform="none")
    np.testing.assert_array_equal(plain.accuracy, plain.raw_accuracy)


def test_network_and_transform_are_exported_apart_and_used_apart(study, telltale, tmp_path):
    assert telltale("export", study.output, tmp_path / "models", "--models", "--where", "transform=learned").code == 0
    row, = csv.DictReader(open(tmp_path / "models" / "manifest.csv"))
    note, network = tensors(tmp_path / "models" / row["safetensors"])
    assert json.loads(note["network"])["name"] == "simple-cnn" and "transform" not in note and "pattern" not in network
    note, transform = tensors(tmp_path / "models" / row["transform_safetensors"])
    assert json.loads(note["transform"])["name"] == "learned" and list(transform) == ["pattern"]
    assert note["transform_task"] == str(group(study, "train").sel(transform="learned").transform_task.values)

    images = group(study, "images").sel(transform="learned")
    raw = torch.tensor(images.raw.values)
    processed = torch.jit.load(tmp_path / "models" / row["transform_torchscript"])(raw)
    np.testing.assert_allclose(processed, images.processed, atol=1e-6)
    np.testing.assert_allclose(processed - raw, np.broadcast_to(transform["pattern"], raw.shape), atol=1e-6)
    assert torch.jit.load(tmp_path / "models" / row["torchscript"])(processed).shape == (3, 10)


def test_a_transform_and_its_network_are_used_apart_by_hand(study, telltale, tmp_path):
    assert telltale("export", study.output, tmp_path / "models", "--models", "--where", "transform=generator").code == 0
    row, = csv.DictReader(open(tmp_path / "models" / "manifest.csv"))
    transform, processed, answers = tmp_path / "models" / row["transform_safetensors"], tmp_path / "p.safetensors", tmp_path / "a.safetensors"
    made = telltale("transform", transform, "glyphs", "-o", processed)
    assert made.code == 0 and "1000 images, 1 x 28 x 28" in made.out
    note, images = tensors(processed)
    first = slice(0, 3)
    np.testing.assert_allclose(images["points"][first], group(study, "images").sel(transform="generator").processed, atol=1e-6)
    assert telltale("replay", "--model", tmp_path / "models" / row["safetensors"], "--points", processed, "-o", answers).code == 0
    labels = tensors(answers)[1]["logits"].argmax(1)
    assert (labels == images["labels"])[:200].mean() == pytest.approx(float(group(study, "train").sel(transform="generator").accuracy), abs=0.011)


def test_images_that_a_transform_cannot_take_are_refused(study, telltale, tmp_path):
    assert telltale("export", study.output, tmp_path / "models", "--models", "--where", "transform=learned").code == 0
    row, = csv.DictReader(open(tmp_path / "models" / "manifest.csv"))
    transform = tmp_path / "models" / row["transform_safetensors"]
    for arguments, told in (([transform, "tiles"], "the transform takes 1 x 28 x 28"), ([transform, "nothing"], "no data set of that name"),
                            ([tmp_path / "models" / row["safetensors"], "glyphs"], "holds no transform"),
                            ([transform, tmp_path], "there is no PNG file")):
        refused = telltale("transform", *arguments, "-o", tmp_path / "p.safetensors")
        assert refused.code == 2 and told in refused.err, arguments
    assert not (tmp_path / "p.safetensors").exists()


def test_every_network_answers_on_every_machine_at_every_precision(study):
    machines = group(study, "machines").squeeze("predict_batch")
    assert machines.accuracy.dims == ("transform", "precision", "environment")
    first = machines.isel(environment=0)
    assert (first.changed.sel(precision="float32") == 0).all() and (first.raw_changed.sel(precision="float32") == 0).all()
    assert np.isfinite(machines.accuracy).all() and (machines.changed <= 1).all()
    plain = machines.sel(transform="none")
    assert (plain.accuracy == plain.raw_accuracy).all()


def test_whoever_may_ask_the_device_trains_a_network_of_his_own(study):
    extract = group(study, "extract").squeeze()
    protected = extract.sel(transform=["learned", "generator"])
    assert np.isfinite(protected.raw_accuracy).all() and (protected.agreement > 0).all()
    assert np.isnan(extract.raw_accuracy.sel(transform="none")).all()


def test_networks_without_a_transform_have_none(study, telltale, tmp_path):
    assert telltale("export", study.output, tmp_path / "models", "--models").code == 0
    rows = list(csv.DictReader(open(tmp_path / "models" / "manifest.csv")))
    assert {row["transform"]: bool(row["transform_torchscript"]) for row in rows} == {"learned": True, "generator": True, "none": False}
    assert len(list((tmp_path / "models").glob("*-transform.pt"))) == 2


def test_what_is_computed_once_is_shared(study):
    with h5py.File(study.output) as file:
        kinds = file["tasks/kind"].asstr()[()].tolist()
    assert kinds.count("train") == 3 and kinds.count("deliver") == 4  # network and transform of each that has one


def test_tries_are_summed_up_by_their_mean_and_the_one_chosen_on_the_first_half(study):
    attack = group(study, "input-only").squeeze()
    tried = attack.sel(transform="generator")
    assert float(tried.attack_accuracy.sel(statistic="mean")) == pytest.approx(float(tried.raw_accuracy.mean("attempt")))
    chosen = int(tried.raw_accuracy_first_half.argmax("attempt"))
    assert float(tried.attack_accuracy.sel(statistic="best")) == float(tried.raw_accuracy_second_half.isel(attempt=chosen))
    assert float(tried.attack_deviation) == pytest.approx(float(tried.raw_accuracy.std("attempt", ddof=1)))
    assert np.isnan(attack.sel(transform="none").attack_accuracy).all()


def test_one_pair_opens_a_learned_pattern(study):
    pairs, train = group(study, "pairs").squeeze(), group(study, "train")
    opened = pairs.sel(transform="learned", pair_model="pattern")
    assert (opened.fit_error < 1e-6).all()
    assert (abs(opened.raw_accuracy - train.accuracy.sel(transform="learned")) < 0.011).all()


def test_without_labels_only_a_perturbation_is_fitted(study):
    regain = group(study, "regain").squeeze()
    without, few = regain.raw_accuracy.sel(regain_labels=0), regain.raw_accuracy.sel(regain_labels=2)
    protected = ["learned", "generator"]
    assert np.isfinite(few.sel(transform=protected)).all() and np.isfinite(without.sel(transform=protected, regain_by="universal")).all()
    assert np.isnan(without.sel(regain_by=["tune", "readout", "scratch"])).all()
    assert np.isnan(regain.raw_accuracy.sel(transform="none")).all()


def test_the_report_shows_networks_attacks_and_fits(study, telltale):
    report = telltale("report", study.output).out
    for title in ("Networks behind a transform", "Input-only attack", "A thief's own labels", "Extraction through the transform",
                  "Protected networks on every machine", "Pair attack: accuracy against the error of the fit"):
        assert title in report
    assert "Table 2 of Chen and Wu 2018" not in report  # generated data are no reproduction


def test_the_report_says_how_long_a_try_takes(study, telltale):
    rows = csv.reader(telltale("report", study.output, "--format", "csv").out.splitlines())
    effort = {(row[1], row[2]): (int(row[3]), float(row[4])) for row in rows if row and row[0] == "What a try takes a thief" and row[3].isdigit()}
    tasks = xr.open_dataset(study.output, group="tasks")
    kinds = [str(kind) for kind in tasks.kind.values]
    assert effort["input-only", "pattern"][0] == kinds.count("input-only")
    assert effort["pairs", "pattern"][0] + effort["pairs", "generator"][0] == kinds.count("pairs")
    assert all(0 <= seconds < 600 for _, seconds in effort.values())
