# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures to reach, each from the medians of one run."""

from __future__ import annotations

import typing as t

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.server import SLOW_SECONDS

Medians = t.Dict[str, float]
Sizes = t.Dict[str, t.Any]
Figure = t.Callable[[Medians, Sizes], float]


class Goal(t.NamedTuple):
    """A figure to reach, as ``at_most`` or as ``at_least``; or one that is only told."""

    name: str
    figure: Figure
    at_most: float | None = None
    at_least: float | None = None

    def result(self, medians: Medians, sizes: Sizes) -> dict[str, t.Any]:
        """Return the goal and what was reached, for the JSON."""
        return {
            "name": self.name.format(**sizes),
            "reached": self.figure(medians, sizes),
            "bound": self._bound(),
        }

    def _bound(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:.3g}"
        return "" if self.at_least is None else f"at least {self.at_least:.3g}"


def per_item(medians: Medians, sizes: Sizes, way: str) -> float:
    """Return the seconds that a loop item adds to the run with a single task."""
    items: int = sizes["items"][way.partition(",")[0]]
    return (medians[f"loop, {way}"] - medians[f"one task, {way}"]) / (items - 1)


def _ratio_per_item(way: str, other: str) -> Figure:
    return lambda medians, sizes: per_item(medians, sizes, way) / per_item(medians, sizes, other)


def _ratio(name: str, other: str) -> Figure:
    return lambda medians, sizes: medians[name.format(**sizes)] / medians[other.format(**sizes)]


def _median_of(name: str, factor: float = 1.0) -> Figure:
    return lambda medians, sizes: medians[name.format(**sizes)] * factor


def _times_faster(case: str) -> Figure:
    """Return how often one task for many fits into a loop of uri, both less a run with one."""

    def times(medians: Medians, sizes: Sizes) -> float:
        count: int = sizes["compared"]
        loop = (count - 1) * per_item(medians, sizes, "uri")
        return loop / (medians[f"{count} {case}, whole run"] - medians[f"1 {case}, whole run"])

    return times


def _times_faster_whole(medians: Medians, sizes: Sizes) -> float:
    count: int = sizes["compared"]
    loop = medians["one task, uri"] + (count - 1) * per_item(medians, sizes, "uri")
    return loop / medians[f"{count} first seen, whole run"]


def _share_of_the_possible(medians: Medians, sizes: Sizes) -> float:
    possible: float = sizes["compared"] * SLOW_SECONDS / sizes["workers"]
    return possible / medians[f"{sizes['compared']} to the slow server, bulk"]


def _skipped_to_bare(medians: Medians, sizes: Sizes) -> float:
    """Return the time of many unchanged campaigns against that of a bare session's requests."""
    bare: float = sizes["compared"] * medians["per request, bare session"]
    return medians[f"{sizes['largest']} skipped, bulk"] / bare


_BARE = "{compared}, bare sessions"
_HOSTS, _TLS_HOSTS = "{hosts} hosts, in process", "{hosts} hosts, in process, https"
GOALS = (
    Goal("hosts: in process / debug", _ratio(_HOSTS, "{hosts} hosts, debug"), 1.25),
    Goal("hosts: in process / debug, https", _ratio(_TLS_HOSTS, "{hosts} hosts, debug"), 1.5),
    # Ten per cent above what was measured with the first plays of one task.
    Goal("loop, per item: in process / uri", _ratio_per_item("in process", "uri"), 0.018 * 1.1),
    Goal(
        "loop, per item: in process / uri, https",
        _ratio_per_item("in process, https", "uri, https"),
        0.018 * 1.1,
    ),
    Goal("loop, per item: in process / debug", _ratio_per_item("in process", "debug"), 2.0),
    Goal("loop, per item: as a module / uri", _ratio_per_item("as a module", "uri"), 1.1),
    Goal(
        "loop, per item: as a module / uri, https",
        _ratio_per_item("as a module, https", "uri, https"),
        1.1,
    ),
    Goal("one task: in process / uri", _ratio("one task, in process", "one task, uri"), 0.65 * 1.1),
    Goal(
        "one task: in process / uri, https",
        _ratio("one task, in process, https", "one task, uri, https"),
        0.65 * 1.1,
    ),
    Goal("record, unchanged: milliseconds", _median_of("record, unchanged", 1000), 0.04),
    Goal("record, changed: milliseconds", _median_of("record, changed", 1000), 1.3),
    Goal("{compared} first seen: times faster than uri", _times_faster("first seen"), at_least=150),
    Goal("{compared} sent again: times faster than uri", _times_faster("sent again"), at_least=150),
    Goal("{compared} first seen: the same, start of Ansible included", _times_faster_whole),
    Goal(
        "throughput / bare sessions: without a record",
        _ratio(_BARE, "{compared} without a record, bulk"),
        at_least=0.7,
    ),
    Goal(
        "throughput / bare sessions: sent again",
        _ratio(_BARE, "{compared} sent again, bulk"),
        at_least=0.7,
    ),
    Goal(
        "throughput / bare sessions: first seen",
        _ratio(_BARE, "{compared} first seen, bulk"),
        at_least=0.75,
    ),
    Goal(
        "throughput / bare sessions: first seen, https",
        _ratio("{compared}, bare sessions, https", "{compared} first seen, bulk, https"),
        at_least=0.85,
    ),
    Goal("throughput / possible: slow server", _share_of_the_possible, at_least=0.9),
    Goal("{largest} skipped / {compared} requests of a bare session", _skipped_to_bare, 1.5),
    Goal("{largest} records, info: seconds", _median_of("{largest} records, info"), 1.5),
    Goal(
        "{largest} as texts, whole run: megabytes",
        _median_of("{largest} skipped, given as texts, whole run, megabytes"),
        400,
    ),
)
