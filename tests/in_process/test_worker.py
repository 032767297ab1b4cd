# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks in process, against a server that does to a connection whatever the test wants."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import signal
import subprocess
import time

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
from ansible_collections.ozonetel.cloudagent.tests.in_process.support import (
    API_KEY,
    COMMAND,
    KEY_FORMS,
    LONG,
    PlaybookRun,
    group_exists,
    update_playbook,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

NO_ANSWER = after_request(silent)


def test_a_loop_uses_one_connection_for_all_items(tmp_path: pathlib.Path) -> None:
    with RawServer(answer()) as server:
        output = PlaybookRun(tmp_path, server, update_playbook(loop=[1, 2, 3]), "-vv").output()
        assert output.count("ozonetel_dynamic_dids: in process") == 3
        assert (server.connections, len(server.requests)) == (1, 3)


def test_a_loop_replaces_a_connection_that_the_server_closed(tmp_path: pathlib.Path) -> None:
    text = update_playbook(loop=[1, 2, 3], loop_control={"pause": 0.2})
    with RawServer(answer(close=True)) as server:
        output = PlaybookRun(tmp_path, server, text).output()
        assert "failed=0" in output
        assert (server.connections, len(server.requests)) == (3, 3)


def test_a_cookie_is_not_sent_with_the_request_of_another_account(tmp_path: pathlib.Path) -> None:
    text = update_playbook(loop=[{"username": "acme"}, {"username": "globex"}])
    with RawServer(answer(headers="Set-Cookie: session=of-acme; Path=/\r\n")) as server:
        assert "failed=0" in PlaybookRun(tmp_path, server, text).output()
        assert [b'"globex"' in request for request in server.requests] == [False, True]
        assert b"cookie" not in server.requests[1].lower()


def test_a_loopback_server_is_not_reached_through_a_proxy(tmp_path: pathlib.Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:1")
    with RawServer(answer()) as server:
        assert "failed=0" in PlaybookRun(tmp_path, server, update_playbook(), **proxies).output()
        assert len(server.requests) == 1


def test_the_timeout_of_a_task_interrupts_an_update_and_the_loop_continues(
    tmp_path: pathlib.Path,
) -> None:
    text = update_playbook(loop=[1, 2], timeout=LONG)
    with RawServer(NO_ANSWER, answer()) as server:
        run = PlaybookRun(tmp_path, server, text, "-vvvv")
        wait_for(lambda: bool(server.requests))
        begin = time.monotonic()
        run.let_the_task_time_out()
        output = run.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert '"timedout": {' in output
        assert len(server.requests) == 2
        assert "Updated campaign" in output
        assert_secret(output)


def test_ctrl_c_interrupts_an_update_and_leaves_no_file_or_process(tmp_path: pathlib.Path) -> None:
    with RawServer(NO_ANSWER) as server:
        run = PlaybookRun(tmp_path, server, update_playbook(loop=[1, 2]), "-vvvv")
        wait_for(lambda: bool(server.requests))
        os.killpg(run.process.pid, signal.SIGINT)
        begin = time.monotonic()
        output = run.output()
        assert time.monotonic() - begin < HANG_SECONDS
        assert run.process.returncode != 0
        assert len(server.requests) == 1
        assert run.leftovers() == []
        assert_secret(output)
        # The group is empty a moment after its leader's end.
        wait_for(lambda: not group_exists(run.process.pid))


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("end", ["timeout", "Ctrl-C"])
def test_an_interrupted_update_leaves_its_record_unlocked_and_unconfirmed(
    end: str, is_recorded: bool, tmp_path: pathlib.Path
) -> None:
    keywords = {"timeout": LONG} if end == "timeout" else {}
    before = [answer()] if is_recorded else []
    with RawServer(*before, NO_ANSWER, answer()) as server:
        if is_recorded:
            assert "failed=0" in PlaybookRun(tmp_path, server, update_playbook()).output()
        run = PlaybookRun(tmp_path, server, update_playbook("9140001002", **keywords))
        wait_for(lambda: len(server.requests) > len(before))
        if end == "Ctrl-C":
            os.killpg(run.process.pid, signal.SIGINT)
        else:
            run.let_the_task_time_out()
        run.output()
        assert run.process.returncode != 0
        wait_for(lambda: not group_exists(run.process.pid))
        assert_free(run.records)
        assert [record.confirmed for record in kept_records(run.records)] == [False] * len(before)

        output = PlaybookRun(tmp_path, server, update_playbook("9140001002"), "-v").output()
    basis = "unconfirmed" if is_recorded else "first_seen"
    assert f'"changed_basis": "{basis}"' in output
    assert '"changed": true' in output
    (record,) = kept_records(run.records)
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
        output = PlaybookRun(tmp_path, server, update_playbook(), *arguments).output()
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


real.adapters.HTTPAdapter.send = speak
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
        text = update_playbook(ignore_errors=True)
        run = PlaybookRun(tmp_path, server, text, "-vvvvvv", "--diff", PYTHONPATH=python_path)
        output = run.output()
        assert server.requests == []
    assert "ignored=1" in output
    if error == "RuntimeError":
        assert "RuntimeError in speak, line" in output
    assert_secret(output)


def assert_secret(output: str) -> None:
    """Check that no form of the key is in the output of a run whose task held it."""
    assert "ozonetel_dynamic_dids: in process" in output
    assert [form for form in KEY_FORMS if form in output] == []
