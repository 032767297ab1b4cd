# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reason of a stop."""

from __future__ import annotations

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.stop import (
    ABANDONED,
    CAMPAIGN_FAILED,
    Stop,
)


def test_the_first_reason_of_a_stop_is_kept() -> None:
    stop = Stop()
    assert (stop.is_set(), stop.reason) == (False, None)
    stop.because(CAMPAIGN_FAILED)
    stop.because(ABANDONED)
    stop.set()
    assert (stop.is_set(), stop.reason) == (True, "campaign_failed")


def test_a_stop_may_have_no_reason() -> None:
    stop = Stop()
    stop.set()
    assert (stop.wait(0.0), stop.reason) == (True, None)
