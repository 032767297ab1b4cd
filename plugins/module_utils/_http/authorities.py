# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""One TLS context for each file of authorities, shared by all connections of a process.

Loading the public bundle of some 140 certificates takes more processor time than everything else
that an update does, and urllib3 loads it for each connection.
"""

from __future__ import annotations

import os
import ssl
import threading
import typing as t

try:
    from requests.adapters import DEFAULT_CA_BUNDLE_PATH
    from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context
except ImportError:
    # Nothing is sent then: the module says before that the library is missing.
    pass

_lock = threading.Lock()
_loaded: dict[str, tuple[t.Any, ssl.SSLContext]] = {}


def default_authorities() -> str:
    """Return the path of the authorities that requests trusts unless it is told others."""
    path: str = DEFAULT_CA_BUNDLE_PATH
    return path


def shared_context(path: str) -> ssl.SSLContext:
    """Return the context that trusts the authorities in this file, loaded anew when it changed.

    It verifies the server's certificate as urllib3's own contexts do. Several threads and forked
    processes may connect with it at the same time, as nothing changes it after it was made:
    https://docs.python.org/3/library/ssl.html#ssl.SSLContext

    Raises:
        OSError: the file can't be read, or holds no certificates (``ssl.SSLError``).
    """
    with _lock:
        state = _state_of(path)
        known, context = _loaded.get(path, (None, None))
        if context is None or known != state:
            context = _new_context(path)
            _loaded[path] = state, context
        return context


def _state_of(path: str) -> tuple[int, ...]:
    """Return what differs once the file has another content or is another file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _new_context(path: str) -> ssl.SSLContext:
    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(path)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    # urllib3 sets them again for each connection, while another thread may be connecting:
    # https://github.com/urllib3/urllib3/blob/2.5.0/src/urllib3/util/ssl_.py
    setattr(context, "set_alpn_protocols", _keep_protocols)  # noqa: B010  # mypy refuses a method
    return context


def _keep_protocols(_protocols: list[str]) -> None:
    """Take the place of a context's method that would change it."""
