# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes on real files: killed with SIGKILL at every step, and several at once."""

from __future__ import annotations

import http.server
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import socketserver
import threading
import time
import typing as t
import urllib.request

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines import files
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Kept
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    Ended,
    ModuleDouble,
    new_client,
)

# Made once: it reads the certificates of the system.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Forked, as Ansible's own workers are: ansible/utils/multiprocessing.py.
FORK = multiprocessing.get_context("fork")
SECONDS = 30.0
A: dict[str, t.Any] = {"dynamic_dids": ["111"], "fallback_dynamic_dids": ["333"]}
B: dict[str, t.Any] = {"dynamic_dids": ["222"], "fallback_dynamic_dids": ["333"]}

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

Result = t.Dict[str, t.Any]


# --- The server, a process of its own -----------------------------------------------------------


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Keeps lists; holds its answers back while ``wait_for`` requests are not there at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.changed = threading.Condition()
        self.lists: dict[str, list[str]] = {}
        self.active = self.requests = self.most_active = 0
        self.wait_for = 1


class Handler(http.server.BaseHTTPRequestHandler):
    """POST is the API; GET tells the state, or sets how many requests to wait for."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.changed:
            server.lists[body["campaignName"]] = [body["dynamicDIDs"], body["fallbackDynamicDIDs"]]
            server.requests += 1
            server.active += 1
            server.most_active = max(server.most_active, server.active)
            server.changed.notify_all()
            server.changed.wait_for(lambda: server.most_active >= server.wait_for, SECONDS)
        # Long enough for another run to get in, if it could.
        time.sleep(0.01)
        with server.changed:
            server.active -= 1
        self.answer({"Message": "Dynamic DIDs updated successfully"})

    def do_GET(self) -> None:
        server = self.server
        with server.changed:
            if self.path != "/":
                server.wait_for = int(self.path[1:])
                server.most_active = server.active
                server.changed.notify_all()
            state = {key: getattr(server, key) for key in ("lists", "requests", "most_active")}
        self.answer(state)

    def answer(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def serve(port: t.Any) -> None:
    server = Server()
    port.send(server.server_address[1])
    server.serve_forever()


class World:
    """A server and a directory of records, and processes that use both."""

    def __init__(self, url: str, directory: pathlib.Path) -> None:
        self.url = url
        self.directory = directory

    def ask(self, path: str = "/") -> dict[str, t.Any]:
        with OPENER.open(f"{self.url}{path}") as answer:
            return t.cast(t.Dict[str, t.Any], json.load(answer))

    def lists(self, campaign: str = "Sales") -> list[str] | None:
        return t.cast("list[str] | None", self.ask()["lists"].get(campaign))

    def start(self, kill: Kill | None = None, **options: t.Any) -> Run:
        return Run(self.with_place(options), kill)

    def run(self, **options: t.Any) -> Result:
        return self.start(**options).result()

    def predict(self, **options: t.Any) -> Result:
        return run_module(ModuleDouble(check_mode=True, **self.with_place(options)))

    def with_place(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"api_url": self.url, "record_dir": str(self.directory), **options}

    def check_that_no_run_would_lie(self) -> None:
        """Check it for both pairs, and leave A confirmed."""
        for lists in (A, B):
            predicted = self.predict(**lists)
            if not predicted["changed"]:
                assert self.lists() == ["111" if lists is A else "222", "333"]
        before = self.lists()
        if not self.run(**A)["changed"]:
            assert self.lists() == before


@pytest.fixture(name="url", scope="module")
def _url() -> t.Iterator[str]:
    port, childs_port = FORK.Pipe()
    process = FORK.Process(target=serve, args=(childs_port,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{port.recv()}"
    process.kill()
    process.join()


@pytest.fixture(name="world")
def _world(url: str, tmp_path: pathlib.Path) -> World:
    world = World(url, tmp_path / "records")
    world.ask("/1")
    return world


# --- A run in a process of its own --------------------------------------------------------------


class Kill(t.NamedTuple):
    """At which of its steps on the disk a process kills itself."""

    step: int
    after: bool


STEPS = (
    *("open", "read", "pread", "pwrite", "ftruncate", "fsync", "close"),
    *("replace", "unlink", "makedirs"),
)


class KillingOs:
    """Stands in for the module os in the store of files, and kills the process at one step."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._step = 0

    def __getattr__(self, name: str) -> t.Any:
        real = getattr(os, name)
        if name not in STEPS:
            return real

        def step(*arguments: t.Any, **options: t.Any) -> t.Any:
            here = self._step == self._kill.step
            self._step += 1
            if here and not self._kill.after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*arguments, **options)
            finally:
                if here:
                    os.kill(os.getpid(), signal.SIGKILL)

        return step


class Run:
    """An update in a process of its own."""

    def __init__(self, options: dict[str, t.Any], kill: Kill | None) -> None:
        self._pipe, childs_pipe = FORK.Pipe()
        self.process = FORK.Process(target=update, args=(childs_pipe, options, kill), daemon=True)
        self.process.start()
        childs_pipe.close()

    def result(self) -> Result:
        """Return the module's result."""
        result = self.end()
        assert result is not None
        return result

    def end(self) -> Result | None:
        """Return the module's result, or None when the process was killed."""
        try:
            return t.cast(Result, self._pipe.recv())
        except EOFError:
            return None
        finally:
            self.process.join()


def update(pipe: t.Any, options: dict[str, t.Any], kill: Kill | None) -> None:
    if kill is not None:
        pytest.MonkeyPatch().setattr(files, "os", KillingOs(kill))
    pipe.send(run_module(ModuleDouble(**{"timeout": SECONDS, **options})))


def run_module(module: ModuleDouble) -> Result:
    with pytest.raises(Ended):
        _run.run(module, new_client(Clock()))
    return module.result


# --- Killed -------------------------------------------------------------------------------------


def test_a_first_run_killed_at_any_step_causes_no_lie(world: World) -> None:
    # The directory and the lock with its note, reading, and the record under its other name.
    steps = kill_at_every_step(world, lambda: shutil.rmtree(world.directory, ignore_errors=True))
    assert 8 <= steps < 20


@pytest.mark.parametrize(
    ("count", "least"),
    [
        # The lock and its note, reading, its name, withdrawing, confirming, and what is closed.
        pytest.param(1, 16, id="one confirmation"),
        pytest.param(2, 13, id="a history"),
        pytest.param(files.MOST_CONFIRMATIONS, 18, id="written anew"),
    ],
)
def test_a_run_over_a_confirmation_killed_at_any_step_causes_no_lie(
    world: World, count: int, least: int
) -> None:
    world.run(**A)
    (path,) = world.directory.glob("*.record")
    header, line = path.read_bytes().splitlines(keepends=True)
    steps = kill_at_every_step(world, lambda: path.write_bytes(header + count * line))
    assert least <= steps < least + 12


def kill_at_every_step(world: World, prepare: t.Callable[[], object]) -> int:
    """Kill a run before and after each of its steps on the disk, and return how many there are.

    Args:
        prepare: what is done each time, once the server has the lists A.
    """
    world.run(**A)
    for step in range(100):
        for after in (False, True):
            prepare()
            killed = world.start(Kill(step, after), **B)
            result = killed.end()
            # It leaves the lists A.
            world.check_that_no_run_would_lie()
            assert len(list(world.directory.iterdir())) <= 3
            if result is not None:
                # There is no such step.
                assert not after
                return step
            assert killed.process.exitcode == -signal.SIGKILL
    raise AssertionError("it has no end")


def test_a_run_killed_while_it_waits_for_the_answer_leaves_no_confirmation(world: World) -> None:
    world.run(**A)
    world.ask("/2")
    killed = world.start(**B)
    while world.lists() != ["222", "333"]:
        time.sleep(0.01)
    os.kill(killed.process.pid or 0, signal.SIGKILL)
    assert killed.end() is None
    world.ask("/1")
    assert world.predict(**A)["changed_basis"] == "unconfirmed"
    world.check_that_no_run_would_lie()


def test_a_run_killed_at_a_random_moment_causes_no_lie(world: World) -> None:
    moments = random.Random(4)
    world.run(**A)
    for _time in range(10):
        killed = world.start(**B)
        time.sleep(moments.uniform(0.0, 0.03))
        os.kill(killed.process.pid or 0, signal.SIGKILL)
        killed.end()
        world.check_that_no_run_would_lie()


# --- Several at once ----------------------------------------------------------------------------


def test_eight_runs_on_one_campaign_take_turns(world: World) -> None:
    requests = world.ask()["requests"]
    runs = [world.start(dynamic_dids=[str(100 + number)]) for number in range(8)]
    results = [run.result() for run in runs]
    assert [result.get("failure") for result in results] == [None] * 8
    assert world.ask()["requests"] == requests + 8
    assert world.ask()["most_active"] == 1
    assert sorted(result["changed_basis"] for result in results) == ["differs"] * 7 + ["first_seen"]
    (kept,) = files.Files(str(world.directory)).find()
    assert isinstance(kept, Kept)
    assert kept.record.confirmed is True
    confirmations = list(kept.confirmations)
    assert len(confirmations) == 8
    assert [*confirmations[0].lists.dynamic_dids, "9140002001"] == world.lists()


def test_eight_campaigns_do_not_wait_for_one_another(world: World) -> None:
    # The server answers none of them before all have come.
    world.ask("/8")
    runs = [world.start(campaign_name=f"Campaign {number}") for number in range(8)]
    assert [run.result()["changed_basis"] for run in runs] == ["first_seen"] * 8
    assert world.ask()["most_active"] == 8


def test_a_waiting_run_names_the_process_that_holds_the_lock(world: World) -> None:
    world.ask("/2")
    holder = world.start(campaign_name="Held", **A)
    while world.lists("Held") is None:
        time.sleep(0.01)
    begin = time.monotonic()
    waiter = world.run(campaign_name="Held", timeout=0.3, **B)
    assert 0.3 <= time.monotonic() - begin < 5.0
    world.ask("/1")
    assert waiter["failure"]["reason"] == "record_failed"
    assert f"(process {holder.process.pid} on host " in waiter["msg"]
    assert holder.result()["changed"] is True
    assert world.lists("Held") == ["111", "333"]
