"""Key `twist` of experiment new-label, end to end: marked networks beside the clean one that they were embedded into."""

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def study(finished):
    return finished("twist")


def test_margins_move_and_their_change_is_given_by_quantiles(study):
    twist = xr.open_dataset(study.output, group="twist").squeeze()
    assert list(twist.scheme.values) == ["new-label", "noise-backdoor"] and list(twist.embed_layers.values) == ["last", "all"]
    assert ((0 <= twist.changed) & (twist.changed <= 1)).all() and (twist.mean_change > 0).all()
    assert (twist.change.diff("percent") >= 0).all()
    widest = np.maximum(abs(twist.change.isel(percent=0)), abs(twist.change.isel(percent=100)))
    assert (twist.mean_change <= widest).all()
    # With all layers more can move than with one.
    assert (twist.mean_change.sel(embed_layers="all") != twist.mean_change.sel(embed_layers="last")).all()


def test_the_report_tells_the_twist_of_both_schemes(telltale, study):
    table = telltale("report", study.output).out.split("Twist of the boundaries")[1].split("\n\n")[0]
    assert "new-label" in table and "noise-backdoor" in table and "clean " not in table.split("Test images")[0]


def test_twist_needs_the_clean_network(refused):
    refused("train-images = 100\ntest-images = 50\nscheme = new-label\ntwist = yes\n", "bad.ini:4: twist: ", "scheme must name clean too")


def test_nesterovs_momentum_needs_a_momentum(refused):
    refused("train-images = 100\ntest-images = 50\nnesterov = yes\n", "bad.ini:3: nesterov: ", "needs a momentum")
