# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with many campaigns in a task: interrupted in every way, and what is left to do."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.benchmarks import bulk
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    Behaviour,
    RawServer,
    answer,
)
from ansible_collections.ozonetel.cloudagent.tests.in_process.support import (
    COMMAND,
    KEY_FORMS,
    LONG,
    PlaybookRun,
    group_exists,
    update_playbook,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

WORKERS = 4
COUNT = 40
NAMES = {f"Campaign {number}" for number in range(COUNT)}
PROGRESS = re.compile(
    r"^ozonetel_dynamic_dids_bulk: \d+ of 40 campaigns done(, .* about \d+ (s|min) left)?$",
    re.MULTILINE,
)


def counted(behaviour: Behaviour, connections: list[int]) -> Behaviour:
    """Keep an entry in the list for each connection that is open."""

    def behave(connection: AcceptedConnection) -> None:
        connections.append(1)
        try:
            behaviour(connection)
        finally:
            connections.pop()

    return behave


def confirm(most: int, seconds: float = 0.0, go_on: threading.Event | None = None) -> Behaviour:
    """Confirm so many requests of a connection, each after so many seconds.

    Any further one has to wait until it may go on, or until the test is over.
    """

    def behave(connection: AcceptedConnection) -> None:
        count = 0
        while connection.read_request():
            count += 1
            if count > most:
                (go_on or connection.stopping).wait()
            if connection.stopping.wait(seconds):
                return
            connection.send(CONFIRMED)

    return behave


def playbook(task: dict[str, t.Any] | None = None, **options: t.Any) -> str:
    """Return a playbook with one task for 40 campaigns, in the JSON that YAML contains."""
    options = {
        "username": "acme",
        "api_key": "{{ key }}",
        "api_url": "{{ url }}",
        "campaigns": [
            {
                "campaign_name": name,
                "dynamic_dids": ["9140001001"],
                "fallback_dynamic_dids": ["9140002001"],
            }
            for name in sorted(NAMES)
        ],
        "concurrency": WORKERS,
        "timeout": LONG,
        **options,
    }
    tasks = [{"ozonetel.cloudagent.ozonetel_dynamic_dids_bulk": options, **(task or {})}]
    return json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])


def sent(server: RawServer) -> list[str]:
    """Return the campaigns that the server was sent."""
    bodies = (request.partition(b"\r\n\r\n")[2] for request in list(server.requests))
    return [json.loads(body)["campaignName"] for body in bodies]


def check_that_the_next_run_sends_just_the_rest(folder: pathlib.Path, server: RawServer) -> None:
    """Check it after an interrupted run, and that the run after that has nothing to do."""
    first = sent(server)
    # The records are those of this server's address, so it stays the same one.
    server.requests.clear()
    server.behaviours = (answer(),)
    text = playbook(skip_unchanged=True)
    assert "failed=0" in PlaybookRun(folder, server, text).output()
    second = sent(server)
    assert len(second) == len(set(second))
    # What was not sent is sent, and of what was sent at most what was on its way or not yet recorded.
    assert set(second) >= NAMES - set(first)
    assert len(set(second) & set(first)) <= 2 * WORKERS
    third = PlaybookRun(folder, server, text, "-v").output()
    assert f"Of 40 campaigns: {COUNT} skipped." in third
    assert len(server.requests) == len(second)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_the_run_after_a_signal_sends_only_the_rest(
    tmp_path: pathlib.Path, sign: signal.Signals
) -> None:
    go_on = threading.Event()
    with RawServer(confirm(most=3, go_on=go_on)) as server:
        interrupted = PlaybookRun(tmp_path, server, playbook(), "-vvvv")
        wait_for(lambda: len(server.requests) == WORKERS * 4)
        os.killpg(interrupted.process.pid, sign)
        begin = time.monotonic()
        output = interrupted.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert interrupted.process.returncode != 0
        wait_for(lambda: not group_exists(interrupted.process.pid))
        assert len(server.requests) == WORKERS * 4
        go_on.set()
        for _connection in range(WORKERS):
            assert server.closed.acquire(timeout=HANG_SECONDS)
        # A worker outlives an ansible-playbook that was killed, and begins nothing more. Newer
        # versions give it a group of its own: WorkerProcess._detach in
        # ansible/executor/process/worker.py.
        assert len(server.requests) == WORKERS * 4
        assert [form for form in KEY_FORMS if form in output] == []
        check_that_the_next_run_sends_just_the_rest(tmp_path, server)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT])
def test_a_bulk_task_stops_when_the_main_process_of_ansible_ends(
    tmp_path: pathlib.Path, sign: signal.Signals
) -> None:
    connections: list[int] = []
    with RawServer(counted(confirm(COUNT, seconds=0.1), connections)) as server:
        killed = PlaybookRun(tmp_path, server, playbook(requests_per_minute=200))
        wait_for(lambda: len(server.requests) >= 8)
        # Its worker is a process of its own, to which nothing is sent.
        os.kill(killed.process.pid, sign)
        killed.process.wait()
        begun = len(server.requests)
        wait_for(lambda: not connections)
        assert begun <= len(server.requests) < COUNT
        first = set(sent(server))
        check_that_the_next_run_sends_just_the_rest(tmp_path, server)
        # What was on its way has been recorded.
        assert first.isdisjoint(sent(server))


def test_a_loop_stops_when_the_main_process_of_ansible_ends(tmp_path: pathlib.Path) -> None:
    connections: list[int] = []
    killed_it = threading.Event()

    def behave(connection: AcceptedConnection) -> None:
        while connection.read_request() and killed_it.wait(60):
            connection.send(CONFIRMED)

    with RawServer(counted(behave, connections)) as server:
        killed = PlaybookRun(tmp_path, server, update_playbook(loop=[1, 2, 3]))
        wait_for(lambda: bool(server.requests))
        killed.process.kill()
        killed.process.wait()
        killed_it.set()
        wait_for(lambda: not connections)
        assert len(server.requests) == 1


def test_the_timeout_of_a_task_does_not_wait_for_running_workers(tmp_path: pathlib.Path) -> None:
    text = playbook(task={"timeout": LONG, "ignore_errors": True})
    with RawServer(confirm(most=5)) as server:
        interrupted = PlaybookRun(tmp_path, server, text, "-vvvv")
        wait_for(lambda: len(server.requests) == WORKERS * 6)
        begin = time.monotonic()
        interrupted.let_the_task_time_out()
        output = interrupted.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert '"timedout": {' in output
        assert len(server.requests) == WORKERS * 6
        check_that_the_next_run_sends_just_the_rest(tmp_path, server)


@pytest.mark.parametrize("no_log", [False, True])
def test_progress_is_shown_unless_no_log_is_set(tmp_path: pathlib.Path, no_log: bool) -> None:
    # In all, that takes longer than until the first line.
    with RawServer(confirm(most=COUNT, seconds=0.3)) as server:
        text = playbook(task={"no_log": no_log})
        output = PlaybookRun(tmp_path, server, text).output()
    assert "failed=0" in output
    assert bool(PROGRESS.search(output)) is not no_log


COMPARED: list[dict[str, t.Any]] = [
    {},
    {"skip_unchanged": True},
    {"skip_unchanged": True, "record": False},
    {"campaigns": []},
    {"campaigns": [{"campaign_name": "A", "dynamic_dids": 914, "fallback_dynamic_dids": [1.5]}]},
    {"campaigns": [{"campaign_name": "A", "dynamic_dids": "914,914"}]},
    {"campaigns": [{"campaign_name": 7, "dynamic_dids": 914, "fallback_dynamic_dids": "914"}]},
    {"concurrency": "many"},
]


def test_results_in_process_equal_those_as_a_module(tmp_path: pathlib.Path) -> None:
    name = "ozonetel.cloudagent.ozonetel_dynamic_dids_bulk"
    usual = json.loads(playbook())[0]["tasks"][0][name]
    tasks: list[dict[str, t.Any]] = []
    for way in ("in process", "as a module"):
        for number, options in enumerate(COMPARED):
            record_dir = str(tmp_path / "records" / way)
            task = {
                name: {**usual, "record_dir": record_dir, **options},
                "environment": {} if way == "in process" else {"WAY": "a module"},
                "register": "result",
                "ignore_errors": True,
                "diff": True,
                "check_mode": number == 6,
            }
            kept = {"content": "{{ result | to_json }}", "dest": f"{tmp_path}/{way} {number}.json"}
            tasks += [task, {"ansible.builtin.copy": kept, "diff": False}]
    text = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    with RawServer(answer()) as server:
        output = PlaybookRun(tmp_path, server, text, "-vv").output()
    assert output.count("_bulk: in process") == len(COMPARED)
    assert output.count("_bulk: as a module, because it has an environment") == len(COMPARED)
    for number in range(len(COMPARED)):
        first, second = (
            json.loads((tmp_path / f"{way} {number}.json").read_text("utf-8").replace(way, "a way"))
            for way in ("in process", "as a module")
        )
        assert ours(first) == ours(second)


def ours(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a result without what Ansible itself adds."""
    theirs = ("invocation", "exception", "ansible_facts", "ansible_parsed")
    return {key: value for key, value in result.items() if key not in theirs}


def test_ten_thousand_campaigns_need_less_than_400_megabytes_on_the_controller(
    tmp_path: pathlib.Path,
) -> None:
    variables = tmp_path / "variables.json"
    content = {
        "campaigns": bulk.with_texts(bulk.made_up_campaigns(10_000)),
        "server": "http://127.0.0.1:9",
        "record_dir": str(tmp_path / "records"),
        "skip_unchanged": False,
    }
    variables.write_text(json.dumps(content), encoding="utf-8")
    playbook_file = pathlib.Path(bulk.__file__).with_name("many.yml")
    command = [sys.executable, "-c", bulk.MEMORY, COMMAND, "--check", "--inventory", "localhost,"]
    command += ["--extra-vars", f"@{variables}", str(playbook_file)]
    megabytes = subprocess.check_output(command, env={**os.environ, "HOME": str(tmp_path)})
    assert float(megabytes) < 400
