"""Figures of how a study ran: of every experiment."""

from __future__ import annotations

import dataclasses
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter

from telltale.figures import figure
from telltale.figures.drawing import COLOURS, FAINT, INK, MUTED, ORDERED, PAPER, Drawing, NothingToDraw, legend, line, mark, panels
from telltale.results import Study

_MOST_TASKS = 1000   # drawn one by one; more become shares of bins, so that a page can hold them
_MOST_BINS, _MOST_CELLS = 400, 40000
_MOST_LANES = 8      # of tasks that share a rank
_PAINTS = (*COLOURS, ORDERED[0], INK)  # of the kinds of tasks that took the most time; all others are _OTHERS
_OTHERS = FAINT
_GAP = 0.03          # between two starts, of all time worked


@dataclasses.dataclass(frozen=True)
class _Start:
    """A start of the program, up to the last task that it finished. Times are in seconds."""

    number: int
    begin: float          #: on the clock
    length: float
    at: float             #: on the axis
    ranks: tuple[int, ...]  #: that compute
    told: dict[int, str]    #: what a rank is, by its number


@dataclasses.dataclass(frozen=True)
class _Run:
    """All tasks that have run, on an axis without the pauses between starts."""

    tasks: pd.DataFrame   #: kind, status, rank, seconds, start (its number), begin and end on the axis
    starts: list[_Start]
    apart: str            #: for the caption
    width: float

    @property
    def unit(self) -> tuple[str, float]:
        return ("s", 1.0) if self.width < 180 else ("min", 60.0) if self.width < 3 * 3600 else ("h", 3600.0)


@figure("run-timeline", "Which rank did what, when", group="run")
def timeline(study: Study) -> Drawing:
    """A row a rank, a bar a task; of very many tasks, how busy each rank was in each bin of time."""
    run = _run(study)
    ranks = sorted({rank for start in run.starts for rank in start.ranks})
    paints = _paints(run.tasks)
    entries = {kind: paint for kind, paint in paints.items() if paint != _OTHERS}
    if len(entries) < len(paints):
        entries["others"] = _OTHERS
    # The legend of very many kinds has more rows than fit above a single rank.
    drawing, axes = panels(1, 1, height=1.2 + min(0.26 * len(ranks), 7.0) + 0.19 * max(0, len(entries) // 4 - 2))
    panel = axes[0, 0]
    many = len(run.tasks) > _MOST_TASKS
    data = _draw_bins(panel, run, ranks, paints) if many else _draw_tasks(panel, run, ranks, paints)
    told = {rank: text for start in run.starts for rank, text in start.told.items()}
    every = -(-len(ranks) // 40)
    panel.set_yticks(range(0, len(ranks), every), [f"{rank} {told.get(rank, '')}".strip() if every == 1 else str(rank) for rank in ranks[::every]])
    panel.set(ylim=(len(ranks) - 0.4, -0.6), ylabel="rank")
    panel.grid(axis="y", visible=False)
    _time_axis(panel, run)
    legend(panel, columns=6, more=[Patch(color=paint, label=label) for label, paint in entries.items()])
    failed = int((run.tasks["status"] == "failed").sum())
    how = "where tasks share a rank, its row has lanes." if not many else "too many for a bar each: colour is the kind that took most of a bin, " \
        "its strength the share of the bin that the rank was busy."
    lost = "" if not failed else f" {failed:,} failed." if many else f" {failed:,} failed: outlined."
    return Drawing(drawing, data, f"{_count(len(run.tasks), 'task')}; {how}{lost}{run.apart}",
                   f"{_count(len(ranks), 'rank')} worked for {_duration(sum(start.length for start in run.starts))}, in {_count(len(run.starts), 'start')}.")


@figure("run-utilisation", "How many of the ranks were busy", group="run")
def utilisation(study: Study) -> Drawing:
    """The share of computing ranks with a task, over time."""
    run = _run(study)
    drawing, axes = panels(1, 1, height=2.6)
    panel = axes[0, 0]
    frames, worked, available = [], 0.0, 0.0
    for start, edges in _bins(run, 160):
        tasks = run.tasks[run.tasks["start"] == start.number]
        busy = sum((_busy(tasks[tasks["rank"] == rank], edges) for rank in start.ranks), np.zeros(len(edges) - 1))
        share = busy / (np.diff(edges) * len(start.ranks))
        worked, available = worked + busy.sum(), available + start.length * len(start.ranks)
        unit, seconds = run.unit
        middle = (edges[1:] + edges[:-1]) / 2
        line(panel, middle / seconds, 100 * share, "busy", COLOURS[0], marker=".", text="{y:.0f}% of the ranks busy")
        panel.fill_between(middle / seconds, 0, 100 * share, color=COLOURS[0], alpha=0.15, linewidth=0)
        frames.append(pd.DataFrame({"start": start.number, f"from_{unit}": edges[:-1] / seconds, f"to_{unit}": edges[1:] / seconds, "busy_share": share,
                                    "ranks": len(start.ranks)}))
    panel.set(ylim=(0, 105), ylabel="% of the ranks")
    _time_axis(panel, run)
    share = worked / available if available > 0 else np.nan
    return Drawing(drawing, pd.concat(frames, ignore_index=True),
                   f"Busy {_duration(worked)} of {_duration(available)} that computing ranks were there: {100 * share:.1f}%.{run.apart}",
                   f"On average {100 * share:.0f}% of the computing ranks had a task.")


@figure("run-costs", "What each kind of task costs", group="run")
def costs(study: Study) -> Drawing:
    """All seconds of a kind, and those of one task."""
    tasks = _finished(study)
    kinds = [(kind, part["seconds"].values) for kind, part in tasks.groupby("kind", sort=False)]
    kinds.sort(key=lambda one: -one[1].sum())
    names = ("least_s", "q1_s", "median_s", "q3_s", "most_s")
    data = pd.DataFrame([{"kind": kind, "tasks": len(seconds), "total_s": seconds.sum(), **dict(zip(names, np.quantile(seconds, (0, 0.25, 0.5, 0.75, 1))))}
                         for kind, seconds in kinds])
    drawing, axes = panels(1, 2, height=0.9 + 0.3 * len(data), sharey=True)
    left, right = axes[0]
    total = data["total_s"].sum()
    unit, scale = ("s", 1.0) if data["total_s"].max() < 600 else ("min", 60.0) if data["total_s"].max() < 6 * 3600 else ("h", 3600.0)
    least = max(min(1e-3, data["median_s"].min()), 1e-6)  # 0 has no place on a logarithmic axis
    for place, row in enumerate(data.itertuples()):
        bar, = left.barh([place], [row.total_s / scale], height=0.62, color=COLOURS[0])
        mark(bar, row.kind, [f"{row.kind}: {_duration(row.total_s)} in {_count(row.tasks, 'task')}, {100 * row.total_s / total if total else 0:.1f}% of all"])
        right.plot(np.clip([row.least_s, row.most_s], least, None), [place, place], color=COLOURS[0], linewidth=1)
        right.plot(np.clip([row.q1_s, row.q3_s], least, None), [place, place], color=COLOURS[0], linewidth=6, solid_capstyle="butt")
        middle, = right.plot([max(row.median_s, least)], [place], linestyle="none", marker="o", color=COLOURS[0], markerfacecolor=PAPER, markersize=6)
        mark(middle, row.kind, [f"{row.kind}: median {row.median_s:.3g} s, quartiles {row.q1_s:.3g} and {row.q3_s:.3g}, from {row.least_s:.3g} to {row.most_s:.3g} s"])
    left.set(xlabel=f"{unit}, all tasks together", title="together", ylim=(len(data) - 0.4, -0.6))
    right.set(xlabel="s, one task", title="one task", xscale="log")
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    right.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    left.set_yticks(range(len(data)), [f"{row.kind} ({row.tasks:,})" for row in data.itertuples()])
    for panel in axes[0]:
        panel.grid(axis="y", visible=False)
    most = data.iloc[0]
    return Drawing(drawing, data, f"Wall time in {_count(len(tasks), 'task')}, {_duration(total)} in all; tasks that share a rank count each. "
                   "Right: median, quartiles, and from the least to the most.",
                   f"{most['kind']} takes most: {_duration(most['total_s'])} in {_count(most['tasks'], 'task')}.")


def _finished(study: Study) -> pd.DataFrame:
    """A line a task that has run: kind, status, rank, seconds and its end on the clock."""
    run, tasks = study["run"], study["tasks"]
    finished = run["finished"].values
    if finished.dtype.kind == "M":
        clock = np.where(np.isnat(finished), np.nan, finished.astype("datetime64[ns]").astype(np.int64) / 1e9)
    else:  # nothing has finished: there is no time to be decoded
        clock = finished.astype(float)
    frame = pd.DataFrame({"kind": tasks["kind"].values, "status": tasks["status"].values, "rank": run["rank"].values, "seconds": run["seconds"].values,
                          "finished": clock})
    frame = frame[np.isfinite(frame["seconds"]) & np.isfinite(frame["finished"]) & (frame["rank"] >= 0)]
    if frame.empty:
        raise NothingToDraw(f"{study.path}: no task has run yet")
    return frame.assign(rank=frame["rank"].astype(int)).reset_index(drop=True)


def _run(study: Study) -> _Run:
    """Every task belongs to the last start before its end."""
    tasks = _finished(study)
    unknown = {"started_s": float((tasks["finished"] - tasks["seconds"]).min()), "ranks": []}
    sessions = sorted(study.sessions, key=lambda one: float(one["started_s"])) or [unknown]
    begins = np.array([float(one["started_s"]) for one in sessions])
    number = np.searchsorted(begins, tasks["finished"].values, side="right") - 1
    earlier = int((number < 0).sum())
    tasks = tasks.assign(start=number)[number >= 0]
    if tasks.empty:
        raise NothingToDraw(f"{study.path}: all tasks have run before its first start: they were taken from elsewhere")
    lengths = (tasks.groupby("start")["finished"].max() - pd.Series(begins)).dropna()
    gap = _GAP * lengths.sum()
    starts, at, pauses, end = [], 0.0, [], np.nan
    for place, length in lengths.items():
        session = sessions[int(place)]
        computing = {rank: one for rank, one in enumerate(session["ranks"]) if one.get("computes")}
        ranks = sorted(set(computing) | set(tasks.loc[tasks["start"] == place, "rank"]))
        hosts = {one.get("host") for one in computing.values()}
        told = {rank: one.get("profile" if len(hosts) < 2 else "host", "") for rank, one in computing.items()}
        starts.append(_Start(int(place) + 1, begins[place], float(length), at, tuple(ranks), told))
        at += float(length) + gap
        if np.isfinite(end):
            pauses.append(begins[place] - end)
        end = begins[place] + float(length)
    offset = {start.number - 1: start.at - start.begin for start in starts}
    stop = tasks["finished"] + tasks["start"].map(offset)
    floor = tasks["start"].map({start.number - 1: start.at for start in starts})
    tasks = tasks.assign(start=tasks["start"] + 1, begin=np.maximum(stop - tasks["seconds"], floor), end=stop)
    said = ""
    if pauses:
        listed = ", ".join(_duration(max(one, 0)) for one in pauses[:6]) + (", ..." if len(pauses) > 6 else "")
        said += f" {len(starts)} starts side by side; pauses between them ({listed}) are left out."
    if len(sessions) > len(starts):
        said += f" {_count(len(sessions) - len(starts), 'more start')} finished nothing."
    if earlier:
        said += f" {_count(earlier, 'task')} that ran before the first start left out."
    return _Run(tasks, starts, said, at - gap)


def _paints(tasks: pd.DataFrame) -> dict[str, str]:
    """A colour for every kind, in the order in which they began."""
    kinds = list(dict.fromkeys(tasks["kind"]))
    longest = tasks.groupby("kind")["seconds"].sum().nlargest(len(_PAINTS)).index
    own = iter(_PAINTS)
    return {kind: next(own) if kind in longest else _OTHERS for kind in kinds}


def _draw_tasks(panel: Axes, run: _Run, ranks: list[int], paints: dict[str, str]) -> pd.DataFrame:
    lanes = _lanes(run.tasks)
    tasks = run.tasks.assign(lane=lanes).sort_values(["kind", "begin"], kind="stable")
    several = tasks.groupby("rank")["lane"].max() + 1
    unit, seconds = run.unit
    for kind, paint in paints.items():
        part = tasks[tasks["kind"] == kind]
        corners, texts, edges = [], [], []
        for task in part.itertuples():
            height = 0.8 / several[task.rank]
            top = ranks.index(task.rank) - 0.4 + height * task.lane
            begin, end = task.begin / seconds, max(task.end, task.begin + run.width / 2000) / seconds
            corners.append([(begin, top), (end, top), (end, top + height * 0.94), (begin, top + height * 0.94)])
            texts.append(f"{kind}, {task.seconds:.3g} s, rank {task.rank}{', failed' if task.status == 'failed' else ''}")
            edges.append(INK if task.status == "failed" else "none")
        bars = PolyCollection(corners, facecolors=paint, edgecolors=edges if INK in edges else "none", linewidths=0.8)
        panel.add_collection(bars)
        mark(bars, kind, texts)
    data = tasks[["start", "rank", "kind", "status", "seconds"]].assign(**{f"begin_{unit}": tasks["begin"] / seconds})
    return data.sort_values(["start", f"begin_{unit}"], kind="stable", ignore_index=True)


def _lanes(tasks: pd.DataFrame) -> np.ndarray:
    """Where tasks of a rank overlap, they lie side by side."""
    lanes = np.zeros(len(tasks), dtype=int)
    taken: dict[int, list[float]] = {}
    begins, ends, ranks = tasks["begin"].values, tasks["end"].values, tasks["rank"].values
    for at in np.argsort(begins, kind="stable"):
        until = taken.setdefault(int(ranks[at]), [])
        free = next((lane for lane, end in enumerate(until) if end <= begins[at] + 1e-3), len(until))
        if free == len(until) and free < _MOST_LANES:
            until.append(0.0)
        free = min(free, _MOST_LANES - 1)
        until[free], lanes[at] = ends[at], free
    return lanes


def _draw_bins(panel: Axes, run: _Run, ranks: list[int], paints: dict[str, str]) -> pd.DataFrame:
    """A picture a start: it stays small however many tasks there are."""
    kinds = list(paints)
    fills = np.array([matplotlib.colors.to_rgb(paint) for paint in paints.values()])
    unit, seconds = run.unit
    frames = []
    busy_of = {rank: [0.0, 0.0] for rank in ranks}  # seconds busy, and there
    for start, edges in _bins(run, int(np.clip(_MOST_CELLS // len(ranks), 40, _MOST_BINS))):
        picture = np.zeros((len(ranks), len(edges) - 1, 4))
        of_rank = dict(list(run.tasks[run.tasks["start"] == start.number].groupby("rank")))
        for rank in start.ranks:
            busy_of[rank][1] += start.length
            if rank not in of_rank:
                continue
            part, row = of_rank[rank], ranks.index(rank)
            share = np.clip(_busy(part, edges) / np.diff(edges), 0, 1)
            most = np.argmax([_busy(part[part["kind"] == kind], edges) for kind in kinds], axis=0)
            picture[row, :, :3], picture[row, :, 3] = fills[most], share
            busy_of[rank][0] += float((share * np.diff(edges)).sum())
            frames.append(pd.DataFrame({"start": start.number, "rank": rank, f"from_{unit}": edges[:-1] / seconds, f"to_{unit}": edges[1:] / seconds,
                                        "busy_share": share, "kind": np.where(share > 0, np.array(kinds)[most], "")}))
        panel.imshow(picture, extent=(edges[0] / seconds, edges[-1] / seconds, len(ranks) - 0.5, -0.5), aspect="auto", interpolation="nearest", zorder=0.6)
    for row, rank in enumerate(ranks if len(ranks) <= 200 else []):
        panel.axhline(row + 0.5, color=PAPER, linewidth=min(2.0, 40 / len(ranks)))
        over = Rectangle((0, row - 0.5), run.width / seconds, 1, alpha=0.0)
        panel.add_patch(over)
        worked, there = busy_of[rank]
        mark(over, f"rank {rank}", [f"rank {rank}: busy {_duration(worked)} of {_duration(there)}, {100 * worked / there if there else 0:.0f}%"])
    return pd.concat(frames, ignore_index=True)


def _bins(run: _Run, count: int) -> list[tuple[_Start, np.ndarray]]:
    """Edges on the axis, in seconds: about so many bins over all starts."""
    def edges(start: _Start) -> np.ndarray:
        return np.linspace(start.at, start.at + start.length, max(1, round(count * start.length / run.width)) + 1)
    return [(start, edges(start)) for start in run.starts if start.length > 0]


def _busy(tasks: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Seconds of each bin in which at least one of the tasks ran."""
    if tasks.empty:
        return np.zeros(len(edges) - 1)
    order = np.argsort(tasks["begin"].values, kind="stable")
    begins, reach = tasks["begin"].values[order], np.maximum.accumulate(tasks["end"].values[order])
    first = np.flatnonzero(np.r_[True, begins[1:] > reach[:-1]])  # of each stretch without a break
    begins, ends = begins[first], reach[np.r_[first[1:] - 1, len(reach) - 1]]
    until = np.cumsum(ends - begins)
    return np.diff(np.interp(edges, np.column_stack([begins, ends]).ravel(), np.column_stack([until - (ends - begins), until]).ravel()))


def _time_axis(panel: Axes, run: _Run) -> None:
    unit, seconds = run.unit
    panel.set_xlim(0, run.width * 1.005 / seconds)
    panel.set_xlabel(f"{unit} since the {'first start, pauses left out' if len(run.starts) > 1 else 'start'}")
    for before, start in zip(run.starts, run.starts[1:]):
        middle = (before.at + before.length + start.at) / 2 / seconds
        panel.axvspan((before.at + before.length) / seconds, start.at / seconds, facecolor=PAPER, edgecolor="none", zorder=1)
        panel.axvline(middle, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        panel.text(middle, 1.0, f"start {start.number}", transform=panel.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5, color=MUTED)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _duration(seconds: Any) -> str:
    """"42.0 s", "12.5 min", "3.2 h", "4.1 days"."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"
