"""python3 -m telltale: the report, one figure or one table of results files."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

from telltale.results import ResultsError, Study

_FORMATS = ("svg", "pdf", "png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0; 2 for input that cannot be used, with a message for people."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # `... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ResultsError, OSError) as error:
        print(f"telltale: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m telltale", description="Report, figures and tables from Telltale's results files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    report = commands.add_parser("report", help="one HTML page of one study, or of several side by side")
    report.add_argument("files", nargs="+", metavar="x.h5")
    report.add_argument("-o", "--output", required=True, metavar="report.html")
    report.set_defaults(run=_report)

    figure = commands.add_parser("figure", help="one figure, as .svg, .pdf or .png")
    figure.add_argument("name", metavar="NAME", help="`python3 -m telltale list x.h5` names those that a study has")
    figure.add_argument("file", metavar="x.h5")
    figure.add_argument("-o", "--output", required=True, metavar="f.pdf")
    figure.add_argument("--data", metavar="f.csv", help="write the numbers drawn, too")
    figure.set_defaults(run=_figure)

    table = commands.add_parser("table", help="one table, as text, CSV or LaTeX")
    table.add_argument("name", metavar="NAME")
    table.add_argument("file", metavar="x.h5")
    how = table.add_mutually_exclusive_group()
    for name in ("csv", "latex"):
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name)
    table.add_argument("-o", "--output", metavar="t.csv", help="default: standard output")
    table.set_defaults(run=_table)

    illustrate = commands.add_parser("illustrate", help="the figures, in the pages that `telltale page` makes")
    illustrate.add_argument("folder", metavar="docs/reproduction", help="where the page of x.h5 is x.md")
    illustrate.add_argument("files", nargs="+", metavar="x.h5")
    illustrate.set_defaults(run=_illustrate)

    names = commands.add_parser("list", help="the figures and tables that a study has")
    names.add_argument("file", metavar="x.h5")
    names.set_defaults(run=_list)
    return parser


def _report(chosen: argparse.Namespace) -> None:
    from telltale.report import make_report
    page = make_report([Study(file) for file in chosen.files])
    pathlib.Path(chosen.output).write_text(page, encoding="utf-8")
    print(f"the report is {chosen.output} ({len(page.encode()) / 1e6:.1f} MB)")


def _figure(chosen: argparse.Namespace) -> None:
    from telltale.figures import figure_named
    from telltale.figures.drawing import NothingToDraw, style
    from telltale.figures.svg import to_svg
    output = pathlib.Path(chosen.output)
    if output.suffix[1:] not in _FORMATS:
        raise ResultsError(f"{output}: a figure is written as {', '.join('.' + one for one in _FORMATS)}")
    kind = figure_named(chosen.name)
    try:
        drawing = kind.draw(Study(chosen.file))
    except NothingToDraw as nothing:
        raise ResultsError(str(nothing)) from nothing
    if output.suffix == ".svg":
        output.write_text(to_svg(drawing, kind.name, kind.title), encoding="utf-8")
    else:
        # Without a date, that equal results are equal files.
        dates = {"CreationDate": None, "Producer": None, "Creator": None} if output.suffix == ".pdf" else {"Software": None}
        with style():
            drawing.figure.savefig(output, dpi=200, metadata=dates)
    if chosen.data:
        drawing.data.to_csv(chosen.data, index=False, lineterminator="\n")
    print(drawing.caption, file=sys.stderr)


def _table(chosen: argparse.Namespace) -> None:
    from telltale.tables import table, to_text
    text = to_text(table(Study(chosen.file), chosen.name), chosen.how or "text")
    if chosen.output:
        pathlib.Path(chosen.output).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _illustrate(chosen: argparse.Namespace) -> None:
    from telltale.illustrate import illustrate
    folder, figures = pathlib.Path(chosen.folder), 0
    for study in map(Study, chosen.files):
        figures += len(illustrate(folder / f"{study.name}.md", study))
    print(f"{folder} shows {figures} figures of {len(chosen.files)} studies")


def _list(chosen: argparse.Namespace) -> None:
    from telltale.figures import all_figures
    from telltale.tables import table_names
    study = Study(chosen.file)
    print(f"{study.title} ({study.experiment})\n\nfigures:")
    for kind in all_figures():
        if kind.fits(study):
            print(f"  {kind.name:26} {kind.title}" + (f" ({kind.source})" if kind.source else ""))
    print("\ntables:\n  " + "\n  ".join(table_names(study)))


if __name__ == "__main__":
    sys.exit(main())
