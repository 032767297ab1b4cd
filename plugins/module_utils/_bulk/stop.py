# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The end of a task with many campaigns before all are done, and its reason."""

from __future__ import annotations

import threading

ACCOUNT_REFUSED = "account_refused"
CAMPAIGN_FAILED = "campaign_failed"
RECORD_OUT_OF_REACH = "record_out_of_reach"
LONG_BREAK = "long_break"
ABANDONED = "abandoned"
ERROR = "error"


class Stop(threading.Event):
    """Tells all threads to begin nothing more.

    Attributes:
        reason: the first one that was given, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason: str | None = None

    def because(self, reason: str) -> None:
        """Tell them why."""
        if self.reason is None:
            self.reason = reason
        self.set()
