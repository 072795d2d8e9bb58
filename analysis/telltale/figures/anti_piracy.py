"""Figures of Chen and Wu 2018 (anti-piracy networks), and the thief's side beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import constant, each, labels_of, varying, word, words
from telltale.figures import figure
from telltale.figures.drawing import COLOURS, INK, MARKERS, MUTED, Drawing, NothingToDraw, bottom, colour, cut_to_shares, grid, left, legend, line, mark, panels, published, published_key
from telltale.figures.images import show, side_label
from telltale.published import marks
from telltale.repeats import over_repeats
from telltale.results import Study

_PIRACY = ("anti-piracy",)
_PAPER = "Chen and Wu 2018"


@figure("anti-piracy-fig2", "Raw and processed images, and their difference times five", source=f"{_PAPER}, Fig. 2", experiments=_PIRACY, group="images")
def images(study: Study) -> Drawing:
    """The first test image as it is, processed by each transform, and what that adds, five times as strong."""
    group = study["images"].isel(repeat=0)
    group = group.isel({dim: 0 for dim in varying(group["raw"], ("transform", "sample", "channel", "row", "column"))})
    rows = [(transform, sample) for transform in labels_of(group, "transform") for sample in range(min(2, group.sizes["sample"]))
            if transform != "none" and bool(group["processed"].sel(transform=transform).isel(sample=sample).notnull().any())]
    if not rows:
        raise NothingToDraw(f"{study.path}: no transform is trained yet, or `show-images` asks for none")
    drawing, axes = panels(len(rows), 3, height=1.5, width=5.0)
    frames = []
    for row, (transform, sample) in enumerate(rows):
        one = group.sel(transform=transform).isel(sample=sample).squeeze()
        raw, processed = (np.atleast_3d(one[name].transpose("row", "column", ...).values).transpose(2, 0, 1) for name in ("raw", "processed"))
        show(axes[row, 0], raw, "raw" if row == 0 else "")
        show(axes[row, 1], processed, "processed" if row == 0 else "")
        show(axes[row, 2], 5 * (processed - raw), "difference x 5" if row == 0 else "", symmetric=1.0)
        side_label(axes[row, 0], transform)
        frames.append({"transform": transform, "sample": sample, "difference (rms)": float(np.sqrt(np.mean((processed - raw) ** 2))),
                       "largest": float(abs(processed - raw).max())})
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, "Pixels in [0,1]; grey is no difference.", "Root mean square of the difference: "
                   + ", ".join(f"{row['transform']} {row['difference (rms)']:.3f}" for _, row in data.drop_duplicates("transform").iterrows()) + ".")


def _row(labels: dict[str, Any]) -> str:
    """"fixed, clip no": a transform says by itself what it is."""
    others = {name: label for name, label in labels.items() if name != "transform"}
    return ", ".join([word(labels["transform"])] * ("transform" in labels) + [words(others)] * bool(others)) or "network"


@figure("anti-piracy-accuracy", "What the owner gets, and what a thief gets", source=f"{_PAPER}, Table 2", experiments=_PIRACY, group="train")
def accuracy(study: Study) -> Drawing:
    """Authorised and raw accuracy of every transform, with the published numbers."""
    data = study["train"]
    if not bool(data["accuracy"].notnull().any()):
        raise NothingToDraw(f"{study.path}: no network is trained yet")
    settings = varying(data["accuracy"], ("repeat",))
    drawing, axes = panels(1, 1, height=0.9 + 0.34 * int(np.prod([data.sizes[dim] for dim in settings])))
    panel, frames, has_published = axes[0, 0], [], False
    rows = [labels for labels, cell in each(data["accuracy"], settings) if bool(cell.notnull().any())]
    for which, (name, told) in enumerate({"accuracy": "authorised (processed images)", "raw_accuracy": "thief (raw images)"}.items()):
        summary = over_repeats(data[name])
        for place, labels in enumerate(rows):
            cell, at = summary.sel(labels).squeeze(), place + 0.2 * (2 * which - 1)
            mean, low, high = (100 * float(cell[one]) for one in ("mean", "low", "high"))
            bar, = panel.barh([at], [mean], height=0.36, color=COLOURS[which], label=told)
            mark(bar, words(labels), [f"{words(labels)}, {told}: {mean:.2f}%"])
            if np.isfinite(low):
                panel.plot([low, high], [at, at], color=INK, linewidth=1)
            others = {**constant(data["accuracy"], ("repeat",)), **labels}
            others.pop("transform", None)
            there = marks(study, name, "transform", **others)
            value = there.get(labels.get("transform", labels_of(data, "transform")[0]))
            if value is not None:
                published(panel, [100 * value], [at], words(labels), INK, text="{x:.2f}%")
                has_published = True
            frames.append({**labels, "measure": name, "mean": mean / 100, "low": low / 100, "high": high / 100, "n": int(cell["n"]), "published": value})
    panel.set_yticks(range(len(rows)), [_row(labels) for labels in rows])
    panel.set(xlim=(0, 102), ylim=(len(rows) - 0.4, -0.6), xlabel="test accuracy, %")
    panel.grid(axis="y", visible=False)
    legend(panel, columns=3, more=[published_key()] if has_published else [])
    frame = pd.DataFrame(frames)
    gap = frame.pivot_table(index=settings or ["n"], columns="measure", values="mean", sort=False)
    points = 100 * (gap["accuracy"] - gap["raw_accuracy"])
    said = {row: f"{_row(dict(zip(settings, row if isinstance(row, tuple) else (row,))))} {round(point, 1) + 0:.1f} points"
            for row, point in points.items()}
    return Drawing(drawing, frame, _repeats(data), "Authorised less raw accuracy: "
                   + ("; ".join(said.values()) if len(said) <= 6 else f"from {said[points.idxmin()]} to {said[points.idxmax()]}") + ".")


def _attempts(study: Study, group: str, what: str) -> Drawing:
    """All attempts of an attack as their distribution, by transform; the mean, and the best, chosen on one half and reported on the other."""
    data = study[group]
    values = data["raw_accuracy"]
    settings = [dim for dim in varying(values, ("repeat", "attempt", "transform"))]
    cells = [(labels, cell.values.ravel()) for labels, cell in each(values, ["transform", *settings]) if bool(cell.notnull().any())]
    if not cells:
        raise NothingToDraw(f"{study.path}: no attempt was made yet")
    drawing, axes = panels(1, 1, height=0.8 + 0.3 * len(cells))
    panel, frames, has_published = axes[0, 0], [], False
    for place, (labels, shares) in enumerate(cells):
        shares = 100 * shares[np.isfinite(shares)]
        paint = colour(labels_of(values, "transform").index(labels["transform"]))
        # Spread over the row by their rank, so that equal ones are not one mark.
        spread = place + 0.28 * (np.argsort(np.argsort(shares)) / max(len(shares) - 1, 1) - 0.5)
        drawn, = panel.plot(shares, spread, linestyle="none", marker=".", color=paint, alpha=0.6)
        mark(drawn, labels["transform"], [f"{words(labels)}: {share:.2f}%" for share in shares])
        statistic = data["attack_accuracy"].sel(labels).mean("repeat").squeeze()
        mean, best = (100 * float(statistic.sel(statistic=one)) for one in ("mean", "best"))
        for value, sign, told in ((mean, "|", "mean"), (best, ">", "best, chosen on the other half")):
            if np.isfinite(value):
                drawn, = panel.plot([value], [place], linestyle="none", marker=sign, markersize=11, color=INK, label=told)
                mark(drawn, labels["transform"], [f"{words(labels)}, {told}: {value:.2f}%"])
        there = marks(study, "attack_accuracy", "statistic", attack=what, **labels)
        if there:
            published(panel, [100 * one for one in there.values()], [place] * len(there), labels["transform"], paint, text="{x:.2f}%")
            has_published = True
        frames += [{**labels, "raw_accuracy": share / 100, "mean": mean / 100, "best": best / 100} for share in shares]
    panel.set_yticks(range(len(cells)), [", ".join(word(label) for label in labels.values()) for labels, _ in cells])
    panel.set(ylim=(len(cells) - 0.4, -0.6), xlabel="accuracy that the thief gets, %")
    panel.set_xlim(left=max(panel.get_xlim()[0], -1), right=min(panel.get_xlim()[1], 101))
    legend(panel, columns=3, more=[published_key()] if has_published else [])
    frame = pd.DataFrame(frames)
    of_transform = {str(name): part["raw_accuracy"] for name, part in frame.groupby("transform", sort=False)}
    return Drawing(drawing, frame, f"A dot an attempt; {words(constant(values, ('repeat', 'attempt')))}.",
                   "; ".join(f"{name}: mean {100 * shares.mean():.1f}%, most {100 * shares.max():.1f}%" for name, shares in of_transform.items()) + ".")


@figure("anti-piracy-input-only", "What a stranger's transforms open", source=f"{_PAPER}, Table 3: input-only", experiments=_PIRACY, group="input-only")
def input_only(study: Study) -> Drawing:
    return _attempts(study, "input-only", "input-only")


@figure("anti-piracy-pairs", "What transforms fitted to pairs open", source=f"{_PAPER}, Table 3: pair attack", experiments=_PIRACY, group="pairs")
def pairs(study: Study) -> Drawing:
    return _attempts(study, "pairs", "pairs")


@figure("anti-piracy-fit", "Accuracy of a pair attack against its fit error", experiments=_PIRACY, group="pairs")
def fit(study: Study) -> Drawing:
    """Not the number of pairs decides, but how well the thief's transform fits."""
    data = study["pairs"]
    counts = labels_of(data, "pairs")
    transforms = [transform for transform in labels_of(data, "transform") if bool(data["fit_error"].sel(transform=transform).notnull().any())]
    if not transforms:
        raise NothingToDraw(f"{study.path}: no transform was fitted yet")
    drawing, axes = grid(len(transforms), 2.8, sharey=True)
    frames = []
    for panel, transform in zip(axes, transforms):
        for place, count in enumerate(counts):
            x, y = (data[name].sel(transform=transform, pairs=count).values.ravel() for name in ("fit_error", "raw_accuracy"))
            there = np.isfinite(x) & np.isfinite(y) & (x > 0)
            if there.any():
                drawn, = panel.plot(x[there], 100 * y[there], linestyle="none", marker=MARKERS[place % len(MARKERS)],
                                    color=colour(place, len(counts), True), label=f"{word(count)} pairs", clip_on=False)
                mark(drawn, transform, [f"{transform}, {word(count)} pairs: error {one:.3g}, {100 * other:.2f}%" for one, other in zip(x[there], y[there])])
            frames.append(pd.DataFrame({"transform": transform, "pairs": count, "fit_error": x, "raw_accuracy": y}))
        panel.set(title=transform, xscale="log")
    bottom(axes, "fit error (rms)")
    left(axes, "accuracy, %")
    legend(axes[0])
    frame = pd.concat(frames, ignore_index=True).dropna()
    best = frame.loc[frame["raw_accuracy"].idxmax()] if len(frame) else None
    return Drawing(drawing, frame, "A mark an attempt; the error is of what the fitted transform adds less what the owner's adds, over pixels of test images.",
                   "No fit is there." if best is None else f"The best fit opens {best['transform']} to {100 * best['raw_accuracy']:.1f}% with {best['pairs']:g} pairs "
                   f"at an error of {best['fit_error']:.3g}.")


#: Ways that need no stolen network: what protection is measured against.
_FAIR = ("scratch", "self-training")


@figure("anti-piracy-regain", "What a thief regains of raw images, against labels", experiments=_PIRACY, group="regain")
def regain(study: Study) -> Drawing:
    """A panel a transform and setting of its training. Each way by its best setting; dotted: the same labels without the stolen network. Protection is
    what is left between the two."""
    data = study["regain"]["raw_accuracy"]
    ways = labels_of(data, "regain_by")
    settings = [dim for dim in varying(study["train"]["accuracy"], ("transform", "repeat")) if dim in data.dims]
    networks = [labels for labels, cell in each(data, ("transform", *settings)) if bool(cell.notnull().any())]
    if not networks:
        raise NothingToDraw(f"{study.path}: no thief has tried yet")
    summary = over_repeats(data)
    drawing, axes = grid(len(networks), 3.0, sharey=True)
    frames = []
    for panel, network in zip(axes, networks):
        for place, way in enumerate(ways):
            cell = _best(summary.sel({**network, "regain_by": way}), ("regain_steps", "regain_block")).squeeze()
            mean, low, high = (np.atleast_1d(cell[which].values) for which in ("mean", "low", "high"))
            labels = np.array(labels_of(data, "regain_labels"), float)
            # No label at all has a place on the axis of logarithms too.
            x = np.where(labels > 0, labels, 0.5)
            line(panel, x, 100 * mean, way, INK if way in _FAIR else colour(place), low=100 * low, high=100 * high, style=":" if way in _FAIR else "-",
                 marker=MARKERS[place % len(MARKERS)], text="{x:g} labels a class: {y:.2f}%")
            frames.append(pd.DataFrame({**network, "by": way, "labels": labels, "mean": mean, "low": low, "high": high}))
        panel.set_title("\n".join([network["transform"], *(words({name: network[name]}) for name in settings)]), loc="left")
        panel.set(xscale="log")
        counts = [float(label) for label in labels_of(data, "regain_labels")]
        panel.set_xticks([count or 0.5 for count in counts], [word(count) for count in counts])
        panel.minorticks_off()
        owner = over_repeats(study["train"]["accuracy"]).sel(network)
        owner = owner.isel({dim: 0 for dim in owner.dims})
        mark(panel.axhline(100 * float(owner["mean"]), color=MUTED, linewidth=0.8, label="the owner"), "the owner", [])
    cut_to_shares(axes)
    bottom(axes, "labels a class")
    left(axes, "accuracy of raw images, %")
    legend(axes[0])
    frame = pd.concat(frames, ignore_index=True).dropna(subset=["mean"])
    return Drawing(drawing, frame, f"{_repeats(data)} Of each way the best number of steps and block. Dotted: without the stolen network.",
                   _protection(frame, networks))


def _best(summary: xr.Dataset, settings: Sequence[str]) -> xr.Dataset:
    """At every other label the setting with the largest mean over repeats, as a thief takes who tried all."""
    place: Any = summary["mean"].fillna(-np.inf).argmax([dim for dim in settings if dim in summary["mean"].dims])
    return summary.isel(place)


def _repeats(data: xr.DataArray | xr.Dataset) -> str:
    return f"Means of {data.sizes['repeat']} repeats with their 95% intervals." if data.sizes["repeat"] > 1 else "One repeat: no interval."


def _protection(frame: pd.DataFrame, networks: list[dict[str, Any]]) -> str:
    told = []
    for network in networks:
        part = frame[(frame[list(network)] == pd.Series(network)).all(axis=1)]
        fair = part[part["by"].isin(_FAIR)].groupby("labels")["mean"].max()
        stolen = part[~part["by"].isin(_FAIR)].groupby("labels")["mean"].max()
        gain: Any = (stolen - fair).dropna()
        if len(gain):
            name = ", ".join(word(label) for label in network.values())
            told.append(f"{name}: the stolen network is worth {100 * gain.max():+.1f} points at {gain.idxmax():g} labels a class")
    return "; ".join(told) + "." if told else "Accuracy regained by each way."


@figure("anti-piracy-machines", "The protected network on every machine", experiments=_PIRACY, group="machines")
def machines(study: Study) -> Drawing:
    """Authorised and raw accuracy on every environment and at every precision."""
    data: xr.Dataset = study["machines"]
    if not bool(data["accuracy"].notnull().any()):
        raise NothingToDraw(f"{study.path}: no machine has answered yet")
    transforms = labels_of(data, "transform")
    drawing, axes = panels(1, 2, height=0.9 + 0.3 * data.sizes["environment"] * data.sizes["precision"])
    frames = []
    rows = [labels for labels, _ in each(data["accuracy"], ("environment", "precision"))]
    for column, (name, told) in enumerate({"accuracy": "authorised", "raw_accuracy": "raw"}.items()):
        panel = axes[0, column]
        for place, transform in enumerate(transforms):
            means = [100 * float(data[name].sel(transform=transform, **labels).mean()) for labels in rows]
            at = np.arange(len(rows)) + 0.12 * (place - (len(transforms) - 1) / 2)
            drawn, = panel.plot(means, at, linestyle="none", marker=MARKERS[place], color=colour(place), label=transform)
            mark(drawn, transform, [f"{transform}, {words(labels)}: {value:.2f}%" for labels, value in zip(rows, means) if np.isfinite(value)])
            frames += [{"transform": transform, **labels, "measure": name, "mean": value / 100} for labels, value in zip(rows, means)]
        panel.set(title=told, xlabel="accuracy, %", ylim=(len(rows) - 0.5, -0.5))
        panel.set_yticks(range(len(rows)), [f"{labels['environment']}, {labels['precision']}" for labels in rows] if column == 0 else [""] * len(rows))
    legend(axes[0, 0])
    frame = pd.DataFrame(frames)
    spread = frame.groupby(["transform", "measure"])["mean"].agg(lambda one: one.max() - one.min()).max()
    return Drawing(drawing, frame, "Means over repeats and batch sizes.",
                   f"Between machines and precisions an accuracy differs by {100 * spread:.2f} points at most.")
