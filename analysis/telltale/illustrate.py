"""The papers' figures of studies, drawn beside a page of Markdown and shown in the sections that are named for the studies.

The page is made by `telltale page`; this adds to it what needs a drawing. Studies whose results are not at hand keep the figures they have.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

from telltale.figures import all_figures
from telltale.figures.drawing import NothingToDraw
from telltale.figures.svg import to_svg
from telltale.results import ResultsError, Study

_BEGIN, _END = "<!-- figures: made by `python3 -m telltale illustrate` -->", "<!-- end of figures -->"


def illustrate(page: pathlib.Path, studies: Sequence[Study]) -> list[pathlib.Path]:
    """Draws into `figures/` beside the page; returns the files. ResultsError where the page has no section of a study."""
    text = page.read_text(encoding="utf-8")
    drawn: list[pathlib.Path] = []
    for study in studies:
        files, block = _figures_of(study, page.parent / "figures")
        text = _with_block(text, study, block, page)
        drawn += files
    page.write_text(text, encoding="utf-8")
    return drawn


def _figures_of(study: Study, folder: pathlib.Path) -> tuple[list[pathlib.Path], str]:
    folder.mkdir(exist_ok=True)
    files, lines = [], [_BEGIN, "## Figures", ""]
    for kind in all_figures():
        if not kind.source or not kind.fits(study):
            continue
        try:
            drawing = kind.draw(study)
        except NothingToDraw:
            continue
        file = folder / f"{study.name}-{kind.name}.svg"
        file.write_text(to_svg(drawing, kind.name, kind.title), encoding="utf-8")
        files.append(file)
        lines += [f"**{kind.title}** ({kind.source}). {drawing.caption}", "", f"![{_plain(drawing.description)}](figures/{file.name})", ""]
    return files, "\n".join([*lines, _END, ""]) if files else ""


def _with_block(text: str, study: Study, block: str, page: pathlib.Path) -> str:
    """Behind what the section says of the run; in place of the figures that it had."""
    # A title need not be there, and can be there twice; the command that repeats the study names its file.
    sections = [one for one in re.finditer(r"^# .*\n(?:(?!# ).*\n)*", text, re.M) if f"`./run reproduce {study.name}`" in one.group()]
    if not sections:
        raise ResultsError(f"{page} has no section of {study.name}, which {study.path} is to illustrate: `telltale page` makes it")
    section = sections[0]
    body = re.sub(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}\n\n?", "", section.group(), flags=re.S)
    heads = [one.start() for one in re.finditer(r"^## ", body, re.M)]
    place = heads[1] if len(heads) > 1 else len(body)
    return text[:section.start()] + body[:place] + (block + "\n" if block else "") + body[place:] + text[section.end():]


def _plain(text: str) -> str:
    """Of a text between brackets of Markdown."""
    return re.sub(r"[\[\]\n]", " ", text)
