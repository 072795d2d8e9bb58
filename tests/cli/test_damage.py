"""Damaged and lost files of a study: named, never read as if they were whole, and made up for."""

import os
import pathlib
import struct

import h5py
import pytest

from refusals import assert_refused, snapshot
from telltale_runs import ALL_DONE, SOME_FAILED, STOPPED_EARLY, assert_equal_results, write_job

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
    done = telltale("run", finished_study.job, "-o", study_copy)
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
    done = telltale("run", finished_study.job, "-o", study_copy)
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
    telltale.run(finished_study.job, study_copy)
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
    telltale.run(finished_study.job, study_copy)
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
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=2, task_seconds=2)
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


def test_a_training_that_diverges_fails_and_says_what_helps(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", experiment="new-label", dataset="glyphs", train_images=500, test_images=100, network="aime-seq", scheme="clean",
                    optimizer="sgd", learning_rate=1000, batch=10, epochs=3)
    failed = telltale("run", job, "-o", tmp_path / "x.h5")
    assert failed.code == SOME_FAILED, failed.text
    assert "the training diverged: in epoch 1 its loss is not a number; a smaller learning-rate helps, lr-warm-up, or gradient-clip" in failed.text
