"""Figures of Schlögl et al. 2021 (boundary samples). Only samples that every machine has repeated count as successes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from telltale import published
from telltale.cells import each, labels_of, word, words
from telltale.figures import drawing as draw
from telltale.figures import figure, images
from telltale.figures.drawing import COLOURS, INK, MARKERS, MUTED, PAPER, Drawing, NothingToDraw, colour, grid, heatmap, legend, mark, panels, published_key
from telltale.repeats import over_repeats
from telltale.results import Study

_BOUNDARY = ("boundary",)
_PAPER = "Schlögl et al. 2021"
_DIMS = ("search", "versus", "target", "grid")
_COLUMNS = ("status", "verified", "identified", "identifying_label", "contrast_label", "local_steps", "remote_steps", "evaluations", "psnr")
_NO_ATTEMPT = ("", "not applicable", "open")  # not searched yet, never searched, not replayed yet
_QUANTILES = (0, 0.25, 0.5, 0.75, 1)
_MOST_SAMPLES, _MOST_PANELS, _MOST_TEXTS = 6, 6, 1500


@dataclasses.dataclass(frozen=True)
class _Setting:
    """A way to search, and what came of it."""

    labels: dict[str, Any]
    name: str
    group: str               #: the same without its grid: what has a colour
    paint: str
    attempts: pd.DataFrame   #: a line an attempt that came to an end
    successes: pd.DataFrame


@figure("boundary-fig5", "Steps of a search on one machine and on all", source=f"{_PAPER}, Fig. 5", experiments=_BOUNDARY, group="boundary")
def steps(study: Study) -> Drawing:
    """Box plots of local and remote steps of the successes."""
    settings = _searched(study)
    drawing, axes = panels(1, 2, height=0.9 + 0.3 * len(settings), sharey=True)
    frames, has_published = [], False
    for panel, column, title in zip(axes[0], ("local_steps", "remote_steps"), ("local steps (one machine)", "remote steps (all machines)")):
        frame, marked = _boxes(panel, study, settings, column, "{x:g} steps")
        panel.set(title=title, xlabel="steps of a success")
        _counts_axis(panel, "symlog", linthresh=1)
        panel.set_xlim(left=-0.3)
        frames.append(frame)
        has_published |= marked
    return _boxes_drawn(study, drawing, axes[0, 0], frames, has_published, "")


@figure("boundary-fig6", "Which label is answered, and which by the others", source=f"{_PAPER}, Fig. 6", experiments=_BOUNDARY, group="summary")
def label_pairs(study: Study) -> Drawing:
    """Successes by the identified machine's label and the others'; a panel a search and grid."""
    pairs = study["summary"]["label_pairs"]
    pairs = pairs.where(pairs > 0, 0)
    chosen, said = _chosen(pairs)
    cells = each(chosen.transpose(..., "class", "class_2"), ("search", "grid"))
    matrices = [(labels, cell.values) for labels, cell in cells if cell.values.sum() > 0]
    if not matrices:
        raise NothingToDraw(f"{study.path}: no search has a verified sample yet")
    shown = matrices[:_MOST_PANELS]
    classes = labels_of(chosen, "class")
    drawing, axes = grid(len(shown), (4.4, 4.1, 3.2)[min(len(shown), 3) - 1])
    frames = []
    for panel, (labels, matrix) in zip(axes, shown):
        texts = np.array([[f"{value:.0f}" if value else "" for value in row] for row in matrix])
        heatmap(panel, matrix, texts, "successes", rows=classes, columns=classes, what="identified machine {row}, others {column}: {value:.0f} samples")
        panel.set(title=f"{', '.join(str(one) for one in labels.values())}: {matrix.sum():.0f} samples", xlabel="contrast label (all others)", ylabel="identifying label")
        frames += [{**labels, "identifying_label": classes[at[0]], "contrast_label": classes[at[1]], "successes": value} for at, value in np.ndenumerate(matrix)]
    data = pd.DataFrame(frames)
    most = data.loc[data["successes"].idxmax()]
    rest = f" The first {len(shown)} of {len(matrices)} settings." if len(matrices) > len(shown) else ""
    return Drawing(drawing, data, f"{_about(study)} {said}{rest}",
                   f"{(data['successes'] > 0).sum()} pairs occur; the commonest is {most['identifying_label']} against {most['contrast_label']}.")


@figure("boundary-fig7", "Natural images, boundary samples, and what the machines call them", source=f"{_PAPER}, Fig. 7", experiments=_BOUNDARY, group="boundary")
def samples(study: Study) -> Drawing:
    """The first sample that singles out each machine, of each search and grid in turn."""
    group = study["boundary"]
    if "sample" not in group or "original" not in group:
        raise NothingToDraw(f"{study.path} holds no samples")
    machines = labels_of(group, "machine")
    settings = sorted((one for one in _settings(study) if len(one.successes)), key=lambda one: one.labels["target"] != "any")
    found = [[(one, *one.successes[one.successes["identified"] == machine].iloc[0][["repeat_at", "image_at"]].astype(int))
              for one in settings if (one.successes["identified"] == machine).any()] for machine in machines]
    turns = [one for turn in itertools.zip_longest(*found) for one in turn if one][:_MOST_SAMPLES]
    if not turns:
        raise NothingToDraw(f"{study.path}: no search has a verified sample that singles out one machine yet")
    drawing, axes = panels(len(turns), 4, height=max(1.25, 0.3 + 0.17 * len(machines)), gridspec_kw={"width_ratios": (1, 1, 1, 2.9)})
    frames = []
    for row, (setting, repeat, image) in enumerate(turns):
        cell = group[["sample", "label", "logits", "identified", "psnr"]].sel(setting.labels).isel(repeat=repeat, image=image)
        natural = group["original"].isel(image=image).transpose("channel", "row", "column").values / 255
        sample = cell["sample"].transpose("channel", "row", "column").values.astype(float)
        for panel, pixels, title, most in zip(axes[row], (natural, sample, sample - natural), ("natural", "boundary", "difference x50"), (0, 0, 1 / 100)):
            images.show(panel, pixels, title if row == 0 else "", symmetric=most)
        axes[row, 0].set_ylabel(f"image {word(labels_of(group, 'image')[image])}", fontsize=8)
        lines = _answers(labels_of(group, "class"), machines, cell["label"].values, cell["logits"].values.astype(float))
        _answers_written(axes[row, 3], f"{setting.name}: {float(cell['psnr']):.1f} dB", lines, str(cell["identified"].values), row == 0)
        frames += [{**setting.labels, "repeat": labels_of(group, "repeat")[repeat], "image": labels_of(group, "image")[image],
                    "identified": str(cell["identified"].values), "psnr": float(cell["psnr"]), **line} for line in lines]
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, f"{_about(study)} Differences are enlarged 50 times around grey, pixels cut to what can be shown. "
                   "Confidence: softmax of the stored logits; lead: by how much it exceeds the next label's. Coloured: the machine that the sample singles out.",
                   f"{len(turns)} samples beside their natural images; one machine calls each something else, with leads up to {data['lead'].max():.1g}.")


@figure("boundary-fig8", "PSNR against steps", source=f"{_PAPER}, Fig. 8", experiments=_BOUNDARY, group="boundary")
def psnr_and_steps(study: Study) -> Drawing:
    """A mark a success; a panel a search."""
    settings = [one for one in _searched(study) if len(one.successes)]
    free = [one for one in settings if one.labels["target"] == "any"]
    settings = free or settings
    searches = list(dict.fromkeys(one.labels["search"] for one in settings))
    drawing, axes = panels(1, len(searches), height=3.0, sharey=True)
    few = sum(len(one.successes) for one in settings) <= _MOST_TEXTS  # else the page grows large
    names, frames = list(dict.fromkeys(_name(one.labels, ("search",)) for one in settings)), []
    for setting in settings:
        panel, name = axes[0, searches.index(setting.labels["search"])], _name(setting.labels, ("search",))
        place = names.index(name)
        there = setting.successes.assign(steps=setting.successes["local_steps"] + setting.successes["remote_steps"])
        there = there[np.isfinite(there["steps"]) & np.isfinite(there["psnr"])]
        drawn, = panel.plot(there["steps"], there["psnr"], linestyle="none", marker=MARKERS[place % len(MARKERS)], color=colour(place), alpha=0.65, markeredgewidth=0,
                            label=name)
        mark(drawn, name, [f"image {row.image}: {row.steps:.0f} steps, {row.psnr:.1f} dB" for row in there.itertuples()] if few else [])
        frames.append(there.assign(**setting.labels)[[*setting.labels, "repeat", "image", "local_steps", "remote_steps", "steps", "psnr"]])
    for panel, search in zip(axes[0], searches):
        panel.set(title=search, xlabel="steps, local and remote")
        _counts_axis(panel, "log")
    axes[0, 0].set_ylabel("PSNR, dB")
    if len(names) > 1:
        legend(axes[0, 0])
    data = pd.concat(frames, ignore_index=True)
    middle = data.groupby("search", sort=False)[["steps", "psnr"]].median()
    return Drawing(drawing, data, f"{_about(study)} {len(data)} successes{' without a wanted machine' if free else ''}.",
                   "; ".join(f"{search}: median {row['steps']:.0f} steps and {row['psnr']:.1f} dB" for search, row in middle.iterrows()) + ".")


@figure("boundary-success", "How many searches succeed, and which machines they identify", source=f"{_PAPER}, Table 2", experiments=_BOUNDARY, group="summary")
def success(study: Study) -> Drawing:
    """Shares of the attempts, and of the successes by machine."""
    summary, settings = study["summary"], _settings(study)
    if not settings:
        raise NothingToDraw(f"{study.path}: no search has come to an end yet")
    machines = labels_of(summary, "machine")
    theirs = {"search": "code", "target": "any", "versus": "all", "grid": "float"}
    of_theirs = any(theirs.items() <= one.labels.items() for one in settings)  # beside ours alone their machines say nothing
    paper = published.marks(study, "identified_share", "microarchitecture", **theirs) if of_theirs else {}
    drawing, axes = panels(1, 2, height=1.1 + 0.3 * (len(settings) + bool(paper)), sharey=True)
    left, right = axes[0]
    frames, has_published = [], False
    for place, setting in enumerate(settings):
        cell = summary[["attempts", "successes", "success_share", "identified"]].sel(setting.labels)
        share = {name: float(value) for name, value in over_repeats(cell["success_share"]).items()}
        tried, won = int(cell["attempts"].sum()), int(cell["successes"].sum())
        bar, = left.barh([place], [100 * share["mean"]], height=0.62, color=COLOURS[7])
        mark(bar, setting.group, [f"{setting.name}: {100 * share['mean']:.4g}%, {won} of {tried}"])
        if np.isfinite(share["low"]):
            left.plot([100 * max(share["low"], 0), 100 * min(share["high"], 1)], [place, place], color=INK, linewidth=1)
        there = published.marks(study, "success_share", "search", **setting.labels).get(setting.labels["search"], np.nan)
        if np.isfinite(there):
            draw.published(left, [100 * there], [place], setting.name, INK, "success {x:.4g}%")
            has_published = True
        counts = cell["identified"].where(cell["identified"] > 0, 0).sum("repeat").values.astype(float)
        shares = counts / counts.sum() if counts.sum() else counts
        _stacked(right, place, machines, list(shares), [colour(at) for at in range(len(machines))], setting.name)
        frames.append({**setting.labels, "attempts": tried, "successes": won, **{f"success_{name}": value for name, value in share.items()}, "published": there,
                       **{f"identified {machine}": count for machine, count in zip(machines, counts)}})
    names = [*(one.name for one in settings), *(["published (code)"] if paper else [])]
    _stacked(right, len(settings), list(paper), list(paper.values()), [], "published")
    left.set(xlim=(0, 103), title="success", xlabel="% of the attempts", ylim=(len(names) - 0.4, -0.6))
    right.set(xlim=(0, 101), title="identified machine", xlabel="% of the successes")
    left.set_yticks(range(len(names)), names)
    left.grid(axis="y", visible=False)
    right.grid(axis="y", visible=False)
    legend(left, columns=5, more=[*(Rectangle((0, 0), 1, 1, color=colour(at), label=machine) for at, machine in enumerate(machines)),
                                  *([published_key()] if has_published else [])])
    data = pd.DataFrame(frames)
    repeats = f" Means of {data['success_n'].max():.0f} repeats, lines their 95% interval." if data["success_n"].max() > 1 else ""
    found = f" Published, of the successes of {study.attrs['dataset']}: {', '.join(f'{name} {100 * value:.3g}%' for name, value in paper.items())}." if paper else ""
    return Drawing(drawing, data, f"{_about(study)}{repeats}{found}",
                   "Successes: " + "; ".join(f"{name} {row.successes} of {row.attempts}" for name, row in zip(names, data.itertuples())) + ".")


@figure("boundary-evaluations", "What a sample costs", experiments=_BOUNDARY, group="boundary")
def evaluations(study: Study) -> Drawing:
    """Share of the attempts that have succeeded after so many evaluations: one that fails never does."""
    settings = _searched(study)
    grids = list(dict.fromkeys(one.labels["grid"] for one in settings))
    drawing, axes = panels(1, len(grids), height=3.2, sharey=True, sharex=True)
    frames = []
    for setting in settings:
        panel = axes[0, grids.index(setting.labels["grid"])]
        cost = np.sort(setting.successes["evaluations"].dropna().values)
        share = np.arange(1, len(cost) + 1) / len(setting.attempts)
        panel.plot([], [], color=setting.paint, label=setting.group)
        if not len(cost):
            continue
        mark(panel.step(cost, 100 * share, where="post", color=setting.paint)[0], setting.group)
        middle = float(np.median(cost))
        points, = panel.plot([middle, cost[-1]], [50 * share[-1], 100 * share[-1]], linestyle="none", marker="o", color=setting.paint)
        mark(points, setting.group, [f"{setting.name}: median of the successes {middle:g} evaluations",
                                     f"{setting.name}: {len(cost)} of {len(setting.attempts)} succeed, with at most {cost[-1]:g} evaluations"])
        frames.append(pd.DataFrame({**setting.labels, "evaluations": cost, "share_of_attempts": share}))
    for panel, grid in zip(axes[0], grids):
        panel.set(title={"float": "any float", "8-bit": "8-bit grid"}.get(grid, grid), xlabel="evaluations", ylim=(0, 103))
        _counts_axis(panel, "log")
    axes[0, 0].set_ylabel("% of the attempts")
    legend(axes[0, 0], columns=3)
    data = pd.concat(frames, ignore_index=True)
    medians = [f"{one.name} {one.successes['evaluations'].median():.0f}" for one in settings if len(one.successes)]
    return Drawing(drawing, data, f"{_about(study)} One evaluation: a forward or backward pass of one image on one machine; replays apart. "
                   "Marks: median of the successes, and the last.",
                   f"Median evaluations of a success: {'; '.join(medians)}.")


@figure("boundary-psnr", "How close samples lie to their images", source=f"{_PAPER}, Table 3", experiments=_BOUNDARY, group="boundary")
def psnr(study: Study) -> Drawing:
    """Box plots of the successes' PSNR."""
    settings = _searched(study)
    drawing, axes = panels(1, 1, height=0.9 + 0.3 * len(settings))
    frame, has_published = _boxes(axes[0, 0], study, settings, "psnr", "{x:.4g} dB")
    axes[0, 0].set_xlabel("PSNR of a success, dB")
    return _boxes_drawn(study, drawing, axes[0, 0], [frame], has_published, " dB")


def _settings(study: Study) -> list[_Setting]:
    """All ways to search of which an attempt has come to an end."""
    group = study["boundary"]
    attempts = group[list(_COLUMNS)]
    found: list[_Setting] = []
    groups: list[str] = []
    for labels, _ in each(group["verified"], _DIMS):
        cell = attempts.sel(labels)
        frame = pd.DataFrame({name: cell[name].transpose("repeat", "image").values.ravel() for name in _COLUMNS})
        at = np.indices((cell.sizes["repeat"], cell.sizes["image"])).reshape(2, -1)
        frame = frame.assign(repeat_at=at[0], image_at=at[1], repeat=group["repeat"].values[at[0]], image=group["image"].values[at[1]])
        counts = ["local_steps", "remote_steps", "evaluations"]
        frame[counts] = frame[counts].where(frame[counts] >= 0).astype(float)
        frame = frame[~frame["status"].isin(_NO_ATTEMPT)]
        if len(frame):
            name = _name(labels, ("grid",))
            groups = list(dict.fromkeys([*groups, name]))
            found.append(_Setting(labels, _name(labels), name, colour(groups.index(name)), frame, frame[(frame["status"] == "success") & (frame["verified"] == 1)]))
    return found


def _searched(study: Study) -> list[_Setting]:
    """The same, where at least one of them has a success."""
    settings = _settings(study)
    if not any(len(one.successes) for one in settings):
        raise NothingToDraw(f"{study.path}: no search has a verified sample yet")
    return settings


def _name(labels: dict[str, Any], without: Sequence[str] = ()) -> str:
    """"telltale, target haswell, 8-bit"; what the paper does is not said."""
    said = {"search": "{}", "versus": "against {}", "target": "target {}", "grid": "{}"}
    usual = {"versus": "all", "target": "any", "grid": "float"}
    parts = [said[name].format(label) for name, label in labels.items() if name not in without and label != usual.get(name)]
    return ", ".join(parts) or str(labels.get("grid", "all"))


def _chosen(values: Any) -> tuple[Any, str]:
    """What the paper shows, where it is there: searches without a wanted machine against all; else all of them together."""
    told = []
    for dim, usual, words_of in (("target", "any", "without a wanted machine"), ("versus", "all", "against all machines")):
        there = usual in labels_of(values, dim)
        values = values.sel({dim: usual}) if there else values.sum(dim)
        told.append(words_of if there else f"of every {dim} together")
    repeats = ", all repeats together" if values.sizes["repeat"] > 1 else ""
    return values.sum("repeat"), f"Searches {' '.join(told)}{repeats}."


def _about(study: Study) -> str:
    """Of what the networks are, and how good."""
    said = words({name: study.constants[name] for name in ("dataset", "network") if name in study.constants})
    if "train" in study and bool(study["train"]["accuracy"].notnull().any()):
        said += f", test accuracy {100 * float(study['train']['accuracy'].mean()):.1f}%"
    return f"{said}."


def _boxes(panel: Axes, study: Study, settings: list[_Setting], column: str, text: str) -> tuple[pd.DataFrame, bool]:
    """A row a setting: quartiles, whiskers to the furthest value within 1.5 of their distance, marks beyond; published quantiles below."""
    frames, marked = [], False
    for place, setting in enumerate(settings):
        values = setting.successes[column].values.astype(float)
        values = values[np.isfinite(values)]
        there = published.marks(study, f"{column}_quantiles", "quantile", **setting.labels)
        for quantile, value in sorted(there.items()):
            draw.published(panel, [value], [place + 0.3], f"{setting.name}, quantile {quantile:g}", setting.paint, text)
            marked = True
        if not len(values):
            panel.text(0.02, place, f"no success of {len(setting.attempts)}", transform=panel.get_yaxis_transform(), va="center", color=MUTED, fontsize=8)
            continue
        least, low, middle, high, most = np.quantile(values, _QUANTILES)
        inner = values[(values >= low - 1.5 * (high - low)) & (values <= high + 1.5 * (high - low))]
        whiskers = min(inner.min(), low), max(inner.max(), high)
        for ends in ((whiskers[0], low), (high, whiskers[1])):
            panel.plot(ends, [place, place], color=setting.paint, linewidth=1)
        box = Rectangle((low, place - 0.3), high - low, 0.6, facecolor=PAPER, edgecolor=setting.paint, linewidth=1.2, zorder=2)
        panel.add_patch(box)
        mark(box, setting.group, [f"{setting.name}: median {text.format(x=middle)}, quartiles {low:.4g} and {high:.4g}, {least:.4g} to {most:.4g}, "
                                  f"{len(values)} successes"])
        panel.plot([middle, middle], [place - 0.3, place + 0.3], color=setting.paint, linewidth=2.2, zorder=2.1, solid_capstyle="butt")
        beyond = np.sort(values[(values < whiskers[0]) | (values > whiskers[1])])
        if len(beyond):
            mark(panel.plot(beyond, np.full(len(beyond), place), linestyle="none", marker="o", markersize=2.5, color=setting.paint)[0], setting.group,
                 [f"{setting.name}: {text.format(x=one)}" for one in beyond] if len(beyond) < 200 else [])
        frames.append(pd.DataFrame({**setting.labels, "measure": column, "quantile": _QUANTILES, "value": (least, low, middle, high, most), "successes": len(values),
                                    "least_whisker": whiskers[0], "most_whisker": whiskers[1], "published": [there.get(one, np.nan) for one in _QUANTILES]}))
    panel.set_ylim(len(settings) - 0.3, -0.7)
    panel.set_yticks(range(len(settings)), [one.name for one in settings])
    panel.grid(axis="y", visible=False)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), marked


def _boxes_drawn(study: Study, drawing: Any, panel: Axes, frames: list[pd.DataFrame], has_published: bool, unit: str) -> Drawing:
    data = pd.concat(frames, ignore_index=True)
    if has_published:
        above = 0.4 if panel.get_title(loc="left") else 0.1
        panel.legend(handles=[published_key()], loc="lower left", bbox_to_anchor=(0, 1 + above / drawing.get_figheight()), borderaxespad=0)
    medians = data[data["quantile"] == 0.5]
    said = [f"{_name({name: row[name] for name in _DIMS if name in row})}, {row['measure'].replace('_', ' ')} {row['value']:.4g}{unit}"
            for _, row in medians[:12].iterrows()]
    return Drawing(drawing, data, f"{_about(study)} Boxes: quartiles and median of the successes; whiskers: the furthest within 1.5 times their distance."
                   + (" Diamonds: published least, quartiles and most, as far as they are known." if has_published else ""), f"Medians: {'; '.join(said)}.")


def _counts_axis(panel: Axes, scale: str, **more: Any) -> None:
    """Powers of ten as 10, 100, 1,000; with numbers between them where there is less than one decade."""
    low, high = panel.dataLim.intervalx
    panel.set_xscale(scale, **more)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    near = scale == "log" and low > 0 and high < 30 * low
    panel.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if near and f"{value:.0e}"[0] in "235" else ""))


def _stacked(panel: Axes, place: int, names: Sequence[str], shares: Sequence[float], paints: Sequence[str], row: str) -> None:
    """A bar of parts; without colours, outlines with their names."""
    start = 0.0
    for at, (name, share) in enumerate(zip(names, shares)):
        if share > 0:
            paint: dict[str, Any] = {"color": paints[at], "edgecolor": PAPER} if paints else {"color": PAPER, "edgecolor": MUTED}
            bar, = panel.barh([place], [100 * share], left=[start], height=0.62, linewidth=0.8, **paint)
            mark(bar, name, [f"{row}: {name} {100 * share:.3g}%"])
            if not paints:
                panel.text(start + 50 * share, place, name.split(",")[0].split(" ")[0], ha="center", va="center", fontsize=7)
            start += 100 * share


def _answers(classes: Sequence[Any], machines: Sequence[str], labels: np.ndarray, logits: np.ndarray) -> list[dict[str, Any]]:
    """Each asked machine's label with its confidence, and how far that lies before the next."""
    found = []
    for machine, label, row in zip(machines, labels, logits):
        if not (np.isfinite(label) and label >= 0 and np.isfinite(row).all()):
            continue
        shares = np.exp(row - row.max())
        shares /= shares.sum()
        at = list(classes).index(label) if label in classes else int(np.argmax(shares))
        others = np.delete(shares, at)
        after = int(np.argmax(others))
        found.append({"machine": machine, "label": int(label), "confidence": shares[at], "next_label": np.delete(classes, at)[after], "lead": shares[at] - others[after]})
    return found


def _answers_written(panel: Axes, title: str, lines: list[dict[str, Any]], identified: str, first: bool) -> None:
    panel.set_axis_off()
    panel.text(0.04, 1.0, title, transform=panel.transAxes, va="top", fontsize=8, color=MUTED)
    told = [("machine", "label", "confidence", "lead")] if first else []
    told += [(line["machine"], line["label"], f"{100 * line['confidence']:.6f}%", f"{line['lead']:.1e}" if line["lead"] else "0") for line in lines]
    for at, row in enumerate(told):
        paint = COLOURS[1] if row[0] == identified else MUTED if first and at == 0 else INK
        for x, text, side in zip((0.04, 0.5, 0.56, 0.98), row, ("left", "right", "left", "right")):
            panel.text(x, 0.8 - 0.8 / max(len(told), 4) * at, str(text), transform=panel.transAxes, va="top", ha=side, fontsize=8, color=paint,
                       fontweight="bold" if row[0] == identified else "normal")
