"""Figures of Zhong et al. 2020 (a new label)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import constant, each, labels_of, varying, word, words
from telltale.figures import figure
from telltale.figures.curves import curves
from telltale.figures.drawing import INK, MARKERS, Drawing, NothingToDraw, colour, cut_to_shares, legend, line, mark, panels
from telltale.repeats import over_repeats
from telltale.results import Study

_NEW_LABEL = ("new-label",)
_PAPER = "Zhong et al. 2020"
_MEASURES = {"key_accuracy": "new key samples", "accuracy": "test accuracy"}


@figure("new-label-fig2", "How far a watermark twists the boundaries", source=f"{_PAPER}, Fig. 2", experiments=_NEW_LABEL, group="twist")
def twist(study: Study) -> Drawing:
    """(a) the margin between the original classes, marked less clean, over all test images; (b) its mean magnitude in every run."""
    group = study["twist"]
    settings = varying(group["mean_change"], ("repeat",))
    if not bool(group["mean_change"].notnull().any()):
        raise NothingToDraw(f"{study.path}: no network was compared with its clean one yet")
    drawing, axes = panels(1, 2, height=2.8)
    frames, told = [], []
    summary = over_repeats(group["change"])
    cells = [(labels, cell) for labels, cell in each(group["mean_change"], settings) if bool(cell.notnull().any())]
    for place, (labels, means) in enumerate(cells):
        name, paint = " ".join(word(label) for label in labels.values()) or "marked", colour(place)
        quantiles = summary.sel(labels).squeeze()
        percent = quantiles["percent"].values.astype(float)
        line(axes[0, 0], quantiles["mean"].values, percent, name, paint, marker="", text="{y:.0f}% of the images change by at most {x:.3g}")
        values = means.values.ravel()
        drawn, = axes[0, 1].plot(values, np.full(len(values), place), linestyle="none", marker=MARKERS[place % len(MARKERS)], color=paint, clip_on=False)
        mark(drawn, name, [f"{name}: {value:.4g} logits" for value in values if np.isfinite(value)])
        frames += [{**labels, "repeat": repeat, "mean_change": value} for repeat, value in zip(labels_of(group, "repeat"), values)]
        frames += [{**labels, "percent": at, "change": value} for at, value in zip(percent, quantiles["mean"].values)]
        told.append(f"{name} {np.nanmean(values):.3g}")
    axes[0, 0].set(title="(a) change of the margin", xlabel="marked less clean, logits", ylabel="% of the test images", ylim=(0, 100))
    axes[0, 1].set(title="(b) its mean magnitude, a mark a run", xlabel="logits", ylim=(len(cells) - 0.4, -0.6), xlim=(0, None))
    axes[0, 1].set_yticks(range(len(cells)), [" ".join(word(label) for label in labels.values()) for labels, _ in cells])
    legend(axes[0, 0], columns=3)
    return Drawing(drawing, pd.DataFrame(frames), f"(a): mean of {group.sizes['repeat']} repeats. {words(constant(group['mean_change'], ('repeat',)))}.",
                   f"Mean change of the margin in logits: {', '.join(told)}.")


def _best_recognised(keys: xr.DataArray, dimensions: list[str]) -> dict[str, Any]:
    """Of what a paper leaves open, the labels under which most key samples are recognised: a figure shows one of each dimension."""
    best: dict[str, Any] = {}
    for dimension in dimensions:
        labels = labels_of(keys, dimension)
        shares = [float(keys.sel({dimension: label}).mean()) for label in labels]
        best[dimension] = labels[int(np.nanargmax(shares))] if np.isfinite(shares).any() else labels[0]
    return best


@figure("new-label-fig3", "Key samples and test images over alpha and beta", source=f"{_PAPER}, Fig. 3", experiments=_NEW_LABEL, group="train")
def grid(study: Study) -> Drawing:
    """Both slices of the grid: along beta (the paper's a to c) and along alpha (d to f), new label and rival."""
    data = study["train"]
    values = {name: over_repeats(data[name]) for name in _MEASURES}
    slices = [(along, other) for along, other in (("beta", "alpha"), ("alpha", "beta")) if data.sizes[along] > 1]
    if not slices:
        raise NothingToDraw(f"{study.path} has one alpha and one beta: there is no slice to draw")
    if not any(bool(one["mean"].notnull().any()) for one in values.values()):
        raise NothingToDraw(f"{study.path}: no network is trained yet")
    schemes = [scheme for scheme in labels_of(data, "scheme") if scheme != "clean"]
    drawing, axes = panels(len(slices), len(_MEASURES), height=2.7)
    rest = [dim for dim in varying(data["accuracy"], ("alpha", "beta", "repeat", "scheme"))]
    best = _best_recognised(data["key_accuracy"].sel(scheme=schemes), rest)
    frames = []
    for row, (along, other) in enumerate(slices):
        for column, (name, title) in enumerate(_MEASURES.items()):
            panel = axes[row, column]
            for scheme in schemes:
                for place, label in enumerate(labels_of(data, other)):
                    chosen = values[name].sel({"scheme": scheme, other: label, **best}).squeeze()
                    x = np.atleast_1d(chosen[along].values).astype(float)
                    mean, low, high = (np.atleast_1d(chosen[which].values) for which in ("mean", "low", "high"))
                    series = f"{scheme} {other} {word(label)}"
                    line(panel, x, 100 * mean, series, colour(place, data.sizes[other], True), low=100 * low, high=100 * high,
                         style="-" if scheme == "new-label" else "--", marker=MARKERS[schemes.index(scheme)], text="{x:g}: {y:.2f}%")
                    frames.append(pd.DataFrame({"measure": name, "scheme": scheme, other: label, along: x, **best, "mean": mean, "low": low, "high": high,
                                                "n": np.atleast_1d(chosen["n"].values)}))
            if name == "accuracy" and "clean" in labels_of(data, "scheme"):
                clean = float(data[name].sel(scheme="clean").mean())
                mark(panel.axhline(100 * clean, color=INK, linewidth=0.8, linestyle=":", label="clean"), "clean")
            panel.set(title=f"{title}, along {along}", xlabel=along, ylabel="%" if column == 0 else "")
    cut_to_shares(axes.flat)
    legend(axes[0, 0], columns=3)
    frame = pd.concat(frames, ignore_index=True)
    shown = {**constant(data["accuracy"], ("repeat", "scheme", "alpha", "beta")), **best}
    keys = frame[frame["measure"] == "key_accuracy"]
    told = "; ".join(f"{scheme}: key samples {100 * part['mean'].min():.0f} to {100 * part['mean'].max():.0f}%" for scheme, part in keys.groupby("scheme", sort=False))
    chosen_of = "".join(f" (of {', '.join(word(label) for label in labels_of(data, dim))}: more key samples are recognised)" for dim in rest)
    return Drawing(drawing, frame, f"{study.attrs['dataset']}; {words(shown)}{chosen_of}. Means of {data.sizes['repeat']} repeats with their 95% "
                   "intervals; the axes' ranges differ.",
                   f"Accuracy over the grid of alpha and beta. {told}.")


@figure("new-label-fig4", "Accuracy after pruning", source=f"{_PAPER}, Fig. 4", experiments=_NEW_LABEL, group="prune")
def pruning(study: Study) -> Drawing:
    return curves(study, study["prune"], "pruning_rate", _MEASURES, hue="scheme")


@figure("new-label-queries", "Queries that a verification needs", source=f"{_PAPER}, Sec. 3.2 (E[q] and Acc(q))", experiments=_NEW_LABEL, group="train")
def queries(study: Study) -> Drawing:
    """E[q] and the queries for 90% certainty against the share of key samples that is recognised: a mark a network."""
    data = study["train"]
    drawing, axes = panels(1, 2, height=2.8, sharey=True)
    frames = []
    schemes = [scheme for scheme in labels_of(data, "scheme") if scheme != "clean"]
    for column, (name, title) in enumerate({"expected_queries": "E[q], until the first is recognised", "queries_for_90": "for 90% certainty"}.items()):
        panel = axes[0, column]
        for place, scheme in enumerate(schemes):
            x, y = (data[which].sel(scheme=scheme).values.ravel() for which in ("key_accuracy", name))
            there = np.isfinite(x) & np.isfinite(y)
            if there.any():
                drawn, = panel.plot(100 * x[there], y[there], linestyle="none", marker=MARKERS[place], color=colour(place), label=scheme,
                                    alpha=0.7, clip_on=False)
                mark(drawn, scheme, [f"{scheme}, {100 * one:.2f}% recognised: {other:.4g} queries" for one, other in zip(x[there], y[there])])
            frames.append(pd.DataFrame({"scheme": scheme, "measure": name, "key_accuracy": x, "queries": y}))
        panel.set(title=title, xlabel="new key samples recognised, %", ylabel="queries" if column == 0 else "", yscale="log")
    frame = pd.concat(frames, ignore_index=True)
    if not bool(np.isfinite(frame["queries"]).any()):
        raise NothingToDraw(f"{study.path}: no watermark is recognised yet")
    legend(axes[0, 0])
    never = int(np.isinf(frame["queries"]).sum())
    return Drawing(drawing, frame, "A mark a network; "
                   + (f"{never} of them can never be verified so, and have no mark." if never else "all can be verified so."),
                   "Queries fall as more key samples are recognised.")
