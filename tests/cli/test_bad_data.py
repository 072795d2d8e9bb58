"""Data files that cannot be used, and results that belong to other data, another job or another run."""

import gzip
import os
import pathlib
import shutil
import signal
import struct

import h5py
import pytest

from refusals import SLEEPS, assert_refused, snapshot
from studies import SMALL_STUDY
from telltale_runs import ALL_DONE, STOPPED_EARLY, UNUSABLE_INPUT, wait_for_progress, write_job

# ---- data files

def idx(path, magic, *sizes, content):
    path.write_bytes(struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + content)


@pytest.fixture
def mnist(tmp_path):
    """A folder with a tiny data set in MNIST's files."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name, count in (("train", 40), ("t10k", 20)):
        idx(folder / f"{name}-images-idx3-ubyte", 2051, count, 28, 28, content=bytes(i * 37 % 251 for i in range(count * 784)))
        idx(folder / f"{name}-labels-idx1-ubyte", 2049, count, content=bytes(i % 10 for i in range(count)))
    return folder


DATA_JOB = "dataset = mnist\nscheme = new-label\nepochs = 1\nalpha = 0.1\n"


def test_data_in_the_files_of_mnist_are_read(telltale, mnist, tmp_path):
    job = tmp_path / "good.ini"
    job.write_text(DATA_JOB)
    telltale.run(job, tmp_path / "x.h5", environment={"TELLTALE_DATA": str(mnist.parent)})
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.attrs["dataset"] == "mnist" and file.attrs["dataset_generated"] == 0
        assert "train-images-idx3-ubyte md5" in file.attrs["dataset_source"]


@pytest.mark.parametrize("harm, words", [
    (lambda folder: shutil.rmtree(folder), ["mnist: train-images-idx3-ubyte (training images) not found", "data/fetch mnist"]),
    (lambda folder: (folder / "t10k-labels-idx1-ubyte").unlink(), ["t10k-labels-idx1-ubyte (test labels) not found"]),
    (lambda folder: os.truncate(folder / "train-images-idx3-ubyte", 16 + 39 * 784),
     ["train-images-idx3-ubyte: is truncated: its header announces 31360 bytes of pixels, but 30576 are there"]),
    (lambda folder: os.truncate(folder / "train-labels-idx1-ubyte", 0), ["train-labels-idx1-ubyte: is empty"]),
    (lambda folder: shutil.copy(folder / "train-labels-idx1-ubyte", folder / "train-images-idx3-ubyte"),
     ["train-images-idx3-ubyte: is no IDX file of images: its magic number is 2049, not 2051"]),
    (lambda folder: idx(folder / "train-images-idx3-ubyte", 2051, 40, 32, 32, content=bytes(40 * 1024)),
     ["train-images-idx3-ubyte: its images are 32x32, those of mnist 28x28"]),
    (lambda folder: idx(folder / "t10k-labels-idx1-ubyte", 2049, 20, content=bytes(19) + b"\x0a"),
     ["t10k-labels-idx1-ubyte: label 10 of image 19 is out of range: mnist has the classes 0 to 9"]),
    (lambda folder: idx(folder / "t10k-labels-idx1-ubyte", 2049, 19, content=bytes(19)),
     ["t10k-labels-idx1-ubyte: holds 19 labels for the 20 images"]),
    (lambda folder: gzip_cut(folder / "train-images-idx3-ubyte"), ["train-images-idx3-ubyte.gz: is truncated or damaged"]),
], ids=["no folder", "a file is missing", "truncated", "empty", "wrong kind", "wrong size", "label out of range", "labels missing", "cut gzip"])
def test_bad_data_files_are_named(refused, mnist, harm, words):
    harm(mnist)
    refused(DATA_JOB, str(mnist.parent) if mnist.exists() else "mnist", *words, options=("--data-dir", mnist.parent))


def gzip_cut(path):
    compressed = gzip.compress(path.read_bytes())
    path.unlink()
    path.with_name(path.name + ".gz").write_bytes(compressed[:len(compressed) // 2])


def test_under_mpirun_bad_data_are_named_once(telltale, mnist, tmp_path):
    os.truncate(mnist / "train-images-idx3-ubyte", 1000)
    job = tmp_path / "bad.ini"
    job.write_text(DATA_JOB)
    done = telltale("run", job, "-o", tmp_path / "x.h5", "--data-dir", mnist.parent, ranks=3)
    assert done.code == UNUSABLE_INPUT
    assert done.text.count("train-images-idx3-ubyte: is truncated") == 1, done.text
    assert not list(tmp_path.glob("x.h5*"))


def test_other_data_than_at_the_first_start_are_refused(telltale, mnist, tmp_path):
    job = tmp_path / "good.ini"
    job.write_text(DATA_JOB)
    command = ("run", job, "-o", tmp_path / "x.h5", "--data-dir", mnist.parent)
    assert telltale(*command).code == ALL_DONE
    idx(mnist / "t10k-labels-idx1-ubyte", 2049, 20, content=bytes(20))
    before = snapshot(tmp_path)
    assert_refused(telltale(*command), "the data set mnist is not the one that these results began with")
    assert snapshot(tmp_path) == before


# ---- results of another job, and of another run

def test_results_of_another_job_file_are_refused_with_what_differs(telltale, study_copy, tmp_path):
    other = write_job(tmp_path / "other.ini", **{**SMALL_STUDY, "alpha": [0.01, 0.1], "seed": 7})
    before = snapshot(study_copy.parent)
    for command in ("run", "plan"):
        done = telltale(command, other, "-o", study_copy)
        assert_refused(done, "another job file", "alpha: 0.01, 0.1 here, 0.01, 0.05 there", "seed: 7 here, 1 there")
        assert "epochs" not in done.err
    assert snapshot(study_copy.parent) == before


def test_a_title_or_how_it_runs_is_no_difference(telltale, finished_study, tmp_path):
    other = write_job(tmp_path / "other.ini", **{**SMALL_STUDY, "title": "Another title", "retries": 3})
    planned = telltale("plan", other, "-o", finished_study.output)
    assert planned.code == ALL_DONE, planned.text


def test_results_without_their_journal_are_not_overwritten(telltale, finished_study, tmp_path):
    shutil.copy(finished_study.output, tmp_path / "x.h5")
    before = snapshot(tmp_path)
    assert_refused(telltale("run", finished_study.job, "-o", tmp_path / "x.h5"), "x.h5 exists but its journal", "does not")
    assert snapshot(tmp_path) == before


def test_something_else_under_the_journals_name_is_not_overwritten(telltale, finished_study, tmp_path):
    (tmp_path / "x.h5.journal").write_text("my diary, day 1\n")
    assert_refused(telltale("run", finished_study.job, "-o", tmp_path / "x.h5"), "x.h5.journal is no journal")
    assert snapshot(tmp_path) == {"x.h5.journal": b"my diary, day 1\n"}


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_second_run_on_the_same_output_is_refused_and_names_the_first(telltale, tmp_path, ranks):
    job, output = write_job(tmp_path / "x.ini", **SLEEPS), tmp_path / "x.h5"
    first = telltale.start("run", job, "-o", output, "--tasks", 20000, ranks=ranks)
    try:
        assert wait_for_progress(first, output, lambda told: told["done"] >= 1)
        holder = first.ranks().get(0, first.pid)
        second = telltale("run", job, "-o", output, "--tasks", 20000, ranks=ranks)
        assert second.code == UNUSABLE_INPUT
        assert f"another run (pid {holder} on host {os.uname().nodename}, since " in second.err and "x.h5" in second.err
        assert second.text.count("another run") == 1
        assert f"running: pid {holder}" in telltale("status", output).out
        first.signal(signal.SIGTERM, holder)
        assert first.finish().code == STOPPED_EARLY
    finally:
        first.end()
    assert telltale("verify", output).code == ALL_DONE
    assert not pathlib.Path(f"{output}.lock").exists()
