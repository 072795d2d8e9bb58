"""The sample results file, opened by the readers that people use: h5py, xarray with h5netcdf, and netCDF-C.

Also keeps docs/results-file.md true: its example is the sample's `ncdump -h`, its limits are those found in the file,
and its Python snippet runs.
"""

import os
import pathlib
import re
import subprocess

import h5py
import numpy as np
import pytest
import xarray as xr

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "results-file.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL).group(1)


def limit(name):
    return int(re.search(rf"^\| {re.escape(name)} \| (\d+)", PAGE, re.MULTILINE).group(1))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "sample.h5"
    subprocess.run([os.environ["WRITE_SAMPLE_RESULTS"], path], check=True, stdout=subprocess.DEVNULL, timeout=600)
    return path


def open_group(path, group):
    return xr.open_dataset(path, group=group, engine="h5netcdf")


def test_xarray_selects_by_label_and_reduces_by_name(sample):
    with open_group(sample, "train") as ds:
        mean = ds.accuracy.sel(scheme="new-label", alpha=0.01).mean("repeat")
        assert mean.item() == pytest.approx(0.1 + (0.00 + 0.01 + 0.02 + 0.03) / 4, abs=1e-15)
        rest = ds.accuracy.sel(alpha=0.1, scheme="noise-backdoor")
        assert np.isnan(rest.values[3]) and rest.values[2] == 1 + 0.2 + 0.02


def test_xarray_sees_labels_texts_and_attributes(sample):
    with open_group(sample, "train") as ds:
        assert dict(ds.sizes) == {"scheme": 2, "alpha": 3, "repeat": 4}
        assert set(ds.coords) == {"scheme", "alpha"}
        assert set(ds.data_vars) == {"accuracy", "status"}
        assert ds.scheme.values.tolist() == ["new-label", "noise-backdoor"]
        assert ds.alpha.values.tolist() == [0.001, 0.01, 0.1]
        assert ds.status.values.tolist() == [["done", "done", "", "done"], ["failed: ε", "done", "done", "done"]]
        assert ds.accuracy.attrs == {"units": "1", "long_name": "test accuracy"}
        assert list(ds.attrs["axes"]) == ["scheme", "alpha"]
        assert list(ds.attrs["levels"]) == [0.01, 0.05] and list(ds.attrs["counts"]) == [2, 3, 4]
    with open_group(sample, "/") as ds:
        assert ds.attrs == {"format": "telltale results", "format_version": 1, "title": "Stichprobe für α"}


def test_a_dimension_of_an_outer_group_is_known_in_an_inner_one(sample):
    with open_group(sample, "train/nested") as ds:
        assert ds.loss.dims == ("alpha", "step")
        assert ds.loss.values.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_xarray_sees_bits_and_types_unchanged(sample):
    with open_group(sample, "predictions") as ds:
        assert ds.logits.dtype == np.float32
        assert (ds.logits.values.ravel() == np.arange(1200, dtype=np.float32)).all()
    with open_group(sample, "elements") as ds:
        types = {name: str(ds[name].dtype) for name in ds if name.startswith("a_") and name != "a_text"}
        assert types == {"a_float32": "float32", "a_float64": "float64", "a_int32": "int32", "a_int64": "int64",
                         "a_uint8": "uint8"}
        assert ds.a_text.dtype.kind in "OU"  # the latter since xarray 2025
        assert ds.a_int64.item() == 2**40 and ds.a_text.item() == "text"
        assert ds.none.shape == (0,) and ds.no_texts.shape == (0,)


def test_h5py_reads_everything_and_finds_utf8_texts(sample):
    with h5py.File(sample) as file:
        datasets = []
        file.visititems(lambda name, item: datasets.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in datasets:
            file[name][()]
        assert "train/accuracy" in datasets and "train/nested/loss" in datasets
        text = h5py.check_string_dtype(file["train/status"].dtype)
        assert text.encoding == "utf-8" and text.length is None
        assert file["train/accuracy"].dims[1][0].name == "/train/alpha"
        assert set(file) == {"train", "predictions", "elements"}


def test_no_type_that_netcdf_drops_is_in_the_file(sample):
    with h5py.File(sample) as file:
        def check(name, item):
            if isinstance(item, h5py.Dataset):
                assert item.dtype.kind in "fiuO" and item.dtype != np.float16, name
        file.visititems(check)


def test_storage_is_as_the_page_says(sample):
    with h5py.File(sample) as file:
        elements = file["elements"]
        assert elements["large"].nbytes == limit("smallest compressed array")
        for name in ("large", "huge"):
            stored = elements[name]
            assert (stored.compression, stored.compression_opts) == ("gzip", limit("deflate level"))
            assert stored.shuffle and stored.fletcher32
        assert elements["small"].nbytes == limit("smallest compressed array") - 1
        assert elements["small"].chunks is None and not elements["small"].fletcher32
        assert elements["huge"].nbytes > limit("largest chunk")
        assert np.prod(elements["huge"].chunks) <= limit("largest chunk")


def test_a_flipped_bit_in_compressed_data_is_found_by_its_checksum(sample, tmp_path):
    with h5py.File(sample) as file:
        chunk = file["predictions/logits"].id.get_chunk_info(0)
    damaged = bytearray(sample.read_bytes())
    damaged[chunk.byte_offset + chunk.size // 2] ^= 1
    (tmp_path / "damaged.h5").write_bytes(damaged)
    with h5py.File(tmp_path / "damaged.h5") as file, pytest.raises(OSError):
        file["predictions/logits"][()]


def test_ncdump_lists_exactly_what_the_page_shows(sample):
    header = subprocess.run(["ncdump", "-h", sample], check=True, capture_output=True, text=True, timeout=600,
                            env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    assert header == block("cdl")
    with h5py.File(sample) as file:
        names = []
        file.visit(lambda name: names.append(name.rsplit("/", 1)[-1]))
    for name in names:
        assert re.search(rf"\b{name}\b", header), f"ncdump does not list {name}"


def test_ncdump_reads_the_data(sample):
    subprocess.run(["ncdump", "-v", "/train/accuracy,/train/status,/predictions/logits", sample], check=True,
                   stdout=subprocess.DEVNULL, timeout=600)


def test_the_pages_python_runs(sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.h5").write_bytes(sample.read_bytes())
    names = {}
    exec(compile(block("python"), "results-file.md", "exec"), names)
    assert names["mean"].dims == () and names["mean"].item() == pytest.approx(0.115, abs=1e-15)
