# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that does to a connection whatever a test wants."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
import typing as t

SUCCESS = {"Message": "Dynamic DIDs updated successfully"}
# The same as bytes, the fields that tell its length, and a whole answer.
BODY = json.dumps(SUCCESS).encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
CONFIRMED = b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY
# The beginning of one.
PART = b'HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n{"Message": '


class AcceptedConnection:
    """One accepted connection, for a behaviour to play with."""

    def __init__(
        self, sock: socket.socket, stopping: threading.Event, requests: list[bytes]
    ) -> None:
        self.sock = sock
        self.stopping = stopping
        # Called when the other side has waited in vain for a while.
        self.time_is_over: t.Callable[[], None] = lambda: None
        self._requests = requests

    def read_request(self) -> bytes:
        """Return the next request whole; empty when the other side has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65536)
            if not part:
                return b""
            data += part
        head, _separator, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line[15:])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += self.sock.recv(65536)
        request = head + b"\r\n\r\n" + body
        self._requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte every few milliseconds until the test is over."""
        for index in range(len(data)):
            if self.stopping.wait(0.005):
                return
            self.send(data[index : index + 1])
            # More than a whole interim answer.
            if index == 30:
                self.time_is_over()

    def reset(self) -> None:
        """Close the connection so that the other side gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()


Behaviour = t.Callable[[AcceptedConnection], None]


class RawServer:
    """Gives the n-th connection to the n-th behaviour, and all further ones to the last."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviours = behaviours
        self.requests: list[bytes] = []
        self.connections = 0
        # Released once for each connection that this side has closed.
        self.closed = threading.Semaphore(0)
        self._tls = tls
        self._stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> RawServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                self._open.append(sock)
                behaviour = self.behaviours[min(self.connections, len(self.behaviours) - 1)]
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock, behaviour), daemon=True).start()

    def _serve(self, sock: socket.socket, behaviour: Behaviour) -> None:
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            behaviour(AcceptedConnection(sock, self._stopping, self.requests))
        except OSError:
            # The other side has gone, or has not agreed on TLS.
            pass
        finally:
            sock.close()
            self.closed.release()


def answer(
    body: t.Any = None, status: int = 200, headers: str = "", close: bool = False
) -> Behaviour:
    """Answer every request of a connection; a body that is no bytes is sent as JSON."""
    body = SUCCESS if body is None else body
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode()

    def behave(connection: AcceptedConnection) -> None:
        while connection.read_request():
            connection.send(head + content)
            if close:
                return

    return behave


def after_request(action: t.Callable[[AcceptedConnection], None]) -> Behaviour:
    """Read one request, then do this."""

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        action(connection)

    return behave


def sends(data: bytes) -> Behaviour:
    """Read one request, send these bytes and close."""
    return after_request(lambda connection: connection.send(data))


def after_hello(action: t.Callable[[AcceptedConnection], None]) -> Behaviour:
    """Read what a client that wants TLS says first, then do this."""

    def behave(connection: AcceptedConnection) -> None:
        connection.sock.recv(65536)
        action(connection)

    return behave


def after_a_part(action: t.Callable[[AcceptedConnection], None]) -> Behaviour:
    """Read one request, send a part of the answer, then do this."""

    def behave(connection: AcceptedConnection) -> None:
        connection.send(PART)
        action(connection)

    return after_request(behave)


@contextlib.contextmanager
def full_listener() -> t.Iterator[str]:
    """Yield the host and port of a listener that accepts no further connection, nor refuses it."""
    with socket.socket() as listener, contextlib.ExitStack() as queued:
        listener.bind(("127.0.0.1", 0))
        # Linux queues one connection more (sk_acceptq_is_full in its include/net/sock.h), and ignores
        # further ones: listen(2).
        listener.listen(0)
        host, port = listener.getsockname()
        for _turn in range(4):
            sock = queued.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex((host, port))
        yield f"{host}:{port}"


def readable(socks: t.Iterable[socket.socket], seconds: float | None = None) -> list[socket.socket]:
    """Return those that can be read, or have ended, within so many seconds.

    Unlike select(), also for descriptors of 1024 and more: select(2).
    """
    by_number = {sock.fileno(): sock for sock in socks}
    poll = select.poll()
    for number in by_number:
        poll.register(number, select.POLLIN)
    found = poll.poll(None if seconds is None else seconds * 1000)
    return [by_number[number] for number, _event in found]


def reset(connection: AcceptedConnection) -> None:
    """Close the connection so that the other side gets a reset."""
    connection.reset()


def silent(connection: AcceptedConnection) -> None:
    """Say nothing until the test is over."""
    connection.time_is_over()
    connection.stopping.wait()


def unread(connection: AcceptedConnection) -> None:
    """Leave the request unread, and say nothing."""
    connection.sock.recv(1, socket.MSG_PEEK)
    silent(connection)
