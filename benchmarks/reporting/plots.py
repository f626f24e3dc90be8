"""Bar charts of the main figures, drawn from ``results.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from benchmarks.data.figure import Figure
from benchmarks.data.results import Results

mpl.use("Agg")
from matplotlib import pyplot as plt

_MET, _MISSED, _GOAL, _INK = "#2a7f86", "#c8553d", "#2b2d31", "#3a3d42"
_TITLES = {
    "cold-starts": "Cold start: instructions, 1 = import boto3 and one client",
    "warm": "Warm submit: CPU, 1 = the same work by the plain SDK",
    "copying": "Collecting nine images: CPU, 1 = httpx read and put_object",
}
_DRAWN = (": instructions", ": own CPU", "HTTP: CPU", "HTTPS: CPU")
"""The ends of the names of figures that are drawn."""


def draw(results: Results, folder: Path) -> None:
    """Draw each chart whose figures have been measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, title in _TITLES.items():
        measurement = results.measurements.get(name)
        if measurement is None:
            continue
        figures = [each for each in measurement.figures if each.name.endswith(_DRAWN)]
        if figures:
            _draw_ratios(title, figures, folder / f"{name}.svg")


def _draw_ratios(title: str, figures: Sequence[Figure], path: Path) -> None:
    """Draw a bar for each ratio, green if its goal is met, and a dashed line at the reference."""
    names = [_short(figure.name) for figure in figures]
    with plt.rc_context({"font.size": 9, "text.color": _INK, "svg.fonttype": "path", "svg.hashsalt": "kiln"}):
        chart, axes = plt.subplots(figsize=(7.2, 0.9 + 0.34 * len(figures)), layout="constrained")
        colours = [_MISSED if figure.is_met is False else _MET for figure in figures]
        bars = axes.barh(names, [figure.ratio for figure in figures], color=colours, height=0.62)
        axes.bar_label(bars, [figure.shown_ratio for figure in figures], padding=4)
        for place, figure in enumerate(figures):
            if figure.goal is not None:
                axes.plot([figure.goal] * 2, [place - 0.42, place + 0.42], color=_GOAL, linewidth=1.6)
        axes.axvline(1, color=_INK, linestyle=(0, (4, 3)), linewidth=0.8)
        axes.set_xlim(0, 1.15 * max(1.0, *(max(figure.ratio, figure.goal or 0) for figure in figures)))
        axes.invert_yaxis()
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel("ratio; the dark marks are the goals", fontsize=8)
        chart.savefig(path, metadata={"Date": None})
        plt.close(chart)


def _short(name: str) -> str:
    for words in ("cold start of ", ": instructions", ": own CPU", ": CPU", "warm "):
        name = name.replace(words, "")
    return name
