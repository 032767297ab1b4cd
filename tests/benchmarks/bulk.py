# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures many campaigns in one task, inside of the plugin and as whole runs."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import threading
import time
import typing as t

import requests

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.commands import (
    PLAYBOOK_COMMAND,
    fresh_directory,
    timed,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.local_server import Server

HERE = pathlib.Path(__file__).resolve().parent
NUMBERS = 50

Campaigns = t.List[t.Dict[str, t.Any]]
Sizes = t.Dict[str, t.Any]
Measured = t.Iterator[t.Tuple[str, float]]

# What the action plugin does, in a process of its own as Ansible's worker is one, which has inherited
# what the main process has loaded.
TASK = """
import json, os, sys, time

sys.path.insert(0, sys.argv[1])
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.run import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._before_fork import (
    load_before_fork,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

load_before_fork(os.environ)
spec = bulk_argument_spec()
options = json.load(sys.stdin)
begin = time.perf_counter()
result = InProcessModule("ozonetel_dynamic_dids_bulk", options, spec).run(run_bulk)
print(json.dumps({"seconds": time.perf_counter() - begin, "summary": result.get("summary")}))
assert not result.get("failed"), result["msg"]
"""

# Starts a command and tells the megabytes that the largest of its processes took. A process inherits
# that figure from the one that started it, so it takes a small one.
MEMORY = """
import resource, subprocess, sys

code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
# Kilobytes, but bytes on macOS.
unit = 1024**2 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit)
sys.exit(code)
"""


def made_up_campaigns(count: int) -> Campaigns:
    """Return so many campaigns with 50 numbers each."""
    return [
        {
            "campaign_name": f"Campaign {number}",
            "dynamic_dids": [f"914{number:05}{place:02}" for place in range(NUMBERS - 1)],
            "fallback_dynamic_dids": ["9150002001"],
        }
        for number in range(count)
    ]


def with_texts(campaigns: Campaigns) -> Campaigns:
    """Return the campaigns with each list as one text, as a cell of a CSV file holds it."""
    lists = ("dynamic_dids", "fallback_dynamic_dids")
    return [
        {**campaign, **{name: ",".join(campaign[name]) for name in lists}} for campaign in campaigns
    ]


class Servers(t.NamedTuple):
    """The servers that campaigns are sent to: a fast one, the same with TLS, and a slow one."""

    fast: Server
    tls: Server
    slow: Server


def bulk_inside(servers: Servers, sizes: Sizes) -> Measured:
    """Yield what each case takes inside of the plugin, beside what it can't be faster than."""
    many = made_up_campaigns(sizes["largest"])
    compared, workers = many[: sizes["compared"]], sizes["workers"]
    count = len(compared)
    for size in sizes["campaigns"]:
        directory = fresh_directory()
        few = many[:size]
        yield f"{size} first seen, bulk", _task(servers.fast, few, workers, directory)
        skipped = _task(servers.fast, few, workers, directory, skip_unchanged=True)
        yield f"{size} skipped, bulk", skipped
    directory = fresh_directory()
    yield f"{count}, bare sessions", bare_sessions(servers.fast, compared, workers)
    without = _task(servers.fast, compared, workers, directory, record=False)
    yield f"{count} without a record, bulk", without
    yield f"{count}, disk alone", disk_alone(directory, compared)
    _task(servers.fast, compared, workers, directory)
    yield f"{count} sent again, bulk", _task(servers.fast, compared, workers, directory)
    directory = fresh_directory()
    slow = _task(servers.slow, compared, workers, directory)
    yield f"{count} to the slow server, bulk", slow
    directory = fresh_directory()
    yield f"{count}, bare sessions, https", bare_sessions(servers.tls, compared, workers)
    first_seen = _task(servers.tls, compared, workers, directory)
    yield f"{count} first seen, bulk, https", first_seen


def bulk_whole_runs(server: Server, sizes: Sizes) -> t.Iterator[tuple[str, float, float]]:
    """Yield name, seconds and megabytes of whole runs of ansible-playbook."""
    largest = made_up_campaigns(sizes["largest"])
    directory = fresh_directory()
    for count in (1, sizes["compared"]):
        few = with_texts(largest[:count])
        fresh = fresh_directory()
        run = _whole_run(server, few, fresh, skip_unchanged=False)
        yield (f"{count} first seen, whole run", *run)
        run = _whole_run(server, few, fresh, skip_unchanged=False)
        yield (f"{count} sent again, whole run", *run)
    _task(server, largest, sizes["workers"], directory)
    forms = {"texts": with_texts(largest), "lists": largest}
    for form, campaigns in forms.items():
        run = _whole_run(server, campaigns, directory, skip_unchanged=True)
        yield (f"{len(largest)} skipped, given as {form}, whole run", *run)


def bare_sessions(server: Server, campaigns: Campaigns, workers: int) -> float:
    """Return the seconds of nothing but a session of requests in each of so many threads."""
    waiting = iter(campaigns)
    lock = threading.Lock()

    def work() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = server.authorities or True
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
                session.post(f"{server.url}/x", data=json.dumps(body), timeout=30).json()

    begin = time.perf_counter()
    threads = [threading.Thread(target=work) for _worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def disk_alone(directory: str, campaigns: Campaigns) -> float:
    """Return the seconds of making as many records last, and nothing else."""
    contents = [json.dumps(campaign).encode() for campaign in campaigns]
    begin = time.perf_counter()
    for number, content in enumerate(contents):
        temporary = os.path.join(directory, f"{number}.bare.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(temporary, os.path.join(directory, f"{number}.bare"))
        descriptor = os.open(directory, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.perf_counter() - begin


def _task(
    server: Server, campaigns: Campaigns, workers: int, record_dir: str, **options: t.Any
) -> float:
    """Return the seconds inside of the plugin, from the options as given to the result."""
    options = {
        "username": "acme",
        "api_key": "a-key",
        "api_url": server.url,
        "campaigns": campaigns,
        "concurrency": workers,
        "record_dir": record_dir,
        **options,
    }
    # The folder above ansible_collections, as for run.py.
    command = [sys.executable, "-c", TASK, os.environ["PYTHONPATH"]]
    _whole, printed = timed(command, json.dumps(options), server.env)
    return float(json.loads(printed)["seconds"])


def _whole_run(
    server: Server, campaigns: Campaigns, record_dir: str, skip_unchanged: bool
) -> tuple[float, float]:
    """Return the seconds of a whole ansible-playbook, and the megabytes of its largest process."""
    variables = pathlib.Path(record_dir, "variables.json")
    content = {
        "server": server.url,
        "campaigns": campaigns,
        "record_dir": record_dir,
        "skip_unchanged": skip_unchanged,
    }
    variables.write_text(json.dumps(content), encoding="utf-8")
    command = [sys.executable, "-c", MEMORY]
    command += [PLAYBOOK_COMMAND, "-i", "localhost,"]
    command += ["-e", f"@{variables}", str(HERE / "many.yml")]
    seconds, megabytes = timed(command)
    return seconds, float(megabytes)
