# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for CloudAgent in this process, which a test can interrupt while it works."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import typing as t

SUCCESS = "Dynamic DIDs updated successfully"

Action = t.Callable[[str], None]
Pair = t.Tuple[str, str]


class Request(t.NamedTuple):
    """A request that had its effect, if any: the campaign's lists before and after it."""

    api_key: str
    before: Pair | None
    after: Pair | None


class CloudAgent(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Keeps the lists of campaigns.

    Attributes:
        lists: both lists of each campaign, as they were sent.
        sent: the campaigns of all requests, in order.
        requests: what came of them, in the order in which they took effect.
        before: is called with the campaign's name before the lists are stored.
        after: is called after that, and before the answer; what it raises breaks the connection.
        message: of the answer; no lists are stored with another one than the success.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lists: dict[str, Pair] = {}
        self.sent: list[str] = []
        self.requests: list[Request] = []
        self.before: Action = lambda _campaign: None
        self.after: Action = lambda _campaign: None
        self.message = SUCCESS
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def server_bind(self) -> None:
        """Listen, without a look-up of the host's full name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing about what a test does to connections."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The head and the body of an answer are written one after the other.
    disable_nagle_algorithm = True
    server: CloudAgent

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body["campaignName"]
        self.server.sent.append(name)
        self.server.before(name)
        before = self.server.lists.get(name)
        if self.server.message == SUCCESS:
            self.server.lists[name] = (body["dynamicDIDs"], body["fallbackDynamicDIDs"])
        self.server.requests.append(Request(body["apiKey"], before, self.server.lists.get(name)))
        self.server.after(name)
        answer = json.dumps({"Message": self.server.message}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_POST

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""
