# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections are kept, so that no campaign is given the answer to another one's request."""

from __future__ import annotations

import http.client
import os
import pathlib
import select
import signal
import threading
import typing as t

import pytest
import urllib3.connectionpool

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    APPLIED,
    Attempt,
    HttpAnswer,
    HttpRequest,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock, Deadline
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    BODY,
    CHUNKED,
    CHUNKS,
    LENGTH,
    AcceptedConnection,
    Behaviour,
    RawServer,
    answer,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.support import (
    REFUSED,
    failure,
    hasty_client,
    update,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.test_bulk import update as bulk_update


def head(fields: bytes = b"", status: int = 200, version: bytes = b"1.1") -> bytes:
    return b"HTTP/%s %d Any\r\n%s\r\n" % (version, status, fields)


WHOLE = head(LENGTH) + BODY


def then_success(first: bytes) -> Behaviour:
    """Give this answer, and success to every further request on the connection."""

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(first)
        while connection.read_request():
            connection.send(WHOLE)

    return behave


def late(interim: bytes) -> Behaviour:
    """Send an interim answer, and the final one late: when the next request came, if one does."""

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(interim)
        # A client that waits for the final answer sends nothing meanwhile, however long this is.
        if select.select([connection.sock], [], [], 0.2)[0]:
            connection.read_request()
        connection.send(WHOLE)
        while connection.read_request():
            connection.send(head(b"Content-Length: 0\r\n", 500))

    return behave


class Served(t.NamedTuple):
    """A server, and what a client needs to get to it."""

    server: RawServer
    options: dict[str, t.Any]


@pytest.fixture(name="serve", params=["http", "https"])
def _serve(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> t.Iterator[t.Any]:
    """Return what starts a server for these connections, with and without TLS."""
    started: list[RawServer] = []

    def serve(*behaviours: Behaviour) -> Served:
        authority = Authority(tmp_path)
        tls = authority.context("127.0.0.1") if request.param == "https" else None
        started.append(RawServer(*behaviours, tls=tls).__enter__())
        return Served(started[-1], {"ca_path": authority.path})

    yield serve
    for server in started:
        server.__exit__()


Serve = t.Callable[..., Served]


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_a_late_answer_is_not_taken_for_that_of_the_next_campaign(
    serve: Serve, status: int
) -> None:
    server, options = serve(late(head(b"Link: </x>\r\n", status)), answer(REFUSED))
    client = hasty_client()
    assert update(server.url, client, **options)["changed"] is True
    second = update(server.url, client, campaign_name="Other", **options)
    assert failure(second) == ("campaign_not_found", "not_applied", 1)
    assert server.connections == 2


def test_a_late_answer_is_not_taken_for_that_of_the_next_campaign_in_bulk() -> None:
    with RawServer(late(head(status=103)), answer(REFUSED)) as server:
        results = bulk_update(server, ["Sales", "Other"], concurrency=1)["results"]
    assert [entry["changed"] for entry in results] == [True, False]
    assert results[1]["failure"]["reason"] == "campaign_not_found"


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(WHOLE + WHOLE, id="two answers"),
        pytest.param(head(CHUNKED) + CHUNKS + WHOLE, id="two answers, the first chunked"),
        pytest.param(WHOLE + b"\r\n", id="longer than announced"),
        pytest.param(head(b"X: y\r\n", 103) + WHOLE, id="after an interim answer"),
        pytest.param(head(LENGTH + b"Connection: keep-alive\r\n", version=b"1.0") + BODY, id="1.0"),
        pytest.param(head(LENGTH + LENGTH) + BODY, id="a length twice"),
        pytest.param(
            head(b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY))) + BODY,
            id="a length twice in one line",
        ),
        pytest.param(head(CHUNKED + LENGTH) + CHUNKS, id="chunked, and a length"),
        pytest.param(head(CHUNKED + b"Content-Length: \xb2\r\n") + CHUNKS, id="chunked, and none"),
        pytest.param(head(LENGTH + b"no field\r\n") + BODY, id="a line that is no field"),
        pytest.param(head(LENGTH, 304) + BODY, id="304 with a body"),
        pytest.param(head(LENGTH, 204) + BODY, id="204 with a body"),
        pytest.param(head(b"Content-Length: 0\r\n", 413), id="413"),
    ],
)
def test_a_connection_with_surplus_or_unclear_bytes_is_not_reused(
    serve: Serve, first: bytes
) -> None:
    server, options = serve(then_success(first), answer(REFUSED))
    client = hasty_client()
    update(server.url, client, retries=0, **options)
    second = update(server.url, client, campaign_name="Other", retries=0, **options)
    assert failure(second) == ("campaign_not_found", "not_applied", 1)


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(WHOLE, id="a length"),
        pytest.param(head(CHUNKED) + CHUNKS, id="chunked"),
        pytest.param(
            head(b"Transfer-Encoding: Chunked\r\n")
            + b"1;a=b\r\n{\r\n%X ; c\r\n" % (len(BODY) - 1)
            + BODY[1:]
            + b"\r\n0\r\nTrailer: x\r\nAnother: y\r\n\r\n",
            id="chunks with extensions, and trailers",
        ),
    ],
)
def test_a_connection_after_one_whole_answer_is_reused(serve: Serve, whole: bytes) -> None:
    def behave(connection: AcceptedConnection) -> None:
        while connection.read_request():
            connection.send(whole)

    server, options = serve(behave)
    client = hasty_client()
    for _turn in range(3):
        assert update(server.url, client, **options)["attempts"] == 1
    assert server.connections == 1


def test_head_and_body_are_sent_together(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    send = http.client.HTTPConnection.send

    def note_and_send(connection: http.client.HTTPConnection, data: bytes) -> None:
        sent.append(data)
        send(connection, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", note_and_send)
    server, options = serve(answer(BODY))
    assert update(server.url, **options)["changed"] is True
    assert sent == server.requests


@pytest.mark.parametrize("fields", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_no_descriptor_is_left_of_a_connection(serve: Serve, fields: bytes) -> None:
    def behave(connection: AcceptedConnection) -> None:
        while connection.read_request():
            connection.send(head(LENGTH + fields) + BODY)

    server, options = serve(behave)
    client = hasty_client()
    counts = []
    for _turn in range(3):
        assert update(server.url, client, **options)["changed"] is True
        if fields:
            # The server's descriptors are of this process too.
            assert server.closed.acquire(timeout=30)
        counts.append(len(os.listdir("/dev/fd")))
    # A connection that is kept has its two from the first update on.
    assert len(set(counts)) == 1


def looked_too_early(connection: t.Any) -> bool:
    """Stand in for urllib3's look at a kept connection, just before something arrives on it."""
    select.select([connection.sock], [], [], 30)
    return False


def test_an_answer_that_arrives_between_two_requests_is_not_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(WHOLE)
        answered.wait(30)
        connection.send(WHOLE)
        connection.read_request()

    server, options = serve(behave, answer(REFUSED))
    client = hasty_client()
    assert update(server.url, client, **options)["changed"] is True
    answered.set()
    monkeypatch.setattr(urllib3.connectionpool, "is_connection_dropped", looked_too_early)
    second = update(server.url, client, campaign_name="Other", **options)
    assert failure(second) == ("campaign_not_found", "not_applied", 2)
    assert len(server.requests) == 2


def test_a_kept_connection_that_the_server_closed_fails_as_not_applied(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(WHOLE)
        answered.wait(30)

    server, options = serve(behave)
    client = hasty_client()
    assert update(server.url, client, **options)["changed"] is True
    answered.set()
    monkeypatch.setattr(urllib3.connectionpool, "is_connection_dropped", looked_too_early)
    second = update(server.url, client, retries=0, **options)
    assert failure(second) == ("connection_failed", "not_applied", 1)


def test_an_interrupted_update_leaves_no_connection_to_reuse(serve: Serve) -> None:
    """As Ansible's timeout of a task does, in the middle of an answer."""

    class Interrupted(BaseException):
        pass

    def interrupt(_number: int, _frame: object) -> None:
        raise Interrupted

    def behave(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(WHOLE[:-5])
        os.kill(os.getpid(), signal.SIGUSR1)
        # The rest, and one more for the next request.
        connection.send(WHOLE[-5:])
        while connection.read_request():
            connection.send(WHOLE)

    server, options = serve(behave, answer(REFUSED))
    client = hasty_client()
    former = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            update(server.url, client, **options)
    finally:
        signal.signal(signal.SIGUSR1, former)
    second = update(server.url, client, campaign_name="Other", **options)
    assert failure(second) == ("campaign_not_found", "not_applied", 1)


def test_a_success_before_the_whole_request_was_sent_is_not_trusted() -> None:
    """The server answers at once and closes, with most of a large request unread."""

    def hasty(connection: AcceptedConnection) -> None:
        connection.sock.recv(1000)
        connection.send(head(b"Connection: close\r\n") + BODY)

    def judge(_answer: HttpAnswer) -> Attempt:
        return Attempt(None, APPLIED)

    with RawServer(hasty) as server:
        request = HttpRequest(server.url, {"User-Agent": "tests"}, b"x" * 50_000_000)
        exchange = hasty_client().post(request, judge, 0, Deadline(Clock(), 30.0))
    assert (exchange.last.reason, exchange.outcome) == ("connection_failed", "unknown")
