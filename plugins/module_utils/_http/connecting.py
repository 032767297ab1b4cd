# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Opening a connection within a number of seconds, looking the host's name up included."""

from __future__ import annotations

import contextlib
import importlib
import queue
import socket
import time
import typing as t

from .threads import start_daemon

# socket.getaddrinfo encodes a name so (Modules/socketmodule.c), and imports this then: too late
# where files can't be opened.
importlib.import_module("encodings.idna")

Address = t.Tuple[str, int]
CreateConnection = t.Callable[[Address, float], socket.socket]


def connect(
    host: str, port: int, seconds: float, create_connection: CreateConnection
) -> socket.socket:
    """Return a connection to the first address of the host that answers.

    Args:
        host: a name, or an address without brackets.
        port: the port.
        seconds: the longest that it may take in all; each address gets an equal share of what
            is left.
        create_connection: opens a connection to one address within a number of seconds.

    Raises:
        OSError: no address could be reached; ``socket.gaierror`` for an unknown name,
            ``socket.timeout`` when the time was over.
    """
    end = time.monotonic() + seconds
    addresses = look_up(host, port, seconds)
    for left in range(len(addresses), 1, -1):
        try:
            return create_connection(addresses[-left], max(end - time.monotonic(), 0.01) / left)
        except OSError:
            continue
    return create_connection(addresses[-1], max(end - time.monotonic(), 0.01))


def look_up(host: str, port: int, seconds: float) -> list[Address]:
    """Return the addresses of a host, in the order of the system's preference.

    The system's own look-up knows no timeout, so it runs in a thread that is left behind when it
    takes too long. An address in numbers needs no look-up.

    Raises:
        OSError: as for :func:`connect`.
    """
    if _is_address(host):
        return [(host, port)]
    answers: queue.Queue[list[t.Any] | Exception] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "no host can have this name"))
        except Exception as error:  # noqa: BLE001  # the other thread raises it
            answers.put(error)

    start_daemon("cloudagent-look-up", ask)
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise socket.timeout("looking the host's name up took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return list(dict.fromkeys((entry[4][0], port) for entry in answer))


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False
