"""Figures of how machines' answers compare: the follow-up of Schlögl et al. 2021 (Schlögl, Hofer, Böhme 2023), and every experiment that asks machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from telltale.cells import each, labels_of, word
from telltale.figures import figure
from telltale.figures.drawing import COLOURS, MUTED, PAPER, Drawing, NothingToDraw, bottom, colour, grid, heatmap, mark, panels
from telltale.results import Study

_COMPARE = ("compare",)
_PRECISIONS = ("float32", "float64", "bfloat16")
_WHOLE = {"float32": 24, "float64": 53, "bfloat16": 8}
_MACHINE = ("environment", "threads")
_SETTING = ("network", "predict_batch")
_MOST_PANELS = 6
_MOST_TEXTS = 14     # machines, beyond which numbers do not fit in squares
_MOST_MACHINES = 24  # and beyond which those of the same bits share a row


@dataclasses.dataclass(frozen=True)
class _Panel:
    """One network and batch, asked of all machines, in one precision; of the first repeat that is there."""

    title: str
    labels: dict[str, Any]
    values: xr.Dataset


@figure("machines-dendrogram", "Which machines compute alike", source="Schlögl et al. 2023; dendrograms", experiments=_COMPARE, group="environments")
def dendrogram(study: Study) -> Drawing:
    """Average linkage by lost bits, as the results file has it."""
    names, found = _panels(study, "leaf_order")
    found = [one for one in found if (one.values["merge_first"].values >= 0).any()]
    if not found:
        raise NothingToDraw(f"{study.path}: the answers of no two machines are there yet")
    shown = found[:_MOST_PANELS]
    drawing, axes = grid(len(shown), 0.75 + 0.19 * len(names), across=2, sharex=True)
    frames = []
    for panel, one in zip(axes, shown):
        order = [int(at) for at in one.values["leaf_order"].values if at >= 0]
        places = {machine: (float(place), 0.0) for place, machine in enumerate(order)}  # of a cluster: its middle and its height
        members = {machine: [names[machine]] for machine in order}
        merges = zip(*(one.values[name].values for name in ("merge_first", "merge_second", "merge_height", "merge_size")))
        for step, (first, second, height, size) in enumerate(merges):
            if not (first in places and second in places and np.isfinite(height)):
                continue
            (upper, start), (lower, other) = places[int(first)], places[int(second)]
            paint, width = (COLOURS[2], 2.6) if height == 0 else (COLOURS[0], 1.4)
            cluster = len(names) + step
            places[cluster], members[cluster] = ((upper + lower) / 2, float(height)), members[int(first)] + members[int(second)]
            drawn, = panel.plot([start, height, height, other], [upper, upper, lower, lower], color=paint, linewidth=width, solid_joinstyle="miter", clip_on=False)
            mark(drawn, "the same bits" if height == 0 else "merge", [f"{height:.3g} bits: {'; '.join(members[cluster])}"])
            frames.append({**one.labels, "merge": step, "first": first, "second": second, "lost_bits": height, "machines": size, "members": "; ".join(members[cluster])})
        panel.set(title=one.title, ylim=(len(order) - 0.5, -0.5))
        panel.set_yticks(range(len(order)), [names[at] for at in order])
        panel.grid(axis="y", visible=False)
    for panel in axes:
        panel.set_xlim(left=0)
    bottom(axes, "lost bits of the significand")
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, f"Average linkage by the bits of the significand that are lost between machines{_rest(found, shown)}. "
                   "Thick and green, at 0: the same bits.",
                   "; ".join(f"{one.title}: the last merge loses {np.nanmax(one.values['merge_height'].values):.3g} bits" for one in shown) + ".")


@figure("machines-distance", "How many bits remain between machines", source="Schlögl et al. 2023; distances", experiments=_COMPARE, group="environments")
def distance(study: Study) -> Drawing:
    """Matrices of the leading bits in which all answers agree."""
    all_names, found = _panels(study, "remaining_bits")
    shown = found[:_MOST_PANELS]
    drawing, axes = _squares_grid(shown, all_names)
    frames = []
    for panel, one in zip(axes, shown):
        names, kept = _kept(one, all_names)
        bits = _matrix(one.values["remaining_bits"], kept)
        whole = float(one.values.attrs.get("significant_bits", _WHOLE[one.labels["precision"]]))
        images, labels = (_matrix(one.values[name], kept) for name in ("differing_images", "label_disagreements"))
        texts = np.array([["=" if value >= whole else f"{value:.1f}" if np.isfinite(value) else "" for value in row] for row in bits])
        told = _told(names, [["the same bits" if bits[at] >= whole else f"{bits[at]:.2f} of {whole:g} bits remain; {images[at]:.0f} images differ, "
                              f"{labels[at]:.0f} in their label" for at in row] for row in _places(names)])
        lost = np.clip(whole - bits, 0, None)
        apart = lost[lost > 0]  # from a light square to a dark one: they differ by few bits
        shades = np.where(lost > 0, 1 + 4 * (lost - apart.min()) / max(np.ptp(apart), 1), lost) if len(apart) else lost
        _squares(panel, shades, texts, told, "bits", names, most=5)
        panel.set_title(one.title)
        frames += [{**one.labels, "machine": names[row], "machine_2": names[column], "remaining_bits": value, "differing_images": images[row, column],
                    "label_disagreements": labels[row, column]} for (row, column), value in np.ndenumerate(bits)]
    data = pd.DataFrame(frames)
    pairs = data[data["machine"] != data["machine_2"]]
    least = pairs.loc[pairs["remaining_bits"].idxmin()] if pairs["remaining_bits"].notna().any() else None
    return Drawing(drawing, data, f"Numbers: bits of the significand ({whole:g}) that remain, by the largest relative deviation of any logit{_rest(found, shown)}. "
                   "The darker the more are lost, within a panel; = the same bits.",
                   f"Fewest bits remain between {least['machine']} and {least['machine_2']}: {least['remaining_bits']:.1f}." if least is not None
                   else "No two machines have answered.")


@figure("machines-first-layer", "The first layer that two machines compute differently", experiments=_COMPARE, group="environments")
def first_layer(study: Study) -> Drawing:
    """Matrices of layers, counted from 1."""
    all_names, found = _panels(study, "first_layer")
    shown = found[:_MOST_PANELS]
    drawing, axes = _squares_grid(shown, all_names)
    frames, layers_seen = [], {}
    for panel, one in zip(axes, shown):
        layers = [str(layer) for layer in labels_of(one.values, "layer")]
        names, kept = _kept(one, all_names)
        first = _matrix(one.values["first_layer"], kept)
        first = np.where(np.isfinite(first), first, -1.0 if not (first == -1).any() else np.nan)  # -1 may be what stands for no value
        there = np.isfinite(first) & (first >= -1)
        numbers = [[int(value) if known else -2 for value, known in zip(*pair)] for pair in zip(first, there)]
        texts = np.array([["" if at == -2 else "=" if at == -1 else str(at + 1) for at in row] for row in numbers])
        said = [["not there" if at == -2 else "no layer deviates" if at == -1 else f"layer {at + 1}, {layers[at]}" for at in row] for row in numbers]
        told = _told(names, said)
        _squares(panel, np.where(there, np.where(first < 0, 0, len(layers) - first), np.nan), texts, told, "first layer", names, most=len(layers))
        panel.set_title(one.title)
        layers_seen.update({at: layers[at] for row in numbers for at in row if at >= 0})
        frames += [{**one.labels, "machine": names[row], "machine_2": names[column], "first_layer": numbers[row][column], "layer": said[row][column]}
                   for row in range(len(names)) for column in range(len(names)) if numbers[row][column] > -2]
    listed = ", ".join(f"{at + 1} {layer}" for at, layer in sorted(layers_seen.items())) or "none"
    return Drawing(drawing, pd.DataFrame(frames), f"Layers: {listed}{_rest(found, shown)}. The darker the earlier; = no layer deviates.",
                   f"First layers that deviate: {listed}.")


@figure("machines-classes", "Which machines share their bits", source="Schlögl et al. 2023; equivalence classes",
        experiments=("compare", "new-label", "anti-piracy"), group="environments")
def classes(study: Study) -> Drawing:
    """A square a machine and setting; of the same colour in a row: the same bits."""
    rows: list[tuple[dict[str, Any], dict[str, int]]] = []
    for group in ("float32", "float64", "bfloat16", "predict", "machines"):
        if group not in study or "equivalence_class" not in study[group]:
            continue
        values = study[group]["equivalence_class"]
        if "repeat" in values.dims:
            values = values.isel(repeat=0)
        dims = [dim for dim in values.dims if dim not in _MACHINE]
        stacked = _stacked(values)
        here = _names(study[group])
        for labels, cell in each(stacked, [str(dim) for dim in dims]):
            answered = {name: int(number) for name, number in zip(here, cell.values) if number >= 0}
            if answered:
                rows.append(({**({"precision": group} if group in _PRECISIONS else {}), **labels}, answered))
    if not rows:
        raise NothingToDraw(f"{study.path}: no machine has answered yet, or its job did not ask machines")
    kinds = [row[0].get("network", row[0].get("transform")) for row in rows]
    rows.sort(key=lambda row: kinds.index(row[0].get("network", row[0].get("transform"))))
    names = list(dict.fromkeys(name for _, numbers in rows for name in numbers))
    if len(names) < 2:
        raise NothingToDraw(f"{study.path}: one machine has answered: it has nothing to share")
    upright = len(names) <= _MOST_TEXTS  # machines side by side; of many, one below the other
    width, height = (len(names), len(rows)) if upright else (len(rows), len(names))
    drawing, axes = panels(1, 1, height=1.3 + 0.26 * height)
    panel = axes[0, 0]
    frames = []
    for place, (labels, numbers) in enumerate(rows):
        found = list(dict.fromkeys(numbers.values()))
        for name, number in numbers.items():
            which = found.index(number)
            x, y = (names.index(name), place) if upright else (place, names.index(name))
            same = [other for other, one in numbers.items() if one == number and other != name]
            square = Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, facecolor=colour(which), edgecolor="none")
            panel.add_patch(square)
            mark(square, f"class {_letter(which)}", [f"{name}, {_title(labels)}: class {_letter(which)}, {_as(same)}"])
            panel.text(x, y, _letter(which), ha="center", va="center", color=PAPER, fontsize=7.5)
            frames.append({**labels, "machine": name, "equivalence_class": number, "class": _letter(which)})
        panel.text(*((width - 0.4, place) if upright else (place, -0.85)), f"{len(found)} class{'es' if len(found) > 1 else ''}", va="center",
                   ha="left" if upright else "center", color=MUTED, fontsize=8)
    panel.set(xlim=(-0.5, width + (0.3 if upright else -0.5)), ylim=(height - 0.5, -0.5 if upright else -1.3))
    settings = [_title(labels) for labels, _ in rows]
    across, down = (names, settings) if upright else (settings, names)
    slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, across)) * width > 60 else {}
    panel.set_xticks(range(width), across, **slanted)
    panel.set_yticks(range(height), down)
    panel.grid(False)
    data = pd.DataFrame(frames)
    counts = [len(set(numbers.values())) for _, numbers in rows]
    return Drawing(drawing, data, f"In a {'row' if upright else 'column'}, machines of one letter have answered with the same bits, to every image; "
                   "letters of different ones have nothing to do with each other. First repeat.",
                   f"{len(names)} machines fall into {' to '.join(str(one) for one in sorted({min(counts), max(counts)}))} classes.")


def _panels(study: Study, name: str) -> tuple[list[str], list[_Panel]]:
    """The machines, and every network and batch of the first precision in which something of this variable is there."""
    for group in _PRECISIONS:
        if group not in study or name not in study[group]:
            continue
        data = study[group]
        found = []
        for labels, _ in each(data["equivalence_class"], [dim for dim in _SETTING if dim in data.dims]):
            cells = data.drop_vars(["logits", "probabilities", "label"], errors="ignore").sel(labels)
            for repeat in range(cells.sizes.get("repeat", 1)):
                cell = cells.isel(repeat=repeat) if "repeat" in cells.dims else cells
                if (cell["equivalence_class"].values >= 0).any():
                    found.append(_Panel(_title({"precision": group, **labels}), {"precision": group, **labels}, cell))
                    break
        if found and len(_names(data)) < 2:
            raise NothingToDraw(f"{study.path}: there is one machine: it has nothing to be compared with")
        if found:
            return _names(data), found
    raise NothingToDraw(f"{study.path}: no machine has answered yet")


def _names(data: xr.Dataset) -> list[str]:
    """Of the machines, in the order of their numbers: environment by threads."""
    several = data.sizes.get("threads", 1) > 1
    environments, threads = labels_of(data, "environment"), labels_of(data, "threads") if "threads" in data.dims else [1]
    return [f"{environment}, {number} thread{'s' if number > 1 else ''}" if several else str(environment) for environment in environments for number in threads]


def _stacked(values: xr.DataArray) -> xr.DataArray:
    """With one dimension `at` for environment and threads."""
    return values.stack(at=[dim for dim in _MACHINE if dim in values.dims], create_index=False)


def _matrix(values: xr.DataArray, kept: Sequence[int]) -> np.ndarray:
    first = [dim for dim in _MACHINE if dim in values.dims]
    second = [f"{dim}_2" for dim in first]
    size = int(np.prod([values.sizes[dim] for dim in first]))
    return values.transpose(*first, *second).values.reshape(size, size).astype(float)[np.ix_(kept, kept)]


def _places(names: Sequence[str]) -> list[list[tuple[int, int]]]:
    return [[(row, column) for column in range(len(names))] for row in range(len(names))]


def _told(names: Sequence[str], said: Sequence[Sequence[str]]) -> np.ndarray:
    """For every square, of which machines it is."""
    return np.array([[f"{names[row]} and {names[column]}: {said[row][column]}" for row, column in line] for line in _places(names)])


def _kept(one: _Panel, names: Sequence[str]) -> tuple[list[str], list[int]]:
    """The machines that have a row; of very many, the first of each class with the number of the others."""
    if len(names) <= _MOST_MACHINES:
        return list(names), list(range(len(names)))
    numbers = one.values["equivalence_class"].transpose(*(dim for dim in _MACHINE if dim in one.values.dims)).values.ravel()
    kept = [at for at, number in enumerate(numbers) if number == at]
    return [f"{names[at]} (+{(numbers == at).sum() - 1})" if (numbers == at).sum() > 1 else names[at] for at in kept], kept


def _squares_grid(shown: Sequence[_Panel], names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    alike = len(names) <= _MOST_MACHINES  # else every panel has its own machines
    return grid(len(shown), max(2.6 if alike else 3.6, 0.22 * max(len(_kept(one, names)[0]) for one in shown)), across=2, sharex=alike, sharey=alike)


def _squares(panel: Axes, shades: np.ndarray, texts: np.ndarray, told: np.ndarray, series: str, names: Sequence[str], most: float | None = None) -> None:
    """A heatmap whose squares say on hover what `told` has for them."""
    heatmap(panel, shades, texts if len(names) <= _MOST_TEXTS else None, series, most=most, rows=names, columns=names)
    for square, text in zip(panel.patches, told[np.isfinite(shades)]):
        mark(square, series, [text])
    small = 8 if len(names) <= 8 else 7 if len(names) <= 24 else 4.5
    panel.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=small)
    panel.set_yticks(range(len(names)), names, fontsize=small)


def _title(labels: dict[str, Any]) -> str:
    """"resnet-20, batch 4, float32"."""
    order = [name for name in ("network", "transform", "predict_batch", "precision") if name in labels]
    return ", ".join(f"batch {word(labels[name])}" if name == "predict_batch" else word(labels[name]) for name in order)


def _as(others: Sequence[str]) -> str:
    return "alone" if not others else f"as {'; '.join(others)}" if len(others) < 8 else f"as {len(others)} others"


def _letter(place: int) -> str:
    """A to Z, then AA."""
    return chr(ord("A") + place) if place < 26 else _letter(place // 26 - 1) + _letter(place % 26)


def _rest(found: Sequence[_Panel], shown: Sequence[_Panel]) -> str:
    return f" (the first {len(shown)} of {len(found)} settings)" if len(shown) < len(found) else ""
