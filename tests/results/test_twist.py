"""Key `twist` of experiment new-label, end to end: marked networks beside the clean one that they were embedded into."""

import types

import numpy as np
import pytest
import xarray as xr

from telltale_runs import write_job


@pytest.fixture(scope="module")
def study(telltale, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twist")
    job = write_job(folder / "twist.ini", train_images=400, test_images=100, network="dnn-1", epochs=1, batch=32, optimizer="adam",
                    learning_rate=0.003, repeats=2, alpha=0.1, beta=0.01, embed="tune", embed_layers=["last", "all"], embed_epochs=1,
                    embed_rate=0.003, twist="yes")
    telltale.run(job, folder / "x.h5", ranks=2)
    return types.SimpleNamespace(job=job, output=folder / "x.h5")


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
