"""What figures have drawn, as their tests read it."""

import numpy as np

#: The schemes of the small study of experiment ownership that mark networks.
MARKED = ["content", "unrelated", "noise", "new-label", "noise-backdoor", "aime", "telltale"]


def drawn_lines(drawing):
    """By the series' name: the points of its lines, all panels together."""
    lines = {}
    for axes in drawing.figure.axes:
        for line in axes.get_lines():
            if str(line.get_gid()).startswith("series|"):
                lines.setdefault((axes.get_title(loc="left"), line.get_gid().split("|")[1]), []).append(np.array(line.get_data(), float))
    return lines
