# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Sessions that store nothing, follow nothing, and let the watchdog in."""

from __future__ import annotations

import base64
import os
import socket
import threading
import traceback
import typing as t
from urllib.parse import urlsplit

from .attempt import HttpRequest
from .authorities import default_authorities, shared_context
from .connecting import Address, connect
from .framing import StrictAnswer, check_that_nothing_arrived, is_silent
from .watchdog import Guard, current_guard, twin_of

REQUESTS_IMPORT_ERROR: str | None = None
Request: t.Any = object
HTTPAdapter: t.Any = object
HttpPool: t.Any = object
HttpsPool: t.Any = object
HttpConnection: t.Any = object
HttpsConnection: t.Any = object
try:
    import urllib3
    from requests import Request
    from requests.adapters import HTTPAdapter
    from requests.utils import get_auth_from_url
    from urllib3.connectionpool import HTTPConnectionPool as HttpPool
    from urllib3.connectionpool import HTTPSConnectionPool as HttpsPool
    from urllib3.exceptions import (
        ConnectTimeoutError,
        InsecureRequestWarning,
        NewConnectionError,
        SSLError,
    )
    from urllib3.util.connection import create_connection

    HttpConnection = HttpPool.ConnectionCls
    HttpsConnection = HttpsPool.ConnectionCls
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()


class _GuardedConnection:
    """What both kinds of connection add: the attempt's guard, and answers that are certain."""

    answer: StrictAnswer | None = None
    opens_tunnel = False
    # The head of a request whose body is about to come, so that both are sent at once.
    _head: bytes | None = None
    _twin: socket.socket | None = None

    def response_class(self, *arguments: t.Any, **options: t.Any) -> StrictAnswer:
        """Make an answer for http.client, and remember which was the last."""
        self.answer = StrictAnswer(*arguments, **options)
        return self.answer

    def _new_conn(self: t.Any) -> socket.socket:
        guard = current_guard()
        if guard:
            guard.reached_connection = True
            guard.at_proxy = self.proxy is not None

        def create(address: Address, seconds: float) -> socket.socket:
            return create_connection(address, seconds, socket_options=self.socket_options)

        try:
            sock = connect(self._dns_host, self.port, self.timeout, create)
        except socket.timeout as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error
        self._twin = twin_of(sock.fileno())
        if guard:
            guard.attach(self._twin)
        sock.settimeout(self.timeout)
        return sock

    def close(self: t.Any) -> None:
        """Close it, and the twin once no attempt needs that any more."""
        super().close()  # type: ignore[misc]  # as above
        twin, self._twin, self._head = self._twin, None, None
        if twin is None:
            return
        guard = current_guard()
        if guard:
            # An answer may still be read, as HTTPConnection.getresponse in Lib/http/client.py
            # closes a connection that is not to be kept.
            guard.close_at_end(twin)
        else:
            twin.close()

    @property
    def is_connected(self: t.Any) -> bool:
        """Tell the pool whether a kept connection is open, and nothing has arrived on it."""
        return self.sock is not None and is_silent(self.sock)

    def _tunnel(self: t.Any) -> None:
        self.opens_tunnel = True
        try:
            super()._tunnel()  # type: ignore[misc]  # the connection mixed in with has it
        finally:
            self.opens_tunnel = False
        guard = current_guard()
        if not guard:
            return
        if guard.expired:
            # HTTPConnection._tunnel in Lib/http/client.py stops at an empty line, or at the end.
            raise socket.timeout("the proxy did not answer in time")
        guard.at_proxy = False

    def send(self: t.Any, data: t.Any) -> None:
        guard = current_guard()
        if guard and not self.opens_tunnel:
            if self._head is None:
                # Each call of the system lets other threads go first, which costs more than the call.
                self._head = data
                return
            data, self._head = self._head + data, None
            self._begin_request(guard)
        try:
            super().send(data)  # type: ignore[misc]  # as above
        except OSError:
            if guard:
                guard.request_cut_off = True
            raise

    def _begin_request(self: t.Any, guard: Guard) -> None:
        if guard.request_started:
            return
        guard.reached_connection = True
        # What the last answer said about the connection is no longer true.
        self.answer = None
        if self.sock is None:
            self.connect()
        elif not guard.connected:
            guard.attach(self._twin)
        check_that_nothing_arrived(self.sock)
        guard.request_started = True


class _GuardedHttpConnection(_GuardedConnection, HttpConnection):
    pass


class _GuardedHttpsConnection(_GuardedConnection, HttpsConnection):
    def connect(self: t.Any) -> None:
        """Connect with the context that shares its file of authorities, where there is one.

        A directory is searched while connecting, so it has nothing to share. A proxy with TLS
        would lose the file, as urllib3 makes the proxy's context from it.
        """
        authorities = self.ca_certs
        if not authorities or (self.proxy and self.proxy.scheme == "https"):
            super().connect()
            return
        try:
            self.ssl_context = shared_context(authorities)
        except OSError as error:
            # As urllib3 does when it loads them.
            raise SSLError(error) from error
        # Otherwise urllib3 would load them into it once more.
        self.ca_certs = None
        try:
            super().connect()
        finally:
            # For another connection to the server, by when the file may have changed.
            self.ca_certs = authorities


class _CarefulPool:
    """What both kinds of pool add: no connection is kept on which another answer may begin."""

    def _put_conn(self, conn: t.Any) -> None:
        if conn is not None and not (conn.answer and conn.answer.keeps_connection):
            conn.close()
        super()._put_conn(conn)  # type: ignore[misc]  # the pool mixed in with has it


class _GuardedHttpPool(_CarefulPool, HttpPool):
    ConnectionCls = _GuardedHttpConnection


class _GuardedHttpsPool(_CarefulPool, HttpsPool):
    ConnectionCls = _GuardedHttpsConnection


_POOLS = {"http": _GuardedHttpPool, "https": _GuardedHttpsPool}


class GuardedAdapter(HTTPAdapter):
    """The adapter of requests with our connections, straight to the server or through a proxy."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Give the connections to servers our kinds of pool."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_headers(self, proxy: str) -> t.Any:
        """Return what the proxy is told of its user, also beyond the Latin-1 of requests."""
        try:
            return super().proxy_headers(proxy)
        except UnicodeEncodeError:
            account = ":".join(get_auth_from_url(proxy)).encode("utf-8", "surrogateescape")
            return {"Proxy-Authorization": f"Basic {base64.b64encode(account).decode('ascii')}"}

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Return what connects through a proxy, with our kinds of pool."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class Session:
    """The connections to one server, and nothing else that is kept between two requests.

    It sends through an adapter of requests. Cookies, ``.netrc``, redirects, and proxies and
    certificates from the environment are the work of its sessions, which this does without.
    """

    def __init__(self) -> None:
        self._adapter = GuardedAdapter(max_retries=0)
        self._prepared: dict[str, t.Any] = {}

    def post_bytes(self, request: HttpRequest, timeout: tuple[float, float]) -> t.Any:
        """Send the request and return the response, of which the body is still to be read.

        Only the body differs from one request to the next, so the rest is prepared once.

        Args:
            request: what to send.
            timeout: the seconds for connecting, and those for each wait after that.
        """
        prepared = self._prepared.get(request.url)
        if prepared is None:
            whole = Request("POST", request.url, headers=request.headers, data=request.body)
            prepared = self._prepared[request.url] = whole.prepare()
        prepared.body = request.body
        prepared.headers["Content-Length"] = str(len(request.body))
        return self._adapter.send(
            prepared,
            stream=True,
            timeout=timeout,
            # Named, as requests 2.32.0 to 2.32.4 changes the context that it shares by itself.
            verify=default_authorities() if request.verify is True else request.verify,
            proxies={"http": request.proxy, "https": request.proxy} if request.proxy else {},
        )


class SessionCache(threading.local):
    """The sessions of a thread: one for each server, TLS setting and proxy."""

    def __init__(self) -> None:
        self._sessions: dict[t.Any, Session] = {}

    def session_for(self, request: HttpRequest) -> Session:
        """Return the thread's session for this request's server, made when there is none."""
        url = urlsplit(request.url)
        # A forked process would share its parent's connection, and read the other's answers.
        key = (os.getpid(), url.scheme, url.netloc, request.verify, request.proxy)
        if key not in self._sessions:
            if request.verify is False:
                urllib3.disable_warnings(InsecureRequestWarning)
            self._sessions[key] = Session()
        return self._sessions[key]
