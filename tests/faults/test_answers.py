# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that bend or break the rules of HTTP, on real sockets: what comes of each."""

from __future__ import annotations

import logging
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _request
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    BODY,
    CHUNKED,
    CHUNKS,
    LENGTH,
    AcceptedConnection,
    RawServer,
    after_request,
    answer,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.support import (
    failure,
    update,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import API_KEY

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK + CHUNKED + LENGTH + b"\r\n" + CHUNKS, id="chunked, with a length"),
        pytest.param(OK + LENGTH + CHUNKED + b"\r\n" + CHUNKS, id="the length first"),
        pytest.param(
            OK + CHUNKED + b"Content-Length: 99999\r\n\r\n" + CHUNKS, id="chunked, too long"
        ),
        pytest.param(OK + CHUNKED + b"Content-Length: x\r\n\r\n" + CHUNKS, id="chunked, no length"),
        pytest.param(OK + LENGTH * 2 + b"\r\n" + BODY, id="the same length twice"),
        pytest.param(
            OK + b"Content-Length: %d, %d\r\n\r\n" % (len(BODY), len(BODY)) + BODY,
            id="the same length twice in one line",
        ),
        pytest.param(
            OK + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
            id="a coding that is none",
        ),
        pytest.param(OK + b"no field\r\n" + LENGTH + b"\r\n" + BODY, id="a line that is no field"),
    ],
)
def test_a_success_with_unusual_framing_is_accepted(data: bytes) -> None:
    # It ends where the connection does only for the last.
    with RawServer(after_request(lambda connection: connection.send(data))) as server:
        result = update(server.url)
        assert server.connections == 1
    assert (result["changed"], result["attempts"]) == (True, 1)


def length(value: bytes) -> bytes:
    return OK + b"Content-Length: " + value + b"\r\n\r\n" + BODY


def coded(value: bytes, body: bytes = CHUNKS) -> bytes:
    return OK + b"Transfer-Encoding: " + value + b"\r\n\r\n" + body


def chunk(size: bytes) -> bytes:
    return coded(b"chunked", size + b"\r\n" + BODY + b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(length(b"\xb2"), id="a length of two superscript"),
        pytest.param(length(b"9" * 5000), id="a length of 5,000 digits"),
        pytest.param(length(b"9" * 25), id="a length of 25 digits"),
        pytest.param(length(b"-1"), id="a negative length"),
        pytest.param(length(b"+%d" % len(BODY)), id="a length with a sign"),
        pytest.param(length(b"4 8"), id="a length with a space inside"),
        pytest.param(length(b"4_8"), id="a length as Python writes it"),
        pytest.param(length(b""), id="an empty length"),
        pytest.param(length(b"%d, 5" % len(BODY)), id="two lengths in one line"),
        pytest.param(OK + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, id="two lengths"),
        pytest.param(coded(b"gzip, chunked"), id="another coding"),
        pytest.param(coded(b"identity, chunked"), id="two codings"),
        pytest.param(coded(b"chunked\r\nTransfer-Encoding: chunked"), id="chunked twice"),
        pytest.param(coded(b"\r\n chunked"), id="chunked in a folded line"),
        pytest.param(chunk(b"-1"), id="a chunk of size -1"),
        pytest.param(chunk(b"-5"), id="a chunk of size -5"),
        pytest.param(chunk(b"0x%x" % len(BODY)), id="a chunk of size 0x"),
        pytest.param(chunk(b"+%x" % len(BODY)), id="the size of a chunk with a sign"),
        pytest.param(chunk(b"0" * 20), id="the size of a chunk with 20 digits"),
        pytest.param(chunk(b"1" * 70_000), id="the size of a chunk without an end"),
        pytest.param(chunk(b"%x" % (len(BODY) - 2)), id="a chunk longer than it says"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK + b"\r\n", id="101"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
        pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", id="HTTP/2.0"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="a status of two digits"),
        pytest.param(b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", id="a status that is no number"),
        pytest.param(OK + b"X: y\r\n" * 300 + b"\r\n", id="300 headers"),
        pytest.param(OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n", id="a header of 70 kB"),
        pytest.param(b"HTTP/1.1 103 Hints\r\n\r\nnonsense\r\n\r\n", id="nonsense after 103"),
    ],
)
def test_invalid_http_fails_with_an_unknown_outcome(data: bytes) -> None:
    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(data)
        # The client has to leave first: nothing tells it where such an answer ends.
        connection.sock.recv(1)

    with RawServer(behave) as server:
        result = update(server.url, retries=1)
        assert server.connections == 2
    assert failure(result) == ("connection_failed", "unknown", 2)
    assert result["msg"].startswith(
        "No usable answer from 127.0.0.1: the answer is not valid HTTP, after 2 attempts. "
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK + LENGTH + b"\r\n" + BODY[:-1], id="a body"),
        pytest.param(OK + CHUNKED + b"\r\n" + CHUNKS[:-6], id="before the end of a chunk"),
        pytest.param(OK + CHUNKED + b"\r\n" + CHUNKS[:-5], id="before the last chunk"),
        pytest.param(OK + CHUNKED + b"\r\n" + CHUNKS[:20], id="within a chunk"),
        pytest.param(OK + CHUNKED + b"\r\n" + CHUNKS[:1], id="within the size of a chunk"),
        pytest.param(OK + CHUNKED + b"\r\n", id="before the first chunk"),
        pytest.param(b"HTTP/1.1 103 Hints\r\n\r\n", id="after an interim answer"),
        pytest.param(b"", id="before it began"),
    ],
)
def test_an_answer_cut_short_fails_with_an_unknown_outcome(data: bytes) -> None:
    with RawServer(after_request(lambda connection: connection.send(data))) as server:
        result = update(server.url, retries=1)
    assert failure(result) == ("connection_failed", "unknown", 2)
    assert "the connection broke before the answer was complete" in result["msg"]


@pytest.mark.parametrize("status", [102, 103, 199])
def test_endless_interim_answers_end_at_the_timeout(status: int) -> None:
    def flood(connection: AcceptedConnection) -> None:
        connection.read_request()
        while True:
            connection.send(b"HTTP/1.1 %d Any\r\nX: y\r\n\r\n" % status * 100)

    with RawServer(flood) as server:
        result = update(server.url, timeout=0.6, retries=0)
    assert failure(result) == ("timed_out", "unknown", 1)


@pytest.mark.parametrize("fields", [b"Content-Length: 48\r\n", CHUNKED, b"", LENGTH * 2])
def test_http_304_is_read_without_a_body(fields: bytes) -> None:
    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 304 Not Modified\r\n" + fields + b"\r\n")
        connection.sock.recv(1)

    with RawServer(behave) as server:
        result = update(server.url)
        assert server.connections == 1
    assert failure(result) == ("redirected", "unknown", 1)


def test_http_413_is_explained_by_the_size_of_the_request() -> None:
    page = b"<html><h1>413 Request Entity Too Large</h1></html>"
    with RawServer(answer(page, 413, "Content-Type: text/html\r\n", close=True)) as server:
        result = update(server.url)
    assert failure(result) == ("unexpected_answer", "unknown", 1)
    assert result["msg"].startswith(
        "127.0.0.1 sent a web page instead of an answer (HTTP 413). The request is too large for the "
        "server, or for a proxy in front of it: send fewer numbers, or have its limit raised."
    )


def test_a_key_in_a_malformed_header_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = OK + LENGTH + b"no field " + API_KEY.encode() + b"\r\n\r\n" + BODY
    with RawServer(after_request(lambda connection: connection.send(data))) as server:
        assert update(server.url)["changed"] is True
    assert API_KEY not in caplog.text


ERRORS = [ValueError, LookupError, AttributeError, RecursionError, MemoryError, UnicodeError]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_unexpected_error_in_the_exchange_fails_with_an_unknown_outcome(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: t.Any) -> t.NoReturn:
        raise kind(API_KEY)

    # Called by the libraries for every answer.
    monkeypatch.setattr("http.client.parse_headers", fail)
    with RawServer(answer()) as server:
        result = update(server.url)
        assert server.connections == 1
    assert failure(result) == ("connection_failed", "unknown", 1)
    assert result["msg"].startswith(
        f"Unexpected error in the collection: {kind.__name__} in fail, line "
    )
    assert "Please report this message. Whether the update was applied is not" in result["msg"]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_unexpected_error_in_judging_fails_with_an_unknown_outcome(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise kind(API_KEY)

    monkeypatch.setattr(_request, "judge_answer", fail)
    with RawServer(answer()) as server:
        result = update(server.url)
        assert server.connections == 1
    assert failure(result) == ("unexpected_answer", "unknown", 1)
    assert (result["http_status"], result["failure"]["http_status"]) == (200, 200)
    assert f"Unexpected error in the collection: {kind.__name__} in fail, line " in result["msg"]


def test_an_unexpected_error_before_sending_fails_as_not_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise LookupError("unknown encoding: idna")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    result = update("https://cc.partner.example")
    assert failure(result) == ("connection_failed", "not_applied", 1)
    assert "Unexpected error in the collection: LookupError in fail, line " in result["msg"]
