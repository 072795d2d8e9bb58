"""Figures by name. A new one is a function in a module of this folder, with `@figure` above it, and the module's name below."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Callable

from telltale.figures.drawing import Drawing, NothingToDraw, style
from telltale.results import ResultsError, Study

_Draws = Callable[[Study], Drawing]
_MODULES = ("aime", "backdoor", "new_label", "anti_piracy", "boundary", "machines", "ownership", "claims", "false_claims", "run")


@dataclasses.dataclass(frozen=True)
class FigureKind:
    """A figure that can be drawn of some studies."""

    name: str
    title: str
    source: str                    #: in the papers: "Mehta et al. 2022, Fig. 5"; empty: ours
    experiments: tuple[str, ...]   #: those that have it; empty: all
    group: str                     #: of the results file, without which there is none
    function: _Draws

    def fits(self, study: Study) -> bool:
        return (not self.experiments or study.experiment in self.experiments) and self.group in study

    def draw(self, study: Study) -> Drawing:
        """Raises NothingToDraw, with the reason, where the study has nothing of it."""
        if self.experiments and study.experiment not in self.experiments:
            raise NothingToDraw(f"{self.name} is a figure of experiment {' or '.join(self.experiments)}; {study.path} is of {study.experiment}")
        if self.group not in study:
            raise NothingToDraw(f"{study.path} has no group {self.group}, which {self.name} shows: its job did not ask for it")
        with style():
            return self.function(study)


_FIGURES: dict[str, FigureKind] = {}


def figure(name: str, title: str, *, source: str = "", experiments: tuple[str, ...] = (), group: str) -> Callable[[_Draws], _Draws]:
    """Registers a function that draws."""
    def register(function: _Draws) -> _Draws:
        assert name not in _FIGURES, name
        _FIGURES[name] = FigureKind(name, title, source, experiments, group, function)
        return function
    return register


def all_figures() -> list[FigureKind]:
    for module in _MODULES:
        importlib.import_module(f"telltale.figures.{module}")
    return list(_FIGURES.values())


def figure_named(name: str) -> FigureKind:
    """ResultsError, with the nearest names, for another one."""
    for kind in all_figures():
        if kind.name == name:
            return kind
    names = [kind.name for kind in all_figures()]
    near = difflib.get_close_matches(name, names, 3) or names
    raise ResultsError(f"there is no figure {name!r}: {', '.join(near)}")
