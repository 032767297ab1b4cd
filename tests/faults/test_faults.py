# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix on real sockets: what comes of each, and that it ends in time."""

from __future__ import annotations

import contextlib
import gzip
import pathlib
import resource
import socket
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import (
    Guard,
    Watchdog,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    SUCCESS,
    AcceptedConnection,
    Behaviour,
    RawServer,
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
from ansible_collections.ozonetel.cloudagent.tests.faults.support import (
    REFUSED,
    failure,
    hasty_client,
    update,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS


class ToldWatchdog(Watchdog):
    """Ends an attempt when the server says so: on a busy machine, any time may be too short."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._latest = Guard(0.0)

    @contextlib.contextmanager
    def watching(self, guard: Guard) -> t.Iterator[None]:
        self.seconds.append(guard.seconds)
        self._latest = guard
        with super().watching(guard):
            yield

    def told_by(self, behaviour: Behaviour) -> Behaviour:
        """Return the behaviour, which ends the attempt once the client has waited in vain."""

        def behave(connection: AcceptedConnection) -> None:
            connection.time_is_over = self._latest.expire
            behaviour(connection)

        return behave


def drip(data: bytes) -> Behaviour:
    return after_request(lambda connection: connection.drip(data))


HEAD = b"HTTP/1.1 200 OK\r\n"
# Without it, a retry may go out on the connection before its end is seen, and be lost with it.
CLOSE = "Connection: close\r\n"
ENDLESS = b"x" * 20_000
# What would last for minutes, by the scheme of the URL.
NEVER_ENDING = [
    pytest.param("http", unread, id="no answer to the connection"),
    pytest.param("http", after_request(silent), id="no answer after the request"),
    pytest.param("http", drip(HEAD + b"X-Drip: " + ENDLESS), id="headers drip"),
    pytest.param(
        "http", drip(HEAD + b"Content-Length: 99999\r\n\r\n" + ENDLESS), id="a body drips"
    ),
    pytest.param(
        "http",
        drip(HEAD + b"Connection: close\r\n\r\n" + ENDLESS),
        id="a body without a length drips",
    ),
    pytest.param("http", drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000), id="100 Continue for ever"),
    pytest.param("https", after_hello(silent), id="silence instead of TLS"),
    pytest.param(
        "https",
        after_hello(lambda connection: connection.drip(b"\x16\x03\x03\x40\x00" + ENDLESS)),
        id="a drip instead of TLS",
    ),
]


@pytest.mark.parametrize(("scheme", "behaviour"), NEVER_ENDING)
def test_an_endless_exchange_ends_at_the_timeout(scheme: str, behaviour: Behaviour) -> None:
    with RawServer(behaviour) as server:
        url = server.url.replace("http:", f"{scheme}:")
        result = update(url, hasty_client(clock=Clock()), timeout=0.6)
    # How far each attempt came in its share of the time depends on the machine.
    assert result["failure"]["reason"] in ("timed_out", "connection_failed")


@pytest.mark.parametrize(("scheme", "behaviour"), NEVER_ENDING)
def test_an_endless_exchange_fails_with_timed_out(scheme: str, behaviour: Behaviour) -> None:
    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(behaviour)) as server:
        url = server.url.replace("http:", f"{scheme}:")
        result = update(url, hasty_client(watchdog), timeout=6 * HANG_SECONDS)
        assert failure(result) == (
            "timed_out",
            "unknown" if scheme == "http" else "not_applied",
            3,
        )
        assert server.connections == 3
    assert watchdog.seconds == [2 * HANG_SECONDS, 3 * HANG_SECONDS, 6 * HANG_SECONDS]


def test_the_watchdog_ends_a_connection_that_still_receives_bytes() -> None:
    here, there = socket.socketpair()
    here.settimeout(HANG_SECONDS)

    def drip_for_ever() -> None:
        with contextlib.suppress(OSError):
            while True:
                there.send(b"x")

    dripping = threading.Thread(target=drip_for_ever, daemon=True)
    begin = time.monotonic()
    guard = Guard(0.1)
    with here, there, Watchdog().watching(guard):
        guard.attach(here)
        dripping.start()
        while here.recv(65536):
            assert time.monotonic() - begin < HANG_SECONDS
        assert guard.expired
        dripping.join()
    assert time.monotonic() - begin >= 0.1


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        pytest.param(after_request(reset), "connection_failed", id="reset after the request"),
        pytest.param(
            after_request(lambda connection: None),
            "connection_failed",
            id="closed after the request",
        ),
        pytest.param(after_a_part(reset), "connection_failed", id="reset while the body arrives"),
        pytest.param(
            after_a_part(lambda connection: None), "connection_failed", id="body cut short"
        ),
        pytest.param(sends(b"SSH-2.0-OpenSSH_9.2\r\n"), "connection_failed", id="not HTTP"),
        pytest.param(
            sends(HEAD + b"X: y\r\n" * 300 + b"\r\n"), "connection_failed", id="300 headers"
        ),
    ],
)
def test_a_broken_answer_fails_with_an_unknown_outcome(behaviour: Behaviour, told: str) -> None:
    with RawServer(behaviour) as server:
        result = update(server.url)
        assert failure(result) == (told, "unknown", 3)
        assert server.connections == 3
    assert "it is safe to run it again" in result["msg"]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(after_request(reset), id="reset after the request"),
        pytest.param(after_a_part(reset), id="reset while the body arrives"),
        pytest.param(after_a_part(lambda connection: None), id="body cut short"),
        pytest.param(answer({"error": "busy"}, 503, CLOSE, close=True), id="503"),
        pytest.param(answer({}, 500, CLOSE, close=True), id="500"),
    ],
)
def test_an_update_succeeds_after_a_temporary_fault(behaviour: Behaviour) -> None:
    with RawServer(behaviour, answer()) as server:
        result = update(server.url)
    assert result["changed"] is True
    assert result["attempts"] == 2


def test_a_refusal_after_a_timeout_leaves_the_outcome_unknown() -> None:
    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(after_request(silent)), answer(REFUSED)) as server:
        result = update(server.url, hasty_client(watchdog))
    assert failure(result) == ("campaign_not_found", "unknown", 2)


def test_a_refused_connection_fails_as_not_applied() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = update(f"http://127.0.0.1:{port}")
    assert failure(result) == ("connection_failed", "not_applied", 3)
    assert result["msg"].startswith(
        "No answer from 127.0.0.1: the connection was refused, after 3 attempts."
    )


def test_a_connection_not_accepted_in_time_fails_as_not_applied() -> None:
    with full_listener() as address:
        result = update(f"http://{address}", timeout=0.6)
    assert failure(result) == ("connection_failed", "not_applied", 3)
    assert "no connection in time" in result["msg"]


def test_an_unknown_host_fails_as_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    result = update("https://cc.partner.example")
    assert failure(result) == ("connection_failed", "not_applied", 3)
    assert "cc.partner.example: its name could not be looked up" in result["msg"]


def test_a_look_up_that_hangs_does_not_outlast_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: over.wait())
    result = update("https://cc.partner.example", timeout=0.6)
    over.set()
    assert failure(result) == ("connection_failed", "not_applied", 3)


def test_every_address_of_a_host_is_tried(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens on the first two addresses, and the look-up names the third one twice."""
    real_look_up = socket.getaddrinfo

    def found(host: str, port: int, *arguments: t.Any, **options: t.Any) -> list[t.Any]:
        if host != "cc.partner.example":
            return real_look_up(host, port, *arguments, **options)
        addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    authority = Authority(tmp_path)
    with RawServer(answer(), tls=authority.context("cc.partner.example")) as server:
        result = update(f"https://cc.partner.example:{server.port}", ca_path=authority.path)
        assert server.connections == 1
    assert (result["changed"], result["attempts"]) == (True, 1)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="endless, chunked"),
        pytest.param(b"x" * 10_000_000, id="10 MB"),
        pytest.param(gzip.compress(b"\0" * 80_000_000), id="80 MB when decompressed"),
    ],
)
@pytest.mark.parametrize("status", [200, 302])
def test_an_oversized_answer_is_not_read_into_memory(body: bytes, status: int) -> None:
    def endless(connection: AcceptedConnection) -> None:
        connection.send(b"HTTP/1.1 %d Any\r\nTransfer-Encoding: chunked\r\n" % status)
        connection.send(b"Location: https://elsewhere.example/\r\n\r\n")
        while True:
            connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    headers = "Content-Encoding: gzip\r\nLocation: https://elsewhere.example/\r\n"
    behaviour = answer(body, status, headers) if body else after_request(endless)
    before = _peak_memory()
    with RawServer(behaviour) as server:
        result = update(server.url)
    reason = "redirected" if status == 302 else "unexpected_answer"
    assert failure(result) == (reason, "unknown", 1)
    assert _peak_memory() - before < 50_000_000


def _peak_memory() -> int:
    """Return the most bytes of memory that this process has had."""
    # Linux counts in KiB, macOS in bytes: getrusage(2) of each.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_a_redirect_is_not_followed() -> None:
    with RawServer(answer()) as target:
        for status in (301, 302, 303, 307, 308):
            location = f"Location: {target.url}/elsewhere\r\n"
            with RawServer(answer({}, status, location)) as server:
                assert failure(update(server.url)) == ("redirected", "unknown", 1)
        assert target.connections == 0


def test_a_connection_is_reused_until_the_server_closes_it() -> None:
    client = hasty_client()
    with RawServer(answer(close=True), answer()) as server:
        assert update(server.url, client)["attempts"] == 1
        assert server.closed.acquire(timeout=HANG_SECONDS)
        for _turn in range(3):
            assert update(server.url, client)["attempts"] == 1
        assert len(server.requests) == 4
        assert server.connections == 2


def test_a_cookie_is_not_sent_with_a_later_request() -> None:
    client = hasty_client()
    with RawServer(answer(headers="Set-Cookie: session=of-acme; Path=/\r\n")) as server:
        update(server.url, client)
        update(server.url, client, username="globex")
        assert len(server.requests) == 2
        assert all(b"cookie" not in request.lower() for request in server.requests)


def test_netrc_is_not_read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with RawServer(answer()) as server:
        update(server.url)
        assert b"authorization" not in server.requests[0].lower()


def test_a_loopback_host_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answer()) as proxy, RawServer(answer()) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("all_proxy", proxy.url)
        assert update(server.url)["changed"] is True
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("behaviour", "detail", "attempts"),
    [
        pytest.param(None, "the connection was refused", 3, id="down"),
        pytest.param(
            sends(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            "it asks for a user and a password",
            1,
            id="407",
        ),
        pytest.param(
            sends(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
            "the connection broke before the answer was complete",
            3,
            id="502",
        ),
    ],
)
def test_a_fault_of_the_proxy_fails_as_not_applied_and_hides_its_password(
    behaviour: Behaviour | None, detail: str, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(behaviour or silent) as proxy:
        address = proxy.url[len("http://") :]
        if behaviour is None:
            proxy.__exit__()
        monkeypatch.setenv("https_proxy", f"http://someone:proxy-password@{address}")
        result = update("https://cc.partner.example")
    assert failure(result) == ("proxy_failed", "not_applied", attempts)
    assert (
        f"The proxy http://{address} on the way to cc.partner.example failed: {detail}."
        in result["msg"]
    )
    assert "proxy-password" not in repr(result)


def test_a_proxy_name_longer_than_a_host_name_fails_in_the_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", f"http://{'a' * 70}:3128")
    result = update("https://cc.partner.example")
    assert failure(result) == ("proxy_failed", "not_applied", 3)
    assert "its name could not be looked up" in result["msg"]


def test_an_unusable_proxy_url_fails_with_proxy_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http://", "socks5://127.0.0.1:1", "http://[", "http://127.0.0.1:port", "x:1:2"):
        monkeypatch.setenv("https_proxy", proxy)
        assert failure(update("https://cc.partner.example")) == ("proxy_failed", "not_applied", 1)


def test_ca_path_makes_a_private_authority_trusted(authority: Authority) -> None:
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        client = hasty_client()
        for _turn in range(2):
            assert update(server.url, client, ca_path=authority.path)["changed"] is True
        assert server.connections == 1


def test_requests_ca_bundle_makes_a_private_authority_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        assert update(server.url)["changed"] is True


def test_validate_certs_false_overrides_requests_ca_bundle(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)
    with RawServer(
        answer(), tls=Authority(pathlib.Path(authority.path).parent).context("x.example")
    ) as server:
        assert update(server.url, validate_certs=False)["changed"] is True


@pytest.mark.parametrize(
    ("name", "expired", "trusted", "detail"),
    [
        pytest.param("127.0.0.1", False, False, "not trusted here", id="unknown authority"),
        pytest.param("127.0.0.1", True, True, "the certificate has expired", id="expired"),
        pytest.param("127.0.0.9", False, True, "the certificate is for another", id="wrong host"),
    ],
)
def test_an_untrusted_certificate_fails_before_anything_is_sent(
    name: str, expired: bool, trusted: bool, detail: str, authority: Authority
) -> None:
    with RawServer(answer(), tls=authority.context(name, expired)) as server:
        result = update(server.url, ca_path=authority.path if trusted else None)
        assert server.requests == []
    assert failure(result) == ("tls_failed", "not_applied", 1)
    assert detail in result["msg"]
    assert "ca_path" in result["msg"]


@pytest.mark.parametrize(
    ("behaviour", "told", "attempts"),
    [
        pytest.param(
            lambda c: c.send(b"HTTP/1.1 400 Bad\r\n\r\n"), "tls_failed", 1, id="plain HTTP"
        ),
        pytest.param(lambda c: None, "connection_failed", 3, id="closed at once"),
        pytest.param(reset, "connection_failed", 3, id="reset at once"),
    ],
)
def test_a_server_without_tls_fails_as_not_applied(
    behaviour: Behaviour, told: str, attempts: int
) -> None:
    with RawServer(after_hello(behaviour)) as server:
        result = update(server.url.replace("http:", "https:"))
    assert failure(result) == (told, "not_applied", attempts)


def test_a_success_text_cut_off_by_the_watchdog_is_not_trusted() -> None:
    """A body without a length ends where the socket does, and may look complete."""

    def almost(connection: AcceptedConnection) -> None:
        connection.read_request()
        connection.send(
            b"HTTP/1.0 200 OK\r\n\r\n" + b'{"Message": "Dynamic DIDs updated successfully"}'
        )
        connection.drip(b" " * 1000)

    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(almost)) as server:
        result = update(server.url, hasty_client(watchdog), retries=0)
    assert failure(result) == ("timed_out", "unknown", 1)


def _watchdog_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cloudagent"]


def test_many_updates_share_one_watchdog_thread() -> None:
    before = len(_watchdog_threads())
    client = hasty_client()
    with RawServer(answer(SUCCESS)) as server:
        for _turn in range(20):
            update(server.url, client)
    assert len(_watchdog_threads()) == before + 1


def test_a_ca_path_without_certificates_is_named_in_the_message(
    tmp_path: pathlib.Path, authority: Authority
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n", encoding="utf-8")
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        result = update(server.url, ca_path=str(empty))
    assert failure(result) == ("tls_failed", "not_applied", 1)
    assert "ca_path, if given, names certificates in PEM format" in result["msg"]
