# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Starting the helper's threads so that they take no signal away from the main thread."""

from __future__ import annotations

import errno
import os
import signal
import threading
import typing as t

# Asking for them takes longer than starting a thread.
_ALL_SIGNALS = signal.valid_signals()


class NoThread(OSError):
    """The system starts no further thread: a limit of processes or of memory is reached."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, os.strerror(errno.EAGAIN))


def start_daemon(name: str, target: t.Callable[[], None]) -> threading.Thread:
    """Start a thread that ends with the process, and to which no signal is delivered.

    The system gives a signal to any thread that has not blocked it: signal(7). Ansible's ``timeout`` of a task
    and Ctrl-C are signals that must interrupt the main thread, whatever it is waiting for.

    Raises:
        NoThread: the thread was not started.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    # A new thread inherits what is blocked: pthread_sigmask(3).
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        # "can't start new thread" comes as a RuntimeError.
        raise NoThread from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return thread
