"""What computes nothing starts without LibTorch; what computes is handed to the program that has it."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from refusals import SLEEPS, assert_refused
from telltale_runs import ALL_DONE, Telltale, clean_environment, stop, wait_for_progress, write_job

HEAVY = re.compile(r"lib(torch|c10|openblas|gomp)[^/]*\.so")


def loaded_by(program, *arguments):
    """The shared libraries that a start of the program loads, as the dynamic linker tells them."""
    told = subprocess.run([program, *map(str, arguments)], env=clean_environment(LD_DEBUG="files"), capture_output=True, text=True)
    return told.returncode, set(re.findall(r"calling init: (\S+)", told.stderr))


def test_the_program_is_linked_without_libtorch(telltale):
    needed = subprocess.run(["ldd", telltale.path], check=True, capture_output=True, text=True).stdout
    assert "libhdf5" in needed, "this is not what people start"
    assert not HEAVY.search(needed), needed


@pytest.mark.parametrize("command", [["--help"], ["--version"], *([command, "--help"] for command in (
    "probe", "plan", "run", "status", "verify", "report", "export", "identify", "transform", "replay", "validate"))], ids=" ".join)
def test_help_loads_nothing_heavy(telltale, command):
    code, loaded = loaded_by(telltale.path, *command)
    assert code == ALL_DONE and loaded
    assert not [name for name in loaded if HEAVY.search(name)]


@pytest.mark.parametrize("command", ["status", "verify", "report"])
def test_looking_at_results_loads_nothing_heavy(telltale, finished_study, command):
    code, loaded = loaded_by(telltale.path, command, finished_study.output)
    assert code == ALL_DONE and any("hdf5" in name for name in loaded)
    assert not [name for name in loaded if HEAVY.search(name)]


def test_a_plan_that_no_machine_decides_loads_nothing_heavy(telltale, tmp_path):
    code, loaded = loaded_by(telltale.path, "plan", write_job(tmp_path / "x.ini", **{**SLEEPS, "tasks": 3}))
    assert code == ALL_DONE and loaded
    assert not [name for name in loaded if HEAVY.search(name)]


def test_a_plan_without_measurements_shows_what_is_there_already(telltale, tmp_path):
    job, output = write_job(tmp_path / "x.ini", **{**SLEEPS, "tasks": 3, "task_seconds": 0}), tmp_path / "x.h5"
    telltale.run(job, output)
    assert re.search(r"^  all +3 +3 ", telltale("plan", job, "-o", output).out, re.MULTILINE)


def test_a_job_file_that_cannot_be_used_is_refused_before_anything_heavy_is_loaded(telltale, tmp_path):
    job = write_job(tmp_path / "bad.ini", epochs="ten")
    code, loaded = loaded_by(telltale.path, "run", job, "-o", tmp_path / "x.h5")
    assert code == 2 and not [name for name in loaded if HEAVY.search(name)]


@pytest.mark.parametrize("ranks", [0, 2])
def test_what_computes_keeps_its_process_id_through_the_hand_over(telltale, tmp_path, ranks):
    job, output = write_job(tmp_path / "x.ini", **{**SLEEPS, "tasks": 20000}), tmp_path / "x.h5"
    process = telltale.start("run", job, "-o", output, ranks=ranks)
    assert wait_for_progress(process, output, lambda told: told["done"] >= 1)
    assert f"running: pid {process.ranks().get(0, process.pid)} " in telltale("status", output).out
    programs = {rank: os.path.basename(os.readlink(f"/proc/{pid}/exe")) for rank, pid in (process.ranks() or {1: process.pid}).items()}
    # Rank 0 of several only coordinates: without LibTorch.
    assert programs == ({0: "telltale", 1: "telltale-compute"} if ranks else {1: "telltale-compute"})
    stop(process, output)


def test_a_launcher_that_mpi_does_not_know_is_named(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **{**SLEEPS, "tasks": 3})
    told = telltale("run", job, "-o", tmp_path / "x.h5", environment={"PMI_RANK": "0", "PMI_SIZE": "2"})
    assert_refused(told, "this rank is alone, though its launcher said that others would compute", "--mpi=pmix")
    assert not list(tmp_path.glob("x.h5*"))


def test_the_program_that_computes_knows_every_command(telltale, finished_study):
    compute = Telltale(pathlib.Path(telltale.path).with_name("telltale-compute"))
    for command in (["--help"], ["status", finished_study.output], ["report", finished_study.output], ["run", "--help"]):
        here, there = telltale(*command), compute(*command)
        assert (here.code, here.out) == (there.code, there.out) or "ago" in here.out


def test_an_installed_program_finds_the_other_in_libexec(telltale, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "libexec/telltale").mkdir(parents=True)
    shutil.copy(telltale.path, tmp_path / "bin/telltale")
    installed = Telltale(tmp_path / "bin/telltale")
    job = write_job(tmp_path / "x.ini", **{**SLEEPS, "tasks": 1})
    assert_refused(installed("run", job, "-o", tmp_path / "x.h5"), "the program that computes is missing", str(tmp_path / "bin/telltale-compute"),
                   str(tmp_path / "libexec/telltale/telltale-compute"))
    shutil.copy(pathlib.Path(telltale.path).with_name("telltale-compute"), tmp_path / "libexec/telltale/telltale-compute")
    installed.run(job, tmp_path / "x.h5")
