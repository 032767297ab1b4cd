# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The shared HTTP helper: one POST, sent until it is answered for good or the time is over."""

from __future__ import annotations

import random
import typing as t

from . import faults
from .attempt import AFTER_BACKOFF, AFTER_RATE_LIMIT, Attempt, Exchange, HttpAnswer, HttpRequest
from .clock import Clock, Deadline
from .pacing import Pace
from .retries import Uniform, read_retry_after, seconds_before_retry
from .session import SessionCache
from .watchdog import Guard, Watchdog

LARGEST_ANSWER_BYTES = 64 * 1024
LONGEST_CONNECT_SECONDS = 10.0
# urllib3 refuses a timeout of 0 (Timeout in its util/timeout.py), and Python's socket.settimeout
# one that the system's time_t cannot hold.
SHORTEST_ATTEMPT_SECONDS = 0.001
LONGEST_ATTEMPT_SECONDS = 86400.0

Judge = t.Callable[[HttpAnswer], Attempt]
MayRetry = t.Callable[[], bool]


class HttpClient:
    """Sends requests; sessions, clock and chance come from outside.

    Attributes:
        clock: tells the time and waits.
        uniform: draws a number between two, such as ``random.uniform``.
        pace: when a request may go out.
    """

    def __init__(
        self,
        sessions: SessionCache,
        watchdog: Watchdog,
        clock: Clock | None = None,
        uniform: Uniform = random.uniform,
        pace: Pace | None = None,
    ) -> None:
        self._sessions = sessions
        self._watchdog = watchdog
        self.uniform = uniform
        self.clock = clock or Clock()
        self.pace = pace or Pace(self.clock)

    def at_pace(self, pace: Pace) -> HttpClient:
        """Return a helper that differs in when its requests go out."""
        return HttpClient(self._sessions, self._watchdog, self.clock, self.uniform, pace)

    def post(
        self,
        request: HttpRequest,
        judge: Judge,
        retries: int,
        deadline: Deadline,
        may_retry: MayRetry = lambda: True,
    ) -> Exchange:
        """Send the request, and again after a fault that may pass.

        Args:
            request: what to send.
            judge: says what an answer means, and whether to send again; raises nothing.
            retries: how many retries are allowed.
            deadline: the end of all attempts and of the waits between them.
            may_retry: is asked right before each retry.
        """
        attempts: list[Attempt] = []
        while True:
            seconds = _share(deadline.remaining(), retries + 1 - len(attempts))
            last = self._attempt(request, judge, seconds)
            attempts.append(last)
            self.pace.note(last)
            if last.reason is None:
                return Exchange(attempts)
            wait = seconds_before_retry(attempts, retries, self.uniform)
            if wait is None:
                return Exchange(attempts)
            if not self.pace.has_time_for(last, wait, deadline):
                return Exchange(attempts, refused_wait=wait)
            if not self.pace.wait_before_retry(last, wait, deadline) or not may_retry():
                return Exchange(attempts)

    def _attempt(self, request: HttpRequest, judge: Judge, seconds: float) -> Attempt:
        guard = Guard(seconds)
        try:
            with self._watchdog.watching(guard):
                answer = self._exchange(request, seconds, guard)
        except Exception as error:  # noqa: BLE001  # the attempt's result must not be lost
            return faults.attempt_of_fault(error, guard, request.proxy is not None)
        attempt = judge(answer)
        if attempt.retry not in (AFTER_BACKOFF, AFTER_RATE_LIMIT):
            return attempt
        return attempt._replace(retry_after=read_retry_after(answer.retry_after, self.clock.now()))

    def _exchange(self, request: HttpRequest, seconds: float, guard: Guard) -> HttpAnswer:
        timeout = min(seconds, LONGEST_CONNECT_SECONDS), seconds
        session = self._sessions.session_for(request)
        guard.handed_over = True
        response = session.post_bytes(request, timeout)
        try:
            body = _read_body(response)
        finally:
            response.close()
        if guard.expired:
            # What was read may have been cut off by the watchdog and still look complete.
            raise TimeoutError
        if guard.request_cut_off and response.status_code < 300:
            # urllib3 reads the answer even if the request broke off: _make_request in
            # its connectionpool.py.
            raise ConnectionError("a success without the whole request")
        return HttpAnswer(
            status=response.status_code,
            body=body[:LARGEST_ANSWER_BYTES],
            content_type=response.headers.get("Content-Type", "").lower(),
            retry_after=response.headers.get("Retry-After"),
            too_large=len(body) > LARGEST_ANSWER_BYTES,
        )


def _share(remaining: float, attempts_left: int) -> float:
    """Return the seconds that the next attempt may take."""
    share = remaining / attempts_left
    return min(max(share, SHORTEST_ATTEMPT_SECONDS), LONGEST_ATTEMPT_SECONDS)


def _read_body(response: t.Any) -> bytes:
    """Return the body as sent, up to one byte more than the limit."""
    body = b""
    while len(body) <= LARGEST_ANSWER_BYTES:
        part = response.raw.read(LARGEST_ANSWER_BYTES + 1 - len(body), decode_content=False)
        body += part
        # It is closed as soon as the last byte that was announced is read.
        if not part or response.raw.closed:
            break
    return body
