"""Job files and command lines that cannot be used: named with file, line and key, and nothing is written."""

import pathlib

import pytest

from refusals import SLEEPS, assert_refused, snapshot
from telltale_runs import UNUSABLE_INPUT, start_one_otherwise, write_job

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


def test_a_job_file_that_is_not_utf8_is_refused_with_its_line(telltale, tmp_path):
    job = tmp_path / "bad.ini"
    job.write_bytes("experiment = empty\n\n# Größe\n".encode("latin-1"))
    before = snapshot(tmp_path)
    assert_refused(telltale("run", job, "-o", tmp_path / "x.h5"), "bad.ini:3: the byte 0xf6 is not UTF-8")
    job.write_text("experiment = empty\n", encoding="utf-8")
    title = b"Gr\xf6\xdfe".decode("utf-8", "surrogateescape")
    assert_refused(telltale("run", job, "-o", tmp_path / "x.h5", "--title", title), "command line: --title: the value is not UTF-8")
    assert snapshot(tmp_path).keys() == before.keys(), "something was written"


@pytest.mark.parametrize("lines, words", [
    ("transform = keyed\nkey-block = 4, 5\n", ["key-block: blocks of 5 x 5 pixels do not divide the network's images"]),
    ("regain-labels = 1\nregain-by = tune, blocks\nregain-block = 5\n", ["regain-block: blocks of 5 x 5 pixels do not divide"]),
    ("loss-beta = -1\n", ["loss-beta", "-1"]),
    ("pair-attempts = 1\npairs = 1, 301\n", ["pairs: there are only 300 training images, each one pair"]),
    ("extract-queries = 51\n", ["extract-queries: a thief has only the first half of the test images: 50"]),
    ("extract-queries = 5\nextract-network = zhang-mnist, unknown\n", ["extract-network", "unknown"]),
    ("transform = secret\n", ["transform", "secret", "fixed, learned, generator, keyed, telltale, none"]),
], ids=["blocks", "blocks of a thief", "a negative weight", "pairs", "queries", "a network", "a transform"])
def test_impossible_protections_are_refused(refused, lines, words):
    refused("experiment = anti-piracy\nnetwork = simple-cnn\ntrain-images = 300\ntest-images = 100\n" + lines, *words)


def test_a_key_of_another_experiment_is_named_with_file_line_and_who_has_it(refused):
    refused("experiment = compare\npredict-images = 1\nalpha = 0.1\n", "bad.ini:3: alpha: experiment compare has no such key", "new-label")


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
    ("target = 10", ["class 10 is none of the 10 classes"]),
    ("train-on = pentium", ["pentium"]),
    ("profiles = best, pentium", ["there is no profile \"pentium\"; known: native, best, "]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_values_are_named_with_file_line_and_key(refused, line, words):
    key = line.split()[0]
    refused(f"title = wrong\ntrain-images = 100\ntest-images = 50\n{line}\n", f"bad.ini:4: {key}: ", *words)


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
    ("epochs = 1\nexpect = Haswell, Zen 3:two\n", ["bad.ini:2: expect: ", "'two'"]),
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
    process = start_one_otherwise(3, [*run, "best"], [*run, "pentium"])
    done = process.finish()
    assert done.code == UNUSABLE_INPUT, done.text
    assert done.text.count('there is no profile "pentium"') == 1, done.text
    process.wait_until_gone()
    assert snapshot(tmp_path).keys() == {"x.ini"}
