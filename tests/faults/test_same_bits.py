"""Guarantee 1: the scientific content of a results file does not depend on how many ranks computed it, or in which order
their profiles stood."""

import h5py
import pytest

from studies import STUDY_OF_EVERY_TASK
from telltale_runs import assert_equal_results, contents, differences, write_job


# ---- numbers of ranks

@pytest.mark.parametrize("ranks", [2, 5])
def test_one_environment_on_more_ranks_gives_the_bits_of_one_process(telltale, job, alone, tmp_path, ranks):
    telltale.run(job, tmp_path / "x.h5", ranks=ranks)
    assert_equal_results(tmp_path / "x.h5", alone)


def test_a_coordinator_that_works_changes_nothing(telltale, job, alone, tmp_path):
    telltale.run(job, tmp_path / "x.h5", "--coordinator-works", "yes", ranks=2)
    assert_equal_results(tmp_path / "x.h5", alone)


def test_mixed_environments_really_differ(mixed):
    with h5py.File(mixed) as file:
        differing = file["predict/differing_images"][()]
    assert differing.max() > 0, "all environments have the same bits: comparing runs of them would show nothing"


@pytest.mark.parametrize("ranks, profiles", [(5, "{1},best,{0},best"), (6, "{0},{0},{1},{1},best")])
def test_mixed_environments_at_other_rank_counts_and_orders(telltale, job, mixed, others, tmp_path, ranks, profiles):
    telltale.run(job, tmp_path / "x.h5", "--profiles", profiles.format(*others), ranks=ranks)
    assert_equal_results(tmp_path / "x.h5", mixed)


def test_trainings_spread_over_mixed_environments_at_other_rank_counts(telltale, job, others, tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    telltale.run(job, tmp_path / "a/x.h5", "--train-on", "spread", "--profiles", f"best,{others[0]}", ranks=3)
    telltale.run(job, tmp_path / "b/x.h5", "--train-on", "spread", "--profiles", f"{others[0]},best,best", ranks=4)
    assert_equal_results(tmp_path / "a/x.h5", tmp_path / "b/x.h5")
    with h5py.File(tmp_path / "a/x.h5") as file:
        trained_on = set(file["tasks/environment"][()][file["tasks/kind"][()] == b"train"])
    assert len(trained_on) == 2, "the trainings of eight cases all fell on one environment"


# ---- sharing

def test_another_job_file_takes_over_the_models_it_shares(telltale, job, alone, tmp_path):
    first = write_job(tmp_path / "first.ini", **{**STUDY_OF_EVERY_TASK, "alpha": 0.02, "prune_rate": []})
    telltale.run(first, tmp_path / "first.h5", "--artifacts", tmp_path / "shared")
    shared = telltale.run(job, tmp_path / "second.h5", "--artifacts", tmp_path / "shared", ranks=2)
    # Two repeats of the new label at one alpha, and of the clean network, which has no alpha.
    assert "4 tasks taken from the artifacts of other studies" in shared.out
    assert_equal_results(tmp_path / "second.h5", alone)
    planned = telltale("plan", first, "--artifacts", tmp_path / "shared")
    assert [line.split()[1:3] for line in planned.out.splitlines() if line.startswith("  train")] == [["4", "4"]]


def test_a_lost_journal_costs_no_training(telltale, job, alone, tmp_path):
    telltale.run(job, tmp_path / "x.h5")
    (tmp_path / "x.h5").unlink()
    (tmp_path / "x.h5.journal").unlink()
    again = telltale.run(job, tmp_path / "x.h5")
    assert "6 tasks taken from the artifacts" in again.out
    assert_equal_results(tmp_path / "x.h5", alone)


def test_the_comparison_itself_sees_a_single_bit(alone, tmp_path):
    changed = tmp_path / "changed.h5"
    changed.write_bytes(alone.read_bytes())
    with h5py.File(changed, "r+") as file:
        logits = file["predict/logits"][()]
        logits.view("u4").flat[-1] ^= 1
        file["predict/logits"][...] = logits
        file["train"].attrs["description"] = "another"
    assert differences(contents(alone), contents(changed)) == ["predict/logits", "train@description"]
