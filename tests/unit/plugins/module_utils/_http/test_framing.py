# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the connection of an answer may be kept; most of it is in tests/faults, on real sockets."""

from __future__ import annotations

import io
import socket
import ssl
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.framing import (
    InvalidAnswer,
    StrictAnswer,
    check_that_nothing_arrived,
    is_silent,
)

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class SocketDouble(io.RawIOBase):
    """Hands out these bytes, then the error or the end; its timeout is 5 seconds."""

    def __init__(self, data: bytes, then: Exception | None = None) -> None:
        self._data = data
        self._then = then
        self.timeout: float | None = 5.0

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def gettimeout(self) -> float | None:
        return self.timeout

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def recv(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        if not data and self._then:
            raise self._then
        return data


@pytest.mark.parametrize(
    ("data", "is_kept"),
    [
        pytest.param(WHOLE, True, id="nothing more"),
        pytest.param(WHOLE + b"H", False, id="a byte more"),
    ],
)
def test_a_connection_is_kept_only_if_nothing_more_was_read(data: bytes, is_kept: bool) -> None:
    # Nothing is read any more once the answer is whole.
    answer = StrictAnswer(SocketDouble(data, AssertionError()), method="POST")
    answer.begin()
    assert answer.keeps_connection is False
    assert answer.read(100) == b"{}"
    assert answer.keeps_connection is is_kept


def test_a_connection_is_not_kept_if_the_answer_was_not_read_to_its_end() -> None:
    # The rest of the body is still to come.
    answer = StrictAnswer(SocketDouble(WHOLE[:-1], BlockingIOError()), method="POST")
    answer.begin()
    assert answer.read(1) == b"{"
    answer.close()
    assert answer.keeps_connection is False


@pytest.mark.parametrize("then", [BlockingIOError(), ssl.SSLWantReadError()])
def test_a_connection_without_waiting_bytes_may_be_used(then: OSError) -> None:
    sock = SocketDouble(b"", then)
    check_that_nothing_arrived(sock)
    assert sock.timeout == 5.0
    assert is_silent(sock) is True


@pytest.mark.parametrize(
    ("data", "then", "kind"),
    [
        (b"H", None, InvalidAnswer),
        (b"", None, ConnectionError),
        (b"", ssl.SSLError(), ssl.SSLError),
    ],
)
def test_bytes_or_an_end_before_a_request_raise_an_error(
    data: bytes, then: OSError | None, kind: type[Exception]
) -> None:
    sock = SocketDouble(data, then)
    with pytest.raises(kind):
        check_that_nothing_arrived(sock)
    assert sock.timeout == 5.0
    assert is_silent(SocketDouble(data, then)) is False


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda server: server.sendall(b"H"), InvalidAnswer),
        (lambda server: server.close(), ConnectionError),
    ],
    ids=["a byte", "the end"],
)
def test_what_arrives_on_a_socket_of_the_system_is_seen(
    harm: t.Callable[[socket.socket], None], kind: type[Exception]
) -> None:
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5.0)
        check_that_nothing_arrived(client)
        harm(server)
        with pytest.raises(kind):
            check_that_nothing_arrived(client)
        assert client.gettimeout() == 5.0
