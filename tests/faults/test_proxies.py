# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way through a proxy, on real sockets: tunnels, their faults, and who is to blame."""

from __future__ import annotations

import base64
import contextlib
import ssl
import typing as t
from importlib.metadata import version

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http import client as client_file
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority, Loading
from ansible_collections.ozonetel.cloudagent.tests.faults.proxy import tunnel_to
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    Behaviour,
    RawServer,
    after_request,
    answer,
    full_listener,
    reset,
    silent,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.support import (
    REFUSED,
    failure,
    hasty_client,
    update,
)

HOST = "cc.partner.example"
ENDPOINT = f"https://{HOST}"


def proxy_to(server: RawServer, tls: ssl.SSLContext | None = None) -> RawServer:
    return RawServer(tunnel_to(server), tls=tls)


Through = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture(name="through")
def _through(monkeypatch: pytest.MonkeyPatch) -> Through:
    """Return what updates through a proxy."""

    def through(proxy: RawServer, account: str = "", **options: t.Any) -> dict[str, t.Any]:
        monkeypatch.setenv("https_proxy", url_of(proxy, account))
        return update(ENDPOINT, **options)

    return through


def url_of(proxy: RawServer, account: str = "") -> str:
    return f"{proxy.url.partition(':')[0]}://{account}localhost:{proxy.port}"


@contextlib.contextmanager
def partner(authority: Authority, *behaviours: Behaviour) -> t.Iterator[RawServer]:
    with RawServer(*behaviours, tls=authority.context(HOST)) as server:
        yield server


@pytest.mark.parametrize("tls", [False, True])
def test_a_tunnel_through_a_proxy_is_reused(
    authority: Authority, through: Through, tls: bool
) -> None:
    context = authority.context("localhost") if tls else None
    client = hasty_client()
    with partner(authority, answer()) as server, proxy_to(server, context) as proxy:
        for _turn in range(2):
            result = through(proxy, client=client, ca_path=authority.path)
            assert (result["changed"], result["attempts"]) == (True, 1)
        assert (proxy.connections, server.connections) == (1, 1)
        assert len(server.requests) == 2


@pytest.mark.parametrize("tls", [False, True])
def test_a_tunnel_with_surplus_bytes_is_not_reused(
    authority: Authority, through: Through, tls: bool
) -> None:
    context = authority.context("localhost") if tls else None
    client = hasty_client()

    def twice(connection: AcceptedConnection) -> None:
        while connection.read_request():
            connection.send(CONFIRMED + CONFIRMED)

    with partner(authority, twice, answer(REFUSED)) as server, proxy_to(server, context) as proxy:
        assert through(proxy, client=client, ca_path=authority.path)["changed"] is True
        second = through(
            proxy, client=client, ca_path=authority.path, campaign_name="Other", retries=0
        )
        assert failure(second) == ("campaign_not_found", "not_applied", 1)
        assert proxy.connections == 2


@pytest.mark.parametrize(
    ("behaviour", "detail", "attempts"),
    [
        pytest.param(silent, "no answer in time", 2, id="silent"),
        pytest.param(after_request(silent), "no answer in time", 2, id="silent after CONNECT"),
        pytest.param(
            after_request(lambda c: c.drip(b"HTTP/1.1 200 Connection" + b" " * 10_000)),
            "no answer in time",
            2,
            id="a drip",
        ),
        pytest.param(
            after_request(lambda c: c.send(b"SSH-2.0-OpenSSH_9.2\r\n")),
            "the answer is not valid HTTP",
            2,
            id="not HTTP",
        ),
        pytest.param(
            after_request(reset),
            "the connection broke before the answer was complete",
            2,
            id="reset",
        ),
        pytest.param(
            after_request(lambda c: c.send(b"HTTP/1.1 407 Authenticate\r\n\r\n")),
            "it asks for a user and a password",
            1,
            id="407",
        ),
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_a_fault_of_the_proxy_fails_with_proxy_failed(
    behaviour: Behaviour,
    detail: str,
    attempts: int,
    tls: bool,
    authority: Authority,
    through: Through,
) -> None:
    context = authority.context("localhost") if tls else None
    with RawServer(behaviour, tls=context) as proxy:
        result = through(
            proxy, "someone:proxy-password@", ca_path=authority.path, timeout=1.2, retries=1
        )
    assert failure(result) == ("proxy_failed", "not_applied", attempts)
    assert result["msg"].startswith(
        f"The proxy {url_of(proxy)} on the way to {HOST} failed: {detail}. Check the environment "
    )
    assert "proxy-password" not in repr(result)


@pytest.mark.parametrize("tls", [False, True])
def test_a_silent_proxy_fails_within_the_time_for_connecting(
    tls: bool, authority: Authority, through: Through, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LONGEST_CONNECT_SECONDS", 0.3)
    context = authority.context("localhost") if tls else None
    with RawServer(silent, tls=context) as proxy:
        result = through(proxy, ca_path=authority.path, timeout=30.0, retries=1)
    assert failure(result) == ("proxy_failed", "not_applied", 2)
    assert "failed: no answer in time." in result["msg"]


def test_a_proxy_that_accepts_no_connection_fails_with_proxy_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with full_listener() as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        result = update(ENDPOINT, timeout=1.2)
    assert failure(result) == ("proxy_failed", "not_applied", 3)
    assert f"http://{address} on the way to {HOST} failed: no connection in time" in result["msg"]


@pytest.mark.parametrize(
    ("name", "expired", "trusted", "detail"),
    [
        pytest.param("localhost", False, False, "not trusted here", id="unknown authority"),
        pytest.param("localhost", True, True, "the certificate has expired", id="expired"),
        pytest.param("x.example", False, True, "the certificate is for another", id="wrong host"),
    ],
)
def test_an_untrusted_proxy_certificate_fails_with_proxy_failed(
    name: str, expired: bool, trusted: bool, detail: str, authority: Authority, through: Through
) -> None:
    with RawServer(silent, tls=authority.context(name, expired)) as proxy:
        result = through(proxy, ca_path=authority.path if trusted else None)
    assert failure(result) == ("proxy_failed", "not_applied", 1)
    assert f"The proxy {url_of(proxy)} on the way to {HOST} failed: " in result["msg"]
    assert detail in result["msg"]


def test_an_https_proxy_given_by_its_address_needs_urllib3_1_26_7(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = authority.context("127.0.0.1")
    with partner(authority, answer()) as server, proxy_to(server, context) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        result = update(ENDPOINT, ca_path=authority.path)
    if tuple(map(int, version("urllib3").split(".")[:3])) >= (1, 26, 7):
        assert result["changed"] is True
    else:
        assert failure(result) == ("proxy_failed", "not_applied", 1)
        assert (
            "urllib3 before 1.26.7 can't use https:// with the address of a proxy"
            in (result["msg"])
        )


def test_an_https_proxy_without_tls_fails_with_proxy_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plain(connection: AcceptedConnection) -> None:
        connection.sock.recv(65536)
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with RawServer(plain) as proxy:
        monkeypatch.setenv("https_proxy", url_of(proxy).replace("http:", "https:"))
        result = update(ENDPOINT)
    assert failure(result) == ("proxy_failed", "not_applied", 1)
    assert "failed: the TLS handshake failed." in result["msg"]


@pytest.mark.parametrize(
    ("behaviour", "reason", "outcome"),
    [
        pytest.param(after_request(reset), "connection_failed", "unknown", id="reset"),
        pytest.param(after_request(silent), "timed_out", "unknown", id="silent"),
    ],
)
def test_a_fault_of_the_server_is_not_blamed_on_the_proxy(
    behaviour: Behaviour, reason: str, outcome: str, authority: Authority, through: Through
) -> None:
    with partner(authority, behaviour) as server, proxy_to(server) as proxy:
        result = through(proxy, ca_path=authority.path, timeout=1.2, retries=0)
    assert failure(result) == (reason, outcome, 1)
    assert HOST in result["msg"]


def test_a_server_that_is_silent_instead_of_tls_is_not_blamed_on_the_proxy(
    authority: Authority, through: Through, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LONGEST_CONNECT_SECONDS", 0.3)
    with RawServer(silent) as server, proxy_to(server) as proxy:
        result = through(proxy, ca_path=authority.path, timeout=30.0, retries=1)
    assert failure(result) == ("timed_out", "not_applied", 2)


def test_an_untrusted_server_certificate_is_not_blamed_on_the_proxy(
    authority: Authority, through: Through
) -> None:
    context = authority.context("else.example")
    with RawServer(silent, tls=context) as server, proxy_to(server) as proxy:
        result = through(proxy, ca_path=authority.path)
    assert failure(result) == ("tls_failed", "not_applied", 1)
    assert f"No trusted connection to {HOST}: the certificate is for another host." in result["msg"]


def test_a_server_that_resets_instead_of_tls_fails_as_not_applied(
    authority: Authority, through: Through
) -> None:
    with RawServer(reset) as server, proxy_to(server) as proxy:
        result = through(proxy, ca_path=authority.path, retries=0)
    assert failure(result) == ("connection_failed", "not_applied", 1)


@pytest.mark.parametrize(
    ("account", "sent"),
    [
        ("user:word", b"user:word"),
        ("us%C3%A9r:w%3Ard", "usér:w:rd".encode("latin-1")),
        ("usér:wörd", "usér:wörd".encode("latin-1")),
        ("имя:слово", "имя:слово".encode()),
        ("%D0%B8%D0%BC%D1%8F:%E2%82%AC", "имя:€".encode()),
    ],
)
def test_user_and_password_of_the_proxy_are_decoded_and_sent(
    account: str, sent: bytes, authority: Authority, through: Through
) -> None:
    with partner(authority, answer()) as server, proxy_to(server) as proxy:
        result = through(proxy, f"{account}@", ca_path=authority.path)
        assert result["changed"] is True
        token = base64.b64encode(sent)
        assert b"Proxy-Authorization: Basic " + token in proxy.requests[0]


@pytest.mark.parametrize(
    "proxy",
    [
        "ftp://127.0.0.1:1",
        "http://[::1",
        "http://a b:1",
        "http://%zz:1",
        "http://a:99999",
        "http://\u2603:1",
        "http://x\n:1",
        "http://.:1",
        "http://user:word@",
        "\udce9:1",
    ],
)
def test_an_unusable_proxy_url_fails_with_proxy_failed(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    reason, outcome, _attempts = failure(update(ENDPOINT))
    assert (reason, outcome) == ("proxy_failed", "not_applied")


@pytest.mark.parametrize("tls", [False, True])
def test_authorities_are_shared_beyond_a_proxy(
    authority: Authority, through: Through, loading: Loading, tls: bool
) -> None:
    context = authority.context("localhost") if tls else None
    with partner(authority, answer()) as server, proxy_to(server, context) as proxy:
        for _turn in range(2):
            assert through(proxy, ca_path=authority.path)["changed"] is True
    # With TLS to the proxy, urllib3 makes the contexts for both servers itself.
    assert len(loading.files) == (4 if tls else 1)
