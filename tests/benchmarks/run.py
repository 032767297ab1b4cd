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
import socket
import statistics
import subprocess
import sys
import time
import typing as t
from importlib.metadata import version

import requests

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.publish import publish
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.record import record_seconds

HERE = pathlib.Path(__file__).resolve().parent
JSON = HERE / "results.json"
GUIDES = HERE.parents[1] / "docs" / "docsite" / "rst"
WAYS = ("debug", "in process", "as a module", "uri")
SIZES = {
    "rounds": 5,
    "loops": (50, 500),
    "hosts": 200,
    "forks": 20,
    "requests": 2000,
    "records": 200,
}
SMALL_SIZES = {"rounds": 1, "loops": (2, 4), "hosts": 4, "forks": 2, "requests": 50, "records": 5}

Sizes = t.Dict[str, t.Any]
Times = t.Dict[str, t.List[float]]


class Goal(t.NamedTuple):
    """A figure to reach, from the medians of one run."""

    name: str
    most: float
    figure: t.Callable[[dict[str, float], Sizes], float]


def _per_item(medians: dict[str, float], sizes: Sizes, way: str) -> float:
    """Return the seconds that a loop item adds to the run with a single task."""
    longest: int = sizes["loops"][-1]
    added = medians[f"loop of {longest}, {way}"] - medians[f"one task, {way}"]
    return added / (longest - 1)


def _ratio_per_item(way: str, other: str) -> t.Callable[[dict[str, float], Sizes], float]:
    return lambda medians, sizes: _per_item(medians, sizes, way) / _per_item(medians, sizes, other)


def _ratio_of(case: str, way: str, other: str) -> t.Callable[[dict[str, float], Sizes], float]:
    def ratio(medians: dict[str, float], sizes: Sizes) -> float:
        name = case.format(**sizes)
        return medians[f"{name}, {way}"] / medians[f"{name}, {other}"]

    return ratio


def _milliseconds_of(name: str) -> t.Callable[[dict[str, float], Sizes], float]:
    return lambda medians, _sizes: medians[name] * 1000


GOALS = (
    Goal("loop, per item: in process / uri", 1 / 25, _ratio_per_item("in process", "uri")),
    Goal("loop, per item: in process / debug", 2.0, _ratio_per_item("in process", "debug")),
    Goal("hosts: in process / debug", 1.3, _ratio_of("{hosts} hosts", "in process", "debug")),
    Goal("one task: in process / uri", 0.85, _ratio_of("one task", "in process", "uri")),
    Goal("loop, per item: as a module / uri", 1.1, _ratio_per_item("as a module", "uri")),
    Goal("record, unchanged: milliseconds", 0.3, _milliseconds_of("record, unchanged")),
    Goal("record, changed: milliseconds", 2.0, _milliseconds_of("record, changed")),
)


@contextlib.contextmanager
def running_server() -> t.Iterator[str]:
    """Run the fast server and give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "server:answer", "--app-dir", str(HERE)]
    # Given its socket ready-made, it would answer with Nagle's delay of 40 milliseconds.
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    server = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command) as process:
        try:
            _wait_for(server)
            yield server
        finally:
            process.terminate()


def _wait_for(server: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            server_alone(server, 1)
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def play(way: str, server: str, items: int, hosts: int, forks: int) -> float:
    """Return the seconds of a whole ansible-playbook."""
    inventory = ",".join(f"host{number}" for number in range(hosts)) + ","
    variables = json.dumps({"way": way, "server": server, "items": items})
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", inventory]
    command += ["-f", str(forks), "-e", variables, str(HERE / "playbook.yml")]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{way}: ansible-playbook failed\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds


def bare_session(server: str, count: int) -> float:
    """Return the seconds per request of nothing but a session of requests."""
    body = json.dumps({"username": "acme", "apiKey": "a-key", "campaignName": "Sales"})
    with requests.Session() as session:
        session.trust_env = False
        begin = time.perf_counter()
        for _request in range(count):
            session.post(server, data=body, timeout=30).json()
        return (time.perf_counter() - begin) / count


def server_alone(server: str, count: int) -> float:
    """Return the seconds per request of one bare socket, the least that the server can do."""
    host, _separator, port = server.rpartition("/")[2].partition(":")
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection((host, int(port))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        for _request in range(count):
            sock.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += sock.recv(4096)
        return (time.perf_counter() - begin) / count


def measure(server: str, sizes: Sizes) -> Times:
    """Return the times of all cases; every round runs each of them once."""
    times: Times = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)
        print(f"{name}: {seconds:.6g} s", flush=True)

    for number in range(sizes["rounds"]):
        print(f"round {number + 1} of {sizes['rounds']}", flush=True)
        note("per request, server alone", server_alone(server, sizes["requests"]))
        note("per request, bare session", bare_session(server, sizes["requests"]))
        for name, seconds in record_seconds(sizes["records"]).items():
            note(name, seconds)
        for way in WAYS:
            note(f"one task, {way}", play(way, server, 1, 1, 5))
        for items in sizes["loops"]:
            for way in WAYS:
                note(f"loop of {items}, {way}", play(way, server, items, 1, 5))
        for way in WAYS:
            name = f"{sizes['hosts']} hosts, {way}"
            note(name, play(way, server, 1, sizes["hosts"], sizes["forks"]))
    return times


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
        "sizes": sizes,
        "medians": medians,
        "per_item": {way: _per_item(medians, sizes, way) for way in WAYS},
        "goals": [
            {"name": goal.name, "most": goal.most, "reached": goal.figure(medians, sizes)}
            for goal in GOALS
        ],
        "times": times,
    }


def table(results: dict[str, t.Any]) -> str:
    """Return the table of seconds and ratios."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    lines = [f"{results['date']}, {results['machine']}: {versions}", ""]
    lines += [f"{name:<34} {seconds:>12.4f} s" for name, seconds in results["medians"].items()]
    lines += [""]
    lines += [f"per loop item, {way:<19} {s:>12.4f} s" for way, s in results["per_item"].items()]
    lines += ["", f"{'figure':<40} {'here':>8} {'to reach':>9}"]
    for goal in results["goals"]:
        lines.append(f"{goal['name']:<40} {goal['reached']:>8.3f} {goal['most']:>9.3f}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the JSON, and publish chart and figures in the guide."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="only see that it runs")
    parser.add_argument("--json", type=pathlib.Path, default=JSON, help="what to write")
    parser.add_argument("--guides", type=pathlib.Path, default=GUIDES, help="where to publish")
    arguments = parser.parse_args()
    sizes = SMALL_SIZES if arguments.small else SIZES
    with running_server() as server:
        results = report(measure(server, sizes), sizes)
    arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    publish(results, arguments.guides)
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
