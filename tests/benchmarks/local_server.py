# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the servers of the benchmark, and measures what one can do without a client library."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
import time
import typing as t

import certifi
import trustme

HERE = pathlib.Path(__file__).resolve().parent


class Server(t.NamedTuple):
    """A server, and the authorities to trust.

    Attributes:
        url: its base URL.
        authorities: the path of a file of authorities, or None without TLS.
    """

    url: str
    authorities: str | None = None

    @property
    def env(self) -> dict[str, str]:
        """Return the environment variables that make these authorities the default ones."""
        return {"REQUESTS_CA_BUNDLE": self.authorities} if self.authorities else {}


@contextlib.contextmanager
def running_server(name: str) -> t.Iterator[Server]:
    """Run one of the servers of server.py."""
    with _uvicorn(name) as port:
        yield Server(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def running_tls_server(name: str, folder: pathlib.Path) -> t.Iterator[Server]:
    """Run one of the servers of server.py with TLS, and the public authorities beside its own.

    Loading the file costs what loading the public bundle costs, which is what most users have.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    own, bundle = folder / "server.pem", folder / "authorities.pem"
    certificate.write_to_path(own)
    bundle.write_bytes(pathlib.Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    with _uvicorn(name, "--ssl-certfile", str(own)) as port:
        yield Server(f"https://127.0.0.1:{port}", str(bundle))


@contextlib.contextmanager
def _uvicorn(name: str, *options: str) -> t.Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"server:{name}", "--app-dir", str(HERE)]
    # Given its socket ready-made, it would answer with Nagle's delay of 40 milliseconds.
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log", *options]
    with subprocess.Popen(command) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def server_alone(server: Server, count: int) -> float:
    """Return the seconds per request of one bare socket, the least that the server can do."""
    host, _separator, port = server.url.rpartition("/")[2].partition(":")
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection((host, int(port))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        for _request in range(count):
            sock.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += sock.recv(4096)
        return (time.perf_counter() - begin) / count


def _wait_for(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
