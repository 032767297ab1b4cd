# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal interrupts the main thread, and none of the helper's."""

from __future__ import annotations

import signal
import threading
import time
import types
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    NoThread,
    start_daemon,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS


def test_signals_are_blocked_only_in_the_started_thread() -> None:
    blocked: list[t.Any] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    thread = start_daemon(
        "a name", lambda: blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    )
    thread.join()
    assert (thread.name, thread.daemon) == ("a name", True)
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGALRM} <= blocked[0]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_thread_that_cannot_be_started_raises_no_thread(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> t.NoReturn:
        raise error

    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(NoThread):
        start_daemon("a name", lambda: None)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_a_signal_to_the_process_interrupts_the_wait_of_the_main_thread() -> None:
    def interrupt(_number: int, frame: types.FrameType | None) -> None:
        # The timer may be faster than the main thread, which then has not begun to wait.
        if frame and frame.f_code is threading.Condition.wait.__code__:
            raise TimeoutError

    done = threading.Event()

    def wait_as_well() -> None:
        done.wait()

    start_daemon("waits as well", wait_as_well)
    former = signal.signal(signal.SIGALRM, interrupt)
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        for _attempt in range(20):
            with pytest.raises(TimeoutError):
                threading.Event().wait(HANG_SECONDS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        done.set()
    # A signal that goes to another thread is not handled before the wait is over.
    assert time.monotonic() - begin < HANG_SECONDS
