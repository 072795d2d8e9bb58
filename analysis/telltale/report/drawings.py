"""Figures for the page: SVG in place, their numbers as a file in a link. Both have limits, so that no study makes the page unusable."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import html
import io
import re
import shlex

import pandas as pd

from telltale.figures import FigureKind, all_figures
from telltale.figures.drawing import Drawing, NothingToDraw, style
from telltale.figures.svg import to_svg
from telltale.report.tables import Ids
from telltale.results import ResultsError, Study

MOST_SVG = 1_000_000   # bytes; more marks than that nobody can tell apart: then a picture of pixels
_MOST_CSV = 200_000    # bytes of plain text; more is packed
_MOST_LINK = 2_000_000  # bytes packed; more stays out
_DPI = 130


@dataclasses.dataclass(frozen=True)
class Figure:
    id: str
    name: str
    title: str
    source: str
    svg: str          #: safe markup: every text in it is escaped
    caption: str
    data: str         #: a data: URL; empty: too large
    file: str         #: name of the data's file
    command: str      #: that makes it alone


@dataclasses.dataclass(frozen=True)
class Missing:
    """A figure that the study does not have, and why."""

    name: str
    title: str
    why: str
    broken: bool = False


def drawn(study: Study, ids: Ids) -> tuple[list[Figure], list[Missing]]:
    """All figures that fit the study, the papers' own first."""
    figures, missing = [], []
    for kind in sorted((one for one in all_figures() if one.fits(study)), key=lambda one: not one.source):
        try:
            figures.append(_figure(kind, study, ids))
        except NothingToDraw as reason:
            missing.append(Missing(kind.name, kind.title, _without_folder(str(reason), study)))
        except ResultsError:  # the file is damaged
            raise
        except Exception as error:  # one figure that fails must not take the whole page with it: it is named there
            missing.append(Missing(kind.name, kind.title, _without_folder(f"{type(error).__name__}: {error}", study), broken=True))
    return figures, missing


def _figure(kind: FigureKind, study: Study, ids: Ids) -> Figure:
    drawing = kind.draw(study)
    svg = _only_ids_in_use(to_svg(drawing, ids.new(f"{kind.name} svg"), kind.title))
    if len(svg) > MOST_SVG:
        svg = _pixels(drawing, kind.title)
    file = f"{study.name}-{kind.name}.csv"
    data, packed = _link(drawing.data)
    return Figure(ids.new(kind.name), kind.name, kind.title, kind.source, svg, _without_folder(drawing.caption, study), data, file + (".gz" if packed else ""),
                  f"python3 -m telltale figure {kind.name} {shlex.quote(study.path.name)} -o {kind.name}.pdf")


def _link(data: pd.DataFrame) -> tuple[str, bool]:
    """The numbers as CSV in a URL, and whether they are packed."""
    text = _harmless(data).to_csv(index=False, lineterminator="\n").encode()
    if len(text) <= _MOST_CSV:
        return "data:text/csv;base64," + base64.b64encode(text).decode(), False
    packed = base64.b64encode(gzip.compress(text, mtime=0)).decode()
    return ("data:application/gzip;base64," + packed if len(packed) <= _MOST_LINK else ""), True


def _harmless(data: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would take for formulas get an apostrophe: they come from a file that anyone may have written."""
    copy = data.copy()
    for name in copy.columns:
        if copy[name].dtype == object:
            copy[name] = copy[name].map(lambda one: "'" + one if isinstance(one, str) and one[:1] in tuple("=+-@\t\r") else one)
    return copy


def _only_ids_in_use(svg: str) -> str:
    """Matplotlib names everything, and equal images alike; a page must have each name once. In what ElementTree writes, < and > are of tags alone."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) | {one for names in re.findall(r'aria-labelledby="([^"]+)"', svg) for one in names.split()}

    def kept(tag: re.Match[str]) -> str:
        return re.sub(r' id="([^"]*)"', lambda found: found.group() if found.group(1) in used else "", tag.group())
    return re.sub(r"<[^<>]+>", kept, svg)


def _pixels(drawing: Drawing, title: str) -> str:
    image = io.BytesIO()
    with style():
        drawing.figure.savefig(image, format="png", dpi=_DPI, metadata={"Software": None})
    width, height = drawing.figure.get_size_inches()
    return (f'<img class="pixels" alt="{html.escape(f"{title}. {drawing.description}")}" width="{width * 96:.0f}" height="{height * 96:.0f}" '
            f'src="data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}">')


def _without_folder(text: str, study: Study) -> str:
    """Where a file lies is nobody's business, and differs between equal files."""
    return text.replace(str(study.path), study.path.name)
