"""Figures of claims, of the small study of experiment ownership."""

import copy
import re
import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

import telltale
from drawn import MARKED, drawn_lines
from telltale.figures import figure_named
from telltale.figures.drawing import NothingToDraw


@pytest.fixture(scope="module")
def ownership_read(finished):
    study = telltale.open(finished("ownership").output)
    for group in study:
        study[group]  # reading takes longer than all else
    return study


@pytest.fixture
def claimed(ownership_read):
    """The small study of experiment ownership, to be changed in memory."""
    return copy.deepcopy(ownership_read)


def of_claims(study, scheme, networks, variable):
    """Claims x whatever is stored of each: of the only trained network, or of every attack's settings that leave 90% of its accuracy."""
    before = study["train"].accuracy_second_half.sel(scheme=scheme).item()
    attacks = [group for group in study if group != "train" and "claim_p" in study[group]]
    assert len(attacks) > 10
    found = []
    for attack in attacks if networks == "attacked" else ["train"]:
        group = study[attack].sel(scheme=scheme)
        accuracy = group.accuracy_second_half.values.ravel()
        found.append(group[variable].values.reshape(len(accuracy), -1)[accuracy >= 0.9 * before])
    return np.concatenate(found)


def draw_other_p_values(study, names, values, seed=7):
    """In memory, where some are stored: small studies prove nothing."""
    stream = np.random.default_rng(seed)
    for group in study:
        for name in names:
            if name in study[group] and "claim_p" in study[group]:
                stored = study[group][name].values
                stored[...] = np.where(np.isnan(stored), np.nan, stream.choice(values, stored.shape))


def test_the_power_of_claims_is_the_share_of_stored_p_values_of_one_percent(claimed):
    draw_other_p_values(claimed, ["claim_p"], [0.001, 0.01, 0.02, 0.9])
    drawing = figure_named("claims-power").draw(claimed)
    lines, sizes = drawn_lines(drawing), claimed["train"].claim_size.values
    data = {labels: part for labels, part in drawing.data.groupby(["networks", "scheme"])}
    assert set(lines) == {(networks, scheme) for networks in ("unattacked", "attacked") for scheme in MARKED}
    for networks, scheme in lines:
        p = of_claims(claimed, scheme, networks, "claim_p")
        asked = ~np.isnan(p).all(axis=0)  # some keys have few samples
        shares = (p[:, asked] <= 0.01).mean(axis=0)
        np.testing.assert_allclose(lines[networks, scheme][0], [sizes[asked], 100 * shares])
        stored = data[networks, scheme]
        assert list(stored["queries"]) == list(sizes[asked]) and set(stored["claims"]) == {len(p)}
        np.testing.assert_allclose(stored["share"], shares)
    assert len(lines["unattacked", "aime"][0][0]) == 2 < len(sizes) and drawing.data["share"].nunique() > 5
    at_most = data["attacked", "noise-backdoor"].iloc[-1]
    assert "noise-backdoor with 20 queries" in drawing.description
    assert f"{at_most['proven']:.0f} of {at_most['claims']:.0f} attacked" in drawing.description
    assert "With 2 null models p is at least 0.33" in drawing.caption and "decoys p is" not in drawing.caption


def test_curves_of_claims_pass_as_many_as_stored_and_begin_where_p_can_be(claimed):
    draw_other_p_values(claimed, ["p_key"], [0.01, 0.02, 0.4, 1])
    draw_other_p_values(claimed, ["p_labels"], [0.0001, 0.5])
    draw_other_p_values(claimed, ["p_model"], [1 / 3, 2 / 3, 1], seed=8)
    drawing = figure_named("claims-roc").draw(claimed)
    lines = drawn_lines(drawing)
    curves = {(test, *series.split(", ")) for test, series in lines if ", " in series}
    assert curves == {(test, scheme, networks) for networks in ("unattacked", "attacked") for test, schemes in (
        ("by the secret", ["unrelated", "noise", "new-label", "noise-backdoor", "telltale"]), ("by null models", [one for one in MARKED if one != "new-label"]))
        for scheme in schemes}
    for test, scheme, networks in curves:
        p = of_claims(claimed, scheme, networks, "p_model")
        if test == "by the secret":
            p = np.fmax(of_claims(claimed, scheme, networks, "p_key"), of_claims(claimed, scheme, networks, "p_labels"))
        (levels, shares), *dots = lines[test, f"{scheme}, {networks}"]
        assert levels[0] == (1 / 100 if test == "by the secret" else 1 / 3) and levels[-1] == 1
        assert set(np.unique(p)) <= set(levels)
        np.testing.assert_allclose(shares, [100 * (p <= level).mean() for level in levels])
        # 99 decoys can say 1%, two null models cannot.
        assert [dot.tolist() for dot in dots] == ([[[0.01], [shares[0]]]] if test == "by the secret" else [])
    assert {scheme for _, scheme, _ in curves} == set(MARKED) and ("by null models", "level 1%") in lines


def test_curves_of_claims_begin_later_where_a_stratum_has_fewer_null_models(claimed):
    claimed["null"].claim_matches.sel(scheme="noise", null_stratum="data", null_model=1).values[...] = -1
    lines = drawn_lines(figure_named("claims-roc").draw(claimed))
    assert lines["by null models", "noise, attacked"][0][0][0] == 1 / 2 and lines["by null models", "content, attacked"][0][0][0] == 1 / 3


def test_null_models_stand_beside_the_claims_that_they_are_compared_with(claimed):
    drawing = figure_named("claims-null").draw(claimed)
    lines, data = drawn_lines(drawing), drawing.data.set_index(["scheme", "networks"])
    train, null = claimed["train"], claimed["null"]
    for scheme in MARKED:
        own, asked = (train[name].sel(scheme=scheme).item() for name in ("claim_matches", "claim_queries"))
        np.testing.assert_allclose(lines[scheme, "claimed network"], [[[100 * own / asked], [4]]])
        if scheme == "new-label":
            assert (scheme, "null models") not in lines and (null.claim_matches.sel(scheme=scheme) == -1).all()
            continue
        drawn = iter(lines[scheme, "null models"])
        for row, stratum in enumerate(["same", "structure", "data", "marked"]):
            low, high = 100 * np.sort(null.claim_matches.sel(scheme=scheme, null_stratum=stratum).values.ravel()) / asked
            # Of two the lower one is the median.
            expected = [[[low, high], [row, row]], [[low, high], [row, row]], [[low], [row]], [[high], [row]]]
            for one in expected:
                np.testing.assert_allclose(next(drawn), one)
            stored = data.loc[(scheme, stratum)]
            assert [stored[name] for name in ("answers", "least", "median", "largest")] == pytest.approx([2, low, low, high])
    assert "or not yet: new-label." in drawing.caption and "aime 50% and 100%" in drawing.description
    claimed["null"].claim_matches.values[...] = -1
    with pytest.raises(NothingToDraw, match="no null model has been asked yet"):
        figure_named("claims-null").draw(claimed)


def test_false_claims_are_counted_as_stored_over_repeats(claimed, tmp_path):
    group = claimed["false-claims"]
    names = ["raw", "regeneration", "secrets", "nulls", "commitment"]
    stream, repeats = np.random.default_rng(3), []
    for repeat in range(3):
        changed = group.assign_coords(repeat=[repeat]).copy(deep=True)
        for name in names:
            stored = changed[f"passes_{name}"].values
            stored[...] = np.where(stored < 0, -1, stream.integers(0, 2, stored.shape))
        repeats.append(changed)
    repeats[0]["passes_raw"].loc[dict(scheme="noise", forgery="answers")] = -1
    shutil.copyfile(claimed.path, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        del file["false-claims"]
    xr.concat(repeats, "repeat").to_netcdf(tmp_path / "x.h5", mode="a", group="false-claims", engine="h5netcdf")
    drawing = figure_named("false-claims").draw(telltale.open(tmp_path / "x.h5"))
    assert [panel.get_title(loc="left") for panel in drawing.figure.axes] == ["marked network", "clean network"]
    rows = list(dict.fromkeys(zip(drawing.data["scheme"], drawing.data["forgery"])))
    columns = ["scheme", "forgery", "suspect", "standard", "claims", "passing"]
    cells = {cell[:4]: cell[4:] for cell in drawing.data[columns].itertuples(index=False, name=None)}
    assert len(rows) == 41 and ("aime", "overwrite") not in rows  # a key of four digits cannot be embedded so
    for panel in drawing.figure.axes:
        suspect = panel.get_title(loc="left").split()[0]
        texts = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in panel.texts if text.get_text() != "none"}
        squares = {(round(one.get_y() + 0.5), round(one.get_x() + 0.5)): one for one in panel.patches}
        assert set(texts) == set(squares) and sum(text.get_text() == "none" for text in panel.texts) == 1
        for row, (scheme, forgery) in enumerate(rows):
            for column, name in enumerate(names):
                stored = np.array([one[f"passes_{name}"].sel(scheme=scheme, forgery=forgery, suspect=suspect).item() for one in repeats])
                stored = stored[stored >= 0]
                if not len(stored):
                    assert (row, column) not in texts and (scheme, forgery, suspect, name) not in cells
                    continue
                assert texts[row, column] == f"{stored.sum()}/{len(stored)}" and cells[scheme, forgery, suspect, name] == (len(stored), stored.sum())
                assert f"{scheme}, {forgery}, {suspect} network: {stored.sum()} of {len(stored)} claims pass {name}" in squares[row, column].get_gid()
    assert cells["noise", "answers", "clean", "raw"][0] == 2


def test_claims_on_machines_are_one_line_where_they_agree_and_one_each_where_not(claimed):
    group = claimed["machines"]
    rates, environments = group.machines_prune_rate.values, [str(one) for one in group.environment.values]
    shares = 100 * group.claim_matches / group.claim_queries
    same = drawn_lines(figure_named("claims-machines").draw(claimed))
    assert set(same) == {(scheme, "both environments") for scheme in MARKED}
    for scheme in MARKED:
        np.testing.assert_allclose(same[scheme, "both environments"][0], [rates, shares.sel(scheme=scheme).isel(environment=0).values.ravel()])
    at = dict(scheme="noise", environment=environments[1], machines_prune_rate=rates[1])
    group.claim_matches.loc[at], group.labels_part.loc[dict(scheme="noise", machines_prune_rate=rates[1])] = 2, 2
    group.verdict.loc[at] = "proven"
    drawing = figure_named("claims-machines").draw(claimed)
    lines = drawn_lines(drawing)
    assert {series for scheme, series in lines if scheme == "noise"} == {*environments, "verdicts differ"}
    np.testing.assert_allclose(lines["noise", environments[0]][0], [rates, [0, 0]])
    np.testing.assert_allclose(lines["noise", environments[1]][0], [rates, [0, 100]])
    np.testing.assert_allclose(lines["noise", "verdicts differ"][0], [[rates[1]], [50]])
    assert ("noise", "both environments") not in lines and ("content", "both environments") in lines
    asked = int(group.claim_queries.max("environment").sum())
    assert f"Labels part on 2 of {asked} queries (noise 2)" in drawing.description and "Verdicts differ on 1 of 14 networks." in drawing.description


def test_without_claims_nothing_is_drawn_of_them_and_the_reason_is_said(claimed, tmp_path):
    shutil.copyfile(claimed.path, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        for group in list(file):
            for name in ("p_key", "p_labels", "p_model", "p_model_by_stratum", "claim_p", "claim_queries", "claim_matches"):
                if name in file[group]:
                    del file[group][name]
        for group in ("null", "false-claims", "machines"):
            del file[group]
    study = telltale.open(tmp_path / "x.h5")
    for name, reason in (("claims-power", "looked at no claims"), ("claims-roc", "looked at no claims"), ("claims-null", "has no group null"),
                         ("false-claims", "has no group false-claims"), ("claims-machines", "has no group machines")):
        with pytest.raises(NothingToDraw, match=reason):
            figure_named(name).draw(study)
    assert len(figure_named("ownership-matrix").draw(study).data)


def test_of_claims_that_no_network_has_met_yet_nothing_is_drawn(claimed):
    draw_other_p_values(claimed, ["claim_p", "p_key", "p_labels", "p_model"], [np.nan])
    for group, names in (("false-claims", [name for name in claimed["false-claims"] if name.startswith("passes_")]), ("machines", ["claim_matches"])):
        for name in names:
            claimed[group][name].values[...] = -1
    for name in ("claims-power", "claims-roc", "false-claims", "claims-machines"):
        with pytest.raises(NothingToDraw, match=f"{re.escape(str(claimed.path))}: .* yet"):
            figure_named(name).draw(claimed)
