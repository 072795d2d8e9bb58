"""export and identify: samples go out as files, answers come back, a machine is named.

The results file is tests/support/boundary_samples.h: four machines, three classes, 40 samples that count, of which each
machine is identified by ten. The machine that a sample identifies answers with its identifying label, all others with
the contrast label.
"""

import csv
import json
import os
import struct
import subprocess
import zlib

import h5py
import numpy as np
import pytest

from telltale_runs import ALL_DONE, UNUSABLE_INPUT

IDENTIFIED, NOT_IDENTIFIED = 0, 1
MACHINES = ["sandybridge", "haswell", "skylakex", "zen"]


def write_samples(path, *how):
    subprocess.run([os.environ["WRITE_BOUNDARY_SAMPLES"], path, *how], check=True, timeout=600)
    return path


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples") / "x.h5")


@pytest.fixture(scope="module")
def colour_samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples") / "colour.h5", "colour")


def counting(path, variable):
    """The values of a variable for the samples that count, in the order of their numbers."""
    with h5py.File(path) as file:
        group = file["boundary"]
        counts = (group["status"].asstr()[()] == "success") & (group["verified"][()] == 1)
        return group[variable][()][counts]


def labels_of(path, machine):
    return counting(path, "label")[:, MACHINES.index(machine)].tolist()


def identify(telltale, samples, labels, *options):
    """Runs the command on a file of answers: a dictionary or a list of labels by sample, or its text."""
    if isinstance(labels, list):
        labels = dict(enumerate(labels))
    if isinstance(labels, dict):
        labels = "sample,label\n" + "".join(f"{sample},{'' if label is None else label}\n" for sample, label in labels.items())
    path = samples.parent / "answers.csv"
    path.write_text(labels, encoding="utf-8")
    return telltale("identify", samples, path, *options)


# ---- identify

@pytest.mark.parametrize("machine", MACHINES)
def test_a_known_machine_is_named(telltale, samples, machine):
    told = identify(telltale, samples, labels_of(samples, machine))
    assert told.code == IDENTIFIED, told.text
    # 39 answers against an unknown machine's 2^-40.
    assert told.out.splitlines()[0] == f"{machine}, with confidence 1 - 9e-13: 40 of 40 answers are its own"
    rows = [line.split() for line in told.out.splitlines()]
    assert [machine, "40", "of", "40", "1", "-", "9e-13"] in rows
    for other in set(MACHINES) - {machine}:
        assert [other, "20", "of", "40"] in [row[:4] for row in rows]


def test_as_json_it_is_the_same(telltale, samples):
    labels = labels_of(samples, "zen")
    told = identify(telltale, samples, {sample: labels[sample] for sample in range(0, 40, 4)}, "--json", "--confidence", "0.995",
                    "--error-rate", "0.02")
    found = json.loads(told.out)
    assert told.code == IDENTIFIED
    assert (found["verdict"], found["nearest"], found["answers"], found["missing"]) == ("known", ["zen"], 10, 0)
    assert (found["neither"], found["alike"], found["more_answers"]) == ([], [], 0)
    assert found["posterior"] == pytest.approx(1 / (1 + 2**-10), abs=1e-6)
    assert (found["confidence_required"], found["error_rate"], found["samples"]) == (0.995, 0.02, 40)
    assert sum(machine["posterior"] for machine in found["machines"]) + found["unknown_posterior"] == pytest.approx(1)


def test_one_wrong_answer_is_borne(telltale, samples):
    labels = labels_of(samples, "haswell")
    labels[12] = counting(samples, "contrast_label")[12].item()
    told = identify(telltale, samples, labels)
    assert told.code == IDENTIFIED, told.text
    assert "39 of 40 answers are its own" in told.out


def test_answers_of_no_known_machine_are_unknown(telltale, samples):
    told = identify(telltale, samples, counting(samples, "identifying_label").tolist())
    assert told.code == NOT_IDENTIFIED
    assert told.out.startswith("unknown, with confidence 1 - "), told.out
    assert "no known machine fits; nearest is sandybridge, haswell, skylakex or zen, with 10 of 40 answers" in told.out


def test_labels_that_no_machine_gives_are_unknown_and_said(telltale, samples):
    third = (3 - counting(samples, "identifying_label") - counting(samples, "contrast_label")).tolist()
    told = identify(telltale, samples, dict(enumerate(third[:5])))
    assert told.code == NOT_IDENTIFIED
    assert told.out.startswith("unknown, ")
    assert "labels that no known machine gives, for samples 0, 1, 2, 3 and 4: a wrong model, a wrong preprocessing" in " ".join(told.out.split())


def test_few_answers_are_undecided_and_say_how_many_more(telltale, samples):
    labels = labels_of(samples, "zen")
    told = identify(telltale, samples, {sample: labels[sample] for sample in (0, 10, 20, 30)})
    assert told.code == NOT_IDENTIFIED
    # Against an unknown machine's 2^-4; three more halve it to less than 0.01.
    assert told.out.startswith("undecided: nearest is zen, with 4 of 4 answers and posterior 0.94"), told.out
    assert "3 more answers of zen, to samples that identify it, would decide" in told.out


def test_machines_that_the_answers_do_not_tell_apart_are_named_together(telltale, samples):
    labels = labels_of(samples, "zen")
    told = identify(telltale, samples, {sample: labels[sample] for sample in range(20)})  # of sandybridge and haswell
    assert told.code == NOT_IDENTIFIED
    assert told.out.startswith("skylakex or zen, with confidence 1 - "), told.out
    assert "not told apart by the samples that were answered: skylakex and zen" in told.out
    assert "1 more answer of one machine, to a sample that identifies it, would decide" in told.out


def test_missing_answers_are_counted(telltale, samples):
    labels = labels_of(samples, "skylakex")
    labels[3] = labels[25] = None
    told = identify(telltale, samples, labels)
    assert told.code == IDENTIFIED
    assert "38 of 38 answers are its own" in told.out and "2 samples listed without an answer" in told.out


def test_no_answer_at_all_is_undecided(telltale, samples):
    told = identify(telltale, samples, [None] * 40)
    assert told.code == NOT_IDENTIFIED and told.out.startswith("undecided: no sample has an answer")


def assert_refused(told, *words):
    assert told.code == UNUSABLE_INPUT, told.text
    assert told.out == ""
    for word in words:
        assert word in told.err, told.err


@pytest.mark.parametrize("text, words", [
    ("sample,label\n0,1\n40,1\n", ["answers.csv:3: there is no sample 40", "0 to 39"]),
    ("0,1\n0,2\n", ["answers.csv:2: sample 0 has the label 2 here, and 1 in line 1"]),
    ("0,3\n", ["answers.csv:1: there is no label 3: the classes are 0 to 2"]),
    ("0,1\nhello\n", ["answers.csv:2: 'hello' is no answer"]),
], ids=["foreign sample", "two labels", "no class", "garbage"])
def test_bad_answers_are_refused_with_file_and_line(telltale, samples, text, words):
    assert_refused(identify(telltale, samples, text), *words)


def test_a_form_for_other_samples_is_refused(telltale, samples, colour_samples, tmp_path):
    export(telltale, colour_samples, tmp_path / "out")
    assert_refused(telltale("identify", samples, tmp_path / "out" / "answers.csv"), "answers.csv:1: this is a form for other samples")


def test_the_same_answer_twice_is_one(telltale, samples):
    assert "1 of 40 samples answered" in identify(telltale, samples, "0,1\n0,1\n").out


@pytest.mark.parametrize("options, words", [
    (["--confidence", "1"], ["a confidence is above 0.5 and below 1"]),
    (["--confidence", "much"], ["--confidence: 'much' is not a number"]),
    (["--error-rate", "0"], ["an error rate is above 0 and below 0.5"]),
    (["--unknown-prior", "1"], ["the prior of an unknown machine is 0 to below 1"]),
    (["--colour", "red"], ["colour", "telltale identify --help"]),
], ids=" ".join)
def test_bad_options_are_refused(telltale, samples, options, words):
    assert_refused(identify(telltale, samples, "0,1\n", *options), *words)


def test_what_holds_no_samples_is_refused(telltale, finished_study, tmp_path):
    (tmp_path / "a.csv").write_text("0,1\n")
    for command in ("identify", "export"):
        assert_refused(telltale(command, finished_study.output, tmp_path / "a.csv"), "no boundary samples", "experiment = boundary")
        unverified = write_samples(tmp_path / "unverified.h5", "unverified")
        assert_refused(telltale(command, unverified, tmp_path / "a.csv"), "48 of 56 searches succeeded, but no sample has been verified")
        assert_refused(telltale(command, tmp_path / "none.h5", tmp_path / "a.csv"), "there is no results file")
        assert_refused(telltale(command, unverified), f"telltale {command} needs a RESULTS.h5 and a", "1 given")
    assert_refused(telltale("identify", write_samples(tmp_path / "x.h5"), tmp_path / "none.csv"), "cannot read the answers", "none.csv")


# ---- export

def decode_png(data):
    """The pixels of an 8-bit grey or RGB PNG: rows x columns x channels."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks.append((kind, content))
        at += 12 + length
    assert chunks[-1][0] == b"IEND"
    columns, rows, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, interlaced) == (8, 0) and colour in (0, 2)
    channels = 3 if colour else 1
    raw = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
    width = columns * channels
    pixels = np.zeros((rows, width), dtype=int)
    for row in range(rows):
        begin = row * (width + 1)
        kind, line = raw[begin], raw[begin + 1:begin + 1 + width]
        for i in range(width):
            left = pixels[row, i - channels] if i >= channels else 0
            up = pixels[row - 1, i] if row else 0
            corner = pixels[row - 1, i - channels] if row and i >= channels else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            pixels[row, i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[kind]) % 256
    return pixels.reshape(rows, columns, channels).astype(np.uint8)


def manifest(folder):
    with open(folder / "manifest.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def export(telltale, samples, folder, *options):
    told = telltale("export", samples, folder, *options)
    assert told.code == ALL_DONE, told.text
    return told, manifest(folder)


@pytest.mark.parametrize("kind, channels", [("samples", 1), ("colour_samples", 3)])
def test_png_files_give_back_every_bit(telltale, request, tmp_path, kind, channels):
    samples = request.getfixturevalue(kind)
    told, rows = export(telltale, samples, tmp_path / "out")
    assert "20 samples of 40" in told.out and "20 samples skipped: not on the 8-bit grid" in told.out
    assert len(rows) == 20 and {row["grid"] for row in rows} == {"8-bit"}
    stored = counting(samples, "sample")
    for row in rows:
        pixels = decode_png((tmp_path / "out" / row["file"]).read_bytes())
        assert pixels.shape == (6, 9, channels)
        values = pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        assert values.tobytes() == stored[int(row["sample"])].tobytes()


def test_npy_is_read_by_numpy(telltale, samples, tmp_path):
    _, rows = export(telltale, samples, tmp_path / "out", "--format", "npy")
    array = np.load(tmp_path / "out" / "samples.npy")
    assert array.dtype == np.float32 and array.shape == (40, 1, 6, 9)
    assert array.tobytes() == counting(samples, "sample").tobytes()
    assert [int(row["position"]) for row in rows] == list(range(40))
    with open(tmp_path / "out" / "samples.npy", "rb") as file:
        assert file.read(10)[:8] == b"\x93NUMPY\x01\x00" and (10 + len(file.readline())) % 64 == 0


def test_raw_files_have_their_shape_beside_them(telltale, colour_samples, tmp_path):
    export(telltale, colour_samples, tmp_path / "out", "-f", "raw", "--machine", "zen")
    told = json.loads((tmp_path / "out" / "samples.json").read_text())
    assert told["shape"] == [3, 6, 9] and told["dtype"] == "<f4" and told["model"] == "a" * 64
    stored = counting(colour_samples, "sample")
    assert [entry["sample"] for entry in told["samples"]] == list(range(30, 40))
    for entry in told["samples"]:
        assert (tmp_path / "out" / entry["file"]).read_bytes() == stored[entry["sample"]].tobytes()


def test_of_two_machines_each_is_identified_by_every_sample(telltale, tmp_path):
    pair = write_samples(tmp_path / "pair.h5", "pair")
    for machine in ("sandybridge", "haswell"):
        _, rows = export(telltale, pair, tmp_path / machine, "-f", "npy", "--machine", machine)
        assert len(rows) == 10


def test_the_manifest_says_what_each_file_is(telltale, samples, tmp_path):
    _, rows = export(telltale, samples, tmp_path / "out", "--where", "target=haswell, image=5")
    assert rows == [{"sample": "18", "file": "sample-000018.png", "position": "0", "search": "telltale", "versus": "all, of them",
                     "target": "haswell", "grid": "8-bit", "image": "5", "psnr": rows[0]["psnr"], "identifies": "haswell",
                     "identifying_label": "0", "contrast_label": "1"}]
    assert float(rows[0]["psnr"]) == counting(samples, "psnr")[18]


def test_the_form_filled_in_identifies(telltale, samples, tmp_path):
    _, rows = export(telltale, samples, tmp_path / "out", "--set", "identifying", "--redundancy", "2")
    assert {machine: sum(row["identifies"] == machine for row in rows) for machine in MACHINES} == dict.fromkeys(MACHINES, 2)
    form = tmp_path / "out" / "answers.csv"
    assert telltale("identify", samples, form).out.startswith("undecided: no sample has an answer")
    labels = labels_of(samples, "skylakex")
    form.write_text("".join(f"{line}{labels[int(line[:-1])]}\n" if line[:-1].isdigit() else f"{line}\n"
                            for line in form.read_text().splitlines()))
    told = telltale("identify", samples, form)
    assert told.code == IDENTIFIED and told.out.startswith("skylakex, with confidence 0.99"), told.text
    assert "8 of 8 answers are its own" in told.out


def test_an_identifying_set_has_the_best_worst_psnr(telltale, samples, tmp_path):
    _, rows = export(telltale, samples, tmp_path / "out", "-f", "npy", "--set", "identifying", "--redundancy", "1")
    identified, psnr = counting(samples, "identified").astype(str), counting(samples, "psnr")
    assert len(rows) == 4
    assert min(float(row["psnr"]) for row in rows) == min(psnr[identified == machine].max() for machine in MACHINES)


def test_of_several_networks_one_must_be_selected(telltale, tmp_path):
    several = write_samples(tmp_path / "networks.h5", "networks")
    choices = "--where selects it, of epochs=5, epochs=9"
    assert_refused(telltale("export", several, tmp_path / "out"), choices)
    assert_refused(telltale("export", several, tmp_path / "out", "--where", "grid=8-bit"), choices)
    told, rows = export(telltale, several, tmp_path / "out", "-f", "npy", "--where", "epochs=9")
    assert len(rows) == 40 and {row["epochs"] for row in rows} == {"9"}
    assert '--where "epochs=9"' in told.out
    form = tmp_path / "out" / "answers.csv"
    assert_refused(telltale("identify", several, form), choices)
    assert_refused(telltale("identify", several, form, "--where", "epochs=5"), "this is a form for other samples")
    assert telltale("identify", several, form, "--where", "epochs=9").out.startswith("undecided: no sample has an answer")


def test_nothing_is_overwritten(telltale, samples, tmp_path):
    (tmp_path / "mine").write_text("kept")
    assert_refused(telltale("export", samples, tmp_path), "is not empty: nothing in it is overwritten")
    assert_refused(telltale("export", samples, tmp_path / "mine"), "is no folder")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("options, words", [
    (["--format", "gif"], ["there is no format gif: png, raw or npy"]),
    (["--set", "some"], ["--set: some is not all or identifying"]),
    (["--machine", "pentium"], ["there is no machine pentium in these results: sandybridge, haswell, skylakex, zen"]),
    (["--set", "identifying", "--redundancy", "6"], ["fewer than 6 identify sandybridge (5), haswell (5), skylakex (5), zen (5)"]),
    (["--redundancy", "0"], ["--redundancy"]),
    (["--where", "grid=float"], ["none of 20 samples can be a PNG", "--format npy or raw"]),
    (["--where", "colour=red"], ["'colour=red' selects no samples", "search, versus, target, grid, image"]),
], ids=" ".join)
def test_bad_export_options_are_refused_and_leave_nothing(telltale, samples, tmp_path, options, words):
    assert_refused(telltale("export", samples, tmp_path / "out", *options), *words)
    assert list(tmp_path.iterdir()) == []
