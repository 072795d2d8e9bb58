"""Figures of claims in experiment ownership: what proves one, what else gives as many matches, and who else could claim."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from telltale.cells import each, labels_of, varying, words
from telltale.figures import claimed, figure
from telltale.figures.attacked import UNATTACKED, attacks_of, group_of, what_is_left, worth_stealing
from telltale.figures.drawing import COLOURS, INK, MARKERS, MUTED, PAPER, Drawing, NothingToDraw, bottom, colour, grid, legend, line, mark, panels
from telltale.results import Study

_OWNERSHIP = ("ownership",)
_NETWORKS = ("unattacked", "attacked")
_LINES: dict[str, Any] = {"unattacked": "-", "attacked": (0, (4, 1.5))}
_BOX = ("least", "p5", "p25", "median", "p75", "p95", "largest")
_ATTACKED = "Attacked: after every setting of every attack that leaves at least 90% of the accuracy on the second half of the test images"


@dataclasses.dataclass(frozen=True)
class _Claims:
    """All claims of one scheme's networks: unattacked ones, or those that attacks have left worth stealing."""

    scheme: str
    networks: str
    values: NDArray[np.float64]  #: claims x whatever was asked for of each
    settings: int                #: of attacks, that left them

    @property
    def name(self) -> str:
        return f"{self.scheme}, {self.networks}"


@figure("claims-power", "How many queries a claim needs", experiments=_OWNERSHIP, group="train")
def power(study: Study) -> Drawing:
    """A line a scheme; p as the verdict takes it, of the first queries alone."""
    sizes = np.array(labels_of(_asked(study, "claim_p"), "claim_size"), int)
    found = _claims(study, lambda group: group["claim_p"], "claim_size")
    if not found:
        raise NothingToDraw(f"{study.path}: no claim has a p-value yet")
    schemes = list(dict.fromkeys(one.scheme for one in found))
    drawing, axes = panels(1, 2, height=2.9, sharey=True)
    frames: list[dict[str, Any]] = []
    said: dict[str, list[str]] = {}
    for panel, networks in zip(axes[0], _NETWORKS):
        for one in (one for one in found if one.networks == networks):
            counts = np.isfinite(one.values).sum(0)
            proven = np.array([_at_most(column, claimed.LEVEL).sum() for column in one.values.T])
            shares = np.divide(proven, counts, out=np.full(len(sizes), np.nan), where=counts > 0)
            place = schemes.index(one.scheme)
            line(panel, sizes, 100 * shares, one.scheme, colour(place), marker=MARKERS[place % len(MARKERS)],
                 text="{x:g} queries: {y:.1f}% proven", **claimed.nested(place, len(schemes)))
            frames += [{"networks": networks, "scheme": one.scheme, "queries": size, "claims": count, "proven": hits, "share": share}
                       for size, count, hits, share in zip(sizes, counts, proven, shares) if count]
            last = int(np.flatnonzero(counts)[-1])
            said.setdefault(f"{one.scheme} with {sizes[last]} queries", []).append(f"{proven[last]} of {counts[last]} {networks}")
        panel.set(title=networks, xlabel="queries asked", xscale="log", ylim=(-3, 103))
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.xaxis.set_minor_locator(NullLocator())
        if len(sizes) > 1:
            panel.set_xlim(sizes[0] / 1.12, sizes[-1] * 1.12)
    axes[0, 0].set_ylabel("claims proven at 1%, %")
    legend(axes[0, 0])
    return Drawing(drawing, pd.DataFrame(frames), "Share of the claims whose largest p-value is at most 1% when only the first queries are asked; "
                   f"no point where a key has fewer. {_ATTACKED}{_settings(found)}. {claimed.over(study)}{claimed.too_few(study)}{_without(study, schemes)}",
                   f"Claims proven: {_by_name(said)}.")


@figure("claims-roc", "How many claims pass a level", experiments=_OWNERSHIP, group="train")
def roc(study: Study) -> Drawing:
    """By the secret and by null models; curves begin at the least p that can be."""
    _asked(study, "p_key")
    tests = {name: test for name, test in (("by the secret", _by_secret(study)), ("by null models", _by_models(study))) if test[0]}
    if not tests:
        raise NothingToDraw(f"{study.path}: no claim has a p-value yet")
    order = [str(scheme) for scheme in labels_of(study["train"], "scheme")]
    listed = sorted((one for found, _ in tests.values() for one in found), key=lambda one: order.index(one.scheme))
    schemes = list(dict.fromkeys(one.scheme for one in listed))
    leftmost = min([claimed.LEVEL / 2, *(start for _, least in tests.values() for start in least.values() if start > 0)])
    drawing, axes = panels(1, len(tests), height=2.9, sharey=True)
    frames: list[dict[str, Any]] = []
    said: dict[str, list[str]] = {}
    for panel, (test, (found, least)) in zip(axes[0], tests.items()):
        chance = np.geomspace(leftmost, 1, 60)
        mark(panel.plot(chance, 100 * chance, color=MUTED, linewidth=0.9, linestyle=":")[0], "as by chance")
        mark(panel.axvline(claimed.LEVEL, color=MUTED, linewidth=0.9), "level 1%")
        for one in found:
            p, place = one.values[np.isfinite(one.values)], schemes.index(one.scheme)
            paint, whole = colour(place), one.networks == "unattacked"
            levels, shares = _steps(p, max(least[one.scheme], leftmost))
            drawn, = panel.plot(levels, 100 * shares, color=paint, drawstyle="steps-post", linestyle=_LINES[one.networks],
                                linewidth=claimed.nested(place, len(schemes))["linewidth"] if whole else 1.4)
            mark(drawn, one.name)
            frames += [{"test": test, "scheme": one.scheme, "networks": one.networks, "claims": len(p), "alpha": level, "share": share}
                       for level, share in zip(levels, shares)]
            if _at_most(least[one.scheme], claimed.LEVEL):
                share = float(_at_most(p, claimed.LEVEL).mean())
                dot, = panel.plot([claimed.LEVEL], [100 * share], linestyle="none", marker=MARKERS[place % len(MARKERS)], color=paint, clip_on=False,
                                  markerfacecolor=paint if whole else PAPER, markersize=claimed.nested(place, len(schemes))["markersize"])
                mark(dot, one.name, [f"{one.name}: {100 * share:.1f}% of {len(p)} claims at 1%"])
                said.setdefault(f"{one.scheme}, {test},", []).append(f"{100 * share:.0f}% {one.networks}")
        panel.set(title=test, xlabel="level", xscale="log", xlim=(leftmost / 1.15, 1.05), ylim=(-3, 103))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda level, _: f"{100 * level:g}%"))
    axes[0, 0].set_ylabel("claims that pass, %")
    legend(axes[0, 0], more=[
        *(Line2D([], [], color=colour(place), marker=MARKERS[place % len(MARKERS)], label=scheme) for place, scheme in enumerate(schemes)),
        *(Line2D([], [], color=INK, linestyle=style, label=networks) for networks, style in _LINES.items()),
        Line2D([], [], color=MUTED, linewidth=0.9, linestyle=":", label="as by chance")])
    return Drawing(drawing, pd.DataFrame(frames), "Share of true claims whose p is at most the level; upright line: 1%. By the secret: the larger p "
                   "of decoys and of drawn labels, where they are defined; by null models: of the worst stratum. No curve left of the least p that can "
                   "be, 1 / (decoys + 1) or 1 / (null models of the smallest stratum + 1). "
                   f"{_ATTACKED}{_settings(listed)}. {claimed.over(study)}{claimed.too_few(study)}",
                   f"True claims that pass 1%: {_by_name(said)}." if said else "No test has enough decoys or null models to say 1%.")


@figure("claims-null", "What networks without the watermark answer", experiments=_OWNERSHIP, group="null")
def null(study: Study) -> Drawing:
    """A panel a scheme, a row a stratum; below them what is claimed."""
    asked = claimed.counted(_asked(study, "claim_queries"))
    own, others = (100 * claimed.counted(study[group]["claim_matches"]) / asked.where(asked > 0) for group in ("train", "null"))
    if not bool(others.notnull().any()):
        raise NothingToDraw(f"{study.path}: no null model has been asked yet")
    strata = [str(one) for one in labels_of(others, "null_stratum")]
    schemes = [scheme for scheme in labels_of(own, "scheme") if any(len(claimed.there(scores.sel(scheme=scheme))) for scores in (own, others))]
    drawing, axes = grid(len(schemes), 0.75 + 0.2 * (len(strata) + 1), sharex=True, sharey=True)
    frames, said, silent = [], [], []
    for panel, scheme in zip(axes, schemes):
        by_stratum = others.sel(scheme=scheme)
        boxes = [_box(panel, row, stratum, str(scheme), claimed.there(by_stratum.sel(null_stratum=stratum))) for row, stratum in enumerate(strata)]
        rows = [box for box in boxes if box]
        frames += rows
        if not rows:
            silent.append(str(scheme))
            panel.text(50, (len(strata) - 1) / 2, "none asked", ha="center", va="center", color=MUTED, fontsize=8)
        one = own.sel(scheme=scheme)
        owners = [(float(cell), f", {words(labels)}" if labels else "") for labels, cell in each(one, varying(one)) if len(claimed.there(cell))]
        if owners:
            drawn, = panel.plot([value for value, _ in owners], [len(strata)] * len(owners), linestyle="none", marker="D", markersize=5,
                                color=COLOURS[1], alpha=0.7, clip_on=False, label="claimed network")
            mark(drawn, "claimed network", [f"{scheme}, claimed{of}: {value:.1f}%" for value, of in owners])
            frames += [{"scheme": str(scheme), "networks": "claimed", "answers": 1, **{name: value for name in _BOX}} for value, _ in owners]
        if owners and rows:
            said.append(f"{scheme} {max(box['largest'] for box in rows):.0f}% and {min(value for value, _ in owners):.0f}%")
        panel.set(title=scheme, xlim=(0, 100), ylim=(len(strata) + 0.6, -0.6))
        panel.set_yticks(range(len(strata) + 1), [*strata, "claimed"])
        panel.grid(axis="y", visible=False)
        panel.axhline(len(strata) - 0.5, color=MUTED, linewidth=0.6)
    bottom(axes, "matches, %")
    legend(axes[0])
    unasked = f" Not asked, as they have no output for the claimed label, or not yet: {', '.join(silent)}." if silent else ""
    return Drawing(drawing, pd.DataFrame(frames), "Share of a claim's queries that get the claimed label, from null models by stratum and from the "
                   "claimed networks, a mark each. Null models: same, of the same structure and training images; structure, of another structure; "
                   f"data, trained on other images; marked, by the other schemes. {claimed.over(study)}{unasked}",
                   f"Largest share of a null model, and least of a claimed network: {'; '.join(said)}." if said
                   else "No claimed network stands beside the null models yet.")


def _asked(study: Study, variable: str) -> xr.DataArray:
    """Of the trained networks; NothingToDraw where nobody claimed any."""
    if variable not in study["train"]:
        raise NothingToDraw(f"{study.path} has no {variable}: its job looked at no claims (decoys = 0)")
    return study["train"][variable]


def _claims(study: Study, of: Callable[[xr.Dataset], xr.DataArray], *more: str) -> list[_Claims]:
    """Of every scheme that has some. `of`: what is wanted of a group's claims, with dimensions `more` besides theirs; NaN: there is none."""
    accuracy = what_is_left(study, UNATTACKED)["accuracy"]
    pieces: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    settings: Counter[tuple[str, str]] = Counter()
    for attack in (UNATTACKED, *attacks_of(study)):
        kept = worth_stealing(what_is_left(study, attack)["accuracy"], accuracy)
        values = of(group_of(study, attack)).where(kept)
        for scheme in labels_of(values, "scheme"):
            one = values.sel(scheme=scheme).transpose(..., *more)
            claims = one.values.reshape(-1, *(one.sizes[dim] for dim in more))
            claims = claims[np.isfinite(claims).reshape(len(claims), -1).any(axis=1)]
            if len(claims):
                key = str(scheme), _NETWORKS[attack != UNATTACKED]
                pieces.setdefault(key, []).append(claims)
                settings[key] += int(kept.sel(scheme=scheme).sum())
    order = [(str(scheme), networks) for scheme in labels_of(accuracy, "scheme") for networks in _NETWORKS]
    return [_Claims(*key, np.concatenate(pieces[key]), settings[key]) for key in order if key in pieces]


def _by_secret(study: Study) -> tuple[list[_Claims], dict[str, float]]:
    """The larger p of decoys and of drawn labels, and the least that it can be, by scheme: of drawn labels alone anything."""
    found = _claims(study, lambda group: xr.apply_ufunc(np.fmax, group["p_key"], group["p_labels"]))
    by_decoys = {one.scheme for one in _claims(study, lambda group: group["p_key"])}
    return found, {one.scheme: 1 / (claimed.setting(study, "decoys") + 1) if one.scheme in by_decoys else 0.0 for one in found}


def _by_models(study: Study) -> tuple[list[_Claims], dict[str, float]]:
    """The p of the worst stratum, and the least that it can be: of the smallest stratum that has answered."""
    found = _claims(study, lambda group: group["p_model"])
    if not found:
        return [], {}
    answered = (study["null"]["claim_matches"] >= 0).sum("null_model")
    least = (1 / (answered + 1)).where(answered > 0)
    return found, {one.scheme: float(least.sel(scheme=one.scheme).max()) for one in found}


def _at_most(p: Any, level: float) -> Any:
    """As the program has it: 1/100 and 0.01 are the same."""
    return p <= level * (1 + 1e-12)


def _steps(p: NDArray[np.float64], start: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Levels from `start` to 1 at which more claims pass, and the shares that do."""
    seen = np.unique(p)
    levels = np.unique([start, *seen[seen > start], 1.0])
    return levels, np.array([_at_most(p, level).mean() for level in levels])


def _box(panel: Axes, row: int, stratum: str, scheme: str, scores: NDArray[np.float64]) -> dict[str, Any]:
    """A row of null models' scores: what is drawn; empty where there are none. Percentiles are scores that occur."""
    if not len(scores):
        return {}
    least, low, lower, middle, upper, high, most = (float(one) for one in np.percentile(scores, (0, 5, 25, 50, 75, 95, 100), method="inverted_cdf"))
    paint, told = COLOURS[0], f"{scheme}, null models {stratum}, {len(scores)} answers"
    for start, end, what, alpha in ((low, high, "5% to 95%", 0.3), (lower, upper, "25% to 75%", 0.75)):
        drawn, = panel.plot([start, end], [row, row], color=paint, linewidth=5, alpha=alpha, solid_capstyle="butt", label=f"null models, {what}")
        mark(drawn, "null models", [f"{told}, {what}: {start:.1f}% to {end:.1f}%"])
    for value, what, look in ((middle, "median", {"marker": "o", "markersize": 4, "markerfacecolor": PAPER}),
                              (most, "largest", {"marker": "|", "markersize": 8, "markeredgewidth": 1.6})):
        drawn, = panel.plot([value], [row], linestyle="none", color=paint, clip_on=False, label=what, **look)
        mark(drawn, "null models", [f"{told}, {what}: {value:.1f}%"])
    return {"scheme": scheme, "networks": stratum, "answers": len(scores), **dict(zip(_BOX, (least, low, lower, middle, upper, high, most)))}


def _settings(found: Sequence[_Claims]) -> str:
    """How many, by scheme."""
    counts = {one.scheme: one.settings for one in found if one.networks == "attacked"}
    return claimed.in_brackets([f"{scheme} {count}" for scheme, count in counts.items()], "settings: ")


def _by_name(said: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} {', '.join(texts)}" for name, texts in said.items())


def _without(study: Study, schemes: Sequence[str]) -> str:
    asked = study["train"]["claim_queries"]
    silent = [str(scheme) for scheme in labels_of(asked, "scheme") if scheme not in schemes and bool((asked.sel(scheme=scheme) > 0).any())]
    return f" No p-value is defined of {', '.join(silent)}." if silent else ""
