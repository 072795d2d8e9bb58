"""What figures of claims have in common. Draws no figure of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from telltale.figures.attacked import told_cases
from telltale.results import Study

LEVEL = 0.01  # as of the verdicts in the file


def nested(place: int, of: int) -> dict[str, Any]:
    """So that lines that lie on each other are all seen: the first ones are wider."""
    more = (of - 1 - place) / max(of - 1, 1)
    return {"linewidth": 1.2 + 1.3 * more, "markersize": 3.8 + 3 * more}


def counted(counts: xr.DataArray) -> xr.DataArray:
    """-1: there is none."""
    return counts.where(counts >= 0)


def there(values: xr.DataArray) -> NDArray[np.float64]:
    flat: NDArray[np.float64] = values.values.ravel()
    return flat[np.isfinite(flat)]


def setting(study: Study, name: str) -> int:
    return int(study.settings.get(name, [0])[0])


def in_brackets(texts: Sequence[str], what: str = "") -> str:
    return f" ({what}{', '.join(texts)})" if texts else ""


def over(study: Study) -> str:
    over = told_cases(study)
    return f"Over {over}." if over else "One repeat."


def too_few(study: Study, strata: Sequence[str] = ()) -> str:
    """Where there are so few decoys or null models (of these strata, or of any) that nothing can be proven at 1%."""
    has_models = not strata or set(strata) & set(study.settings.get("null_strata", ["same"]))
    few = {"decoys": setting(study, "decoys"), "null models": setting(study, "null_models") if has_models else 0}
    return "".join(f" With {count} {what} p is at least {1 / (count + 1):.2g}, and nothing that asks them can be proven at 1%."
                   for what, count in few.items() if count and 1 / (count + 1) > LEVEL * (1 + 1e-12))
