"""What the end-to-end tests share: the program, and one small finished study to look at."""

import os
import types

import pytest

from telltale_runs import Telltale, write_job

# Two watermarks and the clean network, a small grid, pruning, predictions: a second or two of work.
SMALL_STUDY = dict(title="A small study", train_images=400, test_images=100, epochs=1, batch=32, momentum=0.9,
                   scheme=["new-label", "noise-backdoor", "clean"], alpha=[0.01, 0.05], beta=0.1, repeats=2,
                   prune_scope=["global", "per-tensor"], prune_rate=[0, 0.5], predict_images=20, predict_batch=[1, 16])


@pytest.fixture(scope="session")
def telltale():
    path = os.environ.get("TELLTALE")
    if not path:
        pytest.fail("the environment variable TELLTALE must name the program under test")
    return Telltale(path)


@pytest.fixture(scope="session")
def finished_study(telltale, tmp_path_factory):
    """A study that is done: `.job`, `.output`, `.folder`. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    job = write_job(folder / "small.ini", **SMALL_STUDY)
    telltale.run(job, folder / "x.h5", "--profiles", "best,others:1", ranks=3)
    return types.SimpleNamespace(job=job, output=folder / "x.h5", folder=folder)
