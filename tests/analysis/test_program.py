"""`telltale report --html`: the program calls the Python package, or says how to get it."""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import ANALYSIS
from refusals import assert_refused
from telltale_runs import clean_environment


def test_the_page_is_the_one_that_python_makes(telltale, study_files, tmp_path):
    done = telltale("report", study_files["small"], "--html", tmp_path / "a.html", environment={"TELLTALE_PYTHON": sys.executable})
    assert done.code == 0 and f"the report is {tmp_path / 'a.html'}" in done.out, done.text
    subprocess.run([sys.executable, "-m", "telltale", "report", study_files["small"], "-o", tmp_path / "b.html"], cwd=ANALYSIS, check=True, timeout=600)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_python_without_the_packages_is_named_with_those_it_lacks(telltale, study_files, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'xarray'\" >&2\nexit 1\n")
    python.chmod(0o755)
    refused = telltale("report", study_files["small"], "--html", tmp_path / "a.html", environment={"TELLTALE_PYTHON": str(python)})
    assert_refused(refused, f"{python} lacks a package", "No module named 'xarray'", "python3-matplotlib", "TELLTALE_PYTHON")
    missing = telltale("report", study_files["small"], "--html", tmp_path / "a.html", environment={"TELLTALE_PYTHON": "/no/python"})
    assert missing.code != 0 and "/no/python" in missing.err


def test_what_cannot_be_written_is_said(telltale, study_files, tmp_path):
    refused = telltale("report", study_files["small"], "--html", tmp_path / "none" / "a.html", environment={"TELLTALE_PYTHON": sys.executable})
    assert_refused(refused, "none/a.html")


@pytest.fixture
def damaged(study_files, tmp_path):
    """A study of which the results file is not the one that its journal knows."""
    shutil.copytree(os.path.dirname(study_files["small"]), tmp_path / "copy")
    path = tmp_path / "copy" / "x.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


def test_a_file_that_is_not_its_journals_is_not_drawn(telltale, damaged, tmp_path):
    done = telltale("report", damaged, "--html", tmp_path / "a.html", environment={"TELLTALE_PYTHON": sys.executable})
    assert done.code != 0 and not (tmp_path / "a.html").exists(), done.text


def follow(telltale, results, python):
    """slurm/report.sbatch, as Slurm starts it once a study is done."""
    return subprocess.run(["bash", ANALYSIS.parent / "slurm" / "report.sbatch", results], env=clean_environment(TELLTALE=telltale.path, TELLTALE_PYTHON=python),
                          capture_output=True, text=True, timeout=600)


def test_what_follows_a_study_fails_with_it_but_not_for_want_of_a_page(telltale, study_files, damaged, tmp_path):
    assert follow(telltale, damaged, sys.executable).returncode != 0
    shutil.copytree(os.path.dirname(study_files["twist"]), tmp_path / "whole")
    done = follow(telltale, tmp_path / "whole" / "x.h5", "/no/python")
    assert done.returncode == 0 and "no page of figures" in done.stdout, done.stderr
    assert (tmp_path / "whole" / "x.h5.txt").stat().st_size > 0
