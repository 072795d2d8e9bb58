"""Figures, of a small results file of every experiment."""

import copy
import itertools
import lzma
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
from drawn import MARKED, drawn_lines
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
EVIDENCE = ANALYSIS.parent / "docs" / "reproduction"
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


def test_a_timeline_has_a_colour_for_each_kind_of_task_that_took_long_and_one_for_the_rest(drawings):
    _, _, drawing = next(one for one in drawings if one[0] == "ownership" and one[1].name == "run-timeline")
    legend, = drawing.figure.legends
    painted = {text.get_text(): patch.get_facecolor() for text, patch in zip(legend.get_texts(), legend.get_patches())}
    took = drawing.data.groupby("kind")["seconds"].sum().sort_values()
    assert len(took) > len(painted) == len(set(painted.values()))
    assert "others" in painted and took.index[-1] in painted and took.index[0] not in painted


def test_every_mark_lies_inside_of_its_panel(drawings, tmp_path):
    # Of panels that share an axis the later ones reach further here.
    shared = figure_named("anti-piracy-regain").draw(telltale.open(kept_study("anti-piracy-fashion-mnist-2cores", tmp_path)))
    for drawing in [shared, *(drawing for _, _, drawing in drawings)]:
        for panel in drawing.figure.axes:
            for drawn in panel.lines:
                # Intervals may be cut off, and lines across a whole panel have no point.
                if not (drawn.get_gid() or "").startswith("series|") or drawn.get_transform() != panel.transData:
                    continue
                for values, ends in ((drawn.get_xdata(), panel.get_xlim()), (drawn.get_ydata(), panel.get_ylim())):
                    values, slack = np.asarray(values, float), 1e-9 * abs(ends[1] - ends[0])
                    outside = values[(values < min(ends) - slack) | (values > max(ends) + slack)]
                    assert not outside.size, (drawing.description, panel.get_title(loc="left"), drawn.get_gid(), outside)


def test_marks_have_their_values_to_be_read_on_hover(drawings):
    _, kind, drawing = next(one for one in drawings if one[1].name == "new-label-fig4")
    svg = to_svg(drawing, kind.name, kind.title)
    key = drawing.data[(drawing.data["measure"] == "key_accuracy") & (drawing.data["scheme"] == "noise-backdoor")].iloc[0]
    assert f"{key['pruning_rate']:g}: {100 * key['mean']:.2f}%" in "".join(ET.fromstring(svg).itertext())
    assert 'data-series="noise-backdoor' in svg


# ---- what is drawn is what is stored

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



def what_is_left(path, attack):
    """What the file has of the only repeat and case, by scheme: accuracies of the attack's settings, the key samples kept, and 1 where the claim is proven."""
    with xr.open_dataset(path, group=attack) as ds:
        names = ("accuracy_second_half", "key_accuracy", "key_accuracy_trained", "verdict")
        stored = {scheme: [ds[name].sel(scheme=scheme).values.ravel() for name in names] for scheme in ds.scheme.values}
    return {scheme: (accuracy, np.where(np.isnan(fresh), trained, fresh), verdict == "proven")
            for scheme, (accuracy, fresh, trained, verdict) in stored.items()}


def ownership(drawings, name):
    return next(drawing for _, kind, drawing in drawings if kind.name == name)


@pytest.mark.parametrize("attack", ["prune", "quantise", "remove-class", "combine"])
def test_the_matrix_has_what_the_worst_setting_leaves(study_files, drawings, attack):
    data = ownership(drawings, "ownership-matrix").data.set_index(["attack", "scheme"])
    unattacked = what_is_left(study_files["ownership"], "train")
    for scheme in MARKED:
        before, (accuracy, keys, proven) = unattacked[scheme][0][0], what_is_left(study_files["ownership"], attack)[scheme]
        cell, useful = data.loc[(attack, scheme)], accuracy >= 0.9 * before
        assert cell["useful"] == useful.any() and cell["unattacked_accuracy"] == before and cell["claims"] == 1
        if useful.any():
            worst = useful & (proven == proven[useful].min())
            assert cell["proven"] == proven[worst][0] and cell["keys_kept"] == keys[worst].min() and cell["accuracy"] in accuracy[worst]
        else:
            assert cell["accuracy"] == accuracy.max() and cell["keys_kept"] in keys[accuracy == accuracy.max()]


def kept_study(name, folder):
    """A results file that is kept as evidence."""
    file = folder / f"{name}.h5"
    file.write_bytes(lzma.decompress((EVIDENCE / f"{name}.h5.xz").read_bytes()))
    return file


def test_published_machines_stand_beside_the_published_search_alone(tmp_path):
    of_theirs, of_ours = (figure_named("boundary-success").draw(telltale.open(kept_study(f"boundary-fashion-mnist-{name}", tmp_path))) for name in ("2cores", "8-bit-2cores"))
    assert "Published, of the successes of fashion-mnist: Rome 29.8%" in of_theirs.caption and "Published" not in of_ours.caption
    rows = [[label.get_text() for label in drawing.figure.axes[0].get_yticklabels()] for drawing in (of_theirs, of_ours)]
    assert rows == [["code", "telltale", "published (code)"], ["telltale, 8-bit"]]


# Of the kept one's settings that leave as good as no key, some leave fewer claims proven than others.
@pytest.mark.parametrize("study", ["small", "ownership-telltale-mnist-2cores"])
def test_the_matrix_is_the_table_of_the_program(request, study_files, tmp_path, study):
    file = study_files["ownership"] if study == "small" else kept_study(study, tmp_path)
    text = request.getfixturevalue("telltale")("report", file).out
    table = text[text.index("What every attack leaves of every watermark"):].split("\n\n")[0]
    rows = {tuple(row[:2]): row[2:] for row in (re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[3:]) if len(row) == 9}
    data = figure_named("ownership-matrix").draw(telltale.open(file)).data
    attacked = data[data["attack"] != "none"]
    assert {(cell.attack, cell.scheme) for cell in attacked.itertuples()} == set(rows)
    for cell in attacked.itertuples():
        before, _, accuracy, keys, claims, _, setting = rows[cell.attack, cell.scheme]
        assert [before, accuracy, keys] == [f"{100 * value:.2f}" for value in (cell.unattacked_accuracy, cell.accuracy, cell.keys_kept)], cell
        assert setting.replace("_", " ") == cell.setting and f"{cell.proven} proven" in f"0 proven, {claims}"


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
        assert text.get_text() == (number if cell.useful else f"({number})") + f"  {cell.proven}/{cell.claims}"
        assert f"{cell.setting}, accuracy {100 * cell.accuracy:.2f}%, keys {100 * cell.keys_kept:.2f}%, claims proven" in square.get_gid() or cell.attack == "none"


def test_of_useful_settings_the_fewest_proven_claims_then_the_fewest_keys_count_and_what_is_not_there_has_no_square(study_files):
    study = telltale.open(study_files["ownership"])
    prune, smooth = study["prune"].transpose("pruning_rate", "scheme", ...), study["smooth"].transpose("scheme", ...)
    noise, content = (list(prune.scheme.values).index(scheme) for scheme in ("noise", "content"))
    for at, (keys, verdict) in enumerate([(0.7, "not proven"), (0.3, "proven")]):
        prune["accuracy_second_half"].values[at], prune["key_accuracy"].values[at] = 1, keys
        prune["verdict"].values[at, noise], prune["verdict"].values[at, content] = "proven", verdict
    smooth["accuracy_second_half"].values[0] = np.nan
    study["jpeg"]["accuracy_second_half"].values[...] = np.nan
    data = figure_named("ownership-matrix").draw(study).data.set_index(["attack", "scheme"])
    cell = data.loc[("prune", "noise")]
    assert cell["setting"] == "pruning rate 0.9" and cell["keys_kept"] == pytest.approx(0.3) and cell["useful"]
    cell = data.loc[("prune", "content")]
    assert cell["setting"] == "pruning rate 0.5" and cell["keys_kept"] == pytest.approx(0.7) and cell["proven"] == 0
    assert ("smooth", "content") not in data.index and ("smooth", "noise") in data.index
    assert "jpeg" not in data.index.get_level_values("attack")


def test_a_panel_shows_what_thieves_regain_of_each_network_that_was_trained_in_another_way(tmp_path):
    study = telltale.open(kept_study("anti-piracy-keyed-mnist-2cores", tmp_path))
    drawing = figure_named("anti-piracy-regain").draw(study)
    stored = study["regain"]["raw_accuracy"].mean("repeat").max(["regain_steps", "regain_block"]).sel(transform="keyed", regain_by="blocks")
    lines = drawn_lines(drawing)
    for block, loss in itertools.product(stored.key_block.values, stored.loss_raw.values):
        (_, shares), = lines[f"keyed\nkey block {block}\nloss raw {loss}", "blocks"]
        np.testing.assert_allclose(shares, 100 * stored.sel(key_block=block, loss_raw=loss))
    assert "keyed, 4, wrong: the stolen network is worth +" in drawing.description


def test_accuracy_and_keys_of_every_setting_are_points(study_files, drawings):
    lines = drawn_lines(ownership(drawings, "ownership-accuracy-keys"))
    assert {panel for panel, _ in lines} == set(MARKED)
    for kind, attacks in (("weights changed", ["prune", "quantise", "weight-noise"]), ("answers changed", ["remove-class", "reject"]),
                          ("unattacked", ["train"])):
        stored = [what_is_left(study_files["ownership"], attack) for attack in attacks]
        for scheme in MARKED:
            np.testing.assert_allclose(lines[scheme, kind][0], 100 * np.concatenate([one[scheme][:2] for one in stored], axis=1))
    # A combination that begins with extraction is a copy.
    assert lines["noise", "copied"][0].shape == (2, 4) and lines["noise", "trained on"][0].shape == (2, 5)


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
