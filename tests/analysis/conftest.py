"""Analysis, from the results files that the program itself made: the package is used as from a checkout."""

import pathlib
import sys

import pytest

ANALYSIS = pathlib.Path(__file__).resolve().parents[2] / "analysis"
sys.path.insert(0, str(ANALYSIS))

from studies import EXPERIMENTS  # noqa: E402


@pytest.fixture(scope="session")
def study_files(finished):
    """The results file of a small study of every experiment, by the study's name."""
    return {name: finished(name).output for name in EXPERIMENTS}
