# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the HTTP helper is given to send, and what it reports of each attempt."""

from __future__ import annotations

import typing as t

# Whether the same request may be sent again after an attempt.
NEVER = "never"
ONCE = "once"
AFTER_BACKOFF = "after_backoff"
AFTER_RATE_LIMIT = "after_rate_limit"

# What the server made of the request, as far as that is certain.
APPLIED = "applied"
NOT_APPLIED = "not_applied"
UNKNOWN = "unknown"

# Why there is no answer that could be judged.
CONNECTION_FAILED = "connection_failed"
TLS_FAILED = "tls_failed"
PROXY_FAILED = "proxy_failed"
TIMED_OUT = "timed_out"

# Kinds of such faults that call for different next steps.
NO_TLS = "no_tls"
NOT_VALID_NOW = "not_valid_now"
OTHER_HOST = "other_host"
NOT_VALID_HTTP = "not_valid_http"
TOO_MANY_FILES = "too_many_files"
NO_MORE_THREADS = "no_more_threads"
UNEXPECTED_ERROR = "unexpected_error"


class HttpRequest(t.NamedTuple):
    """A POST, and how its server is reached.

    Attributes:
        url: the complete URL.
        headers: all headers; the helper adds none that tell about the user.
        body: the bytes to send, at least one.
        verify: False for no TLS verification, True for the default authorities, or the path of
            a file or directory of authorities.
        proxy: URL of the proxy, or None.
    """

    url: str
    headers: dict[str, str]
    body: bytes
    verify: bool | str = True
    proxy: str | None = None


class HttpAnswer(t.NamedTuple):
    """An answer that arrived whole.

    Attributes:
        status: the HTTP status.
        body: the bytes as sent, without any decoding.
        content_type: the header's value in lower case, or an empty string.
        retry_after: the header's value, or None.
        too_large: the body was longer than the limit, and reading stopped there.
    """

    status: int
    body: bytes
    content_type: str = ""
    retry_after: str | None = None
    too_large: bool = False


class Attempt(t.NamedTuple):
    """The result of sending the request once.

    Attributes:
        reason: None after a confirmed update, else the reason of the failure.
        outcome: ``applied``, ``not_applied``, or ``unknown`` when the request may have reached
            the server, and no answer says what happened to it.
        retry: one of the rules above.
        detail: what happened, in our own words; a part of a sentence.
        http_status: status of the answer, or None.
        api_message: cleaned text of the answer, or None.
        retry_after: how many seconds the server asked to wait, or None.
        wait: the fewest and the most seconds to wait where the server asked for none, or None.
        kind: which of several faults with the same reason it is, or an empty string.
    """

    reason: str | None
    outcome: str
    retry: str = NEVER
    detail: str = ""
    http_status: int | None = None
    api_message: str | None = None
    retry_after: float | None = None
    wait: tuple[float, float] | None = None
    kind: str = ""


class Exchange(t.NamedTuple):
    """The results of all attempts to send a request.

    Attributes:
        attempts: at least one; the last is the one that counts.
        refused_wait: seconds of a wait that did not fit the deadline and was not begun, or None.
    """

    attempts: list[Attempt]
    refused_wait: float | None = None

    @property
    def last(self) -> Attempt:
        """Return the attempt that decides."""
        return self.attempts[-1]

    @property
    def outcome(self) -> str:
        """Return the outcome over all attempts: one that is unknown outweighs later refusals."""
        if self.last.reason is None:
            return self.last.outcome
        if any(attempt.outcome == UNKNOWN for attempt in self.attempts):
            return UNKNOWN
        return self.last.outcome
