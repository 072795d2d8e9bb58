"""One study for all tests, as one process and as several environments compute it."""

import pytest

from telltale_runs import environments_of


@pytest.fixture(scope="module")
def job(finished):
    return finished("alone").job


@pytest.fixture(scope="module")
def alone(finished):
    """The study as one process without a launcher computes it."""
    return finished("alone").output


@pytest.fixture(scope="module")
def mixed(finished):
    """The study on three environments whose bits differ, one rank of each."""
    return finished("mixed").output


@pytest.fixture(scope="module")
def others(mixed):
    """The profiles of those environments besides the one that trains, which is the best."""
    return environments_of(mixed)[1:]
