"""Tables of the page: texts in cells, with what the template needs to lay them out. All texts are still plain: the template escapes them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

NOTHING = "-"


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    number: bool = False  #: set right, sorted as numbers


@dataclasses.dataclass(frozen=True)
class Strip:
    """A number and its interval on one line, the published one beside it: places from 0 to 100."""

    measured: float
    low: float | None
    high: float | None
    paper: float


@dataclasses.dataclass(frozen=True)
class Cell:
    text: str
    href: str = ""
    look: str = ""  #: "bad", "code", "wide"
    strip: Strip | None = None


@dataclasses.dataclass
class Table:
    id: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    note: str = ""
    label: str = ""  #: what it is called where several tables of the page have one caption

    @property
    def long(self) -> bool:
        return len(self.rows) > 40


class Ids:
    """Anchors: readable, of letters, digits and hyphens, each once on the page."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, name: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"
        one, count = slug, 1
        while one in self._given:
            count += 1
            one = f"{slug}-{count}"
        self._given.add(one)
        return one


def heads(*names: str) -> list[Column]:
    """Columns by their names; "#" at the end: of numbers."""
    return [Column(name.rstrip("#"), name.endswith("#")) for name in names]


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most - 1].rstrip() + "…"


def number(value: Any, digits: int = 4) -> str:
    """Whole numbers with all their digits; "-" for what is missing."""
    value = float(value)
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "infinite"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.{digits}g}"


def percent(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{100 * value:.2f}"


def duration(seconds: float) -> str:
    if math.isnan(seconds):
        return NOTHING
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def plain(rows: Iterable[Sequence[Any]]) -> list[list[Cell]]:
    """Rows of texts, numbers and cells."""
    return [[one if isinstance(one, Cell) else Cell(one if isinstance(one, str) else number(one)) for one in row] for row in rows]


def of_frame(frame: pd.DataFrame, identity: str, caption: str, note: str = "", most: int = 500) -> Table:
    """Columns of numbers are set right. Of very long tables the first lines, and how many more there are."""
    columns = [Column(str(name), pd.api.types.is_numeric_dtype(frame[name])) for name in frame.columns]
    rows = plain([[value if column.number else shortened(str(value), 600) for column, value in zip(columns, row)] for row in frame.head(most).itertuples(index=False)])
    more = f"The first {most} of {len(frame)} lines." if len(frame) > most else ""
    return Table(identity, caption, columns, rows, " ".join(one for one in (note, more) if one))
