# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The thread that ends an attempt in time.

A timeout of ``requests`` is for one wait on the socket, so a server that sends a byte now and
then outlasts it. This thread shuts the socket down instead, whatever the attempt is waiting for.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import typing as t


class Guard:
    """The sockets of one attempt, and whether its time is over.

    Attributes:
        expired: the time was over before the attempt had ended.
        connected: a connection was open, new or kept from an earlier update.
        request_started: the first byte of the request was on its way.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self.expired = False
        self.connected = False
        self.request_started = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def attach(self, sock: t.Any) -> None:
        """Have this socket shut down when the time is over."""
        # A second descriptor still works when a TLS layer has taken the first one over.
        twin = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self.connected = True
            self._sockets.append(twin)
            if self.expired:
                _shut_down(twin)

    def expire(self) -> None:
        """Shut the sockets down."""
        with self._lock:
            self.expired = True
            for twin in self._sockets:
                _shut_down(twin)

    def release(self) -> None:
        """Let go of the sockets, which stay open where the session keeps its connection."""
        with self._lock:
            for twin in self._sockets:
                twin.close()
            self._sockets.clear()


class Watchdog:
    """One thread for all attempts of a process; it is started by the first of them."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._guards: set[Guard] = set()
        self._wakes_at: float | None = None
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def guard(self, seconds: float) -> t.Iterator[Guard]:
        """Guard the attempt that this thread makes inside of the context."""
        guard = Guard(time.monotonic() + seconds)
        self._add(guard)
        _of_this_thread.guard = guard
        try:
            yield guard
        finally:
            _of_this_thread.guard = None
            with self._condition:
                self._guards.discard(guard)
            guard.release()

    def _add(self, guard: Guard) -> None:
        with self._condition:
            self._guards.add(guard)
            if self._thread is None or not self._thread.is_alive():
                self._wakes_at = None
                self._thread = threading.Thread(target=self._run, name="cloudagent", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or guard.end < self._wakes_at:
                self._condition.notify()

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for guard in [guard for guard in self._guards if guard.end <= now]:
                    self._guards.discard(guard)
                    guard.expire()
                self._wakes_at = min((guard.end for guard in self._guards), default=None)
                self._condition.wait(None if self._wakes_at is None else self._wakes_at - now)


class _OfThisThread(threading.local):
    guard: Guard | None = None


_of_this_thread = _OfThisThread()


def current_guard() -> Guard | None:
    """Return the guard of the attempt that this thread makes, or None outside of one."""
    return _of_this_thread.guard


def _shut_down(sock: socket.socket) -> None:
    # The other side may have closed it already, which is what was wanted.
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
