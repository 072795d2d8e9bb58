"""Experiment ownership, end to end: every watermark meets every attack, and the report says what is left of it."""

import numpy as np
import pytest
import xarray as xr

from studies import SMALL_OWNERSHIP

MARKED = ["content", "unrelated", "noise", "new-label", "noise-backdoor", "aime"]
ATTACKS = ["prune", "fine-tune", "fine-prune", "quantise", "weight-noise", "weight-shift", "overwrite", "extract", "combine", "remove-class", "smooth",
           "input-noise", "jpeg", "reject"]


@pytest.fixture(scope="module")
def study(finished):
    return finished("ownership")


def group(study, name):
    return xr.open_dataset(study.output, group=name).squeeze("repeat")


def keys_kept(data):
    """The share of new key samples, or of those trained on where a scheme has no others."""
    return data.key_accuracy.where(data.key_accuracy.notnull(), data.key_accuracy_trained)


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_watermark_is_asked_after_every_attack(study, attack):
    data = group(study, attack)
    assert data.accuracy.notnull().all() and keys_kept(data.sel(scheme=MARKED)).notnull().all()
    assert ((data.keys_trained > 0) == (data.scheme != "clean")).all()


def test_what_an_attack_measures_beside_the_watermark_is_there(study):
    assert group(study, "extract").agreement.notnull().all()
    rival = group(study, "overwrite").rival_key_accuracy
    assert rival.sel(scheme=["content", "unrelated", "noise", "new-label", "noise-backdoor"]).notnull().all() and np.isnan(rival.sel(scheme="clean"))
    refused = group(study, "reject")
    assert (refused.refused > 0).all() and (refused.refused_keys_trained.sel(scheme="noise") >= 0).all()
    # What got no answer is right of nothing.
    assert (refused.accuracy <= 1 - refused.refused + 1e-12).all()


def test_a_removed_label_answers_no_more(study):
    removed, before = group(study, "remove-class"), group(study, "train")
    assert float(keys_kept(removed).sel(scheme="new-label", remove_class="extra")) == 0
    same = [scheme for scheme in MARKED if scheme != "new-label"]
    np.testing.assert_array_equal(keys_kept(removed).sel(scheme=same, remove_class="extra").values.ravel(), keys_kept(before).sel(scheme=same).values.ravel())


def test_claims_have_a_verdict_that_follows_from_their_p_values(study):
    drawn = ["noise", "new-label", "noise-backdoor", "unrelated"]  # the others' keys are chosen, and no secret decides them
    for data in (group(study, name) for name in ("train", "prune", "overwrite")):
        marked = data.sel(scheme=MARKED)
        assert (marked.claim_queries > 0).all() and (marked.claim_matches <= marked.claim_queries).all()
        assert (data.p_key.notnull().any([d for d in data.p_key.dims if d != "scheme"]) == data.scheme.isin(drawn)).all()
        assert (data.p_labels.notnull().any([d for d in data.p_labels.dims if d != "scheme"]) == (data.scheme == "unrelated")).all()
        # Two null models say at best 1/3: nothing is proven by them, and what they say at best is unresolved.
        assert not (data.verdict == "proven").any()
        open_ = marked.verdict == "unresolved"
        assert ((marked.p_model < 0.34) | ~open_).all() and ((marked.p_key.fillna(0) <= 0.01) | ~open_).all()
        assert (data.verdict.sel(scheme="clean") == "").all()


def test_null_models_are_asked_every_key_and_are_nobodys(study):
    nulls, marked = group(study, "null"), group(study, "train")
    assert (nulls.claim_matches.sel(scheme=MARKED) >= 0).all() and (nulls.claim_matches.sel(scheme="clean") == -1).all()
    assert nulls.sizes["null_model"] == 2
    ranks = (1 + (nulls.claim_matches >= marked.claim_matches).sum("null_model")) / 3
    np.testing.assert_allclose(marked.p_model.sel(scheme=MARKED), ranks.sel(scheme=MARKED))


def test_the_report_has_a_row_for_every_pair(study, telltale):
    text = telltale("report", study.output).out
    table = text[text.index("What every attack leaves of every watermark"):].split("\n\n")[0]
    rows = {tuple(line.split()[:2]) for line in table.splitlines()}
    assert {(attack, scheme) for attack in ATTACKS for scheme in MARKED} <= rows


def test_attacks_that_are_combined_have_to_be_there(refused):
    job = {**SMALL_OWNERSHIP, "tune": ""}
    lines = "".join(f"{key.replace('_', '-')} = {', '.join(map(str, value)) if isinstance(value, list) else value}\n" for key, value in job.items())
    refused(lines, "combine: fine-tune takes no place without `tune`")
