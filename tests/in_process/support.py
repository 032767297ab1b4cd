# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests in process share: a running ansible-playbook, and a playbook for one campaign."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import RawServer
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

COMMAND = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
API_KEY = 's3cret-0123456789 "q"/+&=%<é>'
KEY_FORMS = (API_KEY[:9], base64.b64encode(API_KEY[:9].encode()).decode(), "s3cret-0")
# Neither an attempt nor a task ends by itself before a test has found that it hangs.
LONG = int(6 * HANG_SECONDS)


def update_playbook(dids: str = "9140001001", **task: t.Any) -> str:
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


def _as_in_a_terminal() -> None:
    # "nohup" and a shell's "&" have their commands ignore these signals, and so have those all that
    # they start.
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_DFL)


class PlaybookRun:
    """A running ansible-playbook with a HOME of its own."""

    def __init__(
        self, folder: pathlib.Path, server: RawServer, text: str, *arguments: str, **env: str
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.records = folder / "records"
        written = folder / "playbook.yml"
        written.write_text(text, encoding="utf-8")
        # Not in the playbook: beside an error, Ansible 2.19 and later shows the lines that it comes
        # from (SourceContext in ansible/_internal/_errors/_error_utils.py).
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
            preexec_fn=_as_in_a_terminal,  # noqa: PLW1509  # It waits for no other thread.
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


def group_exists(leader: int) -> bool:
    """Tell whether a group has processes left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, 0)
        return True
    return False
