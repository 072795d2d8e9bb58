"""Figures of who else could claim a network, and of claims on every machine, in experiment ownership."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import each, labels_of, word, words
from telltale.figures import claimed, figure
from telltale.figures.drawing import INK, MARKERS, MUTED, Drawing, NothingToDraw, bottom, colour, grid, heatmap, left, legend, line, mark, panels
from telltale.results import Study

_OWNERSHIP = ("ownership",)
#: Of a passing claim, by the program's names of its variables, without "passes_".
_STANDARDS = {"raw": "the verdict of the scheme's own paper", "regeneration": "the scheme makes these samples of a secret",
              "secrets": "decoy secrets and drawn labels say 1%", "nulls": "null models say 1%",
              "commitment": "committed to before the suspect was seen, and 1% for all keys that were tried"}
_HYPHENS = {"regeneration": "regen-\neration", "commitment": "commit-\nment"}



@figure("false-claims", "Claims of those who did not mark the network", experiments=_OWNERSHIP, group="false-claims")
def false_claims(study: Study) -> Drawing:
    """A row a scheme and forgery, a column a standard, the easiest first; a panel a suspect."""
    group = study["false-claims"]
    standards = [name for name in _STANDARDS if f"passes_{name}" in group]
    cells = []
    for labels, _ in each(group["claim_queries"], ("scheme", "forgery", "suspect")):
        for standard in standards:
            passed = claimed.there(claimed.counted(group[f"passes_{standard}"].sel(labels)))
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
                   f"{claimed.over(study)}{claimed.too_few(study, ['same'])}",
                   f"False claims that pass: {', '.join(passing)}.")


@figure("claims-machines", "Watermarks read on other machines", experiments=_OWNERSHIP, group="machines")
def machines(study: Study) -> Drawing:
    """A panel a scheme: matches on every environment, of networks that were pruned more and more."""
    group = study["machines"]
    asked = claimed.counted(group["claim_queries"])
    share = 100 * claimed.counted(group["claim_matches"]) / asked.where(asked > 0)
    schemes = [scheme for scheme in labels_of(share, "scheme") if len(claimed.there(share.sel(scheme=scheme)))]
    if not schemes:
        raise NothingToDraw(f"{study.path}: no watermark has been read on any environment yet")
    environments, rates = [str(one) for one in labels_of(group, "environment")], labels_of(group, "machines_prune_rate")
    networks = [str(dim) for dim in share.dims if dim not in ("scheme", "machines_prune_rate", "environment")]
    drawing, axes = grid(len(schemes), 1.9, sharex=True, sharey=True)
    frames, agree, verdicts = [], [], 0
    for panel, scheme in zip(axes, schemes):
        one = share.sel(scheme=scheme)
        series = _by_environment(one, environments)
        for name, values in series.items():
            means, place = values.mean(networks), environments.index(name) if name in environments else -1
            look: dict[str, Any] = {"marker": "s"} if place < 0 else {"marker": MARKERS[place % len(MARKERS)], **claimed.nested(place, len(environments))}
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
    bottom(axes, "pruning rate")
    left(axes, "matches, %")
    legend(axes[0])
    parted, judged = _parted(group, asked), int(((group["verdict"] != "").sum("environment") > 1).sum())
    return Drawing(drawing, pd.DataFrame(frames), "Share of a claim's queries that get the claimed label, a line an environment: one for all where "
                   f"every network gives them the same number of matches{claimed.in_brackets(agree)}. Rings: environments' verdicts differ. "
                   f"{parted} {claimed.over(study)}",
                   f"{parted} Verdicts differ on {verdicts} of {judged} networks.")


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
    here = [name for name in environments if len(claimed.there(share.sel(environment=name)))]
    spread = share.max("environment") - share.min("environment")
    if len(here) > 1 and int(share.notnull().sum("environment").max()) > 1 and bool((spread.fillna(0) == 0).all()):
        return {"both environments" if len(here) == 2 else f"all {len(here)} environments": share.max("environment")}
    every = share.where(share.sel(environment=here).notnull().all("environment"))
    return {name: every.sel(environment=name) for name in here}


def _parted(group: xr.Dataset, asked: xr.DataArray) -> str:
    """On how many queries environments give other labels, or other bits."""
    labels, bits = claimed.counted(group["labels_part"]), claimed.counted(group["bits_part"])
    queries = int(asked.max("environment").where(labels.notnull()).sum())
    if not queries:
        return "Fewer than two environments have answered."
    counts = {scheme: int(labels.sel(scheme=scheme).sum()) for scheme in labels_of(labels, "scheme")}
    layers = list(dict.fromkeys(str(name) for name in group["first_layer"].values.ravel() if name))
    by_scheme = claimed.in_brackets([f"{scheme} {count:,}" for scheme, count in counts.items() if count])
    return (f"Labels part on {sum(counts.values()):,} of {queries:,} queries{by_scheme}, "
            f"bits on {int(bits.sum()):,}{', first in layer ' if layers else ''}{' or '.join(layers)}.")
