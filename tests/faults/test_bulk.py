# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns on real sockets and threads: at the same time, in turn, and what faults do."""

from __future__ import annotations

import contextlib
import json
import pathlib
import threading
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import run as bulk_run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import (
    updates as bulk_updates,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.stop import Stop
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import (
    Guard,
    Watchdog,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    SUCCESS,
    AcceptedConnection,
    RawServer,
    after_request,
    answer,
    reset,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    HANG_SECONDS,
    Ended,
    bulk_module,
    new_client,
    run_python,
    wait_for,
)

Result = t.Dict[str, t.Any]
Answer = t.Callable[[str], t.Tuple[int, t.Dict[str, str], str]]


@pytest.fixture(autouse=True)
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin the other campaigns soon when the first one takes long."""
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.1)


class OpenWatchdog(Watchdog):
    """Shows the guards of the attempts that are being made, so that a test can end one."""

    def __init__(self) -> None:
        super().__init__()
        self.guards: list[Guard] = []

    @contextlib.contextmanager
    def watching(self, guard: Guard) -> t.Iterator[None]:
        self.guards.append(guard)
        try:
            with super().watching(guard):
                yield
        finally:
            self.guards.remove(guard)


def update(
    server: RawServer,
    campaigns: list[str],
    clock: Clock | None = None,
    watchdog: Watchdog | None = None,
    **options: t.Any,
) -> Result:
    options = {"api_url": server.url, "timeout": 6 * HANG_SECONDS, **options}
    module = bulk_module(campaigns, **options)
    with pytest.raises(Ended):
        bulk_run.run_bulk(module, new_client(clock or Clock(), watchdog))
    assert API_KEY not in repr(module.result)
    return module.result


def named(count: int) -> list[str]:
    return [f"Campaign {number}" for number in range(count)]


class MadeUpTime(Clock):
    """A clock that goes on when somebody waits, to the end of that wait; it waits for nobody."""

    def __init__(self) -> None:
        self._seconds = 1000.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._seconds

    def go_to(self, moment: float) -> None:
        with self._lock:
            self._seconds = max(self._seconds, moment)

    def sleep(self, seconds: float) -> None:
        self.go_to(self._seconds + seconds)


class MadeUpStop(Stop):
    """Its waits take made-up time; in one that takes any, so many threads have to be together."""

    def __init__(self, clock: MadeUpTime, together: threading.Barrier) -> None:
        super().__init__()
        self.is_waited_for = threading.Event()
        self._clock = clock
        self._together = together

    def wait(self, timeout: float | None = None) -> bool:
        if timeout and not self.is_set():
            end = self._clock.monotonic() + timeout
            self.is_waited_for.set()
            self._together.wait(HANG_SECONDS)
            self._clock.go_to(end)
        return self.is_set()


def use_stop(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Have the next run tell its threads to stop by this, and return it."""
    monkeypatch.setattr(bulk_run, "Stop", lambda: stop)
    return stop


class World:
    """What a server does with each campaign, and when each request came."""

    def __init__(
        self, message: t.Callable[[str, int], tuple[int, str, str]], clock: Clock | None = None
    ) -> None:
        self.message = message
        self.clock = clock or Clock()
        self.times: list[float] = []
        self.active = self.most_active = 0
        self._lock = threading.Lock()
        self._tries: dict[str, int] = {}

    def behave(self, connection: AcceptedConnection) -> None:
        while True:
            request = connection.read_request()
            if not request:
                return
            name = json.loads(request.partition(b"\r\n\r\n")[2])["campaignName"]
            with self._lock:
                self.times.append(self.clock.monotonic())
                self._tries[name] = tries = self._tries.get(name, 0) + 1
                self.active += 1
                self.most_active = max(self.most_active, self.active)
            status, headers, message = self.message(name, tries)
            with self._lock:
                self.active -= 1
            body = json.dumps({"Message": message}).encode()
            head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            connection.send(head.encode() + body)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_concurrency_sets_how_many_campaigns_and_connections_are_active(concurrency: int) -> None:
    # After the first campaign, which is alone, so many have to be there for any to be answered.
    together = threading.Barrier(concurrency)

    def say(name: str, _tries: int) -> tuple[int, str, str]:
        if name != "Campaign 0":
            together.wait(HANG_SECONDS)
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(33), concurrency=concurrency)
        assert server.connections == concurrency
    assert world.most_active == concurrency
    assert [entry["campaign_name"] for entry in result["results"]] == named(33)
    assert result["summary"]["changed"] == 33


def test_stop_on_failure_waits_only_for_requests_already_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = use_stop(Stop(), monkeypatch)
    on_their_way = threading.Barrier(4)

    def say(name: str, _tries: int) -> tuple[int, str, str]:
        if name != "Campaign 0":
            on_their_way.wait(HANG_SECONDS)
        if name == "Campaign 3":
            return 200, "", "Campaign not found."
        if name != "Campaign 0" and not stop.wait(HANG_SECONDS):
            # Once is enough to fail.
            on_their_way.abort()
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(50), stop_on_failure=True, concurrency=4, retries=0)
    summary = result["summary"]
    assert (summary["failed"], summary["changed"], summary["not_sent"]) == (1, 4, 45)
    assert len(world.times) == 5
    first, last = result["results"][0], result["results"][-1]
    assert (first["sent"], last["sent"], last["attempts"]) == (True, False, 0)


def test_an_account_refused_midway_stops_the_task() -> None:
    came: list[str] = []
    ten_came = threading.Event()

    def say(name: str, _tries: int) -> tuple[int, str, str]:
        if int(name.split()[1]) >= 10:
            assert ten_came.wait(HANG_SECONDS)
            return 200, "", "Authentication failed."
        came.append(name)
        if len(came) == 10:
            ten_came.set()
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(200), concurrency=4)
    summary = result["summary"]
    assert 1 <= summary["failed"] <= 4
    # Three of the first ten may still wait for their turn when the first one is refused.
    assert 7 <= summary["changed"] <= 10
    assert len(world.times) == summary["changed"] + summary["failed"]


def test_a_campaign_waiting_for_its_turn_is_not_sent_after_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second_waits = threading.Event()

    class TellingStop(Stop):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout:
                second_waits.set()
            return super().wait(timeout)

    def say(_name: str, _tries: int) -> tuple[int, str, str]:
        assert second_waits.wait(HANG_SECONDS)
        return 200, "", "Authentication failed."

    use_stop(TellingStop(), monkeypatch)
    world = World(say)
    with RawServer(world.behave) as server:
        begin = time.monotonic()
        result = update(server, named(3), requests_per_minute=1)
        # The second one's turn would come after a minute.
        assert time.monotonic() - begin < 60.0
    assert len(world.times) == 1
    assert result["summary"]["not_sent"] == 2


@pytest.mark.parametrize(
    ("concurrency", "timeout"),
    [
        # Waiting for one turn takes longer than the timeout.
        (1, 50.0),
        # What one thread waits is time of the others, whose requests are on their way.
        (8, 3600.0),
    ],
)
def test_requests_per_minute_spaces_requests_and_retries_evenly(
    concurrency: int, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(503, "", "Busy"), (200, "", SUCCESS["Message"])]
    clock = MadeUpTime()
    use_stop(MadeUpStop(clock, threading.Barrier(1)), monkeypatch)
    world = World(lambda _name, tries: answers[tries - 1], clock)
    begin = clock.monotonic()
    with RawServer(world.behave) as server:
        options: dict[str, t.Any] = {
            "requests_per_minute": 1,
            "concurrency": concurrency,
            "timeout": timeout,
        }
        result = update(server, named(5), clock, **options)
    assert result["summary"]["changed"] == 5, result["msg"]
    assert [entry["attempts"] for entry in result["results"]] == [2] * 5
    assert len(world.times) == 10
    assert all(time >= begin + 60.0 * turn for turn, time in enumerate(sorted(world.times)))


def test_a_rate_limit_pauses_all_campaigns_without_using_their_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    came_before_the_break: list[int] = []
    clock = MadeUpTime()
    # All four have to wait for the break to end, and what came until then is counted.
    together = threading.Barrier(4, lambda: came_before_the_break.append(len(world.times)))
    stop = MadeUpStop(clock, together)
    use_stop(stop, monkeypatch)
    four_came = threading.Barrier(4)

    def say(name: str, tries: int) -> tuple[int, str, str]:
        if name in ("Campaign 1", "Campaign 2", "Campaign 3", "Campaign 4") and tries == 1:
            four_came.wait(HANG_SECONDS)
        if name == "Campaign 3" and tries == 1:
            return 429, "Retry-After: 200\r\n", "Max limit exceeded"
        # What is on its way when the limit is told is answered after that.
        assert name == "Campaign 0" or stop.is_waited_for.wait(HANG_SECONDS)
        return 200, "", SUCCESS["Message"]

    world = World(say, clock)
    with RawServer(world.behave) as server:
        result = update(server, named(30), clock, timeout=100.0, concurrency=4)
    assert result["summary"]["changed"] == 30, result["msg"]
    # The first one, the limited one, and what was on its way with that.
    assert came_before_the_break == [5]
    assert result["results"][3]["attempts"] == 2


def test_a_campaign_without_an_answer_does_not_delay_the_others() -> None:
    watchdog = OpenWatchdog()

    def say(name: str, _tries: int) -> tuple[int, str, str]:
        if name == "Campaign 0":
            wait_for(lambda: len(world.times) == 20 and len(watchdog.guards) == 1)
            watchdog.guards[0].expire()
        return 200, "", SUCCESS["Message"]

    world = World(say)
    with RawServer(world.behave) as server:
        result = update(server, named(20), watchdog=watchdog, retries=0, concurrency=3)
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


def test_a_server_that_resets_every_connection_fails_each_campaign() -> None:
    with RawServer(after_request(reset)) as server:
        result = update(server, named(12), retries=0)
    assert result["summary"]["failed"] == 12
    assert result["changed"] is False
    assert "and 7 more." in result["msg"]


# --- Ten thousand -------------------------------------------------------------------------------

# What the action plugin does, in a process of its own.
TASK = """
import json, resource, sys

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.run import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

spec = bulk_argument_spec()
options = {
    "username": "acme",
    "api_key": "a-key",
    "api_url": sys.argv[1],
    "record_dir": sys.argv[2],
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


def test_ten_thousand_campaigns_give_a_small_result_and_need_little_memory(
    tmp_path: pathlib.Path,
) -> None:
    with RawServer(answer()) as server:
        measured = json.loads(run_python(TASK, server.url, str(tmp_path / "records")).stdout)
    assert measured["size"] < 4_000_000
    # Of the 400 MB that the controller may take, Ansible itself needs up to half.
    assert measured["peak"] < 200_000_000
