# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the result of each case, and measures those that run in process."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_action import (
    InProcessAction,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.stand_ins.measures import (
    Measure,
)

DOCUMENTATION = """
name: keep_cases
type: notification
short_description: Write the result of each case of the fault matrix as a line of JSON
description: For a test. The environment variable C(CLOUDAGENT_RESULTS) names the file.
author: ozonetel.cloudagent contributors (!UNKNOWN)
"""

_run = InProcessAction.run


def _measured_run(self: t.Any, tmp: object = None, task_vars: t.Any = None) -> t.Any:
    measure = Measure()
    try:
        return _run(self, tmp, task_vars)
    finally:
        measure.end(task_vars["inventory_hostname"], "action")


# Before the workers are forked, which have it then.
InProcessAction.run = _measured_run  # type: ignore[method-assign]


class CallbackModule(CallbackBase):
    """Keeps results by the names of their hosts, which are those of the cases."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "keep_cases"
    CALLBACK_NEEDS_ENABLED = True

    def _keep(self, result: t.Any, failed: bool) -> None:
        # Not every version of Ansible leaves "failed" in the result that a callback gets.
        line = {"case": result._host.get_name(), "failed": failed, "result": result._result}
        with open(os.environ["CLOUDAGENT_RESULTS"], "a", encoding="utf-8") as kept:
            kept.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Keep a result."""
        self._keep(result, failed=True)
