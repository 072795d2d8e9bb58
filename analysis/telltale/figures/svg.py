"""A drawing as SVG that a page can hold: no ids that clash, colours as variables, names and texts on what is drawn; equal bytes each time."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

from telltale.figures.drawing import COLOURS, FAINT, INK, MUTED, ORDERED, PAPER, Drawing, style

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
#: The page's style gives these variables; without a page the colour itself holds.
VARIABLES = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", PAPER: "--paper", **{one: f"--c{place}" for place, one in enumerate(COLOURS, 1)},
             **{one: f"--o{place}" for place, one in enumerate(ORDERED, 1)}}
_COLOUR = re.compile("|".join(VARIABLES), re.IGNORECASE)


def to_svg(drawing: Drawing, name: str, title: str) -> str:
    """`name`: unique on the page. Marks have their text as <title>; groups of a series have class `series` and `data-series`."""
    text = io.StringIO()
    with style():
        drawing.figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    root = ET.fromstring(text.getvalue())
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    seen = {""}
    for element in root.iter():
        _name_series(element)
        # Equal images have equal ids, which nothing refers to.
        if (identity := element.get("id", "")) in seen:
            element.attrib.pop("id", None)
        seen.add(identity)
        _unique(element, name)
        for attribute in ("style", "fill", "stroke"):
            if attribute in element.attrib:
                element.set(attribute, _COLOUR.sub(lambda found: f"var({VARIABLES[found.group().lower()]}, {found.group().lower()})", element.get(attribute, "")))
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)
    root.set("style", f"max-width: {float(root.get('viewBox', '0 0 500 0').split()[2]):.0f}pt")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for tag, content in (("desc", drawing.description), ("title", title)):
        child = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        child.text = content
        root.insert(0, child)
    return re.sub(r">\s+<", "><", ET.tostring(root, encoding="unicode"))


def _name_series(element: ET.Element) -> None:
    words = element.get("id", "").split("|")
    if words[0] != "series":
        return
    del element.attrib["id"]
    element.set("class", "series")
    element.set("data-series", words[1])
    # A line's marks are uses of one shape; a patch is one path.
    marks = list(element.iter(f"{{{_SVG}}}use")) or [one for one in element.iter(f"{{{_SVG}}}path")]
    if len(marks) != len(words) - 2:
        return
    for one, text in zip(marks, words[2:]):
        title = ET.SubElement(one, f"{{{_SVG}}}title")
        title.text = text


def _unique(element: ET.Element, name: str) -> None:
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    for attribute, value in list(element.attrib.items()):
        if attribute == f"{{{_XLINK}}}href" and value.startswith("#"):
            element.set(attribute, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(attribute, value.replace("url(#", f"url(#{name}-"))
