# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the servers of the benchmark, and measures what one can do alone."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
import time
import typing as t

HERE = pathlib.Path(__file__).resolve().parent


@contextlib.contextmanager
def running_server(name: str) -> t.Iterator[str]:
    """Run one of the servers of server.py and give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"server:{name}", "--app-dir", str(HERE)]
    # Given its socket ready-made, it would answer with Nagle's delay of 40 milliseconds.
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    server = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command) as process:
        try:
            _wait_for(server)
            yield server
        finally:
            process.terminate()


def server_alone(server: str, count: int) -> float:
    """Return the seconds per request of one bare socket, the least that the server can do."""
    host, _separator, port = server.rpartition("/")[2].partition(":")
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


def _wait_for(server: str) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            server_alone(server, 1)
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
