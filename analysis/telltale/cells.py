"""Walking labelled arrays: one cell a combination of labels, and the words for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import xarray as xr

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


def word(label: Any) -> str:
    """A label as people write it: 0.01, not 0.01000000001; text as it is."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def words(labels: dict[str, Any]) -> str:
    """"alpha 0.01, scheme clean"; dimensions by their name with blanks."""
    return ", ".join(f"{name.replace('_', ' ')} {word(label)}" for name, label in labels.items())


def labels_of(values: xr.DataArray | xr.Dataset, dim: str) -> list[Any]:
    if dim not in values.coords:
        return list(range(values.sizes[dim]))
    return [one.item() if hasattr(one, "item") else one for one in np.asarray(values.coords[dim])]


def varying(values: xr.DataArray | xr.Dataset, without: Iterable[str] = ()) -> list[str]:
    """Dimensions with more than one label."""
    return [str(dim) for dim in values.dims if dim not in set(without) and values.sizes[dim] > 1]


def constant(values: xr.DataArray, without: Iterable[str] = ()) -> dict[str, Any]:
    """Dimensions with one label, and that label: what holds for the whole array."""
    return {str(dim): labels_of(values, str(dim))[0] for dim in values.dims if dim not in set(without) and values.sizes[dim] == 1 and dim in values.coords}


def each(values: Labelled, dims: Iterable[str]) -> Iterator[tuple[dict[str, Any], Labelled]]:
    """Every combination of the labels of these dimensions, and what lies there."""
    names = list(dims)
    for place in itertools.product(*(range(values.sizes[name]) for name in names)):
        labels = {name: labels_of(values, name)[at] for name, at in zip(names, place)}
        yield labels, values.isel(dict(zip(names, place)))
