"""Figures of Zhang et al. 2018 (backdoor watermarks)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from telltale.cells import constant, each, labels_of, varying, word, words
from telltale.figures import figure
from telltale.figures.curves import curves
from telltale.figures.drawing import COLOURS, MUTED, Drawing, NothingToDraw, colour, legend, mark, panels
from telltale.figures.images import answers, blank, show, side_label
from telltale.results import Study

_BACKDOOR = ("backdoor",)
_PAPER = "Zhang et al. 2018"


def _first(values: xr.Dataset, keep: tuple[str, ...]) -> tuple[xr.Dataset, dict[str, Any]]:
    """The first label of every other dimension, and those labels."""
    chosen = {str(dim): labels_of(values, str(dim))[0] for dim in values.dims if dim not in keep and dim in values.coords}
    return values.isel({dim: 0 for dim in values.dims if dim not in keep and dim in values.coords}), chosen


def _key_images(study: Study, needed: str) -> tuple[xr.Dataset, dict[str, Any], list[str]]:
    """The key images of the first setting, that setting, and the schemes of which the variable that is needed is there."""
    images, chosen = _first(study["key-images"], ("scheme", "sample", "channel", "row", "column", "version", "rank"))
    schemes = [scheme for scheme in labels_of(images, "scheme") if bool(images[needed].sel(scheme=scheme).notnull().any())]
    if not schemes:
        raise NothingToDraw(f"{study.path}: no network was asked with key images yet")
    return images, chosen, schemes


@figure("backdoor-fig4", "Watermark images and what they were made of", source=f"{_PAPER}, Fig. 4", experiments=_BACKDOOR, group="key-images")
def watermark_images(study: Study) -> Drawing:
    """The first untrained key sample of every scheme, its original, and their difference."""
    images, chosen, schemes = _key_images(study, "key")
    drawing, axes = panels(len(schemes), 3, height=1.5, width=5.0)
    frames = []
    for row, scheme in enumerate(schemes):
        one = images.sel(scheme=scheme).isel(sample=0)
        key, original = one["key"].values, one["original"].values
        show(axes[row, 1], key, f"key sample, labelled {float(one['label']):.0f}")
        side_label(axes[row, 0], scheme)
        if np.isfinite(original).all():
            show(axes[row, 0], original, "original")
            show(axes[row, 2], key - original, "difference", symmetric=float(abs(key - original).max()) or 1.0)
            change = float(np.sqrt(np.mean((key - original) ** 2)))
        else:
            axes[row, 0].set(xticks=[], yticks=[])
            axes[row, 0].grid(False)
            axes[row, 0].spines[:].set_visible(False)
            axes[row, 0].set_title("made of no image", fontsize=8)
            blank(axes[row, 2])
            change = np.nan
        frames.append({"scheme": scheme, "label": float(one["label"]), "difference (rms)": change})
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, f"First sample of each scheme; differences are stretched to grey. {words(chosen)}.",
                   f"Key images of {', '.join(schemes)} beside their originals.")


@figure("backdoor-fig5", "The five likeliest answers without and with the watermark", source=f"{_PAPER}, Fig. 5", experiments=_BACKDOOR, group="key-images")
def top_answers(study: Study) -> Drawing:
    """Bars of the probabilities that the marked network gives an original and its key sample."""
    images, chosen, schemes = _key_images(study, "probability")
    versions = labels_of(images, "version")
    drawing, axes = panels(len(schemes), len(versions), height=1.45, sharex=True)
    frames = []
    for row, scheme in enumerate(schemes):
        one = images.sel(scheme=scheme).isel(sample=0)
        for column, version in enumerate(versions):
            panel, here = axes[row, column], one.sel(version=version)
            labels, shares = here["answer"].values, here["probability"].values
            panel.set_title(f"{scheme}: {version}" + (f" (wanted: {float(one['label']):.0f})" if version == "key" else ""))
            there = np.isfinite(shares)
            if not there.any():
                panel.text(0.02, 0.5, "made of no image", transform=panel.transAxes, color=MUTED)
            for place, (label, share) in enumerate(zip(labels[there], shares[there])):
                wanted = label == float(one["label"])
                bar, = panel.barh([place], [100 * share], color=COLOURS[1 if wanted else 0], height=0.7)
                mark(bar, scheme, [f"{scheme}, {version}: class {label:.0f}, {100 * share:.2f}%"])
                frames.append({"scheme": scheme, "version": version, "rank": place, "class": label, "probability": share})
            panel.set(ylim=(4.6, -0.6), xlim=(0, 102), yticks=range(int(there.sum())))
            panel.set_yticklabels([f"{label:.0f}" for label in labels[there]])
            panel.grid(axis="y", visible=False)
    for panel in axes[-1]:
        panel.set_xlabel("probability, %")
    return Drawing(drawing, pd.DataFrame(frames), f"First sample of each scheme; orange: the watermark's label. {words(chosen)}.",
                   "; ".join(f"{scheme}: {_best(images, scheme)} for the key sample" for scheme in schemes) + ".")


def _best(images: xr.Dataset, scheme: str) -> str:
    key = images.sel(scheme=scheme, version="key").isel(sample=0, rank=0)
    return ", ".join(answers(key["answer"].values, key["probability"].values))


@figure("training", "Accuracy while training", source=f"{_PAPER}, Figs 6 and 7", experiments=("backdoor", "new-label", "aime"), group="train")
def by_epoch(study: Study) -> Drawing:
    """Training and test accuracy, and new key samples recognised, after every epoch, marked and clean."""
    if study["train"].sizes.get("epoch", 0) < 2:
        raise NothingToDraw(f"{study.path}: one epoch is no curve")
    return curves(study, study["train"], "epoch", {"train_accuracy": "training images", "epoch_accuracy": "test images", "epoch_key_accuracy": "new key samples"},
                  hue="scheme", axis="epoch")


@figure("backdoor-pruning", "Accuracy after pruning", source=f"{_PAPER}, Tables 3 and 4", experiments=_BACKDOOR, group="prune")
def pruning(study: Study) -> Drawing:
    measures = {"accuracy": "test accuracy", "key_accuracy_trained": "trained key samples", "key_accuracy": "new key samples"}
    return curves(study, study["prune"], "pruning_rate", measures, hue="scheme")


@figure("fine-tuning", "Accuracy after fine-tuning on half of the test images", source=f"{_PAPER}, Table 5; Zhong et al. 2020, Table 1",
        experiments=("backdoor", "new-label", "aime", "anti-piracy"), group="fine-tune")
def fine_tuning(study: Study) -> Drawing:
    """Along the epochs or rates of the tuning, whichever was swept; else a point each."""
    group = study["fine-tune"]
    along = "tune_epochs" if group.sizes["tune_epochs"] > 1 or group.sizes["tune_rate"] < 2 else "tune_rate"
    measures = {"accuracy_second_half": "test images it did not see", "key_accuracy_trained": "trained key samples", "key_accuracy": "new key samples",
                "raw_accuracy_second_half": "raw images it did not see"}
    return curves(study, study["fine-tune"], along, measures, hue="transform" if "transform" in group.dims else "scheme",
                  axis="epochs of tuning" if along == "tune_epochs" else "learning rate")


_INVERTED = ("confidence", "correlation", "wrong_correlation", "change_correlation", "wrong_change_correlation", "chance_correlation", "steps")


@figure("backdoor-fig8", "Images found by model inversion", source=f"{_PAPER}, Figs 8 and 9", experiments=_BACKDOOR, group="inversion")
def inversion(study: Study) -> Drawing:
    """What a thief who inverts the marked network sees, beside the watermark's pattern, with their correlation."""
    group, chosen = _first(study["inversion"], ("scheme", "suspect", "invert_from", "channel", "row", "column"))
    cells = [(labels, cell) for labels, cell in each(group["image"], ("scheme", "suspect", "invert_from")) if bool(cell.notnull().any())]
    if not cells:
        raise NothingToDraw(f"{study.path}: nothing was inverted yet")
    starts = list(dict.fromkeys(labels["invert_from"] for labels, _ in cells))
    rows = list(dict.fromkeys((labels["scheme"], labels["suspect"]) for labels, _ in cells))
    drawing, axes = panels(len(rows), len(starts) + 1, height=1.55, width=1.35 * (len(starts) + 1) + 1.2)
    frames = []
    for panel in axes.flat:
        blank(panel)
    for labels, image in cells:
        cell = group.sel(labels)
        row, column = rows.index((labels["scheme"], labels["suspect"])), starts.index(labels["invert_from"])
        panel = axes[row, column + 1]
        panel.set_axis_on()
        show(panel, image.values, f"from {labels['invert_from']}: {float(cell['correlation']):+.2f}")
        frames.append({**labels, **{name: float(cell[name]) for name in _INVERTED}})
        pattern = cell["pattern"].values
        if column == 0 and np.isfinite(pattern).all():
            axes[row, 0].set_axis_on()
            show(axes[row, 0], pattern - pattern.mean(), "pattern", symmetric=float(abs(pattern - pattern.mean()).max()) or 1.0)
            side_label(axes[row, 0], f"{labels['scheme']},\n{labels['suspect']}")
    data = pd.DataFrame(frames)
    best = data.loc[data["correlation"].abs().idxmax()] if data["correlation"].notna().any() else None
    told = "" if best is None else (f" The strongest correlation is {best['correlation']:+.2f} ({best['scheme']} from {best['invert_from']}); "
                                     f"chance alone gives {best['chance_correlation']:.2f}.")
    return Drawing(drawing, data, f"Beside each image: its correlation with the watermark's pattern. {words(chosen)}.",
                   f"Inverted images by what inversion began with.{told}")


@figure("backdoor-inversion", "How much of the pattern inversion finds", source=f"{_PAPER}, Figs 8 and 9, as numbers", experiments=_BACKDOOR, group="inversion")
def inversion_correlations(study: Study) -> Drawing:
    """Correlations with the true pattern, with that of another secret, and what chance gives; all repeats."""
    group = study["inversion"]
    measures = {"correlation": "the watermark's pattern", "wrong_correlation": "pattern of another secret", "chance_correlation": "99 patterns of noise"}
    if not bool(group["correlation"].notnull().any()):
        raise NothingToDraw(f"{study.path}: nothing was inverted yet")
    settings = [dim for dim in ("scheme", "suspect", *varying(group["correlation"], ("scheme", "suspect", "repeat"))) if dim in group["correlation"].dims]
    cells = [(labels, cell) for labels, cell in each(group["correlation"], settings) if bool(cell.notnull().any())]
    drawing, axes = panels(1, 1, height=0.8 + 0.24 * len(cells))
    panel, frames = axes[0, 0], []
    for place, (labels, _) in enumerate(cells):
        for which, (name, told) in enumerate(measures.items()):
            values = group[name].sel(labels).values.ravel()
            values = values[np.isfinite(values)]
            if len(values) == 0:
                continue
            at = np.full(len(values), place + 0.22 * (which - 1))
            drawn, = panel.plot(values, at, linestyle="none", marker="os^"[which], color=colour(which), label=told)
            mark(drawn, labels["scheme"], [f"{words(labels)}, {told}: {value:+.3f}" for value in values])
            frames += [{**labels, "with": told, "correlation": value} for value in values]
    panel.set_yticks(range(len(cells)), [", ".join(word(label) for label in labels.values()) for labels, _ in cells])
    panel.set(ylim=(len(cells) - 0.4, -0.6), xlabel="correlation over pixels")
    panel.axvline(0, color=MUTED, linewidth=0.8)
    legend(panel, columns=3)
    data = pd.DataFrame(frames)
    return Drawing(drawing, data, f"A mark a repeat. {words(constant(group['correlation'], ('repeat',)))}",
                   "Correlations of inverted images: " + "; ".join(f"{told} {part['correlation'].abs().max():.2f} at most"
                                                                   for told, part in data.groupby("with", sort=False)) + ".")
