"""What every figure is drawn with: its data beside it, one style, and names on what is drawn.

A figure is drawn on white with the palette below; svg.py makes of these very colours variables of the page's style, so that a dark page
has dark figures. Series have names (`mark`), by which the page highlights them, and marks have texts, which it shows on hover.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

INK, MUTED, FAINT, PAPER = "#1b1f24", "#59636e", "#d1d9e0", "#ffffff"
# Of different things. Contrast with PAPER at least 3:1; told apart with any colour vision, and by markers besides.
COLOURS = ("#0072b2", "#d55e00", "#00805d", "#a4478a", "#8a6d00", "#3a3f9e", "#7a3b2e", "#5b5b5b")
# Of labels that have an order, from little to much.
ORDERED = ("#5794c0", "#4d86b1", "#4378a2", "#396b94", "#305d85", "#264f76", "#1c4268", "#123459", "#08264a")
# Of squares: the same on a light and on a dark page, as are the texts in them.
HEAT = ("#e9f3fa", "#d3e6f4", "#b3d3ea", "#8bbadc", "#62a0cd", "#3e84ba", "#2168a4", "#0f4c87", "#08305f")
MARKERS = "osD^vPX*"
WIDTH = 7.2  # inches

_STYLE = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "legend.fontsize": 8.5, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.titlecolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
    "axes.grid": True, "grid.color": FAINT, "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "figure.facecolor": PAPER,
    "axes.facecolor": PAPER, "lines.linewidth": 1.4, "lines.markersize": 4.5, "svg.fonttype": "none", "svg.hashsalt": "telltale",
    "pdf.fonttype": 42, "axes.unicode_minus": False, "savefig.facecolor": PAPER,
}


class NothingToDraw(Exception):
    """Why a study has no such figure: for people."""


@dataclasses.dataclass
class Drawing:
    """A figure and the numbers that it shows."""

    figure: Figure
    data: pd.DataFrame     #: one line a mark: the numbers as the results file holds them (or their mean and interval over repeats)
    caption: str           #: what is shown, of which settings
    description: str       #: for those who cannot see it: what it says, in a sentence


@contextlib.contextmanager
def style() -> Iterator[None]:
    """While something is drawn or saved. No display is needed, and nobody's own settings are taken or changed."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def panels(rows: int, columns: int, height: float = 2.6, width: float = WIDTH, **more: Any) -> tuple[Figure, np.ndarray]:
    """A figure of rows x columns axes, `height` inches a row; always a 2-D array of axes."""
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **more)


def grid(count: int, height: float, across: int = 3, **more: Any) -> tuple[Figure, list[Axes]]:
    """So many panels, at most `across` beside each other; the rest of the last row stays empty."""
    columns = min(count, across)
    figure, axes = panels(-(-count // columns), columns, height=height, **more)
    for panel in axes.flat[count:]:
        panel.set_axis_off()
    return figure, list(axes.flat[:count])


def bottom(axes: Sequence[Axes], label: str) -> None:
    """Of a grid: the label below the lowest panel of each column."""
    for panel in axes[-_columns(axes):]:
        panel.set_xlabel(label)
        panel.tick_params(labelbottom=True)


def left(axes: Sequence[Axes], label: str) -> None:
    """Of a grid: the label beside the first panel of each row."""
    for panel in axes[::_columns(axes)]:
        panel.set_ylabel(label)


def cut_to_shares(axes: Iterable[Axes]) -> None:
    """Percents: an interval may reach beyond what a share can be, and the axis does not. When all panels are drawn: they may have one axis."""
    for panel in axes:
        low, high = panel.get_ylim()
        panel.set_ylim(max(low, -3), min(high, 103))


def _columns(axes: Sequence[Axes]) -> int:
    spec: Any = axes[0].get_subplotspec()
    return int(spec.get_gridspec().ncols)


def colour(place: int, of: int = 0, ordered: bool = False) -> str:
    """Of the series at a place; of ordered labels, by their share of the way from the first to the last of `of`."""
    if not ordered:
        return COLOURS[place % len(COLOURS)]
    return ORDERED[-1 if of < 2 else round(place * (len(ORDERED) - 1) / (of - 1))]


def mark(artist: Any, series: str, texts: Sequence[str] = ()) -> None:
    """Names what an artist shows; `texts`: of each of its marks, in their order."""
    artist.set_gid("|".join(["series", series, *texts]).replace("\n", " "))


def line(axes: Axes, x: ArrayLike, y: ArrayLike, series: str, paint: str, *, low: ArrayLike | None = None, high: ArrayLike | None = None,
         marker: str = "o", style: str = "-", label: str | None = None, text: str = "{x:g}: {y:.4g}", **look: Any) -> None:
    """A line with a mark at each point that is there, and its interval as a band. `look`: more that matplotlib takes."""
    at, values = np.asarray(x, float), np.asarray(y, float)
    there = np.isfinite(values)
    if not there.any():
        return
    drawn, = axes.plot(at[there], values[there], style, color=paint, marker=marker, label=label or series, clip_on=False, **look)
    mark(drawn, series, [f"{series}, {text.format(x=one, y=other)}" for one, other in zip(at[there], values[there])])
    if low is not None and high is not None:
        bounds = np.asarray(low, float), np.asarray(high, float)
        known = there & np.isfinite(bounds[0]) & np.isfinite(bounds[1])
        if known.any():
            mark(axes.fill_between(at[known], bounds[0][known], bounds[1][known], color=paint, alpha=0.15, linewidth=0), series)


def published(axes: Axes, x: ArrayLike, y: ArrayLike, series: str, paint: str, text: str = "{x:g}: {y:.4g}") -> None:
    """Published numbers: hollow diamonds, never joined."""
    at, values = np.asarray(x, float), np.asarray(y, float)
    if at.size == 0:
        return
    drawn, = axes.plot(at, values, linestyle="none", marker="D", markerfacecolor=PAPER, markeredgecolor=paint, markersize=6, zorder=3, clip_on=False)
    mark(drawn, series, [f"published: {series}, {text.format(x=one, y=other)}" for one, other in zip(at, values)])


def heatmap(axes: Axes, values: np.ndarray, texts: np.ndarray | None, series: str, *, what: str = "{row}, {column}: {value:g}",
            most: float | None = None, rows: Sequence[Any] = (), columns: Sequence[Any] = ()) -> None:
    """Squares, the fuller the darker, with texts in them. Nothing (0) and what is missing (NaN) are left empty.

    `most` is as dark as it gets (default: the largest value). `rows`, `columns`: labels, for ticks and texts on hover.
    """
    if most is None:
        most = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    height, width = values.shape
    rows, columns = list(rows) or list(range(height)), list(columns) or list(range(width))
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        share = min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
        fill = HEAT[round(share * (len(HEAT) - 1))] if value != 0 else "none"
        square = matplotlib.patches.Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=fill, edgecolor=FAINT, linewidth=0.5)
        axes.add_patch(square)
        mark(square, series, [what.format(row=rows[row], column=columns[column], value=value)])
        if texts is not None and texts[row, column]:
            ink = INK if value == 0 else "#fefefe" if share > 0.5 else "#010101"
            axes.text(column, row, texts[row, column], ha="center", va="center", fontsize=7, color=ink)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(width), columns)
    axes.set_yticks(range(height), rows)
    axes.grid(False)


def legend(axes: Axes, columns: int = 4, more: Sequence[Any] = ()) -> None:
    """Above all panels of the figure of `axes`, with the entries of all of them: in as many columns, at most, as fit."""
    drawing: Any = axes.figure
    entries: dict[str, Any] = {}
    for one in drawing.axes:
        for handle, label in zip(*one.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    entries.update({one.get_label(): one for one in more})
    if not entries:
        return
    width, height = drawing.get_size_inches()
    fitting = int((width - 0.2) / (0.55 + 0.075 * max(len(label) for label in entries)))
    columns = max(1, min(columns, fitting, len(entries)))
    # Room for it is taken from the panels: a legend in the layout would widen the panel that it belongs to.
    rows = -(-len(entries) // columns)
    drawing.get_layout_engine().set(rect=(0, 0, 1, 1 - (0.19 * rows + 0.06) / height))
    drawing.legend(entries.values(), entries.keys(), loc="upper left", ncols=columns, borderaxespad=0.2).set_in_layout(False)


def published_key() -> Any:
    """What stands for published numbers in a legend."""
    return matplotlib.lines.Line2D([], [], linestyle="none", marker="D", markerfacecolor=PAPER, markeredgecolor=MUTED, label="published")
