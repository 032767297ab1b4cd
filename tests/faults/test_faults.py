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

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import (
    Guard,
    Watchdog,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    SUCCESS,
    Behaviour,
    Connection,
    RawServer,
    after_request,
    answer,
    silent,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    HANG_SECONDS,
    ClockDouble,
    Ended,
    ModuleDouble,
)

Result = t.Dict[str, t.Any]

REFUSED = {"Message": "Campaign not found."}


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

        def behave(connection: Connection) -> None:
            connection.time_is_over = self._latest.expire
            behaviour(connection)

        return behave


def new_client(watchdog: Watchdog | None = None, clock: Clock | None = None) -> HttpClient:
    """Return a helper with sessions of its own, which does not wait before a retry.

    Unless a clock is given, time stands still, so that no deadline comes while the machine is busy.
    """
    return HttpClient(
        SessionCache(), watchdog or Watchdog(), clock or ClockDouble(), lambda _least, _most: 0.0
    )


def update(api_url: str, client: HttpClient | None = None, **options: t.Any) -> Result:
    """Return the result of an update; it fails when it takes longer than only a hang does."""
    module = ModuleDouble(api_url=api_url, **{"timeout": 6 * HANG_SECONDS, **options})
    begin = time.monotonic()
    with pytest.raises(Ended):
        _run.run(module, client or new_client())
    assert time.monotonic() - begin < HANG_SECONDS
    assert API_KEY not in repr(module.result)
    return module.result


def failure(result: Result) -> tuple[str, str, int]:
    """Return reason, outcome and attempts, and check that the two places agree."""
    assert result["failed"] is True
    assert result["changed"] is False
    told = result["failure"]
    # What is not known to have been left out may have arrived.
    assert result["sent"] or told["outcome"] == "not_applied"
    assert told["attempts"] == result["attempts"]
    return told["reason"], told["outcome"], told["attempts"]


def send_raw(data: bytes) -> Behaviour:
    return after_request(lambda connection: connection.send(data))


def drip(data: bytes) -> Behaviour:
    return after_request(lambda connection: connection.drip(data))


def reset(connection: Connection) -> None:
    connection.reset()


def partial_then(action: t.Callable[[Connection], None]) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n{"Message": ')
        action(connection)

    return behave


def unread(connection: Connection) -> None:
    """Leave the request unread, and say nothing."""
    connection.sock.recv(1, socket.MSG_PEEK)
    silent(connection)


def after_hello(action: t.Callable[[Connection], None]) -> Behaviour:
    """Read what a client that wants TLS says first, then do this."""

    def behave(connection: Connection) -> None:
        connection.sock.recv(65536)
        action(connection)

    return behave


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
def test_what_never_ends_is_over_at_the_deadline(scheme: str, behaviour: Behaviour) -> None:
    with RawServer(behaviour) as server:
        url = server.url.replace("http:", f"{scheme}:")
        result = update(url, new_client(clock=Clock()), timeout=0.6)
    # How far each attempt came in its share of the time depends on the machine.
    assert result["failure"]["reason"] in ("timed_out", "connection_failed")


@pytest.mark.parametrize(("scheme", "behaviour"), NEVER_ENDING)
def test_what_never_ends_has_timed_out(scheme: str, behaviour: Behaviour) -> None:
    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(behaviour)) as server:
        url = server.url.replace("http:", f"{scheme}:")
        result = update(url, new_client(watchdog), timeout=6 * HANG_SECONDS)
        assert failure(result) == (
            "timed_out",
            "unknown" if scheme == "http" else "not_applied",
            3,
        )
        assert server.connections == 3
    assert watchdog.seconds == [2 * HANG_SECONDS, 3 * HANG_SECONDS, 6 * HANG_SECONDS]


def test_a_drip_is_cut_off_when_the_time_is_over() -> None:
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
        pytest.param(partial_then(reset), "connection_failed", id="reset while the body arrives"),
        pytest.param(
            partial_then(lambda connection: None), "connection_failed", id="body cut short"
        ),
        pytest.param(send_raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "connection_failed", id="not HTTP"),
        pytest.param(
            send_raw(HEAD + b"X: y\r\n" * 300 + b"\r\n"), "connection_failed", id="300 headers"
        ),
    ],
)
def test_no_answer_that_says_what_came_of_it(behaviour: Behaviour, told: str) -> None:
    with RawServer(behaviour) as server:
        result = update(server.url)
        assert failure(result) == (told, "unknown", 3)
        assert server.connections == 3
    assert "it is safe to run it again" in result["msg"]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(after_request(reset), id="reset after the request"),
        pytest.param(partial_then(reset), id="reset while the body arrives"),
        pytest.param(partial_then(lambda connection: None), id="body cut short"),
        pytest.param(answer({"error": "busy"}, 503, CLOSE, close=True), id="503"),
        pytest.param(answer({}, 500, CLOSE, close=True), id="500"),
    ],
)
def test_a_fault_that_passes(behaviour: Behaviour) -> None:
    with RawServer(behaviour, answer()) as server:
        result = update(server.url)
    assert result["changed"] is True
    assert result["attempts"] == 2


def test_timed_out_then_refused_leaves_the_outcome_unknown() -> None:
    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(after_request(silent)), answer(REFUSED)) as server:
        result = update(server.url, new_client(watchdog))
    assert failure(result) == ("campaign_not_found", "unknown", 2)


def test_connection_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = update(f"http://127.0.0.1:{port}")
    assert failure(result) == ("connection_failed", "not_applied", 3)
    assert result["msg"].startswith(
        "No answer from 127.0.0.1: the connection was refused, after 3 attempts."
    )


def test_no_connection_in_time() -> None:
    """A listener whose queue is full leaves further connections without an answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        queued = []
        for _turn in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            queued.append(sock)
        result = update(f"http://127.0.0.1:{address[1]}", timeout=0.6)
        for sock in queued:
            sock.close()
    assert failure(result) == ("connection_failed", "not_applied", 3)
    assert "no connection in time" in result["msg"]


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_an_answer_too_large_is_not_read(body: bytes, status: int) -> None:
    def endless(connection: Connection) -> None:
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
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_a_redirect_reaches_nobody_else() -> None:
    with RawServer(answer()) as target:
        for status in (301, 302, 303, 307, 308):
            location = f"Location: {target.url}/elsewhere\r\n"
            with RawServer(answer({}, status, location)) as server:
                assert failure(update(server.url)) == ("redirected", "unknown", 1)
        assert target.connections == 0


def test_a_connection_is_kept_and_one_that_was_closed_is_noticed() -> None:
    client = new_client()
    with RawServer(answer(close=True), answer()) as server:
        assert update(server.url, client)["attempts"] == 1
        assert server.closed.acquire(timeout=HANG_SECONDS)
        for _turn in range(3):
            assert update(server.url, client)["attempts"] == 1
        assert len(server.requests) == 4
        assert server.connections == 2


def test_no_cookie_travels_with_a_later_request() -> None:
    client = new_client()
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
            send_raw(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            "it asks for a user and a password",
            1,
            id="407",
        ),
        pytest.param(
            send_raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
            "the connection broke before the answer was complete",
            3,
            id="502",
        ),
    ],
)
def test_proxy_faults(
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


def test_a_proxy_whose_name_no_host_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{'a' * 70}:3128")
    result = update("https://cc.partner.example")
    assert failure(result) == ("proxy_failed", "not_applied", 3)
    assert "its name could not be looked up" in result["msg"]


def test_a_proxy_url_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http://", "socks5://127.0.0.1:1", "http://[", "http://127.0.0.1:port", "x:1:2"):
        monkeypatch.setenv("https_proxy", proxy)
        assert failure(update("https://cc.partner.example")) == ("proxy_failed", "not_applied", 1)


def test_tls_with_a_private_authority(authority: Authority) -> None:
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        client = new_client()
        for _turn in range(2):
            assert update(server.url, client, ca_path=authority.path)["changed"] is True
        assert server.connections == 1


def test_the_authority_may_come_from_the_environment(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        assert update(server.url)["changed"] is True


def test_validate_certs_false_beats_the_environment(
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
def test_a_certificate_that_can_not_be_verified(
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
def test_no_tls_on_the_other_side(behaviour: Behaviour, told: str, attempts: int) -> None:
    with RawServer(after_hello(behaviour)) as server:
        result = update(server.url.replace("http:", "https:"))
    assert failure(result) == (told, "not_applied", attempts)


def test_the_success_text_on_a_connection_that_the_watchdog_ended_is_no_success() -> None:
    """A body without a length ends where the socket does, and may look complete."""

    def almost(connection: Connection) -> None:
        connection.read_request()
        connection.send(
            b"HTTP/1.0 200 OK\r\n\r\n" + b'{"Message": "Dynamic DIDs updated successfully"}'
        )
        connection.drip(b" " * 1000)

    watchdog = ToldWatchdog()
    with RawServer(watchdog.told_by(almost)) as server:
        result = update(server.url, new_client(watchdog), retries=0)
    assert failure(result) == ("timed_out", "unknown", 1)


def _watchdog_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cloudagent"]


def test_one_thread_watches_over_many_updates() -> None:
    before = len(_watchdog_threads())
    client = new_client()
    with RawServer(answer(SUCCESS)) as server:
        for _turn in range(20):
            update(server.url, client)
    assert len(_watchdog_threads()) == before + 1


def test_a_ca_path_without_certificates_is_told_as_such(
    tmp_path: pathlib.Path, authority: Authority
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n", encoding="utf-8")
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        result = update(server.url, ca_path=str(empty))
    assert failure(result) == ("tls_failed", "not_applied", 1)
    assert "ca_path, if given, names certificates in PEM form" in result["msg"]
