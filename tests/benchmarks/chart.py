# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the chart of the documentation from what run.py measured.

python tests/benchmarks/chart.py results.json chart.svg
"""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot

# The same input gives the same file, without a date or random ids in it.
mpl.rcParams.update({"svg.hashsalt": "cloudagent", "svg.fonttype": "none", "font.size": 10})
COLOURS = {
    "debug": "#9aa0a6",
    "in process": "#0b6e4f",
    "as a module": "#c77700",
    "uri": "#8a1c1c",
}


def draw(results: dict[str, t.Any], path: pathlib.Path) -> None:
    """Draw the seconds per loop item, and those of a fleet of hosts."""
    hosts = f"{results['sizes']['hosts']} hosts"
    panels = {
        "milliseconds per loop item": {
            way: seconds * 1000 for way, seconds in results["per_item"].items()
        },
        f"seconds for {hosts}, {results['sizes']['forks']} forks": {
            way: results["medians"][f"{hosts}, {way}"] for way in COLOURS
        },
    }
    figure, axes = pyplot.subplots(1, len(panels), figsize=(9, 2.6))
    for axis, (title, values) in zip(axes, panels.items()):
        bars = axis.barh(list(values), list(values.values()), color=[COLOURS[x] for x in values])
        axis.bar_label(bars, fmt="%.3g", padding=3)
        axis.set_title(title, loc="left")
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    versions = results["versions"]
    figure.text(
        0.01,
        0.01,
        f"{results['date']}, {results['machine']}, ansible-core {versions['ansible-core']}, "
        f"Python {versions['Python']}, requests {versions['requests']}; medians of "
        f"{results['sizes']['rounds']}",
        fontsize=8,
        color="#5f6368",
    )
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8")), pathlib.Path(sys.argv[2]))
