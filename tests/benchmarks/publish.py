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
    # matplotlib leaves spaces at the ends of lines.
    lines = [line.rstrip() for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


FIRST_LINE = ".. Written by make benchmark: begin"
LAST_LINE = ".. Written by make benchmark: end"


def with_figures(guide: str, results: dict[str, t.Any]) -> str:
    """Return the guide with these results in the place of those that it holds."""
    before, _separator, rest = guide.partition(FIRST_LINE)
    _old, _separator, after = rest.partition(LAST_LINE)
    return f"{before}{FIRST_LINE}\n\n{figures(results)}\n{LAST_LINE}{after}"


def figures(results: dict[str, t.Any]) -> str:
    """Return tables of seconds and of ratios, and what they were measured with."""
    medians, sizes, versions = results["medians"], results["sizes"], results["versions"]
    cases = ["one task", *(f"loop of {items}" for items in sizes["loops"])]
    rows = [["Seconds", "``debug``", "in process", "as a module", "``uri``"]]
    rows += [[case, *(f"{medians[f'{case}, {way}']:.2f}" for way in COLOURS)] for case in cases]
    rows += [["each further item", *(f"{results['per_item'][way]:.4f}" for way in COLOURS)]]
    hosts = f"{sizes['hosts']} hosts"
    title = f"{hosts}, {sizes['forks']} forks"
    rows += [[title, *(f"{medians[f'{hosts}, {way}']:.2f}" for way in COLOURS)]]
    goals = [["Figure", "Measured", "To reach, at most"]]
    goals += [
        [goal["name"], f"{goal['reached']:.3f}", f"{goal['most']:.3g}"] for goal in results["goals"]
    ]
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    served = 1 / medians["per request, server alone"]
    return f"""{_table(rows)}
Whole runs of ``ansible-playbook``, ``debug`` being the floor of Ansible itself. Medians of {sizes["rounds"]} runs,
interleaved, on {results["date"]}; {results["machine"]}; {used}. The server is uvicorn
on the same machine, which answers {served:,.0f} requests a second on one connection. A bare session of
``requests``, the limit of the HTTP library, takes {medians["per request, bare session"] * 1000:.2f} milliseconds per request.

{_table(goals)}"""


def _table(rows: list[list[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'* -' if index == 0 else '  -'} {cell}" for index, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def publish(results: dict[str, t.Any], folder: pathlib.Path) -> None:
    """Draw the chart and write the guide's figures in this folder."""
    draw(results, folder / "benchmark.svg")
    guide = folder / "guide_speed.rst"
    guide.write_text(with_figures(guide.read_text("utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    publish(json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8")), pathlib.Path(sys.argv[2]))
