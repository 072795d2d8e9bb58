"""What the papers have published, and what was measured in its place: both from the results file."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from telltale.results import Study


def rows(study: Study) -> pd.DataFrame:
    """Group `published`: a line a number; column `coordinates` is a dict."""
    if "published" not in study or not study["published"].sizes.get("row"):
        return pd.DataFrame(columns=["paper", "table", "measure", "coordinates", "value", "unit", "bound", "origin", "repeats", "erratum"])
    group = study["published"]
    names = ["paper", "table", "measure", "coordinates", "value", "unit", "bound", "origin", "repeats", "erratum"]
    frame = pd.DataFrame({name: group[name].values for name in names})
    frame["coordinates"] = frame["coordinates"].map(json.loads)
    return frame


def citations(study: Study) -> dict[str, str]:
    """By the key of the paper."""
    if "published" not in study:
        return {}
    attributes = study["published"].attrs
    return dict(zip(_as_list(attributes.get("papers", [])), _as_list(attributes.get("citations", []))))


def errata(study: Study) -> pd.DataFrame:
    """What is wrong or ambiguous in the papers and belongs to no single number."""
    columns = ["paper", "source", "statement", "finding"]
    if "published/errata" not in study:
        return pd.DataFrame(columns=columns)
    group = study["published/errata"]
    return pd.DataFrame({name: group[name].values for name in columns})


def compared(study: Study) -> pd.DataFrame:
    """A line a comparison: the published row, the setting that the paper leaves open, and what was measured."""
    published = rows(study)
    found = []
    for group in ("published/compared", "run/compared"):
        if group not in study:
            continue
        data = study[group]
        names = ["setting", "measured", "low", "high", "repeats", "reason"]
        frame = pd.DataFrame({name: data[name].values for name in names}).rename(columns={"repeats": "n"})
        at = data["row"].values.astype(int)
        found.append(pd.concat([published.iloc[at].reset_index(drop=True), frame], axis=1))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def marks(study: Study, measure: str, along: str, **labels: Any) -> dict[Any, float]:
    """Published numbers to be drawn beside measured ones: of a measure, by their label on the dimension `along`.

    A row is taken if it names `along`, and all else that it names is among `labels` or holds in the whole study.
    """
    wanted = {**{key: value for key, value in study.constants.items() if key not in labels}, **labels}
    found: dict[Any, float] = {}
    # Where one is a misprint and another the authors' own correction, the correction counts.
    for row in sorted(rows(study).itertuples(), key=lambda row: bool(row.erratum)):
        there = {key: value for key, value in row.coordinates.items() if value is not None}
        if row.measure != measure or along not in there or row.bound:
            continue
        if all(key in wanted and same(there[key], wanted[key]) for key in there if key != along):
            found.setdefault(there[along], float(row.value))
    return found


def same(one: Any, other: Any) -> bool:
    """Two labels: numbers by value, whatever they are written as."""
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one) == str(other)


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]
