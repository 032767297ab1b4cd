# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Why an update failed: the stable reasons and the one exception that carries them."""

from __future__ import annotations

import typing as t

from ._http.attempt import NOT_APPLIED

INVALID_INPUT = "invalid_input"
AUTHENTICATION_FAILED = "authentication_failed"
CAMPAIGN_NOT_FOUND = "campaign_not_found"
INVALID_DIDS = "invalid_dids"
INVALID_FALLBACK_DIDS = "invalid_fallback_dids"
DIDS_REQUIRED = "dids_required"
FALLBACK_DIDS_REQUIRED = "fallback_dids_required"
RATE_LIMITED = "rate_limited"
SERVER_ERROR = "server_error"
UNEXPECTED_ANSWER = "unexpected_answer"
REDIRECTED = "redirected"
RECORD_FAILED = "record_failed"


class UpdateFailure(Exception):
    """An update that was not confirmed.

    Attributes:
        reason: one of the constants above, or of those of transport in ``_http/attempt.py``.
        message: cause and next step, in our own words and free of secrets.
        outcome: ``not_applied`` or ``unknown``, over all attempts of the update.
        http_status: status of the last answer, or None.
        api_message: cleaned text of the last answer, or None.
        attempts: how many requests were tried.
        sent: one of them may have reached the server.
        leaves_lists_alone: it is certain that the server still has the lists that it had before.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        outcome: str = NOT_APPLIED,
        http_status: int | None = None,
        api_message: str | None = None,
        attempts: int = 0,
        sent: bool = False,
        leaves_lists_alone: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.outcome = outcome
        self.http_status = http_status
        self.api_message = api_message
        self.attempts = attempts
        self.sent = sent
        self.leaves_lists_alone = leaves_lists_alone

    @property
    def details(self) -> dict[str, t.Any]:
        """Return what the result has as ``failure``."""
        return {
            "reason": self.reason,
            "outcome": self.outcome,
            "http_status": self.http_status,
            "api_message": self.api_message,
            "attempts": self.attempts,
        }


class InvalidInput(UpdateFailure):
    """An option that can't be used as it is; raised before anything is sent."""

    def __init__(self, message: str) -> None:
        super().__init__(INVALID_INPUT, message, leaves_lists_alone=True)
