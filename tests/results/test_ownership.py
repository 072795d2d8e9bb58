"""Experiment ownership, end to end: every watermark meets every attack, and the report says what is left of it."""

import csv

import numpy as np
import pytest
import xarray as xr

from studies import SMALL_OWNERSHIP

MARKED = ["content", "unrelated", "noise", "new-label", "noise-backdoor", "aime", "telltale"]
ATTACKS = ["prune", "fine-tune", "fine-prune", "quantise", "weight-noise", "weight-shift", "overwrite", "extract", "adaptive-extract", "combine",
           "remove-class", "smooth", "input-noise", "jpeg", "reject"]
CONTROLS = ["scratch"]


@pytest.fixture(scope="module")
def study(finished):
    return finished("ownership")


def group(study, name):
    return xr.open_dataset(study.output, group=name).squeeze("repeat")


def keys_kept(data):
    """The share of new key samples, or of those trained on where a scheme has no others."""
    return data.key_accuracy.where(data.key_accuracy.notnull(), data.key_accuracy_trained)


@pytest.mark.parametrize("attack", [*ATTACKS, *CONTROLS])
def test_every_watermark_is_asked_after_every_attack(study, attack):
    data = group(study, attack)
    assert data.accuracy.notnull().all() and keys_kept(data.sel(scheme=MARKED)).notnull().all()
    assert ((data.keys_trained > 0) == (data.scheme != "clean")).all()


def test_what_an_attack_measures_beside_the_watermark_is_there(study):
    assert group(study, "extract").agreement.notnull().all()
    adaptive = group(study, "adaptive-extract")
    assert adaptive.agreement.notnull().all() and ((adaptive.corrected >= 0) & (adaptive.corrected <= 1)).all()
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
    drawn = ["noise", "new-label", "noise-backdoor", "unrelated", "telltale"]  # the others' keys are chosen, and no secret decides them
    for data in (group(study, name) for name in ("train", "prune", "overwrite")):
        marked = data.sel(scheme=MARKED)
        assert (marked.claim_queries > 0).all() and (marked.claim_matches <= marked.claim_queries).all()
        alike = marked.sel(scheme=[scheme for scheme in MARKED if scheme != "telltale"])  # whose queries do not weigh alike
        np.testing.assert_array_equal(alike.claim_score, alike.claim_matches)
        assert (data.p_key.notnull().any([d for d in data.p_key.dims if d != "scheme"]) == data.scheme.isin(drawn)).all()
        assert (data.p_labels.notnull().any([d for d in data.p_labels.dims if d != "scheme"]) == (data.scheme == "unrelated")).all()
        # Two null models say at best 1/3: nothing is proven by them, and what they say at best is unresolved.
        assert not (data.verdict == "proven").any()
        open_ = marked.verdict == "unresolved"
        assert ((marked.p_model.fillna(0) < 0.34) | ~open_).all() and ((marked.p_key.fillna(0) <= 0.01) | ~open_).all()
        assert (data.verdict.sel(scheme="clean") == "").all()


def test_null_models_are_asked_every_key_and_are_nobodys(study):
    nulls, marked = group(study, "null"), group(study, "train")
    told = [scheme for scheme in MARKED if scheme != "new-label"]  # networks without the label say nothing of it
    assert (nulls.claim_matches.sel(scheme=told) >= 0).all() and (nulls.claim_matches.sel(scheme=["clean", "new-label"]) == -1).all()
    assert nulls.sizes["null_model"] == 2 and list(nulls.null_stratum.values) == ["same", "structure", "data", "marked"]
    ranks = (1 + (nulls.claim_score >= marked.claim_score).sum("null_model")) / 3
    by_score = [scheme for scheme in told if scheme != "telltale"]  # which counts two things, each by its spread
    np.testing.assert_allclose(marked.p_model_by_stratum.sel(scheme=by_score), ranks.sel(scheme=by_score).transpose(*marked.p_model_by_stratum.dims))
    assert (np.round(3 * marked.p_model_by_stratum.sel(scheme="telltale"), 9).isin([1, 2, 3])).all()
    np.testing.assert_allclose(marked.p_model, marked.p_model_by_stratum.max("null_stratum"))


def test_a_claim_is_told_at_every_number_of_queries(study):
    for name in ("train", "prune"):
        data = group(study, name).sel(scheme=MARKED)
        worst = np.fmax(np.fmax(data.p_key, data.p_labels), data.p_model)
        whole = data.claim_queries == 20  # of schemes that have so many
        np.testing.assert_allclose(data.claim_p.isel(claim_size=-1).where(whole), worst.where(whole))
        assert (data.claim_p.isnull() == (data.claim_size > data.claim_queries)).all()


def test_false_claims_pass_fewer_and_fewer_standards(study):
    claims = group(study, "false-claims")
    passed = [claims[f"passes_{name}"] for name in ("raw", "regeneration", "secrets", "nulls", "commitment")]
    for harder, easier in zip(passed[1:], passed):
        assert (harder <= easier).all()
    # Null models are asked last; of a label that they do not have they say nothing.
    assert ((claims.p_model.notnull()) == ((claims.passes_secrets == 1) & (claims.scheme != "new-label"))).all()
    assert (claims.p_model.notnull()).any()
    made = claims.claim_queries > 0
    assert made.sel(forgery=["answers", "secrets", "transfer", "transfer-untargeted"]).all()
    answers = claims.sel(forgery="answers")  # claimed as it was answered
    assert (answers.claim_matches == answers.claim_queries).all() and (answers.passes_raw == 1).all()
    for forgery in ("answers", "transfer", "transfer-untargeted"):
        assert (claims.passes_regeneration.sel(forgery=forgery) == 0).all(), "what no secret makes is no key"
    for forgery in ("answers", "settings", "secrets"):
        assert not (claims.passes_commitment.sel(forgery=forgery) == 1).any(), "nobody commits to what he has not seen yet"
    assert ((claims.claim_matches_before >= 0) == (made & (claims.forgery == "overwrite"))).all()
    assert (claims.tries.sel(forgery="secrets", scheme="noise") == 5).all() and (claims.tries.sel(forgery="settings", scheme="content") == 90).all()
    # Where everything is chosen, the best choice is no worse than the claimant's first.
    chosen = claims.sel(scheme=["content"])
    share = chosen.claim_matches / chosen.claim_queries
    assert (share.sel(forgery="settings") >= share.sel(forgery="secrets")).all()


def test_every_machine_reads_every_watermark(study):
    machines = group(study, "machines")
    assert (machines.claim_matches >= 0).all() and (machines.claim_matches <= machines.claim_queries).all()
    if machines.sizes["environment"] == 1:
        pytest.skip("this CPU runs one environment alone")
    assert (machines.labels_part >= 0).all() and (machines.labels_part <= machines.bits_part).all()
    assert ((machines.bits_part > 0) == (machines.first_layer != "")).all()
    # Where they part in no label, they agree on every claim.
    agreed = machines.where(machines.labels_part == 0)
    np.testing.assert_array_equal(agreed.claim_matches.max("environment"), agreed.claim_matches.min("environment"))


def test_the_report_says_what_claims_are_worth(study, telltale):
    text = telltale("report", study.output).out
    for title in ("Every scheme in one line", "How often a claim is proven", "False claims that pass", "Does a watermark read the same on every machine?"):
        assert title in text


def test_the_report_has_a_row_for_every_pair(study, telltale):
    text = telltale("report", study.output).out
    table = text[text.index("What every attack leaves of every watermark"):].split("\n\n")[0]
    rows = {tuple(line.split()[:2]) for line in table.splitlines()}
    assert {(attack, scheme) for attack in ATTACKS for scheme in MARKED} <= rows


def test_every_attack_leads_to_how_long_it_took(study, telltale):
    tasks, run = (xr.open_dataset(study.output, group=name) for name in ("tasks", "run"))
    seconds = dict(zip(tasks.identity.values, run.seconds.values))
    for attack in ATTACKS + CONTROLS:
        names = group(study, attack).attack_task.values.ravel()
        assert len(set(names)) == len(names) and all(seconds[name] > 0 for name in names)
    text = telltale("report", study.output, "--format", "csv").out
    table = [row for row in csv.reader(text.splitlines()) if row and row[0] == "What every attack leaves of every watermark"]
    at, scratch = table[0].index("seconds"), next(row for row in table if row[1:3] == ["scratch", "noise"])
    assert scratch[at] == f"{seconds[group(study, 'scratch').attack_task.sel(scheme='noise').item()]:.1f}"


def test_attacks_that_are_combined_have_to_be_there(refused):
    job = {**SMALL_OWNERSHIP, "tune": ""}
    lines = "".join(f"{key.replace('_', '-')} = {', '.join(map(str, value)) if isinstance(value, list) else value}\n" for key, value in job.items())
    refused(lines, "combine: fine-tune takes no place without `tune`")
