"""The figures of a study, the papers' and ours, drawn beside its page of evidence and shown there.

The page is made by `telltale page`; this adds to it what needs a drawing.
"""

from __future__ import annotations

import pathlib
import re

from telltale.figures import all_figures
from telltale.figures.drawing import NothingToDraw
from telltale.figures.svg import to_svg
from telltale.results import Study

_BEGIN, _END = "<!-- figures: made by `python3 -m telltale illustrate` -->", "<!-- end of figures -->"


def illustrate(page: pathlib.Path, study: Study) -> list[pathlib.Path]:
    """Draws into `figures/` beside the page, in place of the figures that the study had there; returns the files."""
    text = page.read_text(encoding="utf-8")
    for old in re.findall(rf"\]\((figures/{re.escape(study.name)}-[^)]+)\)", text):
        (page.parent / old).unlink(missing_ok=True)
    files, block = _figures_of(study, page.parent / "figures")
    text = re.sub(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}\n\n?", "", text, flags=re.S)
    # Behind what the page says of the run.
    heads = [one.start() for one in re.finditer(r"^## ", text, re.M)]
    place = heads[1] if len(heads) > 1 else len(text)
    page.write_text(text[:place] + (block + "\n" if block else "") + text[place:], encoding="utf-8")
    return files


def _figures_of(study: Study, folder: pathlib.Path) -> tuple[list[pathlib.Path], str]:
    folder.mkdir(exist_ok=True)
    files, lines = [], [_BEGIN, "## Figures", ""]
    for kind in all_figures():
        # What the run itself cost is another each time.
        if kind.group == "run" or not kind.fits(study):
            continue
        try:
            drawing = kind.draw(study)
        except NothingToDraw:
            continue
        file = folder / f"{study.name}-{kind.name}.svg"
        file.write_text(to_svg(drawing, kind.name, kind.title), encoding="utf-8")
        files.append(file)
        source = f" ({kind.source})" if kind.source else ""
        lines += [f"**{kind.title}**{source}. {drawing.caption}", "", f"![{_plain(drawing.description)}](figures/{file.name})", ""]
    return files, "\n".join([*lines, _END, ""]) if files else ""


def _plain(text: str) -> str:
    """Of a text between brackets of Markdown."""
    return re.sub(r"[\[\]\n]", " ", text)
