"""The beginning of the page: all studies in one table, then what failed and what is missing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import labels_of, varying, words
from telltale.differences import NOT_COMPARED
from telltale.report.tables import NOTHING, Cell, Ids, Table, duration, heads, number, percent, plain, shortened
from telltale.results import Study

# Dimensions inside what one task gives: a cell of a group is a combination of the others.
_WITHIN = {"image", "class", "answer", "channel", "row", "column", "sample", "version", "rank", "epoch", "digit", "bin", "edge", "part", "percent", "quantile",
           "filter", "ending", "class_2", "layer", "machine", "merge", "leaf", "step", "split"}
_MOST_REASONS, _MOST_CELLS = 200, 12


def counts(study: Study) -> tuple[int, int, int]:
    """Tasks done, failed, open."""
    done, failed, opened = (int(study.attrs.get(f"tasks_{name}", 0)) for name in ("done", "failed", "open"))
    return done, failed, opened


def state(study: Study) -> str:
    _, failed, opened = counts(study)
    said = [f"{failed:,} failed"] if failed else []
    said += [f"{opened:,} open"] if opened else []
    return ", ".join(said) or ("complete" if study.complete else "not complete")


def warnings(study: Study) -> list[str]:
    """What a reader must know before any number."""
    said = []
    if study.attrs.get("dataset_generated"):
        said.append("Generated data: these numbers are no reproduction of the papers'.")
    if not study.attrs.get("reproducible", 1):
        said.append("Trained on any environment (train-on = any): these numbers are not reproducible bit for bit.")
    if not study.complete:
        said.append("Not complete: figures and tables show what is there so far.")
    return said


def all_warnings(studies: Sequence[Study], files: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each once, with the files that it is about; none where it is about all."""
    found: dict[str, list[str]] = {}
    for study, file in zip(studies, files):
        for warning in warnings(study):
            found.setdefault(warning, []).append(file)
    return [(warning, [] if len(about) == len(files) else about) for warning, about in found.items()]


def general(studies: Sequence[Study], files: Sequence[str], anchors: Sequence[str], ids: Ids) -> Table:
    columns = heads("file", "title", "experiment", "data set", "done#", "failed#", "open#", "machines", "best accuracy, %#", "of", "computing")
    rows = []
    for study, file, anchor in zip(studies, files, anchors):
        done, failed, opened = counts(study)
        title = shortened(str(study.attrs["title"]), 200)
        best, of = best_accuracy(study)
        data = str(study.attrs["dataset"]) + (" (generated)" if study.attrs.get("dataset_generated") else "")
        machines = ", ".join(str(one) for one in _labels(study, "environments", "environment")) or NOTHING
        count = len(hosts(study))
        machines += f" ({count}\N{NO-BREAK SPACE}host{'s' if count > 1 else ''})" if count else ""
        rows.append([Cell(file, href=f"#{anchor}"), _wrapped(title), study.experiment, Cell(data, look="some"), done, Cell(number(failed), look="bad" if failed else ""),
                     Cell(number(opened), look="bad" if opened else ""), Cell(machines, look="some"), percent(best), _wrapped(of), duration(_seconds(study))])
    return Table(ids.new("all-studies"), "All studies of this page", columns, plain(rows),
                 "Best accuracy: the largest mean over repeats of the test accuracy of a trained network, and whose it is. Computing: the tasks' seconds, added up.")


def best_accuracy(study: Study) -> tuple[float, str]:
    """Of the trained networks, the mean over repeats; and the labels that it has."""
    if "train" not in study:
        return float("nan"), ""
    name = next((one for one in ("accuracy", "processed_accuracy", "raw_accuracy") if one in study["train"]), None)
    if name is None or not bool(study["train"][name].notnull().any()):
        return float("nan"), ""
    mean = study["train"][name].mean("repeat") if "repeat" in study["train"][name].dims else study["train"][name]
    at = np.unravel_index(int(np.nanargmax(mean.values)), mean.shape) if mean.dims else ()
    place = {str(dim): labels_of(mean, str(dim))[one] for dim, one in zip(mean.dims, at) if mean.sizes[dim] > 1}
    # A clean network is the same whatever the watermark's settings are.
    clean = {key: value for key, value in place.items() if key in ("scheme", "network", "transform")} if place.get("scheme") == "clean" else place
    return float(mean.values[at]), words(clean) + ("" if name == "accuracy" else f" ({name.replace('_', ' ')})")


def hosts(study: Study) -> list[str]:
    """Of ranks that computed, in order of their first start."""
    return list(dict.fromkeys(str(rank.get("host", "")) for rank in ranks(study)))


def ranks(study: Study) -> Iterable[dict[str, Any]]:
    for session in study.sessions:
        for rank in session.get("ranks", []):
            if rank.get("computes", True):
                yield rank


def failed_tasks(studies: Sequence[Study], files: Sequence[str], ids: Ids) -> Table | None:
    """A line a reason, the commonest first. Reasons that differ in numbers only (of ranks, nodes, bytes) are one."""
    lines = []
    for study, file in zip(studies, files):
        tasks = _tasks(study)
        failed = tasks[tasks["status"] == "failed"]
        for (kind, _), part in failed.groupby(["kind", failed["reason"].str.replace(r"\d+", "#", regex=True)], sort=False):
            reason, variants = part["reason"].iloc[0], part["reason"].nunique()
            more = f" (and {variants - 1:,} more that differ in numbers)" if variants > 1 else ""
            environments = ", ".join(dict.fromkeys(one for one in part["environment"] if one)) or NOTHING
            lines.append([len(part), file, str(kind), Cell((shortened(str(reason), 600) or "no reason is known") + more, look="wide"), environments,
                          Cell(shortened(described(str(part["description"].iloc[0])), 120), look="wide"), str(part["identity"].iloc[0])[:12]])
    lines.sort(key=lambda line: -int(str(line[0])))
    columns = heads("tasks#", "file", "kind", "reason", "environment", "first of them", "identity")
    note = f"The {_MOST_REASONS} commonest of {len(lines)} reasons." if len(lines) > _MOST_REASONS else ""
    return Table(ids.new("failed-tasks"), "Failed tasks, by reason", columns, plain(lines[:_MOST_REASONS]), note) if lines else None


def open_tasks(studies: Sequence[Study], files: Sequence[str], ids: Ids) -> Table | None:
    lines: list[list[Any]] = []
    for study, file in zip(studies, files):
        tasks = _tasks(study)
        for kind, part in tasks.groupby("kind", sort=False):
            missing = int((part["status"] == "open").sum())
            if missing:
                lines.append([file, str(kind), missing, len(part), f"telltale run {shlex.quote(study.name + '.ini')} -o {shlex.quote(study.path.name)}"])
    columns = heads("file", "kind", "open#", "of#", "goes on with")
    return Table(ids.new("open-tasks"), "Open tasks, by kind", columns, plain([[*line[:4], Cell(line[4], look="code")] for line in lines])) if lines else None


def missing_cells(studies: Sequence[Study], files: Sequence[str], ids: Ids) -> Table | None:
    """Of studies that are not complete: in a complete one, a cell without a number is one that cannot have any."""
    lines = []
    for study, file in zip(studies, files):
        _, failed, opened = counts(study)
        if study.complete and not failed and not opened:
            continue
        for group in study.groups:
            if group.split("/")[0] in NOT_COMPARED or not len(study[group].data_vars):
                continue
            cells = _missing(study[group])
            if cells is not None and bool(cells.any()):
                lines.append([file, group, int(cells.sum()), cells.size, Cell(_which(cells), look="wide")])
    columns = heads("file", "group", "missing#", "of#", "which")
    return Table(ids.new("missing-cells"), "Cells without a number, by group", columns, plain(lines),
                 "Cells of settings that do not apply never have a number, and are among them.") if lines else None


def described(text: str) -> str:
    """A task's description (JSON) in words: what tells it from others, not what a whole study has in common."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return ", ".join(f"{name} {one}" for name, one in _leaves(value, "")) if isinstance(value, dict) else text


def _leaves(value: Any, name: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "network" and isinstance(one, dict):
                yield key, one.get("name", NOTHING)
            elif key != "recipe":
                yield from _leaves(one, str(key) if not name or name in ("case", "scheme") else f"{name} {key}")
    elif value != []:
        yield name, value


def _missing(group: xr.Dataset) -> xr.DataArray | None:
    """Which cells of a group have nothing: by its first variable of cells."""
    for name in group.data_vars:
        values = group[name]
        if not any(dim not in _WITHIN for dim in values.dims):
            continue
        kind = values.dtype.kind
        nothing = values.isnull() if kind == "f" else values == -1 if kind in "iu" else values == ""
        return nothing.all([dim for dim in values.dims if dim in _WITHIN])
    return None


def _which(cells: xr.DataArray) -> str:
    """In words: labels of which everything is missing, then single cells."""
    if bool(cells.all()):
        return "all"
    said, left = [], cells.copy()
    for dim in varying(cells):
        whole = cells.all([one for one in cells.dims if one != dim])
        labels = [label for label, missing in zip(labels_of(cells, dim), whole.values) if missing]
        if labels:
            said.append(f"all of {dim.replace('_', ' ')} {', '.join(str(one) for one in labels)}")
            left = left & ~whole
    # The places, not every cell: there may be a hundred thousand of them.
    places = np.argwhere(left.values)
    for place in places[:_MOST_CELLS]:
        said.append(words({str(dim): labels_of(cells, str(dim))[at] for dim, at in zip(cells.dims, place) if cells.sizes[dim] > 1}))
    return "; ".join(said) + (f"; and {len(places) - _MOST_CELLS} more" if len(places) > _MOST_CELLS else "")


def _tasks(study: Study) -> pd.DataFrame:
    columns = ["identity", "kind", "description", "status", "reason", "environment"]
    if "tasks" not in study:
        return pd.DataFrame(columns=columns)
    return pd.DataFrame({name: study["tasks"][name].values for name in columns})


def _wrapped(text: str) -> Cell:
    return Cell(text or NOTHING, look="some long" if len(text) > 20 else "some")


def _labels(study: Study, group: str, dim: str) -> list[Any]:
    return labels_of(study[group], dim) if group in study and dim in study[group].dims else []


def _seconds(study: Study) -> float:
    return float(np.nansum(study["run"]["seconds"].values)) if "run" in study and "seconds" in study["run"] else float("nan")
