"""Measures along one dimension, a line a setting: what most figures of the watermark papers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from telltale.cells import constant, each, labels_of, varying, word, words
from telltale.figures.drawing import MARKERS, Drawing, NothingToDraw, colour, cut_to_shares, legend, line, panels, published, published_key
from telltale.published import marks
from telltale.repeats import over_repeats
from telltale.results import Study

_LINES = ("-", "--", ":", "-.")
MOST_ROWS = 6  # of panels


def curves(study: Study, data: xr.Dataset, along: str, measures: Mapping[str, str], *, hue: str, ordered: bool = False, axis: str = "",
           percent: bool = True, select: Mapping[str, Any] | None = None, where: xr.DataArray | None = None) -> Drawing:
    """A panel a measure (its variable and the panel's title); colours are the labels of `hue`, line styles those of the next
    dimension with several labels, rows of panels what is left. Means over repeats with their 95% interval; published numbers as diamonds.

    `select`: one label of some dimensions; `where`: cells that are shown. Raises NothingToDraw where no number is there.
    """
    names = [name for name in measures if name in data]
    arrays = {name: (data[name] if where is None else data[name].where(where)).sel(dict(select or {})) for name in names}
    arrays = {name: values for name, values in arrays.items() if bool(values.notnull().any())}
    if not arrays:
        raise NothingToDraw(f"{study.path}: nothing of {', '.join(measures)} is there yet")
    names = list(arrays)
    first = arrays[names[0]]
    settings = varying(first, (along, "repeat", hue))
    dashes, rows = settings[:1], settings[1:]
    if dashes and first.sizes[dashes[0]] > len(_LINES):
        dashes, rows = [], settings
    panel_rows = [labels for labels, values in each(first, rows) if bool(values.notnull().any())]
    figure, axes = panels(min(len(panel_rows), MOST_ROWS), len(names), sharex=True)
    hues = labels_of(first, hue) if hue in first.dims else [""]
    lines, has_published = [], False
    for column, name in enumerate(names):
        summary = over_repeats(arrays[name])
        for row, at in enumerate(panel_rows[:MOST_ROWS]):
            panel = axes[row, column]
            panel.set_title(measures[name] + (f"\n{words(at)}" if at else ""))
            for labels, values in each(summary["mean"].sel(at), [*([hue] if hue in first.dims else []), *dashes]):
                if not bool(values.notnull().any()):
                    continue
                here = {**constant(first, (along, "repeat")), **at, **labels}
                series = " ".join(word(label) for label in labels.values()) or measures[name]
                place = hues.index(labels[hue]) if hue in labels else 0
                paint = colour(place, len(hues), ordered)
                dash = labels_of(first, dashes[0]).index(labels[dashes[0]]) if dashes else 0
                chosen = summary.sel({**at, **labels}).squeeze()
                x = np.atleast_1d(chosen[along].values).astype(float)
                scale = 100 if percent else 1
                mean, low, high = (np.atleast_1d(chosen[which].values) for which in ("mean", "low", "high"))
                text = "{x:g}: {y:.2f}%" if percent else "{x:g}: {y:.4g}"
                line(panel, x, mean * scale, series, paint, low=low * scale, high=high * scale, style=_LINES[dash],
                     marker=MARKERS[place % len(MARKERS)] if len(x) < 40 else "", text=text)
                there = marks(study, name, along, **here)
                at_x = [one for one in x if one in there]
                published(panel, at_x, [there[one] * scale for one in at_x], series, paint, text)
                has_published |= bool(at_x)
                lines.append(pd.DataFrame({"measure": name, **here, along: x, "mean": mean, "low": low, "high": high, "n": np.atleast_1d(chosen["n"].values),
                                           "published": [there.get(one, np.nan) for one in x]}))
            panel.margins(y=0.06)
        _scale(axes[-1, column], labels_of(first, along))
        axes[-1, column].set_xlabel(axis or along.replace("_", " "))
    if percent:
        cut_to_shares(axes.flat)
    for of_row in axes:
        of_row[0].set_ylabel("%" if percent else "")
    legend(axes[0, 0], more=[published_key()] if has_published else [])
    frame = pd.concat(lines, ignore_index=True)
    shown = constant(first, (along, "repeat"))
    caption = _caption(shown, int(max(one["n"].max() for one in lines)), len(panel_rows), has_published)
    return Drawing(figure, frame, caption, _told(frame, names, measures, along, percent))


def _scale(panel: Axes, labels: Sequence[float]) -> None:
    """Ticks at the labels where they are few; logarithmic where they reach over more than a decade."""
    positive = [label for label in labels if label > 0]
    if len(positive) == len(labels) > 2 and max(positive) / min(positive) >= 20:
        panel.set_xscale("log")
    if len(labels) <= 7:
        panel.set_xticks(labels, [word(float(label)) for label in labels])
        panel.minorticks_off()


def _caption(shown: dict[str, Any], repeats: int, rows: int, has_published: bool) -> str:
    said = [f"{words(shown)}." if shown else "", f"Means of {repeats} repeats, bands their 95% interval." if repeats > 1 else "One repeat: no interval."]
    if has_published:
        said.append("Diamonds: published.")
    if rows > MOST_ROWS:
        said.append(f"The first {MOST_ROWS} of {rows} settings; the data has all that are drawn, the table the rest.")
    return " ".join(one for one in said if one)


def _told(frame: pd.DataFrame, names: Sequence[str], measures: Mapping[str, str], along: str, percent: bool) -> str:
    """From where to where each measure goes."""
    unit, scale = ("%", 100) if percent else ("", 1)
    said = []
    for name in names:
        values = frame[frame.measure == name]["mean"].dropna() * scale
        if len(values):
            said.append(f"{measures[name]}: {values.min():.4g}{unit} to {values.max():.4g}{unit}")
    return f"Lines along {along.replace('_', ' ')}. " + "; ".join(said) + "."
