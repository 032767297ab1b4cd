# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast lane: the collection's own code in forked processes, without Ansible's start."""

from __future__ import annotations

import json
import os
import signal
import time
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import run as bulk_run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.tests.fuzz.plays import Step, Update
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import FORK
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stage import Crash, ItemResult, Place
from ansible_collections.ozonetel.cloudagent.tests.unit.support import Ended, ModuleDouble


class SkippingClock(Clock):
    """A clock whose waits are over at once; only for a process that nobody waits with."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def now(self) -> float:
        return super().now() + self._skipped

    def sleep(self, seconds: float) -> None:
        self._skipped += seconds


class FastProcess:
    """A process of the fast lane."""

    def __init__(self, steps: list[Step], place: Place) -> None:
        self._pipe, childs_pipe = FORK.Pipe(duplex=False)
        self._outcomes: list[ItemResult] = []
        self._killed = False
        self._process = FORK.Process(target=_work, args=(childs_pipe, steps, place), daemon=True)
        self._process.start()
        childs_pipe.close()

    @property
    def news(self) -> t.Any:
        return self._pipe

    def take(self) -> bool:
        try:
            self._outcomes.append(self._pipe.recv())
        except EOFError:
            return False
        return True

    def kill(self) -> None:
        self._killed = True
        os.kill(self._process.pid or 0, signal.SIGKILL)

    def end(self) -> tuple[list[ItemResult], str]:
        self._process.join()
        self._pipe.close()
        if self._process.exitcode and not self._killed:
            raise Crash(f"a process ended with {self._process.exitcode} after {self._outcomes}")
        return self._outcomes, json.dumps([outcome.result for outcome in self._outcomes])


def _work(pipe: t.Any, steps: list[Step], place: Place) -> None:
    """Work through the steps in this process, as a worker of Ansible does with a loop."""
    clock = SkippingClock() if place.alone else Clock()
    client = HttpClient(SessionCache(), Watchdog(), clock, lambda least, _most: 0.0 * least)
    for number, step in enumerate(steps):
        for position, update in enumerate(step.updates[:1] if step.bulk else step.updates):
            begin = time.monotonic()
            result = run_step(step, update, place, client)
            end = time.monotonic()
            pipe.send(ItemResult(number, position, result, end, end - begin))


def run_step(step: Step, update: Update, place: Place, client: HttpClient) -> dict[str, t.Any]:
    """Return the result of a task, with its warnings."""
    options = {
        "api_url": place.url,
        "record_dir": str(place.records),
        "requests_per_minute": None,
        "stop_on_failure": False,
        **step.options(update),
    }
    module = ModuleDouble(check_mode=step.check, **options)
    run = bulk_run.run_bulk if step.bulk else _run.run
    try:
        run(module, client)
    except Ended:
        warnings = {"warnings": module.warnings} if module.warnings else {}
        return {**module.result, **warnings}
    raise AssertionError("the module did not end")
