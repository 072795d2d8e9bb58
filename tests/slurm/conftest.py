"""A Slurm cluster of four nodes of this machine's own (slurm/local-cluster), for all tests of a file."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from studies import STUDY_OF_EVERY_TASK
from telltale_runs import clean_environment, distinct_profiles, write_job

REPOSITORY = pathlib.Path(__file__).parents[2]
LOCAL_CLUSTER = REPOSITORY / "slurm" / "local-cluster"
STUDY = REPOSITORY / "slurm" / "study.sbatch"
NODES = ("haswell", "skylake", "zen", "zen")  # the feature of each
SAFETY_NET_S = 400


class Slurm:
    def __init__(self, folder, telltale):
        self.environment = clean_environment(SLURM_CONF=str(folder / "slurm.conf"), TELLTALE=telltale.path)

    def __call__(self, *words, check=True):
        done = subprocess.run(list(map(str, words)), env=self.environment, text=True, capture_output=True, timeout=60)
        assert not check or done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def submit(self, *words, log, nodes=4, minutes=10, options=()):
        """The id of a job of study.sbatch."""
        return self("sbatch", "--parsable", f"--nodes={nodes}", f"--time={minutes}", f"--output={log}", *options, STUDY, *words)

    def job(self, job):
        """What Slurm knows of a job, by name."""
        shown = self("scontrol", "show", "--oneliner", "job", job)
        return dict(word.split("=", 1) for word in shown.split() if "=" in word)

    def wait(self, job, until, what, log):
        end = time.monotonic() + SAFETY_NET_S
        while not until(state := self.job(job)):
            assert time.monotonic() < end, f"{what}: {state}\n{log.read_text() if log.exists() else 'no log'}"
            time.sleep(0.2)
        return state

    def hasten(self, job):
        """A job that was queued again waits for two minutes: here for seconds. In the second in which its last start ended, nodes refuse it."""
        self("scontrol", "update", f"jobid={job}", "starttime=now+4", check=False)

    def finish(self, job, log):
        """Waits until a job is over; what Slurm knows of it then."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY")
        return self.wait(job, lambda state: state["JobState"] in over, "the job does not end", log)


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
