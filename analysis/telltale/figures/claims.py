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
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from telltale.cells import each, labels_of, varying, word, words
from telltale.figures import figure
from telltale.figures.attacked import UNATTACKED, attacks_of, group_of, told_cases, what_is_left, worth_stealing
from telltale.figures.drawing import COLOURS, INK, MARKERS, MUTED, PAPER, Drawing, NothingToDraw, colour, heatmap, legend, line, mark, panels
from telltale.results import Study

_OWNERSHIP = ("ownership",)
_LEVEL = 0.01  # as of the verdicts in the file
_NETWORKS = ("unattacked", "attacked")
_LINES: dict[str, Any] = {"unattacked": "-", "attacked": (0, (4, 1.5))}
_BOX = ("least", "p5", "p25", "median", "p75", "p95", "largest")
_ATTACKED = "Attacked: after every setting of every attack that leaves at least 90% of the accuracy on the second half of the test images"
#: Of a passing claim, by the program's names of its variables, without "passes_".
_STANDARDS = {"raw": "the verdict of the scheme's own paper", "regeneration": "the scheme makes these samples of a secret",
              "secrets": "decoy secrets and drawn labels say 1%", "nulls": "null models say 1%",
              "commitment": "committed to before the suspect was seen, and 1% for all keys that were tried"}
_HYPHENS = {"regeneration": "regen-\neration", "commitment": "commit-\nment"}


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
            proven = np.array([_at_most(column, _LEVEL).sum() for column in one.values.T])
            shares = np.divide(proven, counts, out=np.full(len(sizes), np.nan), where=counts > 0)
            place = schemes.index(one.scheme)
            line(panel, sizes, 100 * shares, one.scheme, colour(place), marker=MARKERS[place % len(MARKERS)],
                 text="{x:g} queries: {y:.1f}% proven", **_nested(place, len(schemes)))
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
                   f"no point where a key has fewer. {_ATTACKED}{_settings(found)}. {_over(study)}{_too_few(study)}{_without(study, schemes)}",
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
    leftmost = min([_LEVEL / 2, *(start for _, least in tests.values() for start in least.values() if start > 0)])
    drawing, axes = panels(1, len(tests), height=2.9, sharey=True)
    frames: list[dict[str, Any]] = []
    said: dict[str, list[str]] = {}
    for panel, (test, (found, least)) in zip(axes[0], tests.items()):
        chance = np.geomspace(leftmost, 1, 60)
        mark(panel.plot(chance, 100 * chance, color=MUTED, linewidth=0.9, linestyle=":")[0], "as by chance")
        mark(panel.axvline(_LEVEL, color=MUTED, linewidth=0.9), "level 1%")
        for one in found:
            p, place = one.values[np.isfinite(one.values)], schemes.index(one.scheme)
            paint, whole = colour(place), one.networks == "unattacked"
            levels, shares = _steps(p, max(least[one.scheme], leftmost))
            drawn, = panel.plot(levels, 100 * shares, color=paint, drawstyle="steps-post", linestyle=_LINES[one.networks],
                                linewidth=_nested(place, len(schemes))["linewidth"] if whole else 1.4)
            mark(drawn, one.name)
            frames += [{"test": test, "scheme": one.scheme, "networks": one.networks, "claims": len(p), "alpha": level, "share": share}
                       for level, share in zip(levels, shares)]
            if _at_most(least[one.scheme], _LEVEL):
                share = float(_at_most(p, _LEVEL).mean())
                dot, = panel.plot([_LEVEL], [100 * share], linestyle="none", marker=MARKERS[place % len(MARKERS)], color=paint, clip_on=False,
                                  markerfacecolor=paint if whole else PAPER, markersize=_nested(place, len(schemes))["markersize"])
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
                   f"{_ATTACKED}{_settings(listed)}. {_over(study)}{_too_few(study)}",
                   f"True claims that pass 1%: {_by_name(said)}." if said else "No test has enough decoys or null models to say 1%.")


@figure("claims-null", "What networks without the watermark answer", experiments=_OWNERSHIP, group="null")
def null(study: Study) -> Drawing:
    """A panel a scheme, a row a stratum; below them what is claimed."""
    asked = _counted(_asked(study, "claim_queries"))
    own, others = (100 * _counted(study[group]["claim_matches"]) / asked.where(asked > 0) for group in ("train", "null"))
    if not bool(others.notnull().any()):
        raise NothingToDraw(f"{study.path}: no null model has been asked yet")
    strata = [str(one) for one in labels_of(others, "null_stratum")]
    schemes = [scheme for scheme in labels_of(own, "scheme") if any(len(_there(scores.sel(scheme=scheme))) for scores in (own, others))]
    drawing, axes = _grid(len(schemes), 0.75 + 0.2 * (len(strata) + 1))
    frames, said, silent = [], [], []
    for panel, scheme in zip(axes, schemes):
        by_stratum = others.sel(scheme=scheme)
        boxes = [_box(panel, row, stratum, str(scheme), _there(by_stratum.sel(null_stratum=stratum))) for row, stratum in enumerate(strata)]
        rows = [box for box in boxes if box]
        frames += rows
        if not rows:
            silent.append(str(scheme))
            panel.text(50, (len(strata) - 1) / 2, "none asked", ha="center", va="center", color=MUTED, fontsize=8)
        one = own.sel(scheme=scheme)
        claimed = [(float(cell), f", {words(labels)}" if labels else "") for labels, cell in each(one, varying(one)) if len(_there(cell))]
        if claimed:
            drawn, = panel.plot([value for value, _ in claimed], [len(strata)] * len(claimed), linestyle="none", marker="D", markersize=5,
                                color=COLOURS[1], alpha=0.7, clip_on=False, label="claimed network")
            mark(drawn, "claimed network", [f"{scheme}, claimed{of}: {value:.1f}%" for value, of in claimed])
            frames += [{"scheme": str(scheme), "networks": "claimed", "answers": 1, **{name: value for name in _BOX}} for value, _ in claimed]
        if claimed and rows:
            said.append(f"{scheme} {max(box['largest'] for box in rows):.0f}% and {min(value for value, _ in claimed):.0f}%")
        panel.set(title=scheme, xlim=(0, 100), ylim=(len(strata) + 0.6, -0.6))
        panel.set_yticks(range(len(strata) + 1), [*strata, "claimed"])
        panel.grid(axis="y", visible=False)
        panel.axhline(len(strata) - 0.5, color=MUTED, linewidth=0.6)
    _bottom(axes, "matches, %")
    legend(axes[0])
    unasked = f" Not asked, as they have no output for the claimed label, or not yet: {', '.join(silent)}." if silent else ""
    return Drawing(drawing, pd.DataFrame(frames), "Share of a claim's queries that get the claimed label, from null models by stratum and from the "
                   "claimed networks, a mark each. Null models: same, of the same structure and training images; structure, of another structure; "
                   f"data, trained on other images; marked, by the other schemes. {_over(study)}{unasked}",
                   f"Largest share of a null model, and least of a claimed network: {'; '.join(said)}." if said
                   else "No claimed network stands beside the null models yet.")


@figure("false-claims", "Claims of those who did not mark the network", experiments=_OWNERSHIP, group="false-claims")
def false_claims(study: Study) -> Drawing:
    """A row a scheme and forgery, a column a standard, the easiest first; a panel a suspect."""
    group = study["false-claims"]
    standards = [name for name in _STANDARDS if f"passes_{name}" in group]
    cells = []
    for labels, _ in each(group["claim_queries"], ("scheme", "forgery", "suspect")):
        for standard in standards:
            passed = _there(_counted(group[f"passes_{standard}"].sel(labels)))
            cells.append({**{name: str(label) for name, label in labels.items()}, "standard": standard, "claims": len(passed),
                          "passing": int(passed.sum())})
    frame = pd.DataFrame([cell for cell in cells if cell["claims"]])
    if not len(frame):
        raise NothingToDraw(f"{study.path}: nobody has claimed falsely yet")
    rows = list(dict.fromkeys(zip(frame["scheme"], frame["forgery"])))
    suspects = [suspect for suspect in map(str, labels_of(group, "suspect")) if suspect in set(frame["suspect"])]
    drawing, axes = panels(1, len(suspects), height=0.85 + 0.185 * len(rows), sharey=True)
    for panel, suspect in zip(axes[0], suspects):
        shades, texts, told = (np.full((len(rows), len(standards)), empty, object) for empty in (np.nan, "", ""))
        for cell in frame[frame["suspect"] == suspect].itertuples():
            at = rows.index((cell.scheme, cell.forgery)), standards.index(cell.standard)
            shades[at], texts[at] = cell.passing / cell.claims, f"{cell.passing}/{cell.claims}"
            told[at] = f"{cell.scheme}, {cell.forgery}, {suspect} network: {cell.passing} of {cell.claims} claims pass {cell.standard}"
        heatmap(panel, shades.astype(float), texts, "false claims", most=1, columns=standards)
        for square, said in zip(panel.patches, told[texts != ""]):
            mark(square, "false claims", [said])
        for row in np.flatnonzero((texts == "").all(axis=1)):
            panel.text((len(standards) - 1) / 2, row, "none", ha="center", va="center", fontsize=7, color=MUTED)
        panel.set(title=f"{suspect} network", aspect="auto")
        panel.xaxis.tick_top()
        panel.tick_params(length=0, labelsize=8)
        panel.set_xticks(range(len(standards)), [_HYPHENS.get(name, name) for name in standards])
        for row in range(1, len(rows)):
            if rows[row][0] != rows[row - 1][0]:
                panel.axhline(row - 0.5, color=MUTED, linewidth=1.2)
    # The name of a scheme stands on the first of its rows.
    names = [forgery if at and rows[at - 1][0] == scheme else f"{scheme}:  {forgery}" for at, (scheme, forgery) in enumerate(rows)]
    axes[0, 0].set_yticks(range(len(rows)), names)
    totals = frame.groupby("standard", sort=False)[["passing", "claims"]].sum()
    passing = [f"{total.Index} {total.passing} of {total.claims}" for total in totals.itertuples()]
    return Drawing(drawing, frame, "Of so many false claims how many pass a standard; the darker the more. Each standard asks what those left of it "
                   f"ask, and more: {'; '.join(f'{name}: {_STANDARDS[name]}' for name in standards)}. None: no such key could be made, or not yet. "
                   f"{_over(study)}{_too_few(study, ['same'])}",
                   f"False claims that pass: {', '.join(passing)}.")


@figure("claims-machines", "Watermarks read on other machines", experiments=_OWNERSHIP, group="machines")
def machines(study: Study) -> Drawing:
    """A panel a scheme: matches on every environment, of networks that were pruned more and more."""
    group = study["machines"]
    asked = _counted(group["claim_queries"])
    share = 100 * _counted(group["claim_matches"]) / asked.where(asked > 0)
    schemes = [scheme for scheme in labels_of(share, "scheme") if len(_there(share.sel(scheme=scheme)))]
    if not schemes:
        raise NothingToDraw(f"{study.path}: no watermark has been read on any environment yet")
    environments, rates = [str(one) for one in labels_of(group, "environment")], labels_of(group, "machines_prune_rate")
    networks = [str(dim) for dim in share.dims if dim not in ("scheme", "machines_prune_rate", "environment")]
    drawing, axes = _grid(len(schemes), 1.9)
    frames, agree, verdicts = [], [], 0
    for panel, scheme in zip(axes, schemes):
        one = share.sel(scheme=scheme)
        series = _by_environment(one, environments)
        for name, values in series.items():
            means, place = values.mean(networks), environments.index(name) if name in environments else -1
            look: dict[str, Any] = {"marker": "s"} if place < 0 else {"marker": MARKERS[place % len(MARKERS)], **_nested(place, len(environments))}
            line(panel, rates, means.values, name, INK if place < 0 else colour(place), text=f"{scheme}, pruning rate {{x:g}}: {{y:.2f}}%", **look)
            frames += [{"scheme": str(scheme), "environment": name, "pruning_rate": rate, "matches": float(value)}
                       for rate, value in zip(rates, means.values) if np.isfinite(value)]
            agree += [str(scheme)] * (place < 0)
        parting = _parting(group.sel(scheme=scheme), networks, rates)
        verdicts += sum(len(told) for told in parting.values())
        if parting:
            heights = [float(one.sel(machines_prune_rate=rate).mean()) for rate in parting]
            drawn, = panel.plot(list(parting), heights, linestyle="none", marker="o", markersize=11, markerfacecolor="none", markeredgecolor=INK,
                                label="verdicts differ", clip_on=False)
            mark(drawn, "verdicts differ", [f"{scheme}, pruning rate {word(rate)}: {'; '.join(told)}" for rate, told in parting.items()])
        panel.set(title=scheme, ylim=(-3, 103))
    _bottom(axes, "pruning rate")
    for panel in axes[::_columns(len(schemes))]:
        panel.set_ylabel("matches, %")
    legend(axes[0])
    parted, judged = _parted(group, asked), int(((group["verdict"] != "").sum("environment") > 1).sum())
    return Drawing(drawing, pd.DataFrame(frames), "Share of a claim's queries that get the claimed label, a line an environment: one for all where "
                   f"every network gives them the same number of matches{_in_brackets(agree)}. Rings: environments' verdicts differ. "
                   f"{parted} {_over(study)}",
                   f"{parted} Verdicts differ on {verdicts} of {judged} networks.")


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
    return found, {one.scheme: 1 / (_setting(study, "decoys") + 1) if one.scheme in by_decoys else 0.0 for one in found}


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


def _parting(group: xr.Dataset, networks: Sequence[str], rates: Sequence[float]) -> dict[float, list[str]]:
    """Of one scheme: the rates at which environments judge a network differently, and the verdicts on each such network."""
    found: dict[float, list[str]] = {}
    for rate in rates:
        for labels, cell in each(group["verdict"].sel(machines_prune_rate=rate), networks):
            given = [(name, str(verdict)) for name, verdict in zip(labels_of(cell, "environment"), cell.values) if str(verdict)]
            if len({verdict for _, verdict in given}) > 1:
                which = {name: label for name, label in labels.items() if group.sizes[name] > 1}
                found.setdefault(rate, []).append(f"{words(which)}{', ' if which else ''}{', '.join(f'{name} {verdict}' for name, verdict in given)}")
    return found


def _by_environment(share: xr.DataArray, environments: Sequence[str]) -> dict[str, xr.DataArray]:
    """Of one scheme, by environment, those networks that all have answered; one for all of them where they always agree."""
    here = [name for name in environments if len(_there(share.sel(environment=name)))]
    spread = share.max("environment") - share.min("environment")
    if len(here) > 1 and int(share.notnull().sum("environment").max()) > 1 and bool((spread.fillna(0) == 0).all()):
        return {"both environments" if len(here) == 2 else f"all {len(here)} environments": share.max("environment")}
    every = share.where(share.sel(environment=here).notnull().all("environment"))
    return {name: every.sel(environment=name) for name in here}


def _parted(group: xr.Dataset, asked: xr.DataArray) -> str:
    """On how many queries environments give other labels, or other bits."""
    labels, bits = _counted(group["labels_part"]), _counted(group["bits_part"])
    queries = int(asked.max("environment").where(labels.notnull()).sum())
    if not queries:
        return "Fewer than two environments have answered."
    counts = {scheme: int(labels.sel(scheme=scheme).sum()) for scheme in labels_of(labels, "scheme")}
    layers = list(dict.fromkeys(str(name) for name in group["first_layer"].values.ravel() if name))
    by_scheme = _in_brackets([f"{scheme} {count:,}" for scheme, count in counts.items() if count])
    return (f"Labels part on {sum(counts.values()):,} of {queries:,} queries{by_scheme}, "
            f"bits on {int(bits.sum()):,}{', first in layer ' if layers else ''}{' or '.join(layers)}.")


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


def _nested(place: int, of: int) -> dict[str, Any]:
    """So that lines that lie on each other are all seen: the first ones are wider."""
    more = (of - 1 - place) / max(of - 1, 1)
    return {"linewidth": 1.2 + 1.3 * more, "markersize": 3.8 + 3 * more}


def _counted(counts: xr.DataArray) -> xr.DataArray:
    """-1: there is none."""
    return counts.where(counts >= 0)


def _there(values: xr.DataArray) -> NDArray[np.float64]:
    flat: NDArray[np.float64] = values.values.ravel()
    return flat[np.isfinite(flat)]


def _setting(study: Study, name: str) -> int:
    return int(study.settings.get(name, [0])[0])


def _settings(found: Sequence[_Claims]) -> str:
    """How many, by scheme."""
    counts = {one.scheme: one.settings for one in found if one.networks == "attacked"}
    return _in_brackets([f"{scheme} {count}" for scheme, count in counts.items()], "settings: ")


def _by_name(said: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} {', '.join(texts)}" for name, texts in said.items())


def _in_brackets(texts: Sequence[str], what: str = "") -> str:
    return f" ({what}{', '.join(texts)})" if texts else ""


def _over(study: Study) -> str:
    over = told_cases(study)
    return f"Over {over}." if over else "One repeat."


def _too_few(study: Study, strata: Sequence[str] = ()) -> str:
    """Where there are so few decoys or null models (of these strata, or of any) that nothing can be proven at 1%."""
    has_models = not strata or set(strata) & set(study.settings.get("null_strata", ["same"]))
    few = {"decoys": _setting(study, "decoys"), "null models": _setting(study, "null_models") if has_models else 0}
    return "".join(f" With {count} {what} p is at least {1 / (count + 1):.2g}, and nothing that asks them can be proven at 1%."
                   for what, count in few.items() if count and 1 / (count + 1) > _LEVEL * (1 + 1e-12))


def _without(study: Study, schemes: Sequence[str]) -> str:
    asked = study["train"]["claim_queries"]
    silent = [str(scheme) for scheme in labels_of(asked, "scheme") if scheme not in schemes and bool((asked.sel(scheme=scheme) > 0).any())]
    return f" No p-value is defined of {', '.join(silent)}." if silent else ""


def _columns(count: int) -> int:
    return min(count, 3)


def _grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """So many panels with the same axes."""
    columns = _columns(count)
    drawing, axes = panels(-(-count // columns), columns, height=height, sharex=True, sharey=True)
    for panel in axes.flat[count:]:
        panel.set_axis_off()
    return drawing, list(axes.flat[:count])


def _bottom(axes: Sequence[Axes], label: str) -> None:
    """The label below the lowest panel of each column."""
    for panel in axes[-_columns(len(axes)):]:
        panel.set_xlabel(label)
        panel.tick_params(labelbottom=True)
