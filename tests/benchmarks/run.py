# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a campaign costs in each way, interleaved, and writes a table and JSON.

python tests/benchmarks/run.py            # as published
python tests/benchmarks/run.py --small    # a few seconds, to see that it runs
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import statistics
import tempfile
import time
import typing as t
from importlib.metadata import version

import requests

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.bulk import (
    Servers,
    bulk_inside,
    bulk_whole_runs,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.goals import GOALS, per_item
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.local_server import (
    Server,
    running_server,
    running_tls_server,
    server_alone,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.plays import (
    TLS_WAYS,
    WAYS,
    play_seconds,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.postgresql import goals, in_database
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.publish import publish
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.record import (
    info_seconds,
    record_seconds,
)

HERE = pathlib.Path(__file__).resolve().parent
JSON = HERE / "results.json"
README = HERE / "README.md"
GUIDES = HERE.parents[1] / "docs" / "docsite" / "rst"
SIZES = {
    "rounds": 3,
    # The slow ways take as long for an item as the others do for fifty.
    "items": {"debug": 500, "in process": 500, "as a module": 40, "uri": 40},
    "hosts": 200,
    "forks": 20,
    "requests": 2000,
    "records": 200,
    "campaigns": (1, 10, 100, 1000, 10_000),
    "largest": 10_000,
    "compared": 1000,
    "workers": 8,
}
SMALL_SIZES = {
    "rounds": 1,
    "items": {"debug": 4, "in process": 4, "as a module": 2, "uri": 2},
    "hosts": 4,
    "forks": 2,
    "requests": 50,
    "records": 5,
    "campaigns": (1, 20, 40),
    "largest": 40,
    "compared": 20,
    "workers": 8,
}

Sizes = t.Dict[str, t.Any]
Times = t.Dict[str, t.List[float]]


def bare_session(server: Server, count: int) -> float:
    """Return the seconds per request of nothing but a session of requests."""
    body = json.dumps({"username": "acme", "apiKey": "a-key", "campaignName": "Sales"})
    with requests.Session() as session:
        session.trust_env = False
        begin = time.perf_counter()
        for _request in range(count):
            session.post(server.url, data=body, timeout=30).json()
        return (time.perf_counter() - begin) / count


def measure_plays(servers: Servers, sizes: Sizes) -> t.Iterator[tuple[str, float]]:
    """Yield the seconds of plays of one task: once, with a loop, and for many hosts."""
    ways = [(way, way, servers.fast) for way in WAYS]
    ways += [(name, way, servers.tls) for name, way in TLS_WAYS.items()]
    for name, way, server in ways:
        yield f"one task, {name}", play_seconds(way, server)
    for name, way, server in ways:
        yield f"loop, {name}", play_seconds(way, server, items=sizes["items"][way])
    hosts, forks = sizes["hosts"], sizes["forks"]
    for name, way, server in ways:
        yield f"{hosts} hosts, {name}", play_seconds(way, server, hosts=hosts, forks=forks)


def measure_round(servers: Servers, sizes: Sizes) -> t.Iterator[tuple[str, float]]:
    """Yield the name and the time of each case; what is no time says so in its name."""
    yield "per request, server alone", server_alone(servers.fast, sizes["requests"])
    yield "per request, bare session", bare_session(servers.fast, sizes["requests"])
    yield from record_seconds(sizes["records"]).items()
    yield f"{sizes['largest']} records, info", info_seconds(sizes["largest"])
    yield from measure_plays(servers, sizes)
    yield from bulk_inside(servers, sizes)
    yield from in_database(servers.fast, sizes)
    for name, seconds, megabytes in bulk_whole_runs(servers.fast, sizes):
        yield name, seconds
        yield f"{name}, megabytes", megabytes


def measure(servers: Servers, sizes: Sizes) -> t.Iterator[Times]:
    """Yield the times of all cases after each round, which runs each of them once."""
    times: Times = {}
    for number in range(sizes["rounds"]):
        print(f"round {number + 1} of {sizes['rounds']}", flush=True)
        for name, figure in measure_round(servers, sizes):
            times.setdefault(name, []).append(figure)
            print(f"{name}: {figure:.6g}", flush=True)
        yield times


def report(times: Times, sizes: Sizes) -> dict[str, t.Any]:
    """Return all that the table and the chart need."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in ("ansible-core", "requests", "urllib3", "uvicorn")},
        },
        "sizes": {**sizes, "rounds": min(map(len, times.values()))},
        "medians": medians,
        "per_item": {way: per_item(medians, sizes, way) for way in (*WAYS, *TLS_WAYS)},
        "goals": [goal.result(medians, sizes) for goal in (*GOALS, *goals(medians, sizes))],
        "times": times,
    }


def table(results: dict[str, t.Any]) -> str:
    """Return the table of medians, which are seconds where no unit is named, and of ratios."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    lines = [f"{results['date']}, {results['machine']}: {versions}", ""]
    lines += [f"{name:<60} {figure:>12.4f}" for name, figure in results["medians"].items()]
    lines += [""]
    lines += [f"per loop item, {way:<45} {s:>12.4f}" for way, s in results["per_item"].items()]
    lines += ["", f"{'figure':<60} {'here':>12} to reach"]
    for goal in results["goals"]:
        lines.append(f"{goal['name']:<60} {goal['reached']:>12.3f} {goal['bound']}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the JSON, and publish chart and figures in the guide."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="only see that it runs")
    parser.add_argument("--json", type=pathlib.Path, default=JSON, help="what to write")
    parser.add_argument("--guides", type=pathlib.Path, default=GUIDES, help="where to publish")
    parser.add_argument("--readme", type=pathlib.Path, default=README, help="where goals are told")
    parser.add_argument("--rounds", type=int, help="how often each case is measured")
    arguments = parser.parse_args()
    sizes: Sizes = dict(SMALL_SIZES if arguments.small else SIZES)
    sizes["rounds"] = arguments.rounds or sizes["rounds"]
    with running_servers() as servers:
        # After each round, so that an interrupted run is not lost.
        for times in measure(servers, sizes):
            results = report(times, sizes)
            arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            publish(results, arguments.guides, arguments.readme)
    print(f"\n{table(results)}")


@contextlib.contextmanager
def running_servers() -> t.Iterator[Servers]:
    """Run all servers."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield Servers(
            fast=stack.enter_context(running_server("answer")),
            tls=stack.enter_context(running_tls_server("answer", folder)),
            slow=stack.enter_context(running_server("slow_answer")),
        )


if __name__ == "__main__":
    main()
