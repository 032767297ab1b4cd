# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures many campaigns in one task, inside of the plugin, beside bare sessions of requests.

python tests/benchmarks/bulk.py            # prints medians, in about two minutes
python tests/benchmarks/bulk.py --small    # a few seconds, to see that it runs
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t

import requests

HERE = pathlib.Path(__file__).resolve().parent
NUMBERS = 50
SIZES = {"rounds": 3, "campaigns": 1000, "slow": 1000, "unchanged": 10_000, "workers": 8}
SMALL_SIZES = {"rounds": 1, "campaigns": 20, "slow": 16, "unchanged": 50, "workers": 8}

Campaigns = t.List[t.Dict[str, t.Any]]
Times = t.Dict[str, t.List[float]]

# What the action plugin does, in a process of its own as Ansible's worker is one.
TASK = """
import json, sys, time

sys.path.insert(0, sys.argv[1])
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk_options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    connection_argument_spec,
    record_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run_bulk import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

spec = {**connection_argument_spec(), **record_argument_spec(), **bulk_argument_spec()}
options = json.load(sys.stdin)
begin = time.perf_counter()
result = InProcessModule("ozonetel_dynamic_dids_bulk", options, spec).run(run_bulk)
print(json.dumps({"seconds": time.perf_counter() - begin, "summary": result.get("summary")}))
assert not result.get("failed"), result["msg"]
"""


@contextlib.contextmanager
def running_server(name: str) -> t.Iterator[str]:
    """Run one of the servers and give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"server:{name}", "--app-dir", str(HERE)]
    # Given its socket ready-made, it would answer with Nagle's delay of 40 milliseconds.
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    with subprocess.Popen(command) as process:
        try:
            end = time.monotonic() + 30
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < end, "the server does not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def made_up_campaigns(count: int) -> Campaigns:
    """Return so many campaigns with 50 numbers each."""
    return [
        {
            "campaign_name": f"Campaign {number}",
            "dynamic_dids": [f"914{number:05}{place:02}" for place in range(NUMBERS - 1)],
            "fallback_dynamic_dids": ["9140002001"],
        }
        for number in range(count)
    ]


def bulk_task(
    server: str, campaigns: Campaigns, workers: int, record_dir: str, **options: t.Any
) -> float:
    """Return the seconds inside of the plugin, from the options as given to the result."""
    options = {
        "username": "acme",
        "api_key": "a-key",
        "api_url": server,
        "campaigns": campaigns,
        "concurrency": workers,
        "record_dir": record_dir,
        **options,
    }
    # The folder above ansible_collections, as for run.py.
    command = [sys.executable, "-c", TASK, os.environ["PYTHONPATH"]]
    done = subprocess.run(
        command, input=json.dumps(options), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the task failed\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout)["seconds"])


def bare_sessions(server: str, campaigns: Campaigns, workers: int) -> float:
    """Return the seconds of nothing but a session of requests in each of so many threads."""
    waiting = iter(campaigns)
    lock = threading.Lock()

    def work() -> None:
        with requests.Session() as session:
            session.trust_env = False
            while True:
                with lock:
                    campaign = next(waiting, None)
                if campaign is None:
                    return
                body = {
                    "username": "acme",
                    "apiKey": "a-key",
                    "campaignName": campaign["campaign_name"],
                    "dynamicDIDs": ",".join(campaign["dynamic_dids"]),
                    "fallbackDynamicDIDs": ",".join(campaign["fallback_dynamic_dids"]),
                }
                session.post(f"{server}/x", data=json.dumps(body), timeout=30).json()

    begin = time.perf_counter()
    threads = [threading.Thread(target=work) for _worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def measure(sizes: dict[str, int]) -> Times:
    """Return the times of all cases; every round runs each of them once."""
    times: Times = {}
    workers = sizes["workers"]
    fast, slow, many = (
        made_up_campaigns(sizes[name]) for name in ("campaigns", "slow", "unchanged")
    )

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)
        print(f"{name}: {seconds:.6g} s", flush=True)

    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running_server("answer"))
        slow_server = stack.enter_context(running_server("slow_answer"))
        kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="cloudagent-bench-"))
        note(f"{len(many)} first seen, bulk", bulk_task(server, many, workers, kept))
        for _round in range(sizes["rounds"]):
            with tempfile.TemporaryDirectory(prefix="cloudagent-bench-") as fresh:
                note(f"{len(fast)}, bare sessions", bare_sessions(server, fast, workers))
                note(f"{len(fast)} first seen, bulk", bulk_task(server, fast, workers, fresh))
                note(f"{len(fast)} sent again, bulk", bulk_task(server, fast, workers, fresh))
            with tempfile.TemporaryDirectory(prefix="cloudagent-bench-") as fresh:
                note(f"{len(slow)} in 0.1 s, bulk", bulk_task(slow_server, slow, workers, fresh))
            seconds = bulk_task(server, many, workers, kept, skip_unchanged=True)
            note(f"{len(many)} skipped, bulk", seconds)
            none = bulk_task(server, fast, workers, fresh, record=False)
            note(f"{len(fast)} without a record, bulk", none)
    return times


def ratios(times: Times, sizes: dict[str, int]) -> dict[str, float]:
    """Return what the goals are about, from the medians of one run."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians[f"{sizes['campaigns']}, bare sessions"]
    possible = sizes["slow"] * 0.1 / sizes["workers"]
    return {
        "throughput, first seen / bare sessions (at least 0.7)": bare
        / medians[f"{sizes['campaigns']} first seen, bulk"],
        "throughput, sent again / bare sessions (at least 0.7)": bare
        / medians[f"{sizes['campaigns']} sent again, bulk"],
        "throughput, without a record / bare sessions": bare
        / medians[f"{sizes['campaigns']} without a record, bulk"],
        "throughput on a server of 0.1 s / possible (at least 0.9)": possible
        / medians[f"{sizes['slow']} in 0.1 s, bulk"],
        "seconds of skipped campaigns (at most 3)": medians[f"{sizes['unchanged']} skipped, bulk"],
    }


def main() -> None:
    """Measure, and print medians and goals."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="only see that it runs")
    sizes = SMALL_SIZES if parser.parse_args().small else SIZES
    times = measure(sizes)
    print()
    for name, values in times.items():
        print(f"{name:<40} {statistics.median(values):>10.4f} s")
    print()
    for name, ratio in ratios(times, sizes).items():
        print(f"{name:<60} {ratio:>8.3f}")


if __name__ == "__main__":
    main()
