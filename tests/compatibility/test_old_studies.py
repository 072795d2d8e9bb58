"""Studies that an older program made (README.md says how) still open, report, verify, and go on."""

import json
import pathlib
import tarfile

import h5py
import numpy as np
import pytest
import xarray as xr

from telltale_runs import ALL_DONE, SOME_FAILED, UNUSABLE_INPUT

DATA = pathlib.Path(__file__).parent / "data-f196e8c.tar.xz"
EXPERIMENTS = ["new-label", "compare", "boundary", "empty"]
PROFILE = "haswell"  # of the environment that trained


@pytest.fixture(params=EXPERIMENTS)
def study(request, tmp_path):
    """A copy of an old study: the commands may write beside it."""
    return copy_of(request.param, tmp_path)


@pytest.fixture
def boundary(tmp_path):
    return copy_of("boundary", tmp_path)


def copy_of(experiment, folder):
    with tarfile.open(DATA) as archive:
        archive.extractall(folder, [member for member in archive if member.name.split("/")[0] == experiment])
    return folder / experiment


def texts(variable):
    return variable.asstr()[()].tolist()


def trainings(study):
    """The identities of all trainings, whose models are too large to be kept with the data."""
    with h5py.File(study / "study.h5") as file:
        return [identity for identity, kind in zip(texts(file["tasks/identity"]), texts(file["tasks/kind"])) if kind == "train"]


# ---- Reading

def test_its_report_is_printed(telltale, study):
    told = telltale("report", study / "study.h5")
    assert told.code == ALL_DONE, told.text
    with h5py.File(study / "study.h5") as file:
        assert file.attrs["title"] in told.out


def test_its_status_is_known(telltale, study):
    with h5py.File(study / "study.h5") as file:
        count = file["tasks/identity"].shape[0]
    assert telltale.status(study / "study.h5") == (count, count, 0, 0)


def test_nothing_but_the_models_that_were_left_out_is_missing(telltale, study):
    told = telltale("verify", study / "study.h5")
    missing = [line for line in told.out.splitlines() if line.startswith("missing")]
    assert told.code == (SOME_FAILED if trainings(study) else ALL_DONE), told.text
    assert sorted(line.split()[-1] for line in missing) == sorted(identity[:12] for identity in trainings(study)), told.out
    assert "damaged " not in told.out


def test_python_opens_it(study):
    with h5py.File(study / "study.h5") as file:
        assert file.attrs["complete"] == 1 and file.attrs["git"].startswith("f196e8c")
        groups = [name for name, item in file.items() if isinstance(item, h5py.Group)]
        assert {"tasks", "run", "environments"} < set(groups)
        arrays = {name: [key for key, item in file[name].items() if isinstance(item, h5py.Dataset)] for name in groups}
    for name in groups:
        with xr.open_dataset(study / "study.h5", group=name, engine="h5netcdf") as ds:
            # A dimension without labels is a data set in HDF5, and no variable to netCDF's readers.
            assert set(ds.variables) <= set(arrays[name]) <= set(ds.variables) | set(ds.sizes), name
            ds.load()


# ---- Boundary samples

def test_samples_are_exported_bit_for_bit(telltale, boundary):
    out = boundary / "out"
    exported = telltale("export", boundary / "study.h5", out, "--format", "npy")
    assert exported.code == ALL_DONE, exported.text
    with h5py.File(boundary / "study.h5") as file:
        group = file["boundary"]
        counts = (group["status"].asstr()[()] == "success") & (group["verified"][()] == 1)
        assert (np.load(out / "samples.npy") == group["sample"][()][counts]).all() and counts.sum() > 0


def test_samples_of_bytes_are_exported_as_images(telltale, boundary):
    exported = telltale("export", boundary / "study.h5", boundary / "out")
    assert exported.code == ALL_DONE, exported.text
    assert list((boundary / "out").glob("*.png"))


# ---- Going on

def recorded_environment(study, profile):
    """Builds and fingerprints of one of the study's environments."""
    with h5py.File(study / "study.h5") as file:
        group = file["environments"]
        place = texts(group["profile"]).index(profile)
        return json.loads(texts(group["builds"])[place]), json.loads(texts(group["fingerprints"])[place])


def is_here(telltale, study, profile):
    """Whether this machine gives the bits that the study began with; the reason if not."""
    probed = telltale("probe", study / "job.ini", "--profiles", profile, "--json")
    if probed.code == UNUSABLE_INPUT:
        return f"this CPU cannot run the profile {profile}"
    assert probed.code == ALL_DONE, probed.text
    rank = json.loads(probed.out)[0]
    builds, fingerprints = recorded_environment(study, profile)
    if rank["passport"]["libraries"] != builds:
        return "the libraries here are other builds than those that the study began with"
    here = rank["fingerprints"]["by_subject"]
    if any(here[subject] != bits for subject, bits in fingerprints.items() if subject in here):
        return f"the profile {profile} gives other bits here than those that the study began with"
    return ""


def test_going_on_says_which_algorithms_are_newer_and_computes_their_tasks_anew(telltale, study):
    with h5py.File(study / "study.h5") as old:
        kinds = set(texts(old["tasks/kind"]))
        before = (study / "study.h5.journal").read_bytes()
    done = telltale("run", study / "job.ini", "-o", study / "study.h5", "--profiles", f"{PROFILE},sandybridge", ranks=3)
    if done.code == UNUSABLE_INPUT:
        # Right only where the study's environment is not to be had; then nothing may have been touched.
        reason = is_here(telltale, study, PROFILE)
        assert reason, done.text
        assert (study / "study.h5.journal").read_bytes() == before
        pytest.skip(reason)
    assert done.code == ALL_DONE, done.text
    if study.name == "new-label":
        assert "nobody gives clip, whose default is yes now: it stays no" in done.text
    if "train" in kinds:
        assert "the algorithm of `train` is version 2 now and was 1" in done.text
    assert (study / "study.h5.journal").read_bytes().startswith(before), "what was computed before is lost"
    again = telltale("run", study / "job.ini", "-o", study / "study.h5", "--profiles", f"{PROFILE},sandybridge", ranks=3)
    assert again.code == ALL_DONE and "is version" not in again.text, again.text
