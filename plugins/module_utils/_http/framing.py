# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Where an answer begins and ends, and whether its connection may be used again.

A byte that is left on a kept connection becomes part of the next answer, and gives one campaign the
result of another. ``http.client`` (Lib/http/client.py in CPython) skips interim answers only of the
status 100, in ``HTTPResponse.begin``, and reads lengths with ``int()``, which takes signs, spaces and
underscores.
"""

from __future__ import annotations

import http.client
import io
import re
import select
import socket
import ssl
import typing as t

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# What follows a semicolon is an extension, and ignored (RFC 9112, section 7.1.1).
_CHUNK_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_LINE_END = re.compile(rb"\r\n")
_LONGEST_LINE_BYTES = 65536
_NOTHING_ARRIVED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Source(io.RawIOBase):
    """The bytes of a connection, which can be cut off from it.

    Attributes:
        is_cut_off: only what has been read before is given, such as what a buffer holds.
    """

    def __init__(self, connection: io.RawIOBase) -> None:
        self._connection = connection
        self.is_cut_off = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        return None if self.is_cut_off else self._connection.readinto(buffer)

    def close(self) -> None:
        self._connection.close()
        super().close()


class InvalidAnswer(http.client.HTTPException):
    """What arrived is not an answer of HTTP/1.1."""


class StrictAnswer(http.client.HTTPResponse):
    """An answer whose beginning and end are certain.

    Attributes:
        keeps_connection: one final answer was read whole, and no more than that.
    """

    def __init__(self, sock: t.Any, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.keeps_connection = False
        self._source = _Source(self.fp.detach())
        self.fp = io.BufferedReader(self._source)
        self._status_lines = 0
        self._had_last_chunk = False

    def begin(self) -> None:
        """Read the head of the final answer.

        Raises:
            InvalidAnswer: it is not valid, or leaves in doubt where the body ends.
        """
        super().begin()
        while 100 <= self.status < 200:
            if self.status == http.client.SWITCHING_PROTOCOLS:
                raise InvalidAnswer("nobody asked for another protocol")
            # Without headers, HTTPResponse.begin reads the next one.
            self.headers = None  # type: ignore[assignment]  # begin looks for it
            super().begin()
        lengths, codings = self._values("Content-Length"), self._values("Transfer-Encoding")
        is_plain = self._has_plain_head() and len(lengths + codings) == 1
        self._check_length(lengths, codings)
        # HTTPConnection.getresponse in Lib/http/client.py closes a connection that is not to be
        # kept.
        self.will_close = self.will_close or not is_plain

    def read(self, amt: int | None = None) -> bytes:
        """Return the next bytes of the body, or none at its end.

        Raises:
            http.client.IncompleteRead: the connection ended before the body did.
        """
        data = super().read(amt)
        if not data and amt and self.length:
            raise http.client.IncompleteRead(data, self.length)
        return data

    def _read_status(self) -> t.Any:
        self._status_lines += 1
        return super()._read_status()  # type: ignore[misc]  # not in the types of http.client

    def _has_plain_head(self) -> bool:
        """Tell whether every program would read this head in the same way."""
        is_understood = not self.headers.defects and not self.headers.get_payload()
        if not is_understood:
            # urllib3 would log them with all that the server wrote: getresponse in its
            # connection.py.
            self.headers.defects.clear()
            self.headers.set_payload("")
        return (
            is_understood
            and self._status_lines == 1
            and self.version == 11
            # The vendor documents no other status; with some, the request was not read whole.
            and self.status == http.client.OK
        )

    def _check_length(self, lengths: list[str], codings: list[str]) -> None:
        """Settle where the body ends, as RFC 9112, section 6.3, says."""
        if self.status in (http.client.NO_CONTENT, http.client.NOT_MODIFIED):
            self.chunked = False
            return
        # "identity" is no coding. RFC 2616, section 3.6, had it; RFC 9112, section 7, has not.
        codings = [name for name in codings if name.lower() != "identity"]
        if codings:
            if len(codings) > 1 or not self.chunked:
                raise InvalidAnswer("a transfer coding that nobody asked for")
        elif lengths:
            if len(set(lengths)) > 1 or not _LENGTH.fullmatch(lengths[0]):
                raise InvalidAnswer("a length that is none")
            self.length = int(lengths[0])

    def _values(self, name: str) -> list[str]:
        lines = self.headers.get_all(name, [])
        return [value.strip() for line in lines for value in line.split(",")]

    def _get_chunk_left(self) -> t.Any:
        # HTTPResponse._get_chunk_left in Lib/http/client.py skips any two bytes at a chunk's end.
        if self.chunk_left == 0:
            _matched(_LINE_END, self.fp.read(2), 2)
            self.chunk_left = None
        return super()._get_chunk_left()  # type: ignore[misc]  # not in the types of http.client

    def _read_next_chunk_size(self) -> int:
        # HTTPResponse._read_next_chunk_size in Lib/http/client.py takes what int() does, such as
        # -5.
        line = self.fp.readline(_LONGEST_LINE_BYTES)
        size = int(_matched(_CHUNK_SIZE_LINE, line, _LONGEST_LINE_BYTES).group(1), 16)
        self._had_last_chunk = size == 0
        return size

    def _close_conn(self) -> None:
        # Called at the end of the body, and earlier when something else ended.
        is_whole = self._had_last_chunk if self.chunked else self.length == 0
        if is_whole and not self.will_close:
            # What arrives after it is looked for before the connection is used again.
            self.keeps_connection = not self._is_followed()
        super()._close_conn()  # type: ignore[misc]  # not in the types of http.client

    def _is_followed(self) -> bool:
        """Tell whether more was read than the answer."""
        self._source.is_cut_off = True
        return bool(self.fp.peek(1))


def _matched(pattern: re.Pattern[bytes], line: bytes, most: int) -> re.Match[bytes]:
    match = pattern.fullmatch(line)
    if match:
        return match
    if len(line) < most and not line.endswith(b"\n"):
        raise http.client.IncompleteRead(line)
    raise InvalidAnswer("a chunk without its beginning or end")


def is_silent(sock: t.Any) -> bool:
    """Tell whether a kept connection is open, and nothing has arrived on it."""
    try:
        check_that_nothing_arrived(sock)
    except (OSError, InvalidAnswer):
        return False
    return True


def check_that_nothing_arrived(sock: t.Any) -> None:
    """Look at a connection on which a request is about to be sent.

    Raises:
        ConnectionError: the other side has closed it.
        InvalidAnswer: something arrived, which can't be an answer to that request.
    """
    if not _may_be_read(sock):
        return
    timeout = sock.gettimeout()
    sock.settimeout(0.0)
    try:
        arrived = sock.recv(1)
    except _NOTHING_ARRIVED:
        return
    finally:
        sock.settimeout(timeout)
    if arrived:
        raise InvalidAnswer("an answer before the request")
    raise ConnectionError("the other side has closed the connection")


def _may_be_read(sock: t.Any) -> bool:
    """Tell whether it is worth trying to read, which takes three times as many calls of the system."""
    # In TLS inside of TLS, what arrived may wait where the system does not see it.
    if not isinstance(sock, socket.socket) or (isinstance(sock, ssl.SSLSocket) and sock.pending()):
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
