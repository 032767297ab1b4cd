# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the connection: to the server, through a proxy, with TLS."""

from __future__ import annotations

import ssl
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import UNKNOWN
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    SHORT,
    Case,
    Fails,
    Options,
    Place,
    Works,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    AcceptedConnection,
    Behaviour,
    after_a_part,
    after_hello,
    after_request,
    answer,
    full_listener,
    reset,
    sends,
    silent,
    unread,
)

HEAD = b"HTTP/1.1 200 OK\r\n"
ONE_SHORT_ATTEMPT = {"timeout": SHORT, "retries": 0}
NEVER_ANSWERED = Fails("timed_out", UNKNOWN)
BROKEN = Fails("connection_failed", UNKNOWN)
NO_CONNECTION = Fails("connection_failed")
NOT_TRUSTED = Fails("tls_failed")
PROXY_FAILED = Fails("proxy_failed")


def drips(head: bytes) -> Behaviour:
    return after_request(lambda connection: connection.drip(head + b"x" * 20_000))


def closed(_connection: AcceptedConnection) -> None:
    """Close the connection in order."""


def nobody_listens(place: Place) -> Options:
    return {"api_url": f"http://127.0.0.1:{place.refusing_port()}"}


def accepts_nothing(place: Place) -> Options:
    return {"api_url": f"http://{place.closing.enter_context(full_listener())}"}


def expects_tls(place: Place) -> Options:
    return {"api_url": place.server.url.replace("http:", "https:")}


def trusted(place: Place) -> Options:
    return {"ca_path": place.authority.path}


def no_certificates(place: Place) -> Options:
    path = place.folder / "empty.pem"
    path.write_text("nothing\n", encoding="ascii")
    return {"ca_path": str(path)}


def through_proxy(action: Behaviour) -> t.Callable[[Place], Options]:
    return lambda place: {**place.behind_proxy(action), **trusted(place)}


def through_tunnel(place: Place) -> Options:
    return {**place.behind_proxy(), **trusted(place)}


def any_partner(authority: Authority) -> ssl.SSLContext:
    """Make a certificate for all hosts behind the proxy."""
    return authority.context("*.partner.example")


CASES = [
    Case("Nobody listens", NO_CONNECTION, prepare=nobody_listens),
    Case(
        "A name that cannot be looked up",
        NO_CONNECTION,
        options={"api_url": "https://unknown.partner.example"},
    ),
    Case(
        "A look-up that hangs",
        NO_CONNECTION,
        options={"api_url": "https://hanging.partner.example", **ONE_SHORT_ATTEMPT},
    ),
    Case(
        "No connection is accepted",
        NO_CONNECTION,
        prepare=accepts_nothing,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case(
        "The request is not read", NEVER_ANSWERED, (unread,), sent=True, options=ONE_SHORT_ATTEMPT
    ),
    Case(
        "No answer",
        NEVER_ANSWERED,
        (after_request(silent),),
        requests=2,
        options={"timeout": 2 * SHORT, "retries": 1},
    ),
    Case(
        "The head of the answer drips",
        NEVER_ANSWERED,
        (drips(HEAD + b"X-Drip: "),),
        requests=1,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case(
        "The body of the answer drips",
        NEVER_ANSWERED,
        (drips(HEAD + b"Content-Length: 99999\r\n\r\n"),),
        requests=1,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case(
        "A body without a length drips",
        NEVER_ANSWERED,
        (drips(HEAD + b"Connection: close\r\n\r\n"),),
        requests=1,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case(
        "Interim answers for ever",
        NEVER_ANSWERED,
        (after_request(lambda c: c.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000)),),
        requests=1,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case("A reset after the request", BROKEN, (after_request(reset),), requests=3),
    Case("The connection is closed after the request", BROKEN, (after_request(closed),), 3),
    Case("A reset while the answer arrives", BROKEN, (after_a_part(reset),), requests=3),
    Case("The answer is cut short", BROKEN, (after_a_part(closed),), requests=3),
    Case(
        "A reset while the answer arrives, then the success",
        Works(),
        (after_a_part(reset), answer()),
        requests=2,
    ),
    Case("What answers is no web server", BROKEN, (sends(b"SSH-2.0-OpenSSH_9.2\r\n"),), 3),
    Case(
        "A length that is no number",
        Fails("connection_failed", UNKNOWN),
        (sends(HEAD + "Content-Length: ²\r\n\r\n{}".encode()),),
        requests=3,
    ),
    Case(
        "TLS with a private authority that is named",
        Works(),
        requests=1,
        tls=lambda authority: authority.context("127.0.0.1"),
        prepare=trusted,
    ),
    Case(
        "TLS that is not verified",
        Works(),
        requests=1,
        tls=lambda authority: authority.context("elsewhere.example"),
        options={"validate_certs": False},
    ),
    Case(
        "A certificate of an unknown authority",
        NOT_TRUSTED,
        tls=lambda authority: authority.context("127.0.0.1"),
    ),
    Case(
        "A certificate that has expired",
        NOT_TRUSTED,
        tls=lambda authority: authority.context("127.0.0.1", expired=True),
        prepare=trusted,
    ),
    Case(
        "A certificate for another host",
        NOT_TRUSTED,
        tls=lambda authority: authority.context("127.0.0.9"),
        prepare=trusted,
    ),
    Case(
        "A ca_path without certificates",
        NOT_TRUSTED,
        tls=lambda authority: authority.context("127.0.0.1"),
        prepare=no_certificates,
    ),
    Case(
        "Plain HTTP where TLS is expected",
        NOT_TRUSTED,
        (after_hello(lambda c: c.send(b"HTTP/1.1 400 Bad\r\n\r\n")),),
        prepare=expects_tls,
    ),
    Case("A reset instead of TLS", NO_CONNECTION, (after_hello(reset),), prepare=expects_tls),
    Case(
        "Silence instead of TLS",
        Fails("timed_out"),
        (after_hello(silent),),
        prepare=expects_tls,
        options=ONE_SHORT_ATTEMPT,
    ),
    Case("A proxy that works", Works(), requests=1, tls=any_partner, prepare=through_tunnel),
    Case(
        "The server behind the proxy breaks the connection",
        BROKEN,
        (after_request(reset),),
        requests=3,
        tls=any_partner,
        prepare=through_tunnel,
    ),
    Case(
        "The proxy asks for a password",
        PROXY_FAILED,
        prepare=through_proxy(lambda c: c.send(b"HTTP/1.1 407 Authenticate\r\n\r\n")),
    ),
    Case(
        "The proxy cannot reach the server",
        PROXY_FAILED,
        prepare=through_proxy(lambda c: c.send(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")),
    ),
    Case(
        "The proxy is silent",
        PROXY_FAILED,
        prepare=through_proxy(silent),
        options=ONE_SHORT_ATTEMPT,
    ),
    Case(
        "The proxy is no web server",
        PROXY_FAILED,
        prepare=through_proxy(lambda c: c.send(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ),
    Case(
        "The proxy is down",
        PROXY_FAILED,
        options={"api_url": "https://cc.partner.example"},
        environment="a proxy that is down",
    ),
    Case(
        "The URL of the proxy cannot be used",
        PROXY_FAILED,
        options={"api_url": "https://cc.partner.example"},
        environment="a proxy without a host",
    ),
    Case(
        "The library requests is missing",
        Fails(None),
        environment="no requests",
    ),
]
