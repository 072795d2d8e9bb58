"""What differs between results files: where they ran, what was asked, which program, and the numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import labels_of, word, words
from telltale.results import Study

#: Groups that are no numbers of the study: how it ran, what was to be done, what papers say.
NOT_COMPARED = ("run", "tasks", "environments", "published")
NOTHING = "-"


def names(studies: Sequence[Study]) -> list[str]:
    """Of the files, told apart by a number where two files have one name."""
    found: list[str] = []
    for study in studies:
        name = study.path.name
        tries = itertools.count(2)
        while name in found:
            name = f"{study.path.name} ({next(tries)})"
        found.append(name)
    return found


def settings(studies: Sequence[Study]) -> pd.DataFrame:
    """Keys of the jobs that have other values: a column a file; "-" where a file's experiment has no such key."""
    texts = [{key: ", ".join(word(value) for value in values) or "(none)" for key, values in study.settings.items()} for study in studies]
    return _differing("setting", texts, names(studies))


def programs(studies: Sequence[Study]) -> pd.DataFrame:
    """Program, format and data set, as far as they are not the same."""
    keys = ("program_version", "git", "format_version", "experiment", "dataset", "dataset_sha256", "dataset_source", "other_datasets", "dataset_generated",
            "reproducible", "complete")
    return _differing("what", [{key.replace("_", " "): _said(key, study.attrs.get(key, NOTHING)) for key in keys} for study in studies], names(studies))


def machines(studies: Sequence[Study]) -> pd.DataFrame:
    """What the passports of the ranks that computed say differently: hosts, processors, kernels, libraries. Several values of one file are joined;
    of lists (a processor's flags) only what is not common to all files is shown.
    """
    passports = [_passports(study) for study in studies]
    lists = {key for passport in passports for key, values in passport.items() if any(isinstance(one, tuple) for one in values)}
    texts: list[dict[str, str]] = []
    for passport in passports:
        text = {}
        for key, values in passport.items():
            if key in lists:
                everywhere = set.intersection(*(_elements(other.get(key, [])) for other in passports))
                text[key] = ", ".join(sorted(_elements(values) - everywhere)) or "(nothing more)"
            else:
                text[key] = ", ".join(sorted(str(one) for one in values))
        texts.append(text)
    return _differing("property", texts, names(studies))


def environments(studies: Sequence[Study]) -> pd.DataFrame:
    """By name of the environment: whether its identity is the same, and how many fingerprints that the files share differ."""
    there: list[dict[str, tuple[str, dict[str, Any]]]] = []
    for study in studies:
        group = study["environments"] if "environments" in study else xr.Dataset()
        names_here = labels_of(group, "environment") if "identity" in group else []
        there.append({str(name): (str(group["identity"].values[at]), _fingerprints(group, at)) for at, name in enumerate(names_here)})
    rows = []
    for name in dict.fromkeys(one for places in there for one in places):
        prints = [places[name][1] for places in there if name in places]
        shared = set.intersection(*(set(one) for one in prints)) if len(prints) > 1 else set()
        rows.append({"environment": name, **{file: places[name][0][:12] if name in places else NOTHING for file, places in zip(names(studies), there)},
                     "shared fingerprints": len(shared), "that differ": sum(1 for key in shared if len({one[key] for one in prints}) > 1)})
    return pd.DataFrame(rows, columns=["environment", *names(studies), "shared fingerprints", "that differ"])


def numbers(study: Study, other: Study) -> pd.DataFrame:
    """A line a variable that both files have: how many of its cells differ, the largest difference and where it is.

    `state` is "equal" only where every bit is; "not compared: ..." where dimensions or labels are others. Missing is equal to missing.
    """
    rows = []
    for group in (one for one in study.groups if one.split("/")[0] not in NOT_COMPARED and one in other):
        for name in (str(one) for one in study[group].data_vars if one in other[group].data_vars):
            rows.append({"group": group, "variable": name, **_difference(study[group][name], other[group][name])})
    return pd.DataFrame(rows, columns=["group", "variable", "cells", "differ", "largest", "where", "state"])


def _difference(one: xr.DataArray, other: xr.DataArray) -> dict[str, Any]:
    found: dict[str, Any] = {"cells": one.size, "differ": 0, "largest": float("nan"), "where": "", "state": "equal"}
    if one.dims != other.dims:
        return {**found, "state": "not compared: other dimensions"}
    unlike = [str(dim) for dim in one.dims if labels_of(one, str(dim)) != labels_of(other, str(dim))]
    if unlike:
        return {**found, "state": f"not compared: other {', '.join(unlike)}"}
    left, right = one.values, other.values
    if left.dtype != right.dtype:
        return {**found, "state": "not compared: other types"}
    if left.dtype.kind == "f":
        bits = np.dtype(f"u{left.dtype.itemsize}")
        differ = (np.ascontiguousarray(left).view(bits) != np.ascontiguousarray(right).view(bits)) & ~(np.isnan(left) & np.isnan(right))
    else:
        differ = np.asarray(left != right)
    count = int(differ.sum())
    if not count:
        return found
    found.update(differ=count, state="differs")
    if left.dtype.kind == "f" and (lacking := int((np.isnan(left) != np.isnan(right)).sum())):
        found["state"] = f"differs; {lacking} missing in one of them"
    if left.dtype.kind in "iuf":
        with np.errstate(invalid="ignore"):
            apart = np.where(differ, np.abs(left.astype(float) - right.astype(float)), np.nan)
        if np.isfinite(apart).any():
            at = np.unravel_index(int(np.nanargmax(np.where(np.isfinite(apart), apart, np.nan))), apart.shape)
            found["largest"] = float(apart[at])
        else:
            at = np.unravel_index(int(np.argmax(differ)), differ.shape)
    else:
        at = np.unravel_index(int(np.argmax(differ)), differ.shape)
    found["where"] = words({str(dim): labels_of(one, str(dim))[place] for dim, place in zip(one.dims, at) if one.sizes[dim] > 1})
    return found


def _said(key: str, value: Any) -> str:
    return ("yes" if value else "no") if key in ("dataset_generated", "reproducible", "complete") and value != NOTHING else str(value) or NOTHING


def _differing(what: str, texts: Sequence[dict[str, str]], columns: Sequence[str]) -> pd.DataFrame:
    keys = dict.fromkeys(key for one in texts for key in one)
    rows = [[key, *(one.get(key, NOTHING) for one in texts)] for key in keys if len({one.get(key) for one in texts}) > 1]
    return pd.DataFrame(rows, columns=[what, *columns])


def _passports(study: Study) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for session in study.sessions:
        for rank in session.get("ranks", []):
            if rank.get("computes", True):
                for key, value in _flat(rank.get("passport", {}), ()):
                    found.setdefault(key, set()).add(value)
    return found


def _flat(value: Any, path: tuple[str, ...]) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, (*path, str(key)))
    elif isinstance(value, list):
        yield " ".join(path), tuple(json.dumps(one, sort_keys=True) if isinstance(one, (dict, list)) else str(one) for one in value)
    else:
        yield " ".join(path), value


def _elements(values: Iterable[Any]) -> set[str]:
    return {str(element) for one in values for element in (one if isinstance(one, tuple) else (one,))}


def _fingerprints(group: xr.Dataset, at: int) -> dict[str, Any]:
    if "fingerprints" not in group:
        return {}
    found = json.loads(str(group["fingerprints"].values[at]) or "{}")
    return found if isinstance(found, dict) else {}
