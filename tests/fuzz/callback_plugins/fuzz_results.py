# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each result of a fuzzed playbook as a line of JSON; enabled by the fuzzer only."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: fuzz_results
type: notification
short_description: Write each result of a fuzzed playbook as a line of JSON
description: For a test. The environment variable C(CLOUDAGENT_RESULTS) names the file.
author: ozonetel.cloudagent contributors (!UNKNOWN)
"""


class CallbackModule(CallbackBase):
    """Keeps the results of tasks and of the items of loops."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "fuzz_results"
    CALLBACK_NEEDS_ENABLED = True

    def _keep(self, result: t.Any, **more: t.Any) -> None:
        item = result._result.get("item")
        if result._task.loop and item is None:
            # The results of all items together.
            return
        line = {
            "task": result._task.get_name(),
            "item": item or 0,
            "at": time.monotonic(),
            "result": {**result._result, **more},
        }
        with open(os.environ["CLOUDAGENT_RESULTS"], "a", encoding="utf-8") as kept:
            kept.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Keep a result."""
        # Not every version of Ansible leaves "failed" in the result that a callback gets.
        self._keep(result, failed=True)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep(result)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep(result, failed=True)
