# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks in process, against a server that does to a connection whatever the test wants."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    read_lines,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import Record
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    RawServer,
    after_request,
    answer,
    silent,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

COMMAND = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
API_KEY = 's3cret-0123456789 "q"/+&=%<é>'
KEY_FORMS = (API_KEY[:9], base64.b64encode(API_KEY[:9].encode()).decode(), "s3cret-0")


NO_ANSWER = after_request(silent)
# Neither an attempt nor a task ends by itself before a test has found that it hangs.
LONG = int(6 * HANG_SECONDS)


def playbook(dids: str = "9140001001", **task: t.Any) -> str:
    """Return a playbook with one task, in the JSON that YAML contains."""
    options = {
        "username": "{{ item.username | default('acme') }}",
        "api_key": "{{ key }}",
        "api_url": "{{ url }}",
        "campaign_name": "Sales",
        "dynamic_dids": dids,
        "fallback_dynamic_dids": "9140002001",
        "timeout": LONG,
    }
    tasks = [{"ozonetel.cloudagent.ozonetel_dynamic_dids": options, **task}]
    return json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])


class Play:
    """An ansible-playbook that runs with a HOME of its own."""

    def __init__(
        self, folder: pathlib.Path, server: RawServer, text: str, *arguments: str, **env: str
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.records = folder / "records"
        written = folder / "playbook.yml"
        written.write_text(text, encoding="utf-8")
        # Not in the playbook, the text of which Ansible 2.19 and later shows beside an error.
        variables = folder / "variables.json"
        variables.write_text(json.dumps({"key": API_KEY, "url": server.url}), encoding="utf-8")
        self.process = subprocess.Popen(
            [COMMAND, str(written), "--extra-vars", f"@{variables}", *arguments],
            env={
                **os.environ,
                "HOME": str(self.home),
                "OZONETEL_RECORD_DIR": str(self.records),
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # Ctrl-C reaches all processes of a group, and is not to reach this one.
            start_new_session=True,
        )

    def output(self) -> str:
        """Return all that it prints, once it has ended."""
        return self.process.communicate(timeout=3 * HANG_SECONDS)[0]

    def let_the_task_time_out(self) -> None:
        """Send the worker the signal that a task's ``timeout`` sends, at a time of the test's own.

        The worker's process is the one that has left its note in the locks.
        """
        notes = {path.read_text("ascii").split()[0] for path in self.records.glob("*.lock")}
        (worker,) = (int(process) for process in notes)
        os.kill(worker, signal.SIGALRM)

    def leftovers(self) -> list[pathlib.Path]:
        """Return the files that it left in its HOME."""
        return [path for path in self.home.rglob("*") if path.is_file()]


def test_a_loop_uses_one_connection_for_all_items(tmp_path: pathlib.Path) -> None:
    with RawServer(answer()) as server:
        output = Play(tmp_path, server, playbook(loop=[1, 2, 3]), "-vv").output()
        assert output.count("ozonetel_dynamic_dids: in process") == 3
        assert (server.connections, len(server.requests)) == (1, 3)


def test_a_loop_replaces_a_connection_that_the_server_closed(tmp_path: pathlib.Path) -> None:
    text = playbook(loop=[1, 2, 3], loop_control={"pause": 0.2})
    with RawServer(answer(close=True)) as server:
        output = Play(tmp_path, server, text).output()
        assert "failed=0" in output
        assert (server.connections, len(server.requests)) == (3, 3)


def test_a_cookie_is_not_sent_with_the_request_of_another_account(tmp_path: pathlib.Path) -> None:
    text = playbook(loop=[{"username": "acme"}, {"username": "globex"}])
    with RawServer(answer(headers="Set-Cookie: session=of-acme; Path=/\r\n")) as server:
        assert "failed=0" in Play(tmp_path, server, text).output()
        assert [b'"globex"' in request for request in server.requests] == [False, True]
        assert b"cookie" not in server.requests[1].lower()


def test_a_loopback_server_is_not_reached_through_a_proxy(tmp_path: pathlib.Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:1")
    with RawServer(answer()) as server:
        assert "failed=0" in Play(tmp_path, server, playbook(), **proxies).output()
        assert len(server.requests) == 1


def test_the_timeout_of_a_task_interrupts_an_update_and_the_loop_continues(
    tmp_path: pathlib.Path,
) -> None:
    text = playbook(loop=[1, 2], timeout=LONG)
    with RawServer(NO_ANSWER, answer()) as server:
        play = Play(tmp_path, server, text, "-vvvv")
        wait_for(lambda: bool(server.requests))
        begin = time.monotonic()
        play.let_the_task_time_out()
        output = play.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert '"timedout": {' in output
        assert len(server.requests) == 2
        assert "Updated campaign" in output
        assert_secret(output)


def test_ctrl_c_interrupts_an_update_and_leaves_no_file_or_process(tmp_path: pathlib.Path) -> None:
    with RawServer(NO_ANSWER) as server:
        play = Play(tmp_path, server, playbook(loop=[1, 2]), "-vvvv")
        wait_for(lambda: bool(server.requests))
        os.killpg(play.process.pid, signal.SIGINT)
        begin = time.monotonic()
        output = play.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert play.process.returncode != 0
        assert len(server.requests) == 1
        assert play.leftovers() == []
        assert_secret(output)
        # The group is empty a moment after its leader's end.
        wait_for(lambda: not group_exists(play.process.pid))


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("end", ["timeout", "Ctrl-C"])
def test_an_interrupted_update_leaves_its_record_unlocked_and_unconfirmed(
    end: str, is_recorded: bool, tmp_path: pathlib.Path
) -> None:
    keywords = {"timeout": LONG} if end == "timeout" else {}
    before = [answer()] if is_recorded else []
    with RawServer(*before, NO_ANSWER, answer()) as server:
        if is_recorded:
            assert "failed=0" in Play(tmp_path, server, playbook()).output()
        play = Play(tmp_path, server, playbook("9140001002", **keywords))
        wait_for(lambda: len(server.requests) > len(before))
        if end == "Ctrl-C":
            os.killpg(play.process.pid, signal.SIGINT)
        else:
            play.let_the_task_time_out()
        play.output()
        assert play.process.returncode != 0
        wait_for(lambda: not group_exists(play.process.pid))
        assert_free(play.records)
        assert [record.confirmed for record in kept_records(play.records)] == [False] * len(before)

        output = Play(tmp_path, server, playbook("9140001002"), "-v").output()
    basis = "unconfirmed" if is_recorded else "first_seen"
    assert f'"changed_basis": "{basis}"' in output
    assert '"changed": true' in output
    (record,) = kept_records(play.records)
    assert (record.confirmed, record.last.lists.dynamic_dids) == (True, ["9140001002"])


def assert_free(records: pathlib.Path) -> None:
    """Check that there is nothing but records and a lock, which nobody holds."""
    assert {path.suffix for path in records.iterdir()} <= {".record", ".lock"}
    (lock,) = records.glob("*.lock")
    with lock.open("rb+") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def kept_records(records: pathlib.Path) -> list[Record]:
    """Return the records in a directory; fail for one that can't be read."""
    return [read_lines(path.read_bytes()).record for path in records.glob("*.record")]


def test_a_key_from_a_vault_is_sent_decrypted_and_masked_in_the_output(
    tmp_path: pathlib.Path,
) -> None:
    password = tmp_path / "password"
    password.write_text("of the vault", encoding="utf-8")
    vault = COMMAND.replace("ansible-playbook", "ansible-vault")
    encrypt = [vault, "encrypt_string", "--vault-password-file", str(password), API_KEY]
    encrypted = subprocess.check_output([*encrypt, "--name", "key"], text=True)
    variables = tmp_path / "vault.yml"
    variables.write_text(encrypted, encoding="utf-8")
    arguments = ["--extra-vars", f"@{variables}", "--vault-password-file", str(password), "-vvvv"]
    with RawServer(answer({"Message": f"No such key: {API_KEY}"})) as server:
        output = Play(tmp_path, server, playbook(), *arguments).output()
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["apiKey"] == API_KEY
    assert "No such key: ********" in output
    assert_secret(output)


# Stands before the real library on Python's path, and has it fail with a text that holds the key.
SPEAKING_REQUESTS = f"""
import importlib, os, sys

sys.path.remove(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
del sys.modules["requests"]
real = importlib.import_module("requests")


def speak(self, request, **arguments):
    key = {API_KEY!r}
    raise {{error}}(f"{{{{request.body}}}} {{{{key}}}}")


real.Session.send = speak
"""


@pytest.mark.parametrize(
    "error", ["RuntimeError", "real.exceptions.ConnectionError", "real.exceptions.InvalidHeader"]
)
def test_the_text_of_a_library_error_is_not_shown(tmp_path: pathlib.Path, error: str) -> None:
    package = tmp_path / "library" / "requests"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SPEAKING_REQUESTS.format(error=error), encoding="utf-8")
    python_path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    with RawServer(answer()) as server:
        text = playbook(ignore_errors=True)
        play = Play(tmp_path, server, text, "-vvvvvv", "--diff", PYTHONPATH=python_path)
        output = play.output()
        assert server.requests == []
    assert "ignored=1" in output
    if error == "RuntimeError":
        assert "RuntimeError in speak, line" in output
    assert_secret(output)


def assert_secret(output: str) -> None:
    """Check that no form of the key is in the output of a run whose task held it."""
    assert "ozonetel_dynamic_dids: in process" in output
    assert [form for form in KEY_FORMS if form in output] == []


def group_exists(leader: int) -> bool:
    """Tell whether a group has processes left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, 0)
        return True
    return False
