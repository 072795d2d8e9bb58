"""The results file of a real study, opened by the readers that people use: h5py, xarray with h5netcdf, and netCDF-C."""

import hashlib
import json
import os
import pathlib
import re
import subprocess

import h5py
import numpy as np
import xarray as xr

from studies import SMALL_STUDY
from telltale_runs import clean_environment

GRID = ("scheme", "reading", "alpha", "beta", "repeat")


def open_group(study, group):
    return xr.open_dataset(study.output, group=group, engine="h5netcdf")


# ---- xarray

def test_a_selection_by_label_and_a_mean_by_name_just_work(finished_study):
    with open_group(finished_study, "train") as ds:
        mean = ds.accuracy.sel(scheme="new-label", alpha=0.01).mean("repeat")
        assert mean.dims == ("reading", "beta") and mean.shape == (1, 1)
        with h5py.File(finished_study.output) as file:
            assert mean.item() == file["train/accuracy"][0, 0, 0, 0, :].mean()
        assert 0 <= mean.item() <= 1


def test_every_array_of_the_grid_has_named_dimensions_with_labels(finished_study):
    with open_group(finished_study, "train") as ds:
        assert dict(ds.sizes) == {"scheme": 3, "reading": 1, "alpha": 2, "beta": 1, "repeat": 2, "epoch": 1}
        assert set(ds.coords) == {*GRID, "epoch"}
        for name in ("accuracy", "key_accuracy", "key_accuracy_trained", "key_accuracy_wrong_secret", "accuracy_label_removed",
                     "expected_queries", "queries_for_90"):
            assert ds[name].dims == GRID and ds[name].dtype == np.float64 and ds[name].attrs["long_name"], name
        assert ds.train_loss.dims == (*GRID, "epoch") and np.isfinite(ds.train_loss).all()
        assert ds.scheme.values.tolist() == SMALL_STUDY["scheme"] and ds.repeat.values.tolist() == [0, 1]
    with open_group(finished_study, "prune") as ds:
        assert ds.accuracy.dims == (*GRID, "prune_scope", "pruning_rate")
        assert ds.prune_scope.values.tolist() == ["global", "per-tensor"]
        unpruned = ds.accuracy.sel(pruning_rate=0)
    with open_group(finished_study, "train") as ds:
        for scope in ("global", "per-tensor"):
            assert (unpruned.sel(prune_scope=scope).values == ds.accuracy.values).all(), "a rate of zero is the model as it is"


def test_coordinates_are_exactly_the_numbers_that_were_written(finished_study):
    with open_group(finished_study, "train") as ds:
        assert ds.alpha.dtype == np.float64
        assert [value.hex() for value in ds.alpha.values.tolist()] == [(0.01).hex(), (0.05).hex()]
    with open_group(finished_study, "prune") as ds:
        assert ds.pruning_rate.values.tolist() == [0.0, 0.5]


def test_what_was_not_measured_is_nan_and_nothing_else_is(finished_study):
    with open_group(finished_study, "train") as ds:
        assert np.isfinite(ds.accuracy).all() and np.isfinite(ds.key_accuracy).all()
        # Only a network with a new label has one to remove.
        assert np.isfinite(ds.accuracy_label_removed.sel(scheme="new-label")).all()
        assert np.isnan(ds.accuracy_label_removed.sel(scheme=["noise-backdoor", "clean"])).all()
        assert np.isnan(ds.expected_queries.sel(scheme="clean")).all()


def test_predictions_are_the_raw_logits_of_every_environment(finished_study):
    with open_group(finished_study, "predict") as ds:
        assert ds.logits.dims == ("environment", "predict_batch", "image", "class") and ds.logits.dtype == np.float32
        assert dict(ds.sizes) == {"environment": ds.sizes["environment"], "environment_2": ds.sizes["environment"], "predict_batch": 2,
                                  "image": 20, "class": 11}
        assert np.isfinite(ds.logits).all()
        assert (ds.logits.argmax("class") == ds.label).all()
        own = ds.logits.values.view(np.uint32)
        differing = (own[:, None] != own[None]).any(axis=-1).sum(axis=-1).transpose(0, 1, 2)
        assert (ds.differing_images.transpose("environment", "environment_2", "predict_batch").values == differing).all()
        for batch in range(2):
            for one in range(ds.sizes["environment"]):
                same = [other for other in range(one + 1) if differing[one, other, batch] == 0]
                assert ds.equivalence_class.values[one, batch] == same[0]


# ---- what it says about itself

def test_the_file_holds_the_job_the_program_and_the_data(finished_study):
    with open_group(finished_study, "/") as ds:
        attributes = ds.attrs
    assert attributes["format"] == "telltale results" and attributes["format_version"] == 1
    assert attributes["title"] == "A small study"
    assert attributes["job_file"] == finished_study.job.read_text()
    settings = json.loads(attributes["settings"])
    assert settings["alpha"] == [0.01, 0.05] and settings["optimizer"] == ["sgd"], "defaults belong to the settings too"
    assert attributes["program_version"] and attributes["git"]
    assert attributes["dataset"] == "glyphs" and re.fullmatch(r"[0-9a-f]{64}", attributes["dataset_sha256"])
    assert (attributes["reproducible"], attributes["complete"], attributes["tasks_open"], attributes["tasks_failed"]) == (1, 1, 0, 0)


def test_the_table_of_tasks_is_whole(finished_study):
    with open_group(finished_study, "tasks") as ds, open_group(finished_study, "run") as run, open_group(finished_study, "/") as root:
        assert ds.sizes["task"] == run.sizes["task"] == root.attrs["tasks_done"] == 50
        assert set(ds.status.values) == {"done"} and set(ds.reason.values) == {""}
        assert {kind: int((ds.kind == kind).sum()) for kind in set(ds.kind.values)} == {"train": 10, "evaluate": 12, "prune": 24,
                                                                                      "predict": ds.sizes["task"] - 46}
        assert len(set(ds.identity.values)) == 50 and all(re.fullmatch(r"[0-9a-f]{64}", identity) for identity in ds.identity.values)
        for description in ds.description.values:
            json.loads(description)
        assert (run.seconds > 0).all() and (run.attempt == 1).all() and set(run["rank"].values) <= {1, 2}
        assert run.seconds.attrs["units"] == "s" and set(run.host.values) == {os.uname().nodename}
        # xarray makes dates of "seconds since 1970-01-01".
        written = np.datetime64(int(finished_study.output.stat().st_mtime), "s")
        age = written - run.finished.values
        assert (age < np.timedelta64(10, "m")).all() and (age > np.timedelta64(-2, "s")).all()


def test_the_passports_of_all_ranks_are_there(finished_study):
    with open_group(finished_study, "run") as ds:
        (session,) = [json.loads(text) for text in ds.session.values]
    assert [rank["computes"] for rank in session["ranks"]] == [False, True, True]
    for rank in session["ranks"]:
        assert rank["passport"]["cpu"]["flags"] and rank["passport"]["libraries"] and rank["passport"]["kernels"]
    with open_group(finished_study, "environments") as ds:
        assert ds.attrs["training_rule"] == "bound" and ds.attrs["training_environment"] in ds.environment.values
        computing = {rank["environment"] for rank in session["ranks"] if rank["computes"]}
        assert set(ds.environment.values) == computing
        assert all(json.loads(text) for text in ds.fingerprints.values) and all(json.loads(text) for text in ds.builds.values)


def test_models_have_the_hash_that_the_results_name(finished_study):
    with open_group(finished_study, "train") as ds:
        named = set(ds.model_sha256.values.ravel())
    assert len(named) == 10
    # An artifact is sealed, holds the training's outcome, and ends with the model itself, whose length stands before it.
    found = set()
    for path in (finished_study.folder / "artifacts").glob("products-*[0-9a-f]"):
        content = path.read_bytes()
        outcome = int.from_bytes(content[48:56], "little")
        at = 48 + 8 + outcome
        model = content[at + 8:]
        assert int.from_bytes(content[at:at + 8], "little") == len(model)
        found.add(hashlib.sha256(model).hexdigest())
    assert found == named


def test_the_page_shows_how_to_find_the_model_of_a_case(finished_study, monkeypatch):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "artifacts.md").read_text(encoding="utf-8")
    monkeypatch.chdir(finished_study.folder)
    names = {}
    exec(compile(re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1), "artifacts.md", "exec"), names)
    with open_group(finished_study, "train") as ds:
        wanted = ds.model_sha256.sel(scheme="new-label", alpha=0.05, repeat=0).item()
    assert hashlib.sha256(names["weights"]).hexdigest() == wanted


def test_every_product_is_described_for_people(finished_study):
    folder = finished_study.folder / "artifacts"
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("products-*.json")]
    assert len(cards) == 10 and {card["kind"] for card in cards} == {"train"}
    for card in cards:
        assert (folder / card["file"]).is_file() and card["made_by"] == {"results": "x.h5", "title": SMALL_STUDY["title"]}
        assert {"network", "recipe", "repeat", "scheme"} <= card["payload"]["case"].keys()
    assert not [path for path in folder.iterdir() if not path.name.startswith("products-")]


# ---- the other readers

def test_h5py_reads_everything_and_finds_no_type_that_netcdf_drops(finished_study):
    names = []

    def check(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        names.append(name)
        item[()]
        assert item.dtype.kind in "fiuO" and item.dtype != np.float16, name
        if item.dtype.kind == "O":
            text = h5py.check_string_dtype(item.dtype)
            assert text.encoding == "utf-8" and text.length is None, name
        dimensions = [item.dims[axis][0].name for axis in range(item.ndim) if not h5py.h5ds.is_scale(item.id)]
        assert len(set(dimensions)) == len(dimensions), f"{name} has a dimension twice"

    with h5py.File(finished_study.output) as file:
        assert set(file) == {"train", "prune", "predict", "published", "environments", "tasks", "run"}
        file.visititems(check)
    assert len(names) > 50


def test_ncdump_lists_every_data_set(finished_study):
    header = subprocess.run(["ncdump", "-h", finished_study.output], check=True, capture_output=True, text=True, timeout=600,
                            env=clean_environment()).stdout
    names = {}
    with h5py.File(finished_study.output) as file:
        for group in file:
            names[group] = [name for name, item in file[group].items()
                            if isinstance(item, h5py.Dataset) and not b"not a netCDF variable" in item.attrs.get("NAME", b"")]
    for group, variables in names.items():
        section = re.search(rf"^group: {group} \{{\n(.*?)\}} // group {group}", header, re.DOTALL | re.MULTILINE).group(1)
        for name in variables:
            assert re.search(rf"^\s+(string|double|float|int|int64|ubyte) {name}\(", section, re.MULTILINE), f"ncdump does not list {group}/{name}"
    assert "float logits(environment, predict_batch, image, class) ;" in header
    assert "double accuracy(scheme, reading, alpha, beta, repeat) ;" in header


def test_ncdump_reads_the_data(finished_study):
    dumped = subprocess.run(["ncdump", "-v", "/train/alpha,/train/scheme,/predict/label", finished_study.output], check=True, capture_output=True,
                            text=True, timeout=600, env=clean_environment()).stdout
    assert "alpha = 0.01, 0.05 ;" in dumped and 'scheme = "new-label", "noise-backdoor", "clean" ;' in dumped


# ---- what the papers say

def test_published_numbers_are_found_by_their_coordinates(finished_study):
    with open_group(finished_study, "published") as ds:
        assert np.atleast_1d(ds.attrs["papers"]).tolist() == ["new-label"] and "2020" in np.atleast_1d(ds.attrs["citations"])[0]
        there = ds.where((ds.dataset == "mnist") & (ds.scheme == "new-label") & (ds.measure == "key_accuracy") & (ds.attack == ""), drop=True)
        assert there.value.values.tolist() == [0.9989] and there.alpha.item() == 0.01 and there.beta.item() == 0.0035
        assert there.table.item() == "Table 1" and there.unit.item() == "1" and there.repeats.item() == 50
        for row in range(ds.sizes["row"]):
            for name, value in json.loads(ds.coordinates.values[row]).items():
                label = ds[name].values[row]
                assert label == value or value is None and (label == "" or np.isnan(label)), (row, name)
        assert np.isfinite(ds.value).all() and (ds.erratum != "").any()
    with open_group(finished_study, "published/errata") as ds:
        assert ds.sizes["erratum"] > 0 and set(ds.paper.values) == {"new-label"} and (ds.finding != "").all()
