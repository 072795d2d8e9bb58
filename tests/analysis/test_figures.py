"""Figures, of a small results file of every experiment."""

import copy
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import h5py
import numpy as np
import pytest
import xarray as xr

import telltale
from conftest import ANALYSIS
from telltale.figures import all_figures, figure_named
from telltale.figures.drawing import NothingToDraw
from telltale.figures.svg import VARIABLES, to_svg

from studies import SMALL_BACKDOOR
from telltale_runs import stop, write_job

#: What the papers show, and the study of the small ones that has it.
EXPECTED = {
    "aime": ["aime-fig2", "aime-fig3", "aime-fig4", "aime-weights", "aime-fig5", "aime-capacity", "aime-integrity", "training"],
    "anti-piracy": ["anti-piracy-fig2", "anti-piracy-accuracy", "anti-piracy-input-only", "anti-piracy-pairs", "anti-piracy-fit", "anti-piracy-regain",
                    "anti-piracy-machines"],
    "backdoor": ["backdoor-fig4", "backdoor-fig5", "training", "backdoor-pruning", "fine-tuning", "backdoor-fig8", "backdoor-inversion"],
    "small": ["new-label-fig3", "new-label-fig4", "new-label-queries"],
    "twist": ["new-label-fig2"],
    "boundary": ["boundary-fig5", "boundary-fig6", "boundary-fig7", "boundary-fig8", "boundary-success", "boundary-evaluations", "boundary-psnr"],
    "compare": ["machines-dendrogram", "machines-distance", "machines-first-layer", "machines-classes"],
    "ownership": ["ownership-matrix", "ownership-accuracy-keys", "claims-power", "claims-roc", "claims-null", "false-claims",
                  "claims-machines"],
}
OF_EVERY_RUN = ["run-timeline", "run-utilisation", "run-costs"]


@pytest.fixture(scope="module")
def drawings(study_files):
    """(study's name, kind, drawing) of everything that can be drawn."""
    found = []
    for name, path in study_files.items():
        study = telltale.open(path)
        for kind in all_figures():
            if kind.fits(study):
                try:
                    found.append((name, kind, kind.draw(study)))
                except NothingToDraw:
                    pass
    return found


def test_every_figure_of_the_papers_is_drawn_of_the_study_that_has_it(drawings):
    drawn = {(name, kind.name) for name, kind, _ in drawings}
    wanted = {(study, figure) for study, figures in EXPECTED.items() for figure in [*figures, *OF_EVERY_RUN]}
    assert not wanted - drawn
    # And no figure is in no list.
    assert {kind.name for kind in all_figures()} == {figure for _, figure in wanted}


def test_every_drawing_has_data_a_caption_and_words_for_those_who_cannot_see_it(drawings):
    for name, kind, drawing in drawings:
        where = f"{kind.name} of {name}"
        assert len(drawing.data) and drawing.caption and len(drawing.description) > 20, where
        assert "nan" not in drawing.description and "nan" not in drawing.caption, f"{where}: {drawing.description}"


def test_svgs_are_small_stand_alone_and_equal_each_time(study_files, drawings):
    for name, kind, drawing in drawings:
        svg = to_svg(drawing, kind.name, kind.title)
        root = ET.fromstring(svg)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)) and all(one.startswith(kind.name) for one in ids), kind.name
        used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", svg))
        assert used <= set(ids), f"{kind.name}: {used - set(ids)}"
        assert root.get("role") == "img" and "<metadata" not in svg and len(svg) < 400_000, kind.name
        assert not re.search(r"\d{4}-\d\d-\d\dT", svg), "a date"
    for figure, study in (("new-label-fig3", "small"), ("boundary-fig8", "boundary"), ("run-timeline", "small")):
        once, again = (to_svg(figure_named(figure).draw(telltale.open(study_files[study])), figure, "x") for _ in range(2))
        assert once == again


def test_colours_of_the_palette_are_variables_with_the_colour_itself_for_no_page(drawings):
    _, kind, drawing = next(one for one in drawings if one[1].name == "new-label-fig4")
    svg = to_svg(drawing, kind.name, kind.title)
    assert "var(--c1, #0072b2)" in svg
    for colour in VARIABLES:
        assert not re.search(rf"(?<!, ){colour}", svg), f"{colour} is not a variable"


def test_marks_have_their_values_to_be_read_on_hover(drawings):
    _, kind, drawing = next(one for one in drawings if one[1].name == "new-label-fig4")
    svg = to_svg(drawing, kind.name, kind.title)
    key = drawing.data[(drawing.data["measure"] == "key_accuracy") & (drawing.data["scheme"] == "noise-backdoor")].iloc[0]
    assert f"{key['pruning_rate']:g}: {100 * key['mean']:.2f}%" in "".join(ET.fromstring(svg).itertext())
    assert 'data-series="noise-backdoor' in svg


# ---- what is drawn is what is stored

def drawn_lines(drawing):
    """By the series' name: the points of its lines, all panels together."""
    lines = {}
    for axes in drawing.figure.axes:
        for line in axes.get_lines():
            if str(line.get_gid()).startswith("series|"):
                lines.setdefault((axes.get_title(loc="left"), line.get_gid().split("|")[1]), []).append(np.array(line.get_data(), float))
    return lines


def test_lines_go_through_the_means_of_the_stored_repeats(study_files, drawings):
    _, _, drawing = next(one for one in drawings if one[1].name == "new-label-fig4")
    with xr.open_dataset(study_files["small"], group="prune") as ds:
        stored = ds.key_accuracy.sel(scheme="noise-backdoor", alpha=0.05, prune_scope="global").squeeze().mean("repeat")
    points = drawn_lines(drawing)["new key samples\nprune scope global", "noise-backdoor 0.05"][0]
    np.testing.assert_allclose(points, [stored.pruning_rate.values, 100 * stored.values])


def test_curves_of_trainings_are_the_stored_ones(study_files, drawings):
    drawing = next(drawing for name, kind, drawing in drawings if kind.name == "training" and name == "backdoor")
    with xr.open_dataset(study_files["backdoor"], group="train") as ds:
        stored = ds.epoch_accuracy.sel(scheme="content", embed="joint").squeeze()
    points = drawn_lines(drawing)["test images", "content joint"][0]
    there = np.isfinite(stored.values)
    np.testing.assert_allclose(points, [stored.epoch.values[there], 100 * stored.values[there]])


def test_a_confusion_matrix_has_the_stored_counts(study_files, drawings):
    drawing = next(drawing for _, kind, drawing in drawings if kind.name == "aime-fig2")
    with xr.open_dataset(study_files["aime"], group="confusion") as ds:
        stored = ds.images.sel(scheme="clean", split="train", repeat=0).isel(key_length=0, embed_on=0)
    counts = drawing.data[drawing.data["split"] == "train"].pivot(index="class", columns="answer", values="images")
    np.testing.assert_array_equal(counts.values, stored.transpose("class", "answer").values)


def test_kernels_are_those_of_the_first_network_that_has_some(study_files, tmp_path):
    with xr.open_dataset(study_files["aime"], group="weights") as ds:
        stored = ds.load()
    dense = stored.map(lambda one: one.where(False) if one.dtype.kind == "f" else one)
    both = xr.concat([dense, stored], xr.DataArray(np.array(["aime-seq", "aime-cnn"], object), dims="network", name="network"))
    shutil.copyfile(study_files["aime"], tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        del file["weights"]
    both.to_netcdf(tmp_path / "x.h5", mode="a", group="weights", engine="h5netcdf")
    once, alone = (figure_named("aime-fig4").draw(telltale.open(path)).data for path in (tmp_path / "x.h5", study_files["aime"]))
    assert once.equals(alone) and len(once) > 1


def test_published_numbers_stand_beside_measured_ones(study_files):
    study = telltale.open(study_files["aime"])
    study.constants.update(dataset="mnist", network="aime-cnn")
    drawing = figure_named("aime-fig3").draw(study)
    assert 98.96 in [round(100 * value, 2) for value in drawing.data["published"].dropna()]


def test_attempts_of_a_thief_are_the_stored_ones(study_files, drawings):
    drawing = next(drawing for _, kind, drawing in drawings if kind.name == "anti-piracy-input-only")
    with xr.open_dataset(study_files["anti-piracy"], group="input-only") as ds:
        stored = ds.raw_accuracy.sel(transform="learned").values.ravel()
    drawn = drawing.data[drawing.data["transform"] == "learned"]["raw_accuracy"]
    np.testing.assert_allclose(np.sort(drawn), np.sort(stored))


# ---- every watermark against every attack

MARKED = ["content", "unrelated", "noise", "new-label", "noise-backdoor", "aime", "telltale"]


def accuracy_and_keys(path, attack):
    """What the file has of the only repeat and case, by scheme: accuracies of the attack's settings, and the key samples kept."""
    with xr.open_dataset(path, group=attack) as ds:
        names = ("accuracy_second_half", "key_accuracy", "key_accuracy_trained")
        stored = {scheme: [ds[name].sel(scheme=scheme).values.ravel() for name in names] for scheme in ds.scheme.values}
    return {scheme: (accuracy, np.where(np.isnan(fresh), trained, fresh)) for scheme, (accuracy, fresh, trained) in stored.items()}


def ownership(drawings, name):
    return next(drawing for _, kind, drawing in drawings if kind.name == name)


@pytest.mark.parametrize("attack", ["prune", "quantise", "remove-class", "combine"])
def test_the_matrix_has_what_the_worst_setting_leaves(study_files, drawings, attack):
    data = ownership(drawings, "ownership-matrix").data.set_index(["attack", "scheme"])
    unattacked = accuracy_and_keys(study_files["ownership"], "train")
    for scheme in MARKED:
        before, (accuracy, keys) = unattacked[scheme][0][0], accuracy_and_keys(study_files["ownership"], attack)[scheme]
        cell, useful = data.loc[(attack, scheme)], accuracy >= 0.9 * before
        assert cell["useful"] == useful.any() and cell["unattacked_accuracy"] == before
        if useful.any():
            assert cell["keys_kept"] == keys[useful].min() and cell["accuracy"] in accuracy[useful]
        else:
            assert cell["accuracy"] == accuracy.max() and cell["keys_kept"] in keys[accuracy == accuracy.max()]


def test_the_matrix_is_the_table_of_the_program(request, study_files, drawings):
    text = request.getfixturevalue("telltale")("report", study_files["ownership"]).out
    table = text[text.index("What every attack leaves of every watermark"):].split("\n\n")[0]
    rows = {tuple(row[:2]): row[2:] for row in (re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[3:]) if len(row) == 8}
    data = ownership(drawings, "ownership-matrix").data
    attacked = data[data["attack"] != "none"]
    assert {(cell.attack, cell.scheme) for cell in attacked.itertuples()} == set(rows)
    for cell in attacked.itertuples():
        before, _, accuracy, keys, _, setting = rows[cell.attack, cell.scheme]
        assert [before, accuracy, keys] == [f"{100 * value:.2f}" for value in (cell.unattacked_accuracy, cell.accuracy, cell.keys_kept)], cell
        assert setting.replace("_", " ") == cell.setting


def test_a_square_without_a_useful_setting_is_marked_and_clean_has_no_column(drawings):
    drawing = ownership(drawings, "ownership-matrix")
    panel = drawing.figure.axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == MARKED and set(drawing.data["scheme"]) == set(MARKED)
    assert [label.get_text() for label in panel.get_yticklabels()][:3] == ["none", "prune", "fine-tune"]
    assert set(drawing.data["useful"]) == {True, False}
    assert len(panel.patches) == len(panel.texts) == len(drawing.data)
    for square, text, cell in zip(panel.patches, panel.texts, drawing.data.itertuples()):
        assert bool(square.get_hatch()) != cell.useful
        number = f"{100 * cell.keys_kept:.0f}"
        assert text.get_text() == (number if cell.useful else f"({number})")
        assert f"{cell.setting}, accuracy {100 * cell.accuracy:.2f}%, keys {100 * cell.keys_kept:.2f}%" in square.get_gid() or cell.attack == "none"


def test_of_useful_settings_the_fewest_keys_count_and_what_is_not_there_has_no_square(study_files):
    study = telltale.open(study_files["ownership"])
    prune, smooth = study["prune"].transpose("pruning_rate", "scheme", ...), study["smooth"].transpose("scheme", ...)
    for at, (accuracy, keys) in enumerate([(1, 0.7), (1, 0.3)]):
        prune["accuracy_second_half"].values[at], prune["key_accuracy"].values[at] = accuracy, keys
    smooth["accuracy_second_half"].values[0] = np.nan
    study["jpeg"]["accuracy_second_half"].values[...] = np.nan
    data = figure_named("ownership-matrix").draw(study).data.set_index(["attack", "scheme"])
    cell = data.loc[("prune", "noise")]
    assert cell["setting"] == "pruning rate 0.9" and cell["keys_kept"] == pytest.approx(0.3) and cell["useful"]
    assert ("smooth", "content") not in data.index and ("smooth", "noise") in data.index
    assert "jpeg" not in data.index.get_level_values("attack")


def test_accuracy_and_keys_of_every_setting_are_points(study_files, drawings):
    lines = drawn_lines(ownership(drawings, "ownership-accuracy-keys"))
    assert {panel for panel, _ in lines} == set(MARKED)
    for kind, attacks in (("weights changed", ["prune", "quantise", "weight-noise"]), ("answers changed", ["remove-class", "reject"]),
                          ("unattacked", ["train"])):
        stored = [accuracy_and_keys(study_files["ownership"], attack) for attack in attacks]
        for scheme in MARKED:
            np.testing.assert_allclose(lines[scheme, kind][0], 100 * np.concatenate([one[scheme] for one in stored], axis=1))
    # A combination that begins with extraction is a copy.
    assert lines["noise", "copied"][0].shape == (2, 2) and lines["noise", "trained on"][0].shape == (2, 5)


# ---- claims

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


# ---- the command

def command(*arguments):
    return subprocess.run([sys.executable, "-m", "telltale", *map(str, arguments)], cwd=ANALYSIS, capture_output=True, text=True, timeout=600)


def test_a_figure_is_written_as_svg_pdf_and_png_the_same_each_time(study_files, tmp_path):
    for ending, begins in ((".svg", b"<svg"), (".pdf", b"%PDF"), (".png", b"\x89PNG")):
        for name in ("a", "b"):
            done = command("figure", "aime-fig5", study_files["aime"], "-o", tmp_path / (name + ending), "--data", tmp_path / "data.csv")
            assert done.returncode == 0, done.stderr
        data = (tmp_path / ("a" + ending)).read_bytes()
        assert data.startswith(begins) and data == (tmp_path / ("b" + ending)).read_bytes()
    assert "pruning_rate" in (tmp_path / "data.csv").read_text()


def test_what_cannot_be_drawn_is_said_with_what_can(study_files, tmp_path):
    for arguments, words in ((("aime-fig55", study_files["aime"]), "there is no figure 'aime-fig55': aime-fig5"),
                             (("aime-fig5", study_files["small"]), "is a figure of experiment aime"),
                             (("new-label-fig2", study_files["small"]), "has no group twist")):
        done = command("figure", *arguments, "-o", tmp_path / "f.pdf")
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr, done.stderr
    done = command("figure", "aime-fig5", study_files["aime"], "-o", tmp_path / "f.gif")
    assert done.returncode == 2 and ".svg, .pdf, .png" in done.stderr


def test_an_unfinished_study_draws_what_is_there_and_says_what_is_not(request, tmp_path):
    program = request.getfixturevalue("telltale")
    job = write_job(tmp_path / "x.ini", **{**SMALL_BACKDOOR, "epochs": 40})
    stop(program.start("run", job, "-o", tmp_path / "x.h5", ranks=2), tmp_path / "x.h5")
    study = telltale.open(tmp_path / "x.h5")
    assert not study.complete
    for kind in all_figures():
        if kind.fits(study):
            try:
                kind.draw(study)
            except NothingToDraw as nothing:
                assert str(tmp_path / "x.h5") in str(nothing)


def test_of_readings_that_a_paper_leaves_open_the_grid_shows_the_one_that_is_learned(study_files, tmp_path):
    train = telltale.open(study_files["small"])["train"]
    shares = [train.assign(key_accuracy=train["key_accuracy"] * 0 + share) for share in (0.001, 0.5)]
    both = xr.concat(shares, xr.DataArray(np.array(["amplitude", "variance"], object), dims="reading", name="reading"))
    shutil.copyfile(study_files["small"], tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        del file["train"]
    both.to_netcdf(tmp_path / "x.h5", mode="a", group="train", engine="h5netcdf")
    drawing = figure_named("new-label-fig3").draw(telltale.open(tmp_path / "x.h5"))
    assert set(drawing.data["reading"]) == {"variance"} and "reading variance (of amplitude, variance" in drawing.caption
