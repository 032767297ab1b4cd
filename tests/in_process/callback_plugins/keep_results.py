# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each result of the collection's tasks as a line of JSON; enabled by tests only."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: keep_results
type: notification
short_description: Write each result of the collection's tasks as a line of JSON
description: For a test. The environment variable C(CLOUDAGENT_RESULTS) names the file.
author: ozonetel.cloudagent contributors (!UNKNOWN)
"""


class CallbackModule(CallbackBase):
    """Keeps the results of single tasks and of the items of loops."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "keep_results"
    CALLBACK_NEEDS_ENABLED = True

    def _keep(self, event: str, result: t.Any) -> None:
        task = result._task
        if not task.action.startswith("ozonetel.cloudagent.") or "results" in result._result:
            return
        line = {"task": task.get_path(), "event": event, "result": result._result}
        with open(os.environ["CLOUDAGENT_RESULTS"], "a", encoding="utf-8") as kept:
            kept.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Keep a result."""
        self._keep("failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("skipped", result)

    def v2_runner_retry(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("retry", result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("ok", result)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("failed", result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        """Keep a result."""
        self._keep("skipped", result)
