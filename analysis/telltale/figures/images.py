"""Rows of small images with words beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from telltale.figures.drawing import INK


def show(axes: Axes, image: np.ndarray, title: str = "", *, symmetric: float = 0.0) -> None:
    """An image (channel, row, column) with pixels in [0,1]; `symmetric`: a difference, black at minus that, white at plus."""
    pixels = np.moveaxis(np.asarray(image, float), 0, -1)
    if symmetric:
        pixels = 0.5 + pixels / (2 * symmetric)
    pixels = np.clip(pixels, 0, 1)
    if pixels.shape[-1] == 1:
        axes.imshow(pixels[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        axes.imshow(pixels, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    if title:
        axes.set_title(title, fontsize=8)


def side_label(axes: Axes, text: str) -> None:
    """Left of the first image of a row."""
    axes.set_ylabel(text, rotation=0, ha="right", va="center", color=INK)


def blank(axes: Axes) -> None:
    axes.set_axis_off()


def answers(labels: np.ndarray, probabilities: np.ndarray) -> list[str]:
    """"3 99.1%" by rank, without those that are not there."""
    return [f"{label:.0f} {_percent(share)}" for label, share in zip(np.atleast_1d(labels), np.atleast_1d(probabilities)) if np.isfinite(share) and label >= 0]


def _percent(share: Any) -> str:
    return f"{100 * share:.1f}%"
