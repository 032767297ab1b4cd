# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns on real sockets and threads: at the same time, in turn, and what faults do."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    SUCCESS,
    Behaviour,
    Connection,
    RawServer,
    answer,
    silent,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    Ended,
    bulk_module,
)

Result = t.Dict[str, t.Any]
Answer = t.Callable[[str], t.Tuple[int, t.Dict[str, str], str]]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def update(server: RawServer, campaigns: list[str], **options: t.Any) -> Result:
    module = bulk_module(campaigns, **{"api_url": server.url, "timeout": 10.0, **options})
    with pytest.raises(Ended):
        _run_bulk.run_bulk(module, HttpClient(SessionCache(), Watchdog()))
    assert API_KEY not in repr(module.result)
    return module.result


def named(count: int) -> list[str]:
    return [f"Campaign {number}" for number in range(count)]


class World:
    """What a server does with each campaign, and when each request came."""

    def __init__(self, message: t.Callable[[str, int], tuple[int, str, str]]) -> None:
        self.message = message
        self.times: list[float] = []
        self.active = self.most_active = 0
        self._lock = threading.Lock()
        self._tries: dict[str, int] = {}

    def behave(self, connection: Connection) -> None:
        while True:
            request = connection.read_request()
            if not request:
                return
            name = json.loads(request.partition(b"\r\n\r\n")[2])["campaignName"]
            with self._lock:
                self.times.append(time.monotonic())
                self._tries[name] = tries = self._tries.get(name, 0) + 1
                self.active += 1
                self.most_active = max(self.most_active, self.active)
            status, headers, message = self.message(name, tries)
            with self._lock:
                self.active -= 1
            body = json.dumps({"Message": message}).encode()
            head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            connection.send(head.encode() + body)


def after(seconds: float, message: str = SUCCESS["Message"]) -> World:
    def say(_name: str, _tries: int) -> tuple[int, str, str]:
        time.sleep(seconds)
        return 200, "", message

    return World(say)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_so_many_at_the_same_time_each_with_one_connection(concurrency: int) -> None:
    world = after(0.05)
    with RawServer(world.behave) as server:
        begin = time.monotonic()
        result = update(server, named(33), concurrency=concurrency)
        elapsed = time.monotonic() - begin
        assert server.connections == concurrency
    assert world.most_active == concurrency
    assert elapsed < 33 * 0.05 / concurrency + 2.0
    assert [entry["campaign_name"] for entry in result["results"]] == named(33)
    assert result["summary"]["changed"] == 33


def test_stop_on_failure_waits_for_what_is_on_its_way_alone() -> None:
    def say(name: str, _tries: int) -> tuple[int, str, str]:
        if name == "Campaign 5":
            return 200, "", "Campaign not found."
        time.sleep(0.3 if name != "Campaign 0" else 0.0)
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(50), stop_on_failure=True, concurrency=4)
    summary = result["summary"]
    assert summary["failed"] == 1
    assert 4 <= summary["changed"] <= 9
    assert summary["changed"] + summary["not_sent"] == 49
    assert len(world.times) == summary["changed"] + 1
    first, last = result["results"][0], result["results"][-1]
    assert (first["sent"], last["sent"], last["attempts"]) == (True, False, 0)


def test_an_account_that_is_refused_later_stops_it() -> None:
    def say(name: str, _tries: int) -> tuple[int, str, str]:
        refused = int(name.split()[1]) >= 10
        return 200, "", "Authentication failed." if refused else SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(200), concurrency=4)
    assert 1 <= result["summary"]["failed"] <= 4
    assert result["summary"]["changed"] == 10
    assert len(world.times) == 10 + result["summary"]["failed"]


def test_who_waits_for_its_turn_is_not_sent_after_a_stop() -> None:
    world = after(0.0, "Authentication failed.")
    with RawServer(world.behave) as server:
        begin = time.monotonic()
        result = update(server, named(20), requests_per_minute=1)
        assert time.monotonic() - begin < 5.0
    assert len(world.times) == 1
    assert result["summary"]["not_sent"] == 19


def test_requests_are_evenly_apart_retries_included() -> None:
    answers = [(503, "", "Busy"), (200, "", SUCCESS["Message"])]
    world = World(lambda _name, tries: answers[tries - 1])
    with RawServer(world.behave) as server:
        # Each attempt alone would fit its timeout hardly more than once.
        result = update(server, named(5), requests_per_minute=300, timeout=2.5)
    assert result["summary"]["changed"] == 5
    assert [entry["attempts"] for entry in result["results"]] == [2] * 5
    gaps = [later - earlier for earlier, later in zip(world.times, world.times[1:])]
    assert len(gaps) == 9
    assert min(gaps) > 0.15
    assert world.times[-1] - world.times[0] > 9 * 0.2 - 0.05


def test_a_rate_limit_slows_all_and_is_no_time_of_theirs() -> None:
    limited_at: list[float] = []

    def say(name: str, tries: int) -> tuple[int, str, str]:
        if name == "Campaign 3" and tries == 1:
            limited_at.append(time.monotonic())
            return 429, "Retry-After: 2\r\n", "Max limit exceeded"
        time.sleep(0.1)
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(30), timeout=1.0, concurrency=4)
    assert result["summary"]["changed"] == 30, result["msg"]
    # What was on its way when the limit was told comes at once, everything else after the break.
    on_the_way = [moment for moment in world.times if limited_at[0] < moment < limited_at[0] + 1.9]
    assert len(on_the_way) <= 4
    assert result["results"][3]["attempts"] == 2


def test_a_campaign_without_an_answer_keeps_no_other_back() -> None:
    # The first connection goes to the first campaign, which is alone for two seconds.
    with RawServer(silent, answer()) as server:
        begin = time.monotonic()
        result = update(server, named(20), timeout=4.0, retries=0, concurrency=3)
        assert time.monotonic() - begin < 7.0
    assert result["summary"] == {
        "total": 20,
        "changed": 19,
        "unchanged": 0,
        "skipped": 0,
        "failed": 1,
        "not_sent": 0,
    }
    assert result["results"][0]["failure"]["reason"] == "timed_out"
    assert result["results"][0]["failure"]["outcome"] == "unknown"


def reset(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def test_a_server_that_is_down_fails_each_by_itself() -> None:
    behaviours: list[Behaviour] = [reset]
    with RawServer(*behaviours) as server:
        result = update(server, named(12), retries=0)
    assert result["summary"]["failed"] == 12
    assert result["changed"] is False
    assert "and 7 more." in result["msg"]


# --- Ten thousand -------------------------------------------------------------------------------

# What the action plugin does, in a process of its own.
TASK = """
import json, resource, sys

sys.path.insert(0, sys.argv[1])
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk_options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run_bulk import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

spec = bulk_argument_spec()
options = {
    "username": "acme",
    "api_key": "a-key",
    "api_url": sys.argv[2],
    "record_dir": sys.argv[3],
    "campaigns": [
        {
            "campaign_name": f"Campaign {number}",
            "dynamic_dids": [f"914{number:05}{place:02}" for place in range(49)],
            "fallback_dynamic_dids": ["9140002001"],
        }
        for number in range(10_000)
    ],
    "record": False,
}
result = InProcessModule("ozonetel_dynamic_dids_bulk", options, spec).run(run_bulk)
assert result["summary"]["changed"] == 10_000, result["msg"]
if sys.platform == "linux":
    # What "resource" knows begins with the size of the process that started this one.
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"size": len(json.dumps(result)), "peak": peak}))
"""


def test_ten_thousand_campaigns_of_fifty_numbers(tmp_path: pathlib.Path) -> None:
    tree = str(pathlib.Path(_run_bulk.__file__).parents[5])
    with RawServer(answer()) as server:
        command = [sys.executable, "-c", TASK, tree, server.url, str(tmp_path / "records")]
        measured = json.loads(subprocess.check_output(command))
    assert measured["size"] < 4_000_000
    # Of the 400 MB that the controller may take, Ansible itself needs up to half.
    assert measured["peak"] < 200_000_000
