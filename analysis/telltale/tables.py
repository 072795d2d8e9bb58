"""Tables by name, as pandas frames: a group's measures, the papers' tables beside ours, what there is."""

from __future__ import annotations

import difflib
import re
from typing import Any

import numpy as np
import pandas as pd

from telltale import published
from telltale.cells import word
from telltale.repeats import over_repeats
from telltale.results import ResultsError, Study

#: Groups that hold no measures of an experiment.
_OTHERS = ("published", "environments", "tasks", "run")


def table_names(study: Study) -> list[str]:
    """Every table that the study has."""
    compared = published.compared(study)
    papers = list(dict.fromkeys(_slug(row.paper, row.table) for row in compared.itertuples())) if len(compared) else []
    return [*papers, *(["compared"] if papers else []), "published", "errata",
            *(group for group in study.groups if group.split("/")[0] not in _OTHERS), "environments", "tasks"]


def table(study: Study, name: str) -> pd.DataFrame:
    """ResultsError, with the nearest names, for one that the study does not have."""
    if name not in table_names(study):
        near = difflib.get_close_matches(name, table_names(study), 3) or table_names(study)
        raise ResultsError(f"{study.path} has no table {name!r}: {', '.join(near)}" + _no_comparison(study))
    if name == "published":
        return published.rows(study)
    if name == "errata":
        return published.errata(study)
    if name in ("environments", "tasks"):
        return study[name].to_dataframe().reset_index().drop(columns=["fingerprints", "builds"], errors="ignore")
    if name in study.groups:
        return measures(study, name)
    compared = published.compared(study)
    return beside(compared if name == "compared" else compared[[_slug(row.paper, row.table) == name for row in compared.itertuples()]])


def beside(compared: pd.DataFrame) -> pd.DataFrame:
    """Comparisons as people read them: coordinates that differ, paper, measured, difference, interval, n, why. Shares in percent."""
    if compared.empty:
        return pd.DataFrame(columns=["measure", "paper", "measured", "difference", "low", "high", "n", "reason"])
    names = list(dict.fromkeys(name for row in compared["coordinates"] for name in row))
    columns: dict[str, list[Any]] = {"source": list(compared["table"]), "measure": list(compared["measure"])}
    columns |= {name: ["" if (label := row.get(name)) is None else word(label) for row in compared["coordinates"]] for name in names}
    columns["setting"] = list(compared["setting"])
    said = {name: values for name, values in columns.items() if len(set(values)) > 1 or name == "measure"}
    frame = pd.DataFrame(said)
    scale = np.where(compared["unit"] == "1", 100.0, 1.0)
    frame["unit"] = np.where(compared["unit"] == "1", "%", compared["unit"])
    frame["paper"] = [_bounded(value, bound) for value, bound in zip(compared["value"] * scale, compared["bound"])]
    for name in ("measured", "low", "high"):
        frame[name] = (compared[name] * scale).to_numpy()
    frame.insert(frame.columns.get_loc("low"), "difference", frame["measured"].to_numpy() - (compared["value"] * scale).to_numpy())
    frame["n"] = compared["n"].to_numpy()
    frame["reason"] = compared["reason"].to_numpy()
    return frame


def measures(study: Study, group: str) -> pd.DataFrame:
    """A group's measures over its grid: a line a cell and measure, with mean and 95% interval where there are repeats.

    Measures are the variables over the dimensions of the group's first one: curves, images and answers are left out.
    """
    data = study[group]
    if not data.data_vars:
        return pd.DataFrame()
    grid = next(iter(data.data_vars.values())).dims
    labels = [str(dim) for dim in grid if dim != "repeat"]
    frames = []
    for name, values in data.data_vars.items():
        if values.dims != grid or values.dtype.kind not in "fiu":
            continue
        cells = over_repeats(values)[["mean", "low", "high", "n"]] if "repeat" in grid else values.to_dataset(name="value")
        frame = cells.to_dataframe().reset_index() if labels else pd.DataFrame([{str(one): float(cells[one]) for one in cells.data_vars}])
        frame.insert(len(labels), "measure", str(name))
        frames.append(frame[[*labels, "measure", *(str(one) for one in cells.data_vars)]])
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames, ignore_index=True).dropna(subset=["mean" if "repeat" in grid else "value"]).reset_index(drop=True)


def to_text(frame: pd.DataFrame, how: str) -> str:
    """`csv` (all digits), `latex` (booktabs; pandas' own), or `text`."""
    if how == "csv":
        return frame.to_csv(index=False, lineterminator="\n")
    if how == "latex":
        return frame.style.hide(axis="index").format(escape="latex", precision=2, na_rep="--").format_index(escape="latex", axis=1).to_latex(hrules=True)
    return frame.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.4g}", max_colwidth=60) + "\n"


def _bounded(value: float, bound: str) -> str:
    sign = {"above": "> ", "below": "< ", "about": "about "}.get(bound, "")
    return f"{sign}{value:.6g}"


def _slug(paper: str, source: str) -> str:
    return f"{paper}/{re.sub(r'[^a-z0-9]+', '-', source.lower()).strip('-')}"


def _no_comparison(study: Study) -> str:
    if len(published.compared(study)):
        return ""
    return "; it compares nothing with published numbers: generated data, other settings than a paper's, or a file of an older program"
