# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault tests share: an update of one campaign, and what a failure reports."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run import run
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    HANG_SECONDS,
    Ended,
    ModuleDouble,
    new_client,
    no_wait,
)

Result = t.Dict[str, t.Any]

REFUSED = {"Message": "Campaign not found."}


def hasty_client(watchdog: Watchdog | None = None, clock: Clock | None = None) -> HttpClient:
    """Return an HTTP client that does not wait before a retry.

    Unless a clock is given, time stands still, so that no deadline comes while the machine is busy.
    """
    return new_client(clock, watchdog, no_wait)


def update(api_url: str, client: HttpClient | None = None, **options: t.Any) -> Result:
    """Return the result of an update; it fails when it takes longer than only a hang does."""
    module = ModuleDouble(api_url=api_url, **{"timeout": 6 * HANG_SECONDS, **options})
    begin = time.monotonic()
    with pytest.raises(Ended):
        run(module, client or hasty_client())
    assert time.monotonic() - begin < HANG_SECONDS
    assert API_KEY not in repr(module.result)
    return module.result


def failure(result: Result) -> tuple[str, str, int]:
    """Return reason, outcome and attempts, and check that the two places agree."""
    assert result["failed"] is True
    assert result["changed"] is False
    reported = result["failure"]
    # A request whose outcome is not known may have reached the server.
    assert result["sent"] or reported["outcome"] == "not_applied"
    assert reported["attempts"] == result["attempts"]
    return reported["reason"], reported["outcome"], reported["attempts"]
