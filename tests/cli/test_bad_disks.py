"""Disks that are read-only, full or too small: named, and nothing that was committed is lost."""

import contextlib
import subprocess

import h5py
import pytest

from refusals import SLEEPS, snapshot
from telltale_runs import ALL_DONE, STOPPED_EARLY, UNUSABLE_INPUT, assert_equal_results, write_job

@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of `size` in a folder; yields a function that gives it another size."""
    folder.mkdir()
    def mount(*options):
        return subprocess.run(["mount", *options, folder], capture_output=True, text=True)
    mounted = mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_read_only_disk_is_refused(telltale, tmp_path, ranks):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    with small_disk(tmp_path / "disk", "64k") as change:
        change("ro")
        done = telltale("run", job, "-o", tmp_path / "disk/x.h5", ranks=ranks)
        assert done.code == UNUSABLE_INPUT
        assert "disk/x.h5" in done.err and "Read-only file system" in done.err and done.text.count("Read-only") == 1
        assert snapshot(tmp_path / "disk") == {}


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_disk_that_is_full_from_the_start_is_named(telltale, tmp_path, ranks):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    with small_disk(tmp_path / "disk", "64k"):
        (tmp_path / "disk/filler").write_bytes(bytes(64 * 1024))
        done = telltale("run", job, "-o", tmp_path / "disk/x.h5", ranks=ranks)
        assert done.code == UNUSABLE_INPUT
        assert "disk/x.h5" in done.err and done.text.count("No space left on device") == 1, done.text


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_disk_without_room_for_the_first_records_is_named_once_and_the_study_begins_later(telltale, tmp_path, ranks):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    with small_disk(tmp_path / "disk", "1m"):
        (tmp_path / "disk/filler").write_bytes(bytes((1024 - 8) * 1024))  # a page for the lock, one for the journal
        done = telltale("run", job, "-o", tmp_path / "disk/x.h5", ranks=ranks)
        assert done.code == STOPPED_EARLY
        assert "x.h5.journal" in done.err and done.text.count("No space left on device") == 1, done.text
        (tmp_path / "disk/filler").unlink()
        telltale.run(job, tmp_path / "disk/x.h5", ranks=ranks)


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_disk_that_fills_up_stops_the_run_and_keeps_what_was_committed(telltale, finished_study, tmp_path, ranks):
    output = tmp_path / "disk/x.h5"
    # Room for four of the twelve models.
    with small_disk(tmp_path / "disk", "10m") as change:
        how = dict(ranks=ranks)
        profiles = ("--profiles", "best,others:1")
        full = telltale("run", finished_study.job, "-o", output, *profiles, **how)
        assert full.code == STOPPED_EARLY, full.text
        assert "No space left on device" in full.err and str(tmp_path / "disk") in full.err
        assert "the same command goes on" in full.err, full.err
        done, total, failed, still_open = telltale.status(output)
        assert 1 <= done < total and failed == 0 and still_open >= 1
        verified = telltale("verify", output)
        assert "damaged" not in verified.out.replace("0 damages", "")
        change("size=100m")
        again = telltale("run", finished_study.job, "-o", output, *profiles, ranks=3)
        assert again.code == ALL_DONE, again.text
        if ranks > 0:  # alone there was one environment at the first start, and it stays one
            assert_equal_results(output, finished_study.output)
        else:
            reference = tmp_path / "reference.h5"
            telltale.run(finished_study.job, reference)
            assert_equal_results(output, reference)
        assert telltale("verify", output).code == ALL_DONE


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_disk_without_room_for_the_results_file_keeps_all_results(telltale, tmp_path, ranks):
    job = write_job(tmp_path / "x.ini", **{**SLEEPS, "task_seconds": 0})
    output = tmp_path / "disk/x.h5"
    with small_disk(tmp_path / "disk", "64k") as change:
        full = telltale("run", job, "-o", output, ranks=ranks)
        assert full.code == STOPPED_EARLY and "cannot write" in full.err and "x.h5: No space left on device" in full.err, full.text
        assert telltale.status(output)[0] == SLEEPS["tasks"]
        assert not output.exists()
        change("size=1m")
        telltale.run(job, output)
        with h5py.File(output) as file:
            assert file["empty/index"][()].tolist() == list(range(SLEEPS["tasks"]))
