# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels, as a proxy makes them for CONNECT."""

from __future__ import annotations

import contextlib
import socket
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    AcceptedConnection,
    RawServer,
    after_request,
    readable,
)


def tunnel_to(server: RawServer) -> t.Callable[[AcceptedConnection], None]:
    """Connect every tunnel to this server, whatever its host's name is."""
    return after_request(lambda connection: tunnel(connection, server))


def tunnel(connection: AcceptedConnection, server: RawServer) -> None:
    """Connect one tunnel, for which CONNECT was read."""
    with socket.create_connection(("127.0.0.1", server.port)) as onward:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        # The end of the test closes the sockets; then that is a ValueError.
        with contextlib.suppress(OSError, ValueError):
            relay(connection.sock, onward)


def relay(client: socket.socket, server: socket.socket) -> None:
    """Hand on what either side sends, until one of them closes."""
    while True:
        # A TLS layer may hold what the system doesn't see:
        # https://docs.python.org/3/library/ssl.html#ssl-nonblocking
        pending = getattr(client, "pending", lambda: 0)()
        for sock in [client] if pending else readable([client, server]):
            data = sock.recv(65536)
            if not data:
                return
            (server if sock is client else client).sendall(data)
