"""Experiment compare, end to end: what the results file says of the machines, recomputed from the logits it holds."""

import types

import h5py
import numpy as np
import pytest
import xarray as xr

from telltale_runs import assert_equal_results

PRECISIONS = {"float32": 24, "float64": 53, "bfloat16": 8}


@pytest.fixture(scope="module")
def comparison(finished):
    return finished("compare")


@pytest.fixture(params=PRECISIONS)
def group(request, comparison):
    with h5py.File(comparison.output) as file:
        yield types.SimpleNamespace(name=request.param, bits=PRECISIONS[request.param],
                                    **{name: item[()] for name, item in file[request.param].items()})


def machines(array, axis):
    """The dimensions environment and threads, from `axis` on, made one."""
    return array.reshape(*array.shape[:axis], array.shape[axis] * array.shape[axis + 1], *array.shape[axis + 2:])


def settings(group):
    """(setting, logits by machine) for every network and batch size."""
    logits = machines(group.logits, 3)  # network, repeat, batch size, machine, image, class
    for setting in np.ndindex(logits.shape[:3]):
        yield setting, logits[setting]


def pairs(array):
    return machines(machines(array, 3), 4)


def ordered(values, precision):
    """Integers in the order of the floats, a step each."""
    signed = values.view(np.int64 if values.dtype == np.float64 else np.int32).astype(object)
    lowest = -2**63 if values.dtype == np.float64 else -2**31
    steps = np.where(signed >= 0, signed, lowest - signed)
    return steps // 2**16 if precision == "bfloat16" else steps


def test_labels_and_probabilities_are_of_the_logits(group):
    assert group.logits.dtype == (np.float64 if group.name == "float64" else np.float32)
    assert np.isfinite(group.logits).all()
    assert (group.logits.argmax(-1) == group.label).all()
    exact = np.exp(group.logits.astype(np.float64))
    exact /= exact.sum(-1, keepdims=True)
    assert np.abs(group.probabilities - exact).max() < 2.0**(2 - group.bits)
    if group.name == "bfloat16":
        for values in (group.logits, group.probabilities):
            assert (values.view(np.uint32) % 2**16 == 0).all(), "not held exactly"


def test_a_class_is_the_position_of_the_first_machine_with_the_same_logits(group):
    classes = machines(group.equivalence_class, 3)
    for setting, logits in settings(group):
        seen = {}
        assert classes[setting].tolist() == [seen.setdefault(one.tobytes(), place) for place, one in enumerate(logits)]


def test_distances_are_recomputed_from_the_logits(group):
    differing, ulp, bits, labels = (pairs(getattr(group, name)) for name in ("differing_images", "max_ulp", "remaining_bits",
                                                                             "label_disagreements"))
    for setting, logits in settings(group):
        label = logits.argmax(-1)
        raw = logits.view(np.uint64 if logits.dtype == np.float64 else np.uint32)
        for one in range(len(logits)):
            for other in range(len(logits)):
                at = (*setting, one, other)
                a, b = logits[one], logits[other]
                assert differing[at] == (raw[one] != raw[other]).any(-1).sum()
                assert labels[at] == (label[one] != label[other]).sum()
                assert ulp[at] == np.abs(ordered(a, group.name) - ordered(b, group.name)).max()
                deviation = (np.abs(a.astype(np.float64) - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-300)).max()
                expected = group.bits if deviation == 0 else min(max(-np.log2(deviation), 0), group.bits)
                assert bits[at] == pytest.approx(expected, abs=1e-12)


def test_the_first_deviating_layer_is_where_the_layers_part(group):
    layers = [name.decode() for name in group.layer]
    assert layers[-2:] == ["output", "softmax"]
    first, by_layer, classes = pairs(group.first_layer), machines(group.layer_class, 3), machines(group.equivalence_class, 3)
    for setting, logits in settings(group):
        here = by_layer[setting]
        there = here[0] >= 0  # the layers that this network has
        assert (here[:, there] >= 0).all() and (here[:, ~there] == -1).all()
        assert there.sum() == (1 + 18 + 2 if setting[0] == 0 else 4) + 1
        assert (here[:, layers.index("output")] == classes[setting]).all(), "the last layer's bits are the logits'"
        for one in range(len(logits)):
            for other in range(len(logits)):
                parted = [layer for layer in np.flatnonzero(there) if here[one, layer] != here[other, layer]]
                assert first[(*setting, one, other)] == (parted[0] if parted else -1)


def test_the_dendrogram_is_average_linkage_of_the_lost_bits(group):
    lost = group.bits - pairs(group.remaining_bits)
    for setting, logits in settings(group):
        count = len(logits)
        members = [[machine] for machine in range(count)]
        leaves = group.leaf_order[setting].tolist()
        assert sorted(leaves) == list(range(count))
        heights = group.merge_height[setting]
        assert (np.diff(heights) >= -1e-12).all()
        for one, other, height, size in zip(group.merge_first[setting], group.merge_second[setting], heights, group.merge_size[setting]):
            assert height == pytest.approx(np.mean([lost[(*setting, a, b)] for a in members[one] for b in members[other]]), abs=1e-9)
            members.append(members[one] + members[other])
            assert size == len(members[-1])
            places = sorted(leaves.index(machine) for machine in members[-1])
            assert places == list(range(places[0], places[0] + size)), "branches would cross"
        assert sorted(members[-1]) == list(range(count))


def test_xarray_opens_it_with_labels(comparison):
    with xr.open_dataset(comparison.output, group="float32", engine="h5netcdf") as ds:
        one = ds.remaining_bits.sel(network="resnet-20", predict_batch=4, repeat=0, threads=1, threads_2=1)
        assert one.dims == ("environment", "environment_2") and (np.diag(one) == 24).all()
        assert ds.logits.dims == ("network", "repeat", "predict_batch", "environment", "threads", "image", "class")
        assert ds.sizes["environment"] == 3 and ds.sizes["machine"] == 6 and ds.attrs["significant_bits"] == 24
    with xr.open_dataset(comparison.output, group="train", engine="h5netcdf") as ds:
        assert ds.accuracy.dims == ("network", "repeat") and np.isfinite(ds.accuracy).all()


def test_the_file_says_which_cpus_had_each_environment(comparison):
    with xr.open_dataset(comparison.output, group="run", engine="h5netcdf") as run:
        assert len(run.environment) == 3 and all(run.microarchitectures.values)


def test_the_report_names_machines_classes_and_layers(telltale, comparison):
    said = telltale("report", comparison.output)
    assert said.code == 0
    for words in ("Equivalence classes", "which fall together", "What the number of threads changes", "bits that remain", "first layer",
                  "Dendrogram", "Schloegl, Hofer and Boehme 2023", "3 to 20 classes", "resnet-20", "bfloat16"):
        assert words in said.out, words


def test_the_number_of_ranks_changes_nothing(telltale, comparison, tmp_path):
    telltale.run(comparison.job, tmp_path / "x.h5", "--profiles", "best,others:2", ranks=7)
    assert_equal_results(tmp_path / "x.h5", comparison.output)
