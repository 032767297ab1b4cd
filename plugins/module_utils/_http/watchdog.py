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
import queue
import socket
import threading
import time
import typing as t

from .threads import start_daemon


class Guard:
    """The sockets of one attempt, whether its time is over, and how far it has come.

    Attributes:
        seconds: how long the attempt may take.
        end: when its time is over, by the monotonic clock.
        expired: the time was over before the attempt had ended.
        handed_over: the libraries were given the request.
        reached_connection: one of our connections has it, and notes when the request goes out.
        at_proxy: the proxy has not opened the way to the server yet.
        connected: a connection was open, new or kept from an earlier update.
        request_started: the first byte of the request was on its way.
        request_cut_off: the connection broke while the request was sent.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.expired = False
        self.handed_over = False
        self.reached_connection = False
        self.at_proxy = False
        self.connected = False
        self.request_started = False
        self.request_cut_off = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._to_close: list[socket.socket] = []

    def attach(self, twin: socket.socket) -> None:
        """Have this socket shut down when the time is over."""
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

    def close_at_end(self, twin: socket.socket) -> None:
        """Have this socket closed once the attempt has ended."""
        with self._lock:
            self._to_close.append(twin)

    def release(self) -> None:
        """Let go of the sockets."""
        with self._lock:
            self._sockets.clear()
            for twin in self._to_close:
                twin.close()
            self._to_close.clear()


def twin_of(descriptor: int) -> socket.socket:
    """Return a socket for what the descriptor is connected to, for a guard.

    It still works when ``SSLSocket._create`` (Lib/ssl.py) has detached the descriptor's own.
    """
    return socket.socket(fileno=os.dup(descriptor))


class Watchdog:
    """One thread for all attempts of a process; it is started by the first of them.

    An exception of a signal handler, such as Ansible's ``timeout``, may interrupt the thread that
    makes an attempt anywhere. So that thread holds a lock for a moment only, and never waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guards: set[Guard] = set()
        self._wakes_at: float | None = None
        self._wake_up: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, guard: Guard) -> t.Iterator[None]:
        """Watch over the attempt that this thread makes inside of the context."""
        _of_this_thread.guard = guard
        try:
            self._add(guard)
            yield
        finally:
            _of_this_thread.guard = None
            with self._lock:
                self._guards.discard(guard)
            guard.release()

    def _add(self, guard: Guard) -> None:
        with self._lock:
            self._guards.add(guard)
            wakes_in_time = self._wakes_at is not None and self._wakes_at <= guard.end
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_daemon("cloudagent", self._run)
            elif not wakes_in_time:
                self._wake_up.put(None)

    def _run(self) -> None:
        while True:
            seconds = self._expire_guards()
            with contextlib.suppress(queue.Empty):
                self._wake_up.get(timeout=seconds)

    def _expire_guards(self) -> float | None:
        """End the attempts whose time is over, and return the seconds until the next one, if any."""
        with self._lock:
            now = time.monotonic()
            for guard in [guard for guard in self._guards if guard.end <= now]:
                self._guards.discard(guard)
                guard.expire()
            self._wakes_at = min((guard.end for guard in self._guards), default=None)
            return None if self._wakes_at is None else max(0.0, self._wakes_at - now)


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
