"""telltale.open: what is a results file, and what the datasets hold."""

import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

import telltale
from telltale import published
from telltale.__main__ import main


def test_every_group_is_the_dataset_that_xarray_reads(study_files):
    for path in study_files.values():
        study = telltale.open(path)
        assert {"train", "published", "published/errata", "tasks", "run", "environments"} <= set(study)
        for group in study:
            with xr.open_dataset(path, group=group, engine="h5netcdf") as there:
                xr.testing.assert_identical(study[group], there.load())


def test_attributes_settings_and_constants_are_plain_values(study_files):
    study = telltale.open(study_files["small"])
    assert study.experiment == "new-label" and study.title == "A small study" and study.complete
    assert study.settings["alpha"] == [0.01, 0.05] and study.settings["scheme"] == ["new-label", "noise-backdoor", "clean"]
    assert study.constants["dataset"] == "glyphs" and study.constants["beta"] == 0.1 and "alpha" not in study.constants
    assert study.sessions[0]["ranks"][0]["passport"]["cpu"]["microarchitecture"]


def test_a_group_that_is_not_there_is_named_with_those_that_are(study_files):
    with pytest.raises(KeyError, match="no group 'nothing'.*train"):
        telltale.open(study_files["small"])["nothing"]


@pytest.mark.parametrize("attribute, value, words", [
    ("format", "another", "no results file of telltale"),
    ("format_version", 2, "results of format version 2; this program knows version 1"),
])
def test_foreign_files_and_other_versions_are_refused_as_the_program_refuses_them(request, study_files, tmp_path, attribute, value, words):
    path = tmp_path / "x.h5"
    shutil.copy(study_files["small"], path)
    with h5py.File(path, "r+") as file:
        file.attrs[attribute] = value
    with pytest.raises(telltale.ResultsError, match=words):
        telltale.open(path)
    program = request.getfixturevalue("telltale")
    assert words in program("report", path).text


def test_files_that_are_no_hdf5_not_there_or_not_published_say_so(tmp_path, capsys):
    (tmp_path / "text.h5").write_text("no HDF5")
    (tmp_path / "begun.h5.journal").write_bytes(b"")
    for name, words in {"text.h5": "damaged, or no HDF5", "none.h5": "there is no results file", "begun.h5": "not been published yet"}.items():
        assert main(["table", "train", str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err


def test_a_damaged_array_is_an_error_and_not_a_number(study_files, tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(study_files["boundary"]) as file:
        array = file["boundary/sample"]
        assert array.fletcher32
        offset = array.id.get_chunk_info(0).byte_offset
    data = bytearray(study_files["boundary"].read_bytes())
    data[offset + 20] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(telltale.ResultsError, match="damaged in group boundary"):
        telltale.open(path)["boundary"]


def test_intervals_are_students_of_the_repeats_alone():
    values = xr.DataArray([[0.97, 0.98, 0.99], [0.5, np.nan, np.nan], [np.nan] * 3], dims=("case", "repeat"))
    summary = telltale.over_repeats(values)
    # Three values 1 point apart: 1 / sqrt(3) times Student's 4.303 to either side.
    np.testing.assert_allclose(summary["mean"][:2], [0.98, 0.5])
    np.testing.assert_allclose(summary["low"][0], 0.98 - 0.01 * 4.302653 / np.sqrt(3), rtol=1e-6)
    assert np.isnan(summary["low"][1]) and np.isnan(summary["mean"][2])
    assert summary["n"].values.tolist() == [3, 1, 0]


def test_published_marks_are_those_of_the_study_alone(study_files):
    study = telltale.open(study_files["aime"])
    rows = published.rows(study)
    assert len(rows) > 50 and set(rows["paper"]) == {"aime"}
    # Published for MNIST; this study is of generated digits.
    assert published.marks(study, "class_accuracy", "class", scheme="clean", split="test") == {}
    study.constants.update(dataset="mnist", network="aime-cnn")
    assert published.marks(study, "class_accuracy", "class", scheme="clean", split="test")[0] == 0.9967
    assert list(published.citations(study)) == ["aime"] and len(published.errata(study)) > 0
