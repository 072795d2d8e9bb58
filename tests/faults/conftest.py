"""One study for all tests of a file, as different numbers of ranks and different environments compute it."""

import pytest

from studies import STUDY_OF_EVERY_TASK
from telltale_runs import distinct_profiles, write_job

@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("job") / "job.ini", **STUDY_OF_EVERY_TASK)


@pytest.fixture(scope="module")
def alone(telltale, job, tmp_path_factory):
    """The study as one process without a launcher computes it."""
    output = tmp_path_factory.mktemp("alone") / "x.h5"
    telltale.run(job, output)
    return output


@pytest.fixture(scope="module")
def others(telltale, job):
    """Profiles besides the best whose bits differ from its and from each other's."""
    best, *found = distinct_profiles(telltale, job)
    if len(found) < 2:
        pytest.skip(f"this CPU can run hardly any profile besides {best}: {found}")
    return found


@pytest.fixture(scope="module")
def mixed(telltale, job, others, tmp_path_factory):
    """The study on three environments, one rank of each."""
    output = tmp_path_factory.mktemp("mixed") / "x.h5"
    telltale.run(job, output, "--profiles", f"best,{others[0]},{others[1]}", ranks=4)
    return output
