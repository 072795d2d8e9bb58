"""Figures of Mehta et al. 2022 (AIME)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import constant, each, labels_of, varying, word, words
from telltale.figures import figure
from telltale.figures.curves import curves
from telltale.figures.drawing import (COLOURS, INK, MARKERS, MUTED, Drawing, NothingToDraw, colour, heatmap, legend, mark, panels, published,
                                      published_key)
from telltale.published import marks
from telltale.repeats import over_repeats
from telltale.results import Study

_AIME = ("aime",)
_PAPER = "Mehta et al. 2022"


@figure("aime-fig2", "What the unmarked network answers to each class", source=f"{_PAPER}, Fig. 2", experiments=_AIME, group="confusion")
def confusion(study: Study) -> Drawing:
    """The confusion matrix of the training images, whose errors keys are made of; the test images beside it."""
    images = _clean(study["confusion"]["images"]).isel(repeat=0)
    splits = labels_of(images, "split")
    drawing, axes = panels(1, len(splits), height=3.6)
    frames = []
    for place, split in enumerate(splits):
        matrix = images.sel(split=split).transpose("class", "answer").values.astype(float)
        if not np.isfinite(matrix).any():
            raise NothingToDraw(f"{study.path}: no network was asked for its confusion matrix yet")
        errors = matrix.copy()
        np.fill_diagonal(errors, 0)
        texts = np.array([[f"{value:.0f}" if value else "" for value in row] for row in matrix])
        classes, answers = labels_of(images, "class"), labels_of(images, "answer")
        # As dark as its share of the errors: right answers would drown all others.
        heatmap(axes[0, place], np.where(np.eye(len(matrix), matrix.shape[1]) > 0, 0, errors), texts, "errors", rows=classes, columns=answers,
                what="class {row} answered {column}: {value:.0f} images")
        axes[0, place].set(title=f"{split} images: {matrix.sum() - np.trace(matrix):.0f} errors of {matrix.sum():.0f}", xlabel="answer", ylabel="class")
        frames += [{"split": split, "class": one, "answer": other, "images": value}
                   for (row, column), value in np.ndenumerate(matrix) for one, other in [(classes[row], answers[column])]]
    data = pd.DataFrame(frames)
    wrong = data[(data["class"] != data["answer"]) & (data["split"] == splits[0])]
    most = wrong.loc[wrong["images"].idxmax()]
    return Drawing(drawing, data, "First repeat, unmarked network. Right answers are on the diagonal; squares are as dark as their share of the errors.",
                   f"Confusion matrix; the commonest error of the {splits[0]} images is class {most['class']} answered {most['answer']}, "
                   f"{most['images']:.0f} times.")


@figure("aime-fig3", "Test accuracy without and with a signature", source=f"{_PAPER}, Fig. 3", experiments=_AIME, group="train")
def accuracy(study: Study) -> Drawing:
    """Bars of the unmarked network and of every key."""
    values = study["train"]["accuracy"]
    summary = over_repeats(values)
    clean = summary.sel(scheme="clean").isel({dim: 0 for dim in summary.dims if dim != "scheme"})
    bars: list[tuple[dict[str, Any], xr.Dataset]] = [({"scheme": "clean"}, clean)]
    settings = varying(values.sel(scheme="aime"), ("repeat",))
    bars += [(labels, summary.sel(scheme="aime", **labels).squeeze()) for labels, _ in each(values.sel(scheme="aime"), settings)]
    frame = pd.DataFrame([{**labels, **{name: float(cell[name]) for name in ("mean", "low", "high", "n")}} for labels, cell in bars])
    frame["published"] = [_published_accuracy(study, labels) for labels, _ in bars]
    frame = frame[frame["n"] > 0].reset_index(drop=True)
    if frame.empty:
        raise NothingToDraw(f"{study.path}: no network is trained yet")
    drawing, axes = panels(1, 1, height=0.5 + 0.28 * len(frame))
    panel = axes[0, 0]
    names = ["unmarked" if labels.get("scheme") == "clean" else words(labels) or "marked" for labels, cell in bars if float(cell["n"]) > 0]
    for place, row in frame.iterrows():
        bar, = panel.barh([place], [100 * row["mean"]], color=COLOURS[0 if place else 7], height=0.7)
        mark(bar, names[place], [f"{names[place]}: {100 * row['mean']:.2f}% of {row['n']:.0f} repeats"])
        if np.isfinite(row["low"]):
            panel.plot([100 * row["low"], 100 * row["high"]], [place, place], color=INK, linewidth=1)
        published(panel, [100 * row["published"]] if np.isfinite(row["published"]) else [], [place], names[place], INK, text="{x:.2f}%")
    low = np.nanmin(100 * frame[["mean", "low", "published"]].min(axis=1))
    begin = max(0, low - 0.25 * (100 - low) - 0.5)
    panel.set(xlim=(begin, 100), xlabel="test accuracy, %", ylim=(len(frame) - 0.4, -0.6))
    panel.set_yticks(range(len(frame)), names)
    panel.grid(axis="y", visible=False)
    legend(panel, more=[published_key()] if frame["published"].notna().any() else [])
    return Drawing(drawing, frame, ("The axis does not begin at 0. " if begin else "") + _repeats(frame),
                   f"The unmarked network has {100 * frame['mean'][0]:.2f}%, "
                   f"marked ones {100 * frame['mean'][1:].min():.2f} to {100 * frame['mean'][1:].max():.2f}%.")


@figure("aime-fig4", "Kernels of the first convolution before and after", source=f"{_PAPER}, Fig. 4", experiments=_AIME, group="weights")
def kernels(study: Study) -> Drawing:
    """The unmarked network's kernels, those of every key length of its first setting, and how far the furthest weight moved."""
    weights = study["weights"]
    if "kernels" not in weights or not bool(weights["kernels"].notnull().any()):
        raise NothingToDraw(f"{study.path}: this network has no convolution, or is not trained yet")
    # Of networks without a convolution there are none: the first that is there.
    there = weights["kernels"].notnull()
    first = {dim: int(np.argmax(there.any([other for other in there.dims if other != dim]).values))
             for dim in there.dims if dim not in ("scheme", "key_length", "filter", "channel", "row", "column")}
    all_kernels, moved = weights["kernels"].isel(first), weights["largest_kernel_change"].isel(first, missing_dims="ignore")
    rows = [("unmarked", all_kernels.sel(scheme="clean").isel(key_length=0), 0.0)]
    rows += [(f"key of {word(length)}", all_kernels.sel(scheme="aime", key_length=length), float(moved.sel(scheme="aime", key_length=length)))
             for length in labels_of(all_kernels, "key_length")]
    rows = [row for row in rows if bool(row[1].notnull().any())]
    filters = min(all_kernels.sizes["filter"], 8)
    drawing, axes = panels(len(rows), filters, height=0.95)
    most = float(abs(all_kernels).max())
    frames = []
    for row, (name, values, change) in enumerate(rows):
        for place in range(filters):
            kernel = values.isel(filter=place).mean("channel").values
            panel = axes[row, place]
            panel.imshow(kernel, cmap="RdBu_r", vmin=-most, vmax=most)
            panel.set(xticks=[], yticks=[])
            if place == 0:
                panel.set_ylabel(name, rotation=0, ha="right", va="center")
        frames.append({"network": name, "largest change of a weight": change})
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, "Red is positive, blue negative, on one scale. Largest change of a weight: "
                   + "; ".join(f"{row[0]} {row[1]:.3g}" for row in data.itertuples(index=False)) + f". {words(constant(weights['kernels'], ('channel',)))}",
                   f"Kernels look alike; the furthest weight moved by {data.iloc[:, 1].max():.3g}.")


@figure("aime-weights", "Weights and biases before and after", source=f"{_PAPER}, Fig. 4 (distributions)", experiments=_AIME, group="weights")
def distributions(study: Study) -> Drawing:
    """Histograms of all values, marked over unmarked, with the two-sample statistic."""
    weights = study["weights"].isel(repeat=0)
    values = weights["values"].sel(scheme="aime")
    settings = varying(values, ("part", "bin"))
    cells = [labels for labels, one in each(values, settings) if bool(one.notnull().any())]
    if not cells:
        raise NothingToDraw(f"{study.path}: no marked network is there yet")
    labels = cells[-1]
    parts = labels_of(values, "part")
    drawing, axes = panels(1, len(parts), height=2.6)
    frames = []
    for place, part in enumerate(parts):
        here = weights.sel(scheme="aime", part=part, **labels).squeeze()
        edges, now, before = here["edges"].values, here["values"].values, here["values_before"].values
        panel = axes[0, place]
        for name, counts, paint, dash in (("unmarked", before, MUTED, "-"), ("marked", now, COLOURS[1], "--")):
            drawn = panel.stairs(counts, edges, color=paint, linestyle=dash, label=name)
            mark(drawn, name, [f"{name}: {np.nansum(counts):.0f} values"])
        statistic = float(here["ks_statistic"])
        panel.set(title=f"{part}: Kolmogorov-Smirnov {statistic:.3g}", xlabel="value", ylabel="values a bin" if place == 0 else "", yscale="symlog")
        frames.append(pd.DataFrame({"part": part, "from": edges[:-1], "to": edges[1:], "unmarked": before, "marked": now}))
    legend(axes[0, 0])
    return Drawing(drawing, pd.concat(frames, ignore_index=True), f"First repeat, {words({**constant(values, ('part', 'bin')), **labels})}.",
                   "Histograms of weights and biases of the marked network lie over those of the unmarked one.")


@figure("aime-fig5", "Accuracy and watermark error after pruning", source=f"{_PAPER}, Fig. 5", experiments=_AIME, group="prune")
def pruning(study: Study) -> Drawing:
    """Watermark error: 1 less the share of the signature's digits that come out."""
    group = study["prune"]
    return curves(study, group.assign(watermark_error=1 - group["key_accuracy_trained"]), "pruning_rate",
                   {"accuracy": "test accuracy", "watermark_error": "watermark error (digits lost)"}, hue="key_length", ordered=True, select={"scheme": "aime"})


@figure("aime-capacity", "How long a signature a network holds", source=f"{_PAPER}, capacity", experiments=_AIME, group="train")
def capacity(study: Study) -> Drawing:
    group = study["train"]
    if group.sizes.get("key_length", 1) < 2:
        raise NothingToDraw(f"{study.path} has one length of key: give key-length several")
    return curves(study, group.assign(watermark_error=1 - group["key_accuracy_trained"]), "key_length",
                  {"accuracy": "test accuracy", "watermark_error": "watermark error (digits lost)"}, hue=_first_setting(group["accuracy"]),
                  select={"scheme": "aime"}, axis="digits of the key")


@figure("aime-integrity", "Which networks give the signature", source=f"{_PAPER}, integrity; ours: 0 epochs", experiments=_AIME, group="integrity")
def integrity(study: Study) -> Drawing:
    """Share of the key that comes out of the network that holds it, the clean network that it was made from, and those of other repeats."""
    group = study["integrity"]
    share = (group["key_matches"] / group["keys"]).where(group["keys"] > 0)
    own = share["repeat"] == share["suspect_repeat"]
    kinds = {f"{suspect}, {'same' if same else 'another'} training": share.sel(suspect=suspect).where(own if same else ~own)
             for suspect in labels_of(share, "suspect") for same in (True, False)}
    settings = varying(share, ("repeat", "suspect", "suspect_repeat"))
    rows = [labels for labels, _ in each(share, settings)]
    frames = [{**labels, "network": kind, "mean": float(values.sel(labels).mean()), "least": float(values.sel(labels).min()),
               "most": float(values.sel(labels).max()),
               "networks": int(values.sel(labels).notnull().sum())} for kind, values in kinds.items() for labels in rows]
    data = pd.DataFrame(frames)
    data = data[data["networks"] > 0].reset_index(drop=True)
    if data.empty:
        raise NothingToDraw(f"{study.path}: no key was put to a network yet")
    present = list(dict.fromkeys(data["network"]))
    drawing, axes = panels(1, 1, height=0.7 + 0.16 * len(rows) * len(present))
    panel = axes[0, 0]
    for place, kind in enumerate(present):
        part = data[data["network"] == kind].reset_index(drop=True)
        at = np.arange(len(part)) + (place - (len(present) - 1) / 2) * 0.18
        panel.hlines(at, 100 * part["least"], 100 * part["most"], color=colour(place), linewidth=1)
        drawn, = panel.plot(100 * part["mean"], at, linestyle="none", marker=MARKERS[place], color=colour(place), label=kind)
        mark(drawn, kind, [f"{kind}, {words({name: row[name] for name in settings})}: {100 * row['mean']:.1f}% of the key" for _, row in part.iterrows()])
    panel.set_yticks(range(len(rows)), [words(labels) or "all keys" for labels in rows])
    panel.set(xlim=(-2, 102), ylim=(len(rows) - 0.4, -0.6), xlabel="share of the key's digits that the network answers, %")
    legend(panel, columns=2)
    return Drawing(drawing, data, "Marks are means over networks, lines from the least to the most. The clean network that a key was made of gives "
                   "it before any fine-tuning: AIME at 0 epochs.",
                   "; ".join(f"{kind}: {100 * data[data['network'] == kind]['mean'].mean():.0f}%" for kind in present) + " of the key on average.")


def _clean(values: xr.DataArray) -> xr.DataArray:
    """Of the clean network, which is the same for every key."""
    return values.sel(scheme="clean").isel({dim: 0 for dim in values.dims if dim not in ("scheme", "repeat", "split", "class", "answer")})


def _first_setting(values: xr.DataArray) -> str:
    settings = varying(values, ("repeat", "key_length", "scheme"))
    return settings[0] if settings else "scheme"


def _published_accuracy(study: Study, labels: dict[str, Any]) -> float:
    if labels.get("scheme") == "clean":
        return marks(study, "accuracy", "scheme").get("clean", np.nan)
    length = labels.get("key_length", study.constants.get("key_length"))
    return marks(study, "accuracy", "key_length", scheme="aime").get(length, np.nan)


def _repeats(frame: pd.DataFrame) -> str:
    n = int(frame["n"].max())
    return f"Means of {n} repeats; lines: their 95% interval." if n > 1 else "One repeat: no interval."
