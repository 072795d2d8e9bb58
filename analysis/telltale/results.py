"""Opening results files. docs/results-file.md says what they hold."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np
import xarray as xr

FORMAT = "telltale results"
VERSION = 1


class ResultsError(Exception):
    """What is wrong with a file, and what to do about it: for people."""


class Study(Mapping[str, xr.Dataset]):
    """A results file: its groups by name ("train", "published/errata") as xarray.Datasets, read when first asked for."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises ResultsError for what is no results file, or one of another version."""
        self.path = pathlib.Path(path)
        if not self.path.exists():
            journal = self.path.with_name(self.path.name + ".journal")
            raise ResultsError(f"{path} has not been published yet; its journal is there: `telltale run` goes on with it" if journal.exists()
                               else f"there is no results file {path}")
        try:
            with h5py.File(self.path) as file:
                self.attrs: dict[str, Any] = {name: _plain(value) for name, value in file.attrs.items()}
                if self.attrs.get("format") != FORMAT:
                    raise ResultsError(f"{path} is no results file of telltale")
                if self.attrs.get("format_version") != VERSION:
                    raise ResultsError(f"{path}: results of format version {self.attrs.get('format_version')}; this program knows version {VERSION}")
                self.groups: list[str] = []
                file.visititems(lambda name, item: self.groups.append(name) if isinstance(item, h5py.Group) else None)
        except (OSError, RuntimeError) as error:
            raise ResultsError(f"{path} is damaged, or no HDF5 file: {error}") from error
        self._read: dict[str, xr.Dataset] = {}

    def __getitem__(self, group: str) -> xr.Dataset:
        """KeyError, naming the groups that there are, for another one; ResultsError where its bytes are damaged."""
        if group not in self.groups:
            raise KeyError(f"{self.path} has no group {group!r}; there are: {', '.join(self.groups)}")
        if group not in self._read:
            try:
                with warnings.catch_warnings():
                    # Tasks that have not run have no time: xarray makes NaT of it, and older ones warn of the NaN.
                    warnings.filterwarnings("ignore", "invalid value encountered in cast", RuntimeWarning)
                    self._read[group] = xr.load_dataset(self.path, group=group, engine="h5netcdf")
            except (OSError, RuntimeError) as error:
                raise ResultsError(f"{self.path} is damaged in group {group}: {error}; `telltale run` builds it again from its journal") from error
        return self._read[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    def __repr__(self) -> str:
        return f"<telltale.Study {self.path}: {self.title}; groups {', '.join(self.groups)}>"

    @property
    def name(self) -> str:
        """Of the file, without its ending."""
        return self.path.stem

    @property
    def experiment(self) -> str:
        return str(self.attrs["experiment"])

    @property
    def title(self) -> str:
        return str(self.attrs["title"]) or self.name

    @functools.cached_property
    def settings(self) -> dict[str, list[Any]]:
        """Every key of the job that decides results, with its values; by the name of its dimension (`prune_rate`)."""
        return {key.replace("-", "_"): value if isinstance(value, list) else [value] for key, value in json.loads(self.attrs["settings"]).items()}

    @functools.cached_property
    def constants(self) -> dict[str, Any]:
        """The data set, and the settings that have one value in the whole study."""
        return {"dataset": self.attrs["dataset"], **{key: values[0] for key, values in self.settings.items() if len(values) == 1}}

    @property
    def complete(self) -> bool:
        return bool(self.attrs["complete"])

    @functools.cached_property
    def sessions(self) -> list[dict[str, Any]]:
        """Every start: when, its ranks with their hosts and passports."""
        run = self["run"]
        return [json.loads(text) for text in run["session"].values] if "session" in run else []


def open(path: str | os.PathLike[str]) -> Study:
    """A results file, by the rule of the program itself: its format and version are checked, its groups read when asked for."""
    return Study(path)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
