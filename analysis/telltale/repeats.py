"""The one way in which repeats become a number with an interval."""

from __future__ import annotations

import xarray as xr
from scipy.special import stdtrit


def over_repeats(values: xr.DataArray, dim: str = "repeat", confidence: float = 0.95) -> xr.Dataset:
    """Mean, deviation and Student's interval of the mean over the repeats that are there.

    Returns `mean`, `low`, `high`, `deviation` (of one repeat, n - 1) and `n`, without `dim`. Of one repeat there is no interval: NaN.
    The same figures as the program's own tables, whose intervals come from repeats alone.
    """
    n = values.notnull().sum(dim)
    mean = values.sum(dim).where(n > 0) / n.where(n > 0)
    deviation = (((values - mean) ** 2).sum(dim) / (n - 1).where(n > 1)) ** 0.5
    half = xr.apply_ufunc(stdtrit, (n - 1).clip(1), (1 + confidence) / 2) * deviation / n.where(n > 1) ** 0.5
    return xr.Dataset({"mean": mean, "low": mean - half, "high": mean + half, "deviation": deviation, "n": n})
