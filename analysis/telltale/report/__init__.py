"""A report of results files: one HTML page that needs nothing else, no network and no JavaScript to be read.

    python3 -m telltale report x.h5 y.h5 -o report.html

The same files give the same bytes: no date, no folder, nothing random.
"""

from __future__ import annotations

import base64
import hashlib
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from telltale.differences import names
from telltale.report import overview
from telltale.report.sections import section, what_differs
from telltale.report.tables import Ids
from telltale.results import ResultsError, Study

__all__ = ["make_report"]

_FOLDER = pathlib.Path(__file__).parent
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def make_report(studies: Sequence[Study]) -> str:
    """The page, as text to be written in UTF-8. Raises ResultsError for damaged files."""
    if not studies:
        raise ResultsError("a report needs at least one results file")
    ids, files = _Reserved(), names(studies)
    anchors = [ids.new(f"study {study.name}") for study in studies]
    script, style = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("script.js", "style.css"))
    return _environment().get_template("page.html").render(
        title=_title(studies, files), files=files, general=overview.general(studies, files, anchors, ids),
        warnings=overview.all_warnings(studies, files),
        failed=overview.failed_tasks(studies, files, ids), open=overview.open_tasks(studies, files, ids), cells=overview.missing_cells(studies, files, ids),
        sections=[section(study, file, anchor, ids) for study, file, anchor in zip(studies, files, anchors)],
        differences=what_differs(studies, files, ids) if len(studies) > 1 else None,
        style=Markup(style), script=Markup(script), script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()).lstrip()


class _Reserved(Ids):
    """The anchors that the template itself has."""

    def __init__(self) -> None:
        super().__init__()
        for one in ("studies", "missing", "differences", "contents", "top", "tools", "highlight", "filter", "tip"):
            self.new(one)


def _title(studies: Sequence[Study], files: Sequence[str]) -> str:
    return (studies[0].title if len(studies) == 1 else f"{len(studies)} studies") if files else ""


def _environment() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, finalize=_clean, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)


def _clean(value: Any) -> Any:
    """Without characters that HTML has no place for, or that turn the direction of the text around them."""
    return _NOT_TEXT.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value
