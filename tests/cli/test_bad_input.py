"""Bad input gets a clear error and loses nothing: the exit code, a message that names file, line and key, and a folder in
which nothing has changed."""

import contextlib
import gzip
import os
import pathlib
import shutil
import signal
import struct
import subprocess

import h5py
import pytest

from conftest import SMALL_STUDY
from telltale_runs import (ALL_DONE, SOME_FAILED, STOPPED_EARLY, UNUSABLE_INPUT, Process, assert_equal_results, clean_environment,
                           wait_for_progress, write_job)

# Tasks that only sleep: for what has nothing to do with networks.
SLEEPS = dict(experiment="empty", tasks=200, task_seconds=0.02)


def snapshot(folder):
    """Every file under a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


def assert_refused(finished, *words):
    assert finished.code == UNUSABLE_INPUT, f"exit code {finished.code}: {finished.text}"
    assert finished.out == ""
    for word in words:
        assert word in finished.err, f"'{word}' is not in: {finished.err}"


@pytest.fixture
def refused(telltale, tmp_path):
    """Runs a job of the given text and checks that it is refused before anything is written."""
    def check(text, *words, options=(), **how):
        job = tmp_path / "bad.ini"
        job.write_text(text, encoding="utf-8")
        before = snapshot(tmp_path)
        assert_refused(telltale("run", job, "-o", tmp_path / "x.h5", *options, **how), *words)
        assert snapshot(tmp_path) == before, "something was written"
    return check


# ---- the job file

@pytest.mark.parametrize("text, words", [
    ("epochs = 1\n\nlearning_rat = 0.1\n", ["bad.ini:3: learning_rat: unknown key", "did you mean learning-rate?"]),
    ("epochs = 1\ncolour = red\n", ["bad.ini:2: colour: unknown key"]),
    ("epochs = 1\nepochs = 2\n", ["bad.ini", "epochs"]),
    ("epochs = 1\nlr-gamma = 0.5\nlr_gamma = 0.1\n", ["bad.ini", "lr-gamma stands twice"]),
    ("epochs 1\n", ["bad.ini:1:", "key = value"]),
], ids=["typing error", "stranger", "twice", "twice in two spellings", "no assignment"])
def test_wrong_keys_are_named_with_file_and_line(refused, text, words):
    refused(text, *words)


@pytest.mark.parametrize("line, words", [
    ("epochs = ten", ["'ten' is not a"]),
    ("epochs = 2.5", ["'2.5' is not a whole number"]),
    ("epochs = 0", ["'0' is out of range (integer, 1 to 100000"]),
    ("seed = 1, 2", ["one value expected, 2 given"]),
    ("scheme = new-lable", ["'new-lable' is not one of new-label, noise-backdoor, clean"]),
    ("dataset = glyfs", ["'glyfs' is not one of mnist"]),
    ("clip = maybe", ["'maybe' is neither yes nor no"]),
    ("alpha = 0.1, , 0.2", ["the list '0.1, , 0.2' has an empty item"]),
    ("alpha = 0.1:0.2", ["'0.1:0.2' is no range"]),
    ("alpha = 0.1, 0.10", ["the value 0.10 stands twice"]),
    ("alpha = 1.5", ["'1.5' is out of range"]),
    ("alpha = nan", ["'nan' is not a number"]),
    ("network = dnn-3", ["dnn-3"]),
    ("target = 10", ["class 10 is none of the 10 classes of glyphs"]),
    ("train-on = pentium", ["pentium"]),
    ("profiles = best, pentium", ["there is no profile \"pentium\"; known: native, best, "]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_values_are_named_with_file_line_and_key(refused, line, words):
    key = line.split()[0]
    refused(f"title = wrong\ntrain-images = 100\ntest-images = 50\n{line}\n", f"bad.ini:4: {key}: ", *words)


def test_a_job_file_that_is_not_utf8_is_refused_with_its_line(telltale, tmp_path):
    job = tmp_path / "bad.ini"
    job.write_bytes("experiment = empty\n\n# Größe\n".encode("latin-1"))
    before = snapshot(tmp_path)
    assert_refused(telltale("run", job, "-o", tmp_path / "x.h5"), "bad.ini:3: the byte 0xf6 is not UTF-8")
    job.write_text("experiment = empty\n", encoding="utf-8")
    title = b"Gr\xf6\xdfe".decode("utf-8", "surrogateescape")
    assert_refused(telltale("run", job, "-o", tmp_path / "x.h5", "--title", title), "command line: --title: the value is not UTF-8")
    assert snapshot(tmp_path).keys() == before.keys(), "something was written"


def test_a_value_on_the_command_line_is_named_as_such(refused):
    refused("epochs = 1\n", "command line: --beta: ", "'x' is not a number", options=("--beta", "x"))


@pytest.mark.parametrize("line", ["alpha =", "scheme =", "repeats =", "predict-batch ="])
def test_an_empty_axis_is_refused(refused, line):
    refused(f"title = empty\n{line}\n", f"bad.ini:2: {line.split()[0]}: no value is given")


@pytest.mark.parametrize("line, words", [
    ("alpha = 0.01:0.001:0.001", "holds no value: its step leads away from its end"),
    ("alpha = 0.01:0.02:0", "has a step of zero"),
    ("repeats = 0", "'0' is out of range"),
])
def test_an_axis_of_no_case_is_refused(refused, line, words):
    refused(f"title = none\n{line}\n", f"bad.ini:2: {line.split()[0]}: ", words)


def test_an_alpha_that_selects_no_image_is_refused_with_the_smallest_that_does(refused):
    refused("train-images = 200\ntest-images = 50\nalpha = 0.1, 0.0001\n", "bad.ini:3: alpha: ", "alpha = 0.0001 of 200 images selects no image",
            "the smallest share that does is 0.0025")


def test_an_alpha_of_more_images_than_the_rival_may_mark_is_refused(refused):
    refused("train-images = 200\ntest-images = 50\nscheme = noise-backdoor\nalpha = 1\n", "bad.ini:4: alpha: ", "images that noise-backdoor may mark")


@pytest.mark.parametrize("text, words", [
    ("scheme = clean\npredict-images = 10\n", ["bad.ini:2: predict-images: ", "scheme names only clean"]),
    ("test-images = 50\npredict-images = 51\n", ["bad.ini:2: predict-images: ", "there are only 50 test images"]),
    ("epochs = 3\nlr-milestones = 1, 3\n", ["bad.ini:2: lr-milestones: ", "epoch 3 is not before the last"]),
    ("official = yes\n", ["glyphs", "no official files"]),
    ("train-images = 10000000\ndataset = mnist\n", ["mnist"]),
])
def test_impossible_combinations_are_refused(refused, text, words):
    refused(text, *words)


def test_under_mpirun_a_bad_job_file_is_refused_with_one_message(telltale, tmp_path):
    job = tmp_path / "bad.ini"
    job.write_text("epochs = 1\ncolour = red\n")
    done = telltale("run", job, "-o", tmp_path / "x.h5", ranks=3)
    assert done.code == UNUSABLE_INPUT
    assert done.text.count("bad.ini:2: colour: unknown key") == 1, done.text
    assert snapshot(tmp_path).keys() == {"bad.ini"}


def test_under_mpirun_what_only_the_data_show_is_refused_with_one_message(telltale, tmp_path):
    job = write_job(tmp_path / "bad.ini", train_images=200, test_images=50, alpha=0.0001)
    done = telltale("run", job, "-o", tmp_path / "x.h5", ranks=3)
    assert done.code == UNUSABLE_INPUT
    assert done.text.count("bad.ini:3: alpha: ") == 1, done.text
    assert snapshot(tmp_path).keys() == {"bad.ini"}


# ---- the command line

@pytest.mark.parametrize("arguments, words", [
    (["fly"], ["there is no command 'fly'", "telltale run JOB"]),
    (["run", "x.ini", "--colour", "red"], ["colour", "telltale run --help"]),
    (["run", "x.ini", "--epoch", "3"], ["epoch"]),
    (["run", "-o", "x.h5"], ["telltale run needs a JOB"]),
    (["run", "a.ini", "b.ini", "-o", "x.h5"], ["one JOB expected, 2 given"]),
    (["run", "no.ini", "-o", "x.h5"], ["cannot read the job file no.ini: No such file or directory"]),
    (["plan"], ["telltale plan needs a JOB"]),
    (["status"], ["telltale status needs a RESULTS.h5"]),
    (["status", "no.h5"], ["there is no journal no.h5.journal"]),
    (["verify", "no.h5"], ["there is no journal no.h5.journal"]),
    (["report", "no.h5"], ["there is no results file no.h5"]),
    (["probe", "--profiles", "pentium"], ["there is no profile \"pentium\""]),
    (["probe", "no.ini"], ["cannot read the job file no.ini"]),
], ids=" ".join)
def test_wrong_command_lines_are_refused(telltale, tmp_path, arguments, words):
    assert_refused(telltale(*arguments, cwd=tmp_path), *words)
    assert snapshot(tmp_path) == {}


def test_a_run_without_output_is_refused(telltale, tmp_path):
    write_job(tmp_path / "x.ini", **SLEEPS)
    assert_refused(telltale("run", "x.ini", cwd=tmp_path), "-o RESULTS.h5")
    assert snapshot(tmp_path).keys() == {"x.ini"}


def test_an_output_in_a_folder_that_is_not_there_is_refused(telltale, tmp_path):
    write_job(tmp_path / "x.ini", **SLEEPS)
    assert_refused(telltale("run", "x.ini", "-o", "none/x.h5", cwd=tmp_path), "none/x.h5", "No such file or directory")
    assert snapshot(tmp_path).keys() == {"x.ini"}


def test_an_unknown_report_format_is_refused(telltale, finished_study):
    assert_refused(telltale("report", finished_study.output, "-f", "pdf"), "there is no format pdf: text, markdown or csv")


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_profile_that_this_cpu_cannot_run_is_refused_by_name(refused, ranks):
    flags = next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    needs = {"cooperlake": "avx512_bf16", "skylakex": "avx512f", "haswell": "avx2", "sandybridge": "avx"}
    lacking = [profile for profile, flag in needs.items() if flag not in flags]
    if not lacking:
        pytest.skip("this CPU can run every profile there is")
    # It stands last: with ranks, one of them alone finds it out.
    words = [f'profile "{lacking[0]}" cannot run on this CPU', needs[lacking[0]]]
    refused("epochs = 1\n", "command line: --profiles: ", *words, options=("--profiles", lacking[0] if ranks == 0 else f"best,{lacking[0]}"), ranks=ranks)


def test_what_one_rank_alone_finds_before_mpi_starts_is_said_once_and_ends_all(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    # Two ranks that could run, and one that is told a profile that it has not got.
    run = [telltale.path, "run", job, "-o", tmp_path / "x.h5", "--profiles"]
    process = Process(["mpirun", "--oversubscribe", "-n", "2", *run, "best", ":", "-n", "1", *run, "pentium"], clean_environment(), tmp_path)
    done = process.finish()
    assert done.code == UNUSABLE_INPUT
    assert done.text.count('there is no profile "pentium"') == 1, done.text
    process.wait_until_gone()
    assert snapshot(tmp_path).keys() == {"x.ini"}


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

def test_results_of_another_job_file_are_refused_with_what_differs(telltale, finished_study, tmp_path):
    other = write_job(tmp_path / "other.ini", **{**SMALL_STUDY, "alpha": [0.01, 0.1], "seed": 7})
    before = snapshot(finished_study.folder)
    for command in ("run", "plan"):
        done = telltale(command, other, "-o", finished_study.output)
        assert_refused(done, "another job file", "alpha: 0.01, 0.1 here, 0.01, 0.05 there", "seed: 7 here, 1 there")
        assert "epochs" not in done.err
    assert snapshot(finished_study.folder) == before


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
    first = telltale.start("run", job, "-o", output, "--tasks", 5000, ranks=ranks)
    try:
        assert wait_for_progress(first, output, lambda told: told["done"] >= 1)
        holder = first.ranks().get(0, first.pid)
        second = telltale("run", job, "-o", output, "--tasks", 5000, ranks=ranks)
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


# ---- disks

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
    with small_disk(tmp_path / "disk", "64k") as change:
        (tmp_path / "disk/filler").write_bytes(bytes(64 * 1024))
        done = telltale("run", job, "-o", tmp_path / "disk/x.h5", ranks=ranks)
        assert done.code == UNUSABLE_INPUT
        assert "disk/x.h5" in done.err and done.text.count("No space left on device") == 1, done.text


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_disk_without_room_for_the_first_records_is_named_once_and_the_study_begins_later(telltale, tmp_path, ranks):
    job = write_job(tmp_path / "x.ini", **SLEEPS)
    with small_disk(tmp_path / "disk", "1m") as change:
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


# ---- damage

@pytest.fixture
def study_copy(finished_study, tmp_path):
    """The finished study with everything that belongs to it, to be harmed."""
    shutil.copytree(finished_study.folder, tmp_path / "copy")
    return tmp_path / "copy" / "x.h5"


PROFILES = ("--profiles", "best,others:1")


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


HEAD, OUTCOME = 1, 2


def records(journal):
    """(type, offset of the header, offset of the payload) of every record; docs/journal.md has the layout."""
    content, found, at = journal.read_bytes(), [], 16
    while at < len(content):
        kind, _, _, length = struct.unpack_from("<IIQQ", content, at + 8)
        found.append((kind, at, at + 48))
        at += 48 + length
    return found


def test_a_damaged_journal_is_named_skipped_and_made_up_for(telltale, finished_study, study_copy):
    journal = pathlib.Path(f"{study_copy}.journal")
    # The content of one result and the length of another: as many are gone.
    outcomes = [record for record in records(journal) if record[0] == OUTCOME]
    flip(journal, outcomes[len(outcomes) // 2][2] + 40)
    flip(journal, outcomes[-2][1] + 25)
    assert telltale.status(study_copy)[3] == 2
    status = telltale("status", study_copy)
    assert status.code == STOPPED_EARLY and status.out.count("damaged    journal byte") == 2, status.out
    assert "computed again at the next start" in status.out
    verified = telltale("verify", study_copy)
    assert verified.code == SOME_FAILED and verified.out.count("damaged    journal, byte") == 2, verified.out

    done = telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=3)
    assert done.code == ALL_DONE, done.text
    assert done.err.count("damage at byte") == 2 and "x.h5.journal" in done.err
    assert telltale.status(study_copy)[3] == 0
    assert_equal_results(study_copy, finished_study.output)


def test_one_damaged_head_record_is_made_up_for_by_its_copy(telltale, finished_study, study_copy):
    flip(pathlib.Path(f"{study_copy}.journal"), 100)
    done = telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=3)
    assert done.code == ALL_DONE and "damage at byte 16" in done.err, done.text
    assert_equal_results(study_copy, finished_study.output)


def test_a_journal_without_any_head_is_refused_and_kept(telltale, finished_study, study_copy):
    journal = pathlib.Path(f"{study_copy}.journal")
    heads = [record for record in records(journal) if record[0] == HEAD]
    assert len(heads) == 2
    for _, _, payload in heads:
        flip(journal, payload + 100)
    before = snapshot(study_copy.parent)
    assert_refused(telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=0), "both head records are damaged")
    assert snapshot(study_copy.parent) == before
    assert "the journal's head records are damaged" in telltale("status", study_copy).out


def test_a_torn_journal_is_no_damage(telltale, finished_study, study_copy):
    journal = pathlib.Path(f"{study_copy}.journal")
    os.truncate(journal, journal.stat().st_size * 6 // 10)
    status = telltale("status", study_copy)
    assert status.code == STOPPED_EARLY and "damaged" not in status.out
    done = telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=3)
    assert done.code == ALL_DONE, done.text
    assert_equal_results(study_copy, finished_study.output)


def test_a_deleted_results_file_is_built_again(telltale, finished_study, study_copy):
    study_copy.unlink()
    report = telltale("report", study_copy)
    assert_refused(report, "has not been published", "telltale run")
    verified = telltale("verify", study_copy)
    assert verified.code == SOME_FAILED and f"missing    {study_copy}" in verified.out
    done = telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=3)
    assert done.code == ALL_DONE and "0 failed" in done.out
    assert_equal_results(study_copy, finished_study.output)
    assert telltale("verify", study_copy).code == ALL_DONE


@pytest.mark.parametrize("harm", [lambda path: flip(path, path.stat().st_size // 2), lambda path: os.truncate(path, 5000),
                                  lambda path: path.write_bytes(b"")], ids=["a bit", "cut", "empty"])
def test_a_damaged_results_file_is_named_not_read_and_built_again(telltale, finished_study, study_copy, harm):
    harm(study_copy)
    report = telltale("report", study_copy)
    assert report.code != ALL_DONE and str(study_copy) in report.err and "damaged" in report.err and "telltale run" in report.err, report.text
    assert report.out == ""
    verified = telltale("verify", study_copy)
    assert verified.code == SOME_FAILED and f"damaged    {study_copy}" in verified.out
    telltale.run(finished_study.job, study_copy, *PROFILES, ranks=3)
    assert_equal_results(study_copy, finished_study.output)
    assert telltale("verify", study_copy).code == ALL_DONE


@pytest.mark.parametrize("harm, word", [(lambda path: path.unlink(), "missing"), (lambda path: flip(path, 50_000), "damaged")],
                         ids=["deleted", "damaged"])
def test_a_lost_model_is_named_and_made_again_when_it_is_needed(telltale, finished_study, study_copy, harm, word):
    with h5py.File(study_copy) as file:
        kinds = file["tasks/kind"][()]
        trained = [identity.decode() for identity, kind in zip(file["tasks/identity"][()], kinds) if kind == b"train"]
    models = sorted((study_copy.parent / "artifacts").glob("products-*[0-9a-f]"))
    assert sorted(f"products-{identity}" for identity in trained) == [path.name for path in models]
    lost = study_copy.parent / "artifacts" / f"products-{trained[-1]}"
    original = lost.read_bytes()
    harm(lost)
    verified = telltale("verify", study_copy)
    assert verified.code == SOME_FAILED and f"{word}    model {trained[-1][:12]}" in verified.out, verified.out
    assert f"{len(trained) - 1} as written" in verified.out

    # Nothing needs it: the study is done without it.
    telltale.run(finished_study.job, study_copy, *PROFILES, ranks=3)
    assert not lost.exists() or lost.read_bytes() != original

    # A journal that ends after the trainings: what is asked of the model has to be computed again, and so has the model.
    journal = pathlib.Path(f"{study_copy}.journal")
    os.truncate(journal, journal.stat().st_size * 6 // 10)
    done = telltale("run", finished_study.job, "-o", study_copy, *PROFILES, ranks=3)
    assert done.code == ALL_DONE, done.text
    assert_equal_results(study_copy, finished_study.output)
    verified = telltale("verify", study_copy)
    assert verified.code == ALL_DONE, verified.out


def test_a_task_that_kept_failing_is_listed_and_tried_again(telltale, tmp_path):
    # Two tasks that take longer than they may.
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=2, task_seconds=1)
    failed = telltale("run", job, "-o", tmp_path / "x.h5", "--task-time-limit", "0.2", "--retries", "0")
    assert failed.code == SOME_FAILED
    assert "0 of 2 tasks done, 2 failed" in failed.text and failed.text.count("failed: empty ") == 2 and "time limit" in failed.text
    status = telltale("status", tmp_path / "x.h5")
    assert status.code == SOME_FAILED and "2 failed" in status.out and "time limit" in status.out
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["tasks/status"][()].tolist() == [b"failed", b"failed"] and b"time limit" in file["tasks/reason"][0]
        assert file.attrs["complete"] == 0
    telltale.run(job, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["tasks/status"][()].tolist() == [b"done", b"done"] and file["tasks/reason"][()].tolist() == [b"", b""]
        assert file.attrs["complete"] == 1
