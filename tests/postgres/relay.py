# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay on loopback between a client and a PostgreSQL that listens on a Unix socket.

It answers a request for TLS, and can do harm at a statement that the test chooses. It knows the
protocol as far as that takes: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import typing as t
from urllib.parse import quote

from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import readable

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104

# What is done at a statement.
FORWARD = "forward"
# The connection breaks, and the server never sees the statement.
CUT_BEFORE = "cut before"
# The statement is executed, and committed if it is one by itself; the answer does not arrive.
CUT_AFTER = "cut after"
# The statement is executed, the answer does not arrive, and the connection seems to be open.
SILENCE = "silence"

# Is told the text of each statement, and says what is done. Several threads may ask at a time.
OnStatement = t.Callable[[str], str]


class Relay:
    """Takes connections on loopback until it is stopped.

    Attributes:
        port: where it listens.
        on_statement: chooses what is done at each statement; may be set at any time.
        statements: the texts of all statements so far, in order.
        pools: go from one session of the server to the next, if there are several.
    """

    def __init__(
        self, socket_folder: str, tls: ssl.SSLContext | None = None, sessions: int = 1
    ) -> None:
        """Begin to listen.

        Args:
            socket_folder: where the server's socket is.
            tls: speak TLS when a client asks for it.
            sessions: of the server for each client. More than one is what a pooler in transaction
                mode does: statements go to one after the other, transactions stay together.
        """
        self._socket_path = f"{socket_folder}/.s.PGSQL.5432"
        self._tls = tls
        self._sessions = sessions
        self.on_statement: OnStatement = lambda _statement: FORWARD
        self.statements: list[str] = []
        self.pools = True
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str, role: str = "postgres", options: str = "") -> str:
        """Return the URL of a database behind this relay; without TLS unless the options say so."""
        options = options or "sslmode=disable"
        return f"postgresql://{quote(role)}@127.0.0.1:{self.port}/{quote(database)}?{options}"

    def cut(self) -> None:
        """Break all connections there are."""
        with self._lock:
            found = list(self._open)
        for sock in found:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Break all connections, and take no more: they are refused."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    # --- One thread for each connection ---

    def _accept(self) -> None:
        while not self._stopped:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            # What comes in several messages is not to wait for an acknowledgement.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        kept: list[socket.socket] = [client]
        try:
            with self._lock:
                self._open.add(client)
            client, startup = self._start(client)
            kept.append(client)
            servers = []
            for _number in range(self._sessions):
                server = socket.socket(socket.AF_UNIX)
                kept.append(server)
                server.connect(self._socket_path)
                server.sendall(startup)
                servers.append(server)
            _Pair(self, client, servers).run()
        except (OSError, EOFError):
            # One of both has gone, which is what the other is told as well.
            pass
        finally:
            with self._lock:
                self._open.difference_update(kept)
            for sock in kept:
                sock.close()

    def _start(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """Return the socket, maybe with TLS, and the first message that is for the server."""
        while True:
            head = _read(client, 8)
            length, code = struct.unpack("!II", head)
            if code == SSL_REQUEST and self._tls is not None:
                client.sendall(b"S")
                encrypted = self._tls.wrap_socket(client, server_side=True)
                with self._lock:
                    self._open.add(encrypted)
                client = encrypted
            elif code in (SSL_REQUEST, GSSENC_REQUEST):
                client.sendall(b"N")
            else:
                return client, head + _read(client, length - 8)

    def note(self, statement: str) -> str:
        """Take note of a statement, and return what is done."""
        self.statements.append(statement)
        return self.on_statement(statement)


class _Pair:
    """A client and its server, or the sessions between which a pooler chooses."""

    def __init__(self, relay: Relay, client: socket.socket, servers: list[socket.socket]) -> None:
        self._relay = relay
        self._client = client
        self._servers = servers
        self._chosen = 0
        self._from_client = _Messages()
        self._from_servers = [_Messages() for _server in servers]
        # Sessions that have said that they are ready for the first statement.
        self._ready: set[int] = set()
        # What tells the client that its session is ready, until all of them are.
        self._waiting: bytes | None = None
        self._drops_answer: str | None = None
        # The texts of prepared statements, by their names.
        self._prepared: dict[bytes, str] = {}

    def run(self) -> None:
        while True:
            if self._wait_for(self._client):
                self._take_from_client()
            for number, server in enumerate(self._servers):
                if self._wait_for(server, 0.0):
                    self._take_from_server(number)

    def _wait_for(self, sock: socket.socket, seconds: float | None = None) -> bool:
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        others = [self._client, *self._servers] if seconds is None else [sock]
        return sock in readable(others, seconds)

    def _take_from_client(self) -> None:
        for kind, message in self._from_client.add(_receive(self._client)):
            statement = self._statement_of(kind, message)
            action = FORWARD if statement is None else self._relay.note(statement)
            if action == CUT_BEFORE:
                raise EOFError
            if action in (CUT_AFTER, SILENCE):
                self._drops_answer = action
            self._servers[self._chosen].sendall(message)
            if kind == b"X":
                # The others have to go as well.
                raise EOFError

    def _statement_of(self, kind: bytes, message: bytes) -> str | None:
        """Return the text of the statement that this message has executed, if it does."""
        texts = message[5:].split(b"\0")
        if kind == b"Q":
            return texts[0].decode("utf-8")
        if kind == b"P" and texts[0]:
            # To prepare one executes nothing.
            self._prepared[texts[0]] = texts[1].decode("utf-8")
        elif kind == b"P":
            return texts[1].decode("utf-8")
        return self._prepared.get(texts[1]) if kind == b"B" else None

    def _take_from_server(self, number: int) -> None:
        for kind, message in self._from_servers[number].add(_receive(self._servers[number])):
            shown = self._shown(number, kind, message)
            if shown is not None:
                self._pass_on(kind, shown)

    def _shown(self, number: int, kind: bytes, message: bytes) -> bytes | None:
        """Return what the client is sent: it knows one session, and begins when all are ready."""
        if len(self._ready) == len(self._servers):
            return message
        if kind == b"Z":
            self._ready.add(number)
            if number == self._chosen:
                self._waiting = message
            return self._waiting if len(self._ready) == len(self._servers) else None
        return message if number == self._chosen else None

    def _pass_on(self, kind: bytes, message: bytes) -> None:
        if self._drops_answer is None:
            self._client.sendall(message)
        elif kind == b"Z" and self._drops_answer == CUT_AFTER:
            raise EOFError
        is_idle = kind == b"Z" and message[5:6] == b"I"
        if is_idle and self._relay.pools:
            self._chosen = (self._chosen + 1) % len(self._servers)


class _Messages:
    """Puts the messages of one side together: a letter, a length, and that much."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> t.Iterator[tuple[bytes, bytes]]:
        """Yield the messages that are whole by now, with their letters."""
        self._data += data
        while len(self._data) >= 5:
            end = 1 + struct.unpack("!I", self._data[1:5])[0]
            if len(self._data) < end:
                return
            message, self._data = self._data[:end], self._data[end:]
            yield message[:1], message


def _receive(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise EOFError
    return data


def _read(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
