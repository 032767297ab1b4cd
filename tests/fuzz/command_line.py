# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lane of the real command line: a playbook for each process of a play."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.fuzz.plays import Step
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stage import Crash, ItemResult, Place

HERE = pathlib.Path(__file__).parent
COMMAND = str(pathlib.Path(sys.executable).parent / "ansible-playbook")


class CommandLineProcess:
    """An ansible-playbook with a task for each step."""

    def __init__(self, steps: list[Step], place: Place) -> None:
        place.scratch.mkdir()
        self._results = place.scratch / "results"
        self._results.touch()
        self._shown = b""
        self._killed = False
        self._count = sum(1 if step.bulk else len(step.updates) for step in steps)
        written = place.scratch / "playbook.yml"
        written.write_text(playbook(steps, place), encoding="utf-8")
        # Not in the playbook, the text of which Ansible 2.19 and later shows beside an error.
        variables = place.scratch / "variables.json"
        keys = [[update.key for update in step.updates] for step in steps]
        variables.write_text(json.dumps({"api_keys": keys}), encoding="utf-8")
        self._process = subprocess.Popen(
            [COMMAND, "--inventory", "localhost,", str(written), "--extra-vars", f"@{variables}"],
            env={
                **os.environ,
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "fuzz_results",
                "CLOUDAGENT_RESULTS": str(self._results),
                "HOME": str(place.scratch),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # So that it can be killed with all that it started.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._stdout = self._process.stdout

    @property
    def news(self) -> t.Any:
        return self._stdout

    def take(self) -> bool:
        part = os.read(self._stdout.fileno(), 65536)
        self._shown += part
        return part != b""

    def kill(self) -> None:
        self._killed = True
        os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> tuple[list[ItemResult], str]:
        self._process.wait()
        self._stdout.close()
        shown = self._shown.decode("utf-8", "replace")
        # A process that is killed may leave half a line.
        lines = self._results.read_text("utf-8").split("\n")[:-1]
        if len(lines) != self._count and not self._killed:
            raise Crash(f"{len(lines)} of {self._count} results came:\n{shown}")
        return [_item_result(json.loads(line)) for line in lines], "\n".join([shown, *lines])


def _item_result(kept: dict[str, t.Any]) -> ItemResult:
    return ItemResult(int(kept["task"]), kept["item"], kept["result"], kept["at"], None)


def playbook(steps: list[Step], place: Place) -> str:
    """Return the playbook for the steps, in the JSON that YAML contains."""
    tasks = [_task(number, step, place) for number, step in enumerate(steps)]
    # This Python, also as a module: it has requests.
    variables = {"ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables}
    return json.dumps([{**play, "tasks": tasks}])


def _task(number: int, step: Step, place: Place) -> dict[str, t.Any]:
    """Return the task for a step, named by its number; several updates are a loop."""
    updates = [{**step.options(update), "api_key": None} for update in step.updates]
    loop = len(updates) > 1 and not step.bulk
    options = {
        **updates[0],
        "api_url": place.url,
        "record_dir": str(place.records),
        "api_key": f"{{{{ api_keys[{number}][{'item' if loop else 0}] }}}}",
    }
    task: dict[str, t.Any] = {"name": str(number), "ignore_errors": True, "check_mode": step.check}
    if loop:
        own = ("campaign_name", "dynamic_dids", "fallback_dynamic_dids")
        options.update({name: f"{{{{ updates[item].{name} }}}}" for name in own})
        task.update(loop=list(range(len(updates))), vars={"updates": updates})
    if step.as_module:
        task["environment"] = {"AS_A": "module"}
    return {**task, f"ozonetel.cloudagent.{step.module}": options}
