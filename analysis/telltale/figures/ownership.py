"""Figures of experiment ownership: every watermark against every attack."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from telltale.cells import each, varying, words
from telltale.figures import figure
from telltale.figures.attacked import CONTROLS, UNATTACKED, USEFUL, attacks_of, controls_of, told_cases, what_is_left, worth_stealing
from telltale.figures.drawing import INK, MARKERS, MUTED, Drawing, NothingToDraw, bottom, colour, grid, heatmap, left, legend, mark, panels
from telltale.results import Study

_OWNERSHIP = ("ownership",)
_KINDS = {"weights changed": ("prune", "quantise", "weight-noise"), "trained on": ("fine-tune", "fine-prune", "weight-shift", "overwrite", "combine"),
          "copied": ("extract", "adaptive-extract"), "inputs changed": ("smooth", "input-noise", "jpeg"),
          "answers changed": ("remove-class", "reject"), "not stolen": CONTROLS}
_MEASURED = ("Accuracy is that of the second half of the test images, which no attack sees; key samples are new ones, or those trained on "
             "of schemes that have no others.")


@dataclasses.dataclass(frozen=True)
class _Left:
    """What one setting of an attack leaves of a scheme's networks: means and counts over repeats and cases."""

    attack: str
    scheme: str
    setting: str     #: empty of what nobody attacked
    accuracy: float
    keys: float      #: share of key samples that are recognised
    claims: int      #: that were made
    proven: int      #: of these

    @property
    def told(self) -> str:
        setting, claims = f"{self.setting}, " if self.setting else "", f", claims proven {self.proven} of {self.claims}" if self.claims else ""
        return f"{self.attack}, {self.scheme}: {setting}accuracy {100 * self.accuracy:.2f}%, keys {100 * self.keys:.2f}%{claims}"

    @property
    def is_attacked(self) -> bool:
        return self.attack not in (UNATTACKED, *CONTROLS)

    @property
    def share_proven(self) -> float:
        return self.proven / self.claims if self.claims else 0.0

    def useful(self, unattacked: _Left) -> bool:
        return bool(worth_stealing(self.accuracy, unattacked.accuracy))


@figure("ownership-matrix", "What every attack leaves of every watermark", experiments=_OWNERSHIP, group="train")
def matrix(study: Study) -> Drawing:
    """Of each attack the setting that is worst for the owner, by the rule of the program's own table."""
    found, unattacked = _all_left(study)
    attacks, schemes = list(dict.fromkeys(one.attack for one in found)), list(unattacked)
    cells = {(attack, scheme): _worst(settings, unattacked[scheme]) for attack in attacks for scheme in schemes
             if (settings := [one for one in found if (one.attack, one.scheme) == (attack, scheme)])}
    shades, texts = np.full((len(attacks), len(schemes)), np.nan), np.full((len(attacks), len(schemes)), "", object)
    for (attack, scheme), cell in cells.items():
        at, useful = (attacks.index(attack), schemes.index(scheme)), cell.useful(unattacked[scheme])
        # What a worthless network still shows is no strength of the watermark, and has no shade; a watermark that is gone has the lightest.
        shades[at] = max(cell.keys, 1e-9) if useful else 0
        texts[at] = (f"{100 * cell.keys:.0f}" if useful else f"({100 * cell.keys:.0f})") + (f"  {cell.proven}/{cell.claims}" if cell.claims else "")
    drawing, axes = panels(1, 1, height=0.5 + 0.27 * len(attacks))
    panel = axes[0, 0]
    heatmap(panel, shades, texts, "keys", most=1, rows=attacks, columns=schemes)
    for square, cell in zip(panel.patches, cells.values()):
        mark(square, "keys", [cell.told])
        if not cell.useful(unattacked[cell.scheme]):
            square.set_hatch("////")
    panel.set_aspect("auto")
    panel.xaxis.tick_top()
    shown = "keys kept in %, claims proven of those made" if any(cell.claims for cell in cells.values()) else "keys kept in %"
    panel.set_xlabel(f"{shown}; hatched: no setting leaves 90% of the accuracy", fontsize=8, loc="left")
    panel.tick_params(length=0)
    panel.axhline(0.5, color=MUTED, linewidth=1.2)
    controls = set(attacks) & set(CONTROLS)
    if controls:
        panel.axhline(len(attacks) - len(controls) - 0.5, color=MUTED, linewidth=1.2)
    frame = pd.DataFrame([{"attack": cell.attack, "scheme": cell.scheme, "setting": cell.setting, "accuracy": cell.accuracy, "keys_kept": cell.keys,
                           "claims": cell.claims, "proven": cell.proven, "unattacked_accuracy": unattacked[cell.scheme].accuracy,
                           "useful": cell.useful(unattacked[cell.scheme])}
                          for cell in cells.values()])
    claims = "and how many of the claims are proven, under the setting that leaves the fewest of these and then the fewest key samples" \
        if frame["claims"].any() else "under the setting that leaves the fewest"
    return Drawing(drawing, frame, f"Key samples kept, in %, {claims}, among those that leave at least 90% of the accuracy. "
                   f"Hatched and in brackets: no setting leaves so much; the one that leaves the most. {_MEASURED} {_means(study)}",
                   f"Fewest key samples that an attack leaves with at least 90% of the accuracy: {_fewest(list(cells.values()), unattacked)}.")


@figure("ownership-accuracy-keys", "Accuracy against watermark, for every attack", experiments=_OWNERSHIP, group="train")
def accuracy_keys(study: Study) -> Drawing:
    """A panel a scheme, a mark a setting of an attack: a thief wants to be at the bottom, right of the line."""
    found, unattacked = _all_left(study)
    drawing, axes = grid(len(unattacked), 2.2, sharex=True, sharey=True)
    for panel, (scheme, before) in zip(axes, unattacked.items()):
        for place, kind in enumerate((*_KINDS, "others")):
            shown = [one for one in found if one.scheme == scheme and _kind(one) == kind]
            if shown:
                drawn, = panel.plot([100 * one.accuracy for one in shown], [100 * one.keys for one in shown], linestyle="none", marker=MARKERS[place],
                                    color=colour(place), label=kind, alpha=0.75, clip_on=False)
                mark(drawn, kind, [one.told for one in shown])
        drawn, = panel.plot([100 * before.accuracy], [100 * before.keys], linestyle="none", marker="o", markersize=10, markerfacecolor="none",
                            markeredgecolor=INK, label="unattacked", clip_on=False)
        mark(drawn, "unattacked", [before.told])
        mark(panel.axvline(100 * USEFUL * before.accuracy, color=MUTED, linewidth=0.9, linestyle="--", label="90% of accuracy"), "90% of accuracy")
        panel.set(title=scheme, ylim=(-3, 103))
    bottom(axes, "accuracy, %")
    left(axes, "key samples kept, %")
    legend(axes[0])
    frame = pd.DataFrame([{"scheme": one.scheme, "attack": one.attack, "kind": _kind(one), "setting": one.setting, "accuracy": one.accuracy,
                           "keys_kept": one.keys} for one in found])
    return Drawing(drawing, frame, "A mark a setting of an attack. Left of the line, at 90% of the unattacked accuracy, a network is not worth stealing. "
                   f"{_attacks()} {_MEASURED} {_means(study)}",
                   f"Settings that leave at least 90% of the accuracy and less than half of the key samples kept before: {_removed(found, unattacked)}.")


def _all_left(study: Study) -> tuple[list[_Left], dict[str, _Left]]:
    """Those that were not attacked first, then of every attack that the study has, controls last; and the first by their scheme. Schemes that do not
    mark are left out."""
    found = [one for attack in (UNATTACKED, *attacks_of(study), *controls_of(study)) for one in _left(study, attack)]
    unattacked = {one.scheme: one for one in found if one.attack == UNATTACKED and one.scheme != "clean"}
    if not unattacked:
        raise NothingToDraw(f"{study.path}: no marked network is trained yet")
    return [one for one in found if one.scheme in unattacked], unattacked


def _left(study: Study, attack: str) -> list[_Left]:
    """One a scheme and setting of which something is there."""
    all_left = what_is_left(study, attack)
    # What was done is told by what varies; where nothing does, by all.
    own = varying(all_left, ("scheme",)) or [str(dim) for dim in all_left.dims if dim != "scheme"]
    found = []
    for labels, cell in each(all_left, ("scheme", *own)):
        left = {str(name): value.item() for name, value in cell.items()}
        if np.isfinite(left["accuracy"]):
            found.append(_Left(attack, str(labels.pop("scheme")), words(labels), **left))
    return found


def _worst(settings: Sequence[_Left], unattacked: _Left) -> _Left:
    """For the owner. Of equal ones the first by name, as in the program's table."""
    useful = [one for one in settings if one.useful(unattacked)]
    return min(useful, key=lambda one: (one.share_proven, one.keys, one.setting)) if useful else min(settings, key=lambda one: (-one.accuracy, one.setting))


def _kind(left: _Left) -> str:
    """Of an attack; a combination that begins with extraction ends with a copy."""
    attack = "extract" if left.attack == "combine" and "extract" in left.setting else left.attack
    return next((kind for kind, attacks in _KINDS.items() if attack in attacks), "unattacked" if attack == UNATTACKED else "others")


def _fewest(cells: Sequence[_Left], unattacked: dict[str, _Left]) -> str:
    """By scheme."""
    said = []
    for scheme, before in unattacked.items():
        useful = [one for one in cells if one.scheme == scheme and one.is_attacked and one.useful(before)]
        least = min(useful, key=lambda one: one.keys, default=None)
        said.append(f"{scheme} {100 * least.keys:.0f}% ({least.attack})" if least else f"{scheme}, no attack leaves so much")
    return "; ".join(said)


def _removed(found: Sequence[_Left], unattacked: dict[str, _Left]) -> str:
    """How many settings take the watermark and leave the network, by scheme."""
    said = []
    for scheme, before in unattacked.items():
        tried = [one for one in found if one.scheme == scheme and one.is_attacked]
        said.append(f"{scheme} {sum(one.useful(before) and one.keys < before.keys / 2 for one in tried)} of {len(tried)}")
    return ", ".join(said)


def _attacks() -> str:
    """By kind."""
    told = "; ".join(f"{kind}: {', '.join(attacks)}" for kind, attacks in _KINDS.items())
    return told[0].upper() + told[1:] + "."


def _means(study: Study) -> str:
    over = told_cases(study)
    return f"Means over {over}." if over else "One repeat."
