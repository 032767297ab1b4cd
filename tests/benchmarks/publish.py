# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes what run.py measured: chart and figures in the guide, goals in the README beside this.

python tests/benchmarks/publish.py tests/benchmarks/results.json docs/docsite/rst tests/benchmarks/README.md
"""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import matplotlib as mpl

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.server import SLOW_SECONDS

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
    """Draw the seconds per loop item, those of a fleet of hosts, and those of many campaigns."""
    figure: t.Any = pyplot.figure(figsize=(9, 6.2))
    above, below = figure.subfigures(2, 1, height_ratios=(2.4, 3.6))
    item_axis, hosts_axis = above.subplots(1, 2)
    hosts = f"{results['sizes']['hosts']} hosts"
    per_item, medians = results["per_item"], results["medians"]
    milliseconds = {way: per_item[_over_tls(way)] * 1000 for way in COLOURS}
    _draw_bars(item_axis, "milliseconds per loop item, https", milliseconds)
    _draw_bars(
        hosts_axis,
        f"seconds for {hosts}, {results['sizes']['forks']} forks, https",
        {way: medians[f"{hosts}, {_over_tls(way)}"] for way in COLOURS},
    )
    _draw_growth(below.subplots(), results)
    above.subplots_adjust(left=0.115, right=0.98, top=0.87, bottom=0.12, wspace=0.3)
    below.subplots_adjust(left=0.115, right=0.72, top=0.91, bottom=0.23)
    below.text(0.01, 0.02, _origin(results), fontsize=8, color="#5f6368")
    figure.savefig(path, metadata={"Date": None})
    # matplotlib leaves spaces at the ends of lines.
    lines = [line.rstrip() for line in path.read_text("utf-8").splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _over_tls(way: str) -> str:
    """Return the way with https, as users have it; ``debug`` sends nothing."""
    return way if way == "debug" else f"{way}, https"


def _draw_bars(axis: t.Any, title: str, values: dict[str, float]) -> None:
    bars = axis.barh(list(values), list(values.values()), color=[COLOURS[way] for way in values])
    axis.bar_label(bars, fmt="%.3g", padding=3)
    axis.set_title(title, loc="left")
    axis.invert_yaxis()
    axis.margins(x=0.18)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_growth(axis: t.Any, results: dict[str, t.Any]) -> None:
    """Draw what 1 to 10,000 campaigns take: as a loop, and as one task."""
    medians, sizes = results["medians"], results["sizes"]
    counts = sizes["campaigns"]
    lines = {
        "loop of uri (extrapolated)": (COLOURS["uri"], "--", _loop(results, "uri")),
        "loop in process (extrapolated)": (
            COLOURS["in process"],
            "--",
            _loop(results, "in process"),
        ),
        "one task, first time": (
            COLOURS["in process"],
            "-",
            [medians[f"{count} first seen, bulk"] for count in counts],
        ),
        "one task, all unchanged\n(skip_unchanged)": (
            "#5f6368",
            "-",
            [medians[f"{count} skipped, bulk"] for count in counts],
        ),
    }
    for name, (colour, style, seconds) in lines.items():
        axis.loglog(counts, seconds, style, color=colour, marker="o", markersize=3)
        axis.annotate(
            name,
            (counts[-1], seconds[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    axis.set_title(
        "seconds for so many campaigns, without the start of ansible-playbook", loc="left"
    )
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.yaxis.set_major_formatter("{x:,.4g}")
    axis.set_xlabel("campaigns with 50 numbers each; the loops have two")
    axis.spines[["top", "right"]].set_visible(False)


def _loop(results: dict[str, t.Any], way: str) -> list[float]:
    """Return the seconds that so many loop items take."""
    return [count * results["per_item"][way] for count in results["sizes"]["campaigns"]]


def _origin(results: dict[str, t.Any]) -> str:
    versions = results["versions"]
    return (
        f"{results['date']}, {results['machine']}, ansible-core {versions['ansible-core']}, "
        f"Python {versions['Python']}, requests {versions['requests']}; medians of "
        f"{results['sizes']['rounds']}"
    )


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
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    served = 1 / medians["per request, server alone"]
    compared, largest = sizes["compared"], sizes["largest"]
    return f"""{_table(_way_rows(results))}
These are whole runs of ``ansible-playbook`` with one task. ``debug`` shows Ansible's own time. Each host and each item
has its own campaign, which is updated for the first time. With https, the server's certificate is verified with a file
of as many authorities as the public ones. The figures are medians of {sizes["rounds"]} interleaved runs
on {results["date"]}; {results["machine"]}; {used}. The server is uvicorn
on the same machine, which answers {served:,.0f} requests a second on one connection. A bare session of
``requests``, the limit of the HTTP library, takes {medians["per request, bare session"] * 1000:.2f} milliseconds per request.

Many campaigns in one task, with 50 numbers each and ``concurrency: {sizes["workers"]}``; seconds inside of the plugin, from the
options to the result:

{_table(_growth_rows(results))}
{compared:,} campaigns, compared with the least time that is possible:

{_table(_limit_rows(medians, sizes))}
Whole runs of ``ansible-playbook`` with the bulk module, and the memory of its largest process. The campaigns come from
a variables file, in which the numbers of a list are either one text (``"9140001001,9140001002"``) or a list:

{_table(_whole_run_rows(medians, compared, largest))}"""


FIRST_GOAL_LINE = "<!-- Written by make benchmark: begin -->"
LAST_GOAL_LINE = "<!-- Written by make benchmark: end -->"


def with_goals(readme: str, results: dict[str, t.Any]) -> str:
    """Return the README with these results' goals in the place of those that it holds."""
    before, _separator, rest = readme.partition(FIRST_GOAL_LINE)
    _old, _separator, after = rest.partition(LAST_GOAL_LINE)
    lines = [f"{_origin(results)}:", "", "| Figure | Measured | To reach |", "|---|---|---|"]
    lines += [
        f"| {goal['name']} | {goal['reached']:.3g} | {goal['bound'] or 'only told'} |"
        for goal in results["goals"]
    ]
    table = "\n".join(lines)
    return f"{before}{FIRST_GOAL_LINE}\n\n{table}\n\n{LAST_GOAL_LINE}{after}"


def _way_rows(results: dict[str, t.Any]) -> list[list[str]]:
    medians, sizes = results["medians"], results["sizes"]
    hosts = f"{sizes['hosts']} hosts"
    rows = [["Seconds", "``debug``", "in process", "as a module", "``uri``"]]
    rows += _both_schemes("one task", lambda way: f"{medians[f'one task, {way}']:.2f}")
    rows += _both_schemes(
        "each further item of a loop", lambda way: f"{results['per_item'][way]:.4f}"
    )
    return rows + _both_schemes(
        f"{hosts}, {sizes['forks']} forks", lambda way: f"{medians[f'{hosts}, {way}']:.2f}"
    )


def _both_schemes(case: str, cell: t.Callable[[str], str]) -> list[list[str]]:
    debug, *sending = COLOURS
    return [
        [f"{case}, http", cell(debug), *map(cell, sending)],
        [f"{case}, https", "", *(cell(_over_tls(way)) for way in sending)],
    ]


def _growth_rows(results: dict[str, t.Any]) -> list[list[str]]:
    medians = results["medians"]
    rows = [
        [
            "Campaigns",
            "first time",
            "unchanged, ``skip_unchanged``",
            "loop of ``uri``, extrapolated",
        ]
    ]
    for count, loop in zip(results["sizes"]["campaigns"], _loop(results, "uri")):
        seconds = (medians[f"{count} first seen, bulk"], medians[f"{count} skipped, bulk"], loop)
        rows.append([f"{count:,}", *map(_three_digits, seconds)])
    return rows


def _three_digits(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 100 else f"{seconds:,.0f}"


def _limit_rows(medians: dict[str, float], sizes: dict[str, t.Any]) -> list[list[str]]:
    count = sizes["compared"]
    possible = count * SLOW_SECONDS / sizes["workers"]
    cases = {
        "bare sessions of ``requests``, one for each worker": f"{count}, bare sessions",
        "bare sessions, https": f"{count}, bare sessions, https",
        "in one task, without a record": f"{count} without a record, bulk",
        "in one task, sent again": f"{count} sent again, bulk",
        "in one task, for the first time": f"{count} first seen, bulk",
        "in one task, for the first time, https": f"{count} first seen, bulk, https",
        "only the disk: the same number of records, each stored so that it survives a loss of power": f"{count}, disk alone",
        f"in one task, to a server that takes {SLOW_SECONDS} seconds; the least is {possible:g}": (
            f"{count} to the slow server, bulk"
        ),
    }
    return [["Case", "Seconds"], *([case, f"{medians[name]:.2f}"] for case, name in cases.items())]


def _whole_run_rows(medians: dict[str, float], compared: int, largest: int) -> list[list[str]]:
    cases = {
        "1 campaign, for the first time": "1 first seen, whole run",
        f"{compared:,} campaigns, for the first time": f"{compared} first seen, whole run",
        f"{compared:,}, sent again": f"{compared} sent again, whole run",
        f"{largest:,}, unchanged, as texts": f"{largest} skipped, given as texts, whole run",
        f"{largest:,}, unchanged, as lists": f"{largest} skipped, given as lists, whole run",
    }
    rows = [["Case", "Seconds", "Megabytes"]]
    for case, name in cases.items():
        rows.append([case, f"{medians[name]:.2f}", f"{medians[f'{name}, megabytes']:.0f}"])
    return rows


def _table(rows: list[list[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [
            f"   {'* -' if index == 0 else '  -'} {cell}".rstrip() for index, cell in enumerate(row)
        ]
    return "\n".join(lines) + "\n"


def publish(results: dict[str, t.Any], folder: pathlib.Path, readme: pathlib.Path) -> None:
    """Draw the chart and write the guide's figures in this folder, and the goals in the README."""
    draw(results, folder / "benchmark.svg")
    guide = folder / "guide_speed.rst"
    guide.write_text(with_figures(guide.read_text("utf-8"), results), encoding="utf-8")
    readme.write_text(with_goals(readme.read_text("utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    publish(
        json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8")), *map(pathlib.Path, sys.argv[2:])
    )
