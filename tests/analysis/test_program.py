"""`telltale report --html`: the program calls the Python package, or says how to get it."""

import os
import shutil
import subprocess
import sys

from conftest import ANALYSIS
from refusals import assert_refused


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


def test_a_file_that_is_not_its_journals_is_not_drawn(telltale, study_files, tmp_path):
    shutil.copytree(os.path.dirname(study_files["small"]), tmp_path / "copy")
    path = tmp_path / "copy" / "x.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = telltale("report", path, "--html", tmp_path / "a.html", environment={"TELLTALE_PYTHON": sys.executable})
    assert done.code != 0 and not (tmp_path / "a.html").exists(), done.text
