"""A Slurm of its own for all tests of a file, and a study to run on it."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from slurm_cluster import LOCAL_CLUSTER, NODES, Slurm
from studies import STUDY_OF_EVERY_TASK
from telltale_runs import distinct_profiles, write_job


@pytest.fixture(scope="module")
def slurm(telltale):
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing:
        pytest.skip(f"no Slurm is installed: {', '.join(missing)}")
    # A short name: munge's socket lies there.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="telltale-slurm-", dir="/tmp"))
    try:
        subprocess.run([LOCAL_CLUSTER, "start", folder, *NODES], check=True, timeout=120, stdout=subprocess.DEVNULL)
        yield Slurm(folder, telltale)
    finally:
        subprocess.run([LOCAL_CLUSTER, "stop", folder], timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("job") / "job.ini", **STUDY_OF_EVERY_TASK)


@pytest.fixture(scope="module")
def profiles(telltale, job):
    """One a node: all that this CPU can run and whose bits differ, then the best again."""
    found = distinct_profiles(telltale, job)
    return ",".join((found + ["best"] * len(NODES))[:len(NODES)])


@pytest.fixture(scope="module")
def uninterrupted(telltale, job, profiles, tmp_path_factory):
    """The study by as many ranks of one mpirun, without Slurm."""
    output = tmp_path_factory.mktemp("uninterrupted") / "x.h5"
    telltale.run(job, output, "--profiles", profiles, ranks=len(NODES))
    return output
