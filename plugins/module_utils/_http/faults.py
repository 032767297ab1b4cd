# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What an exception of the HTTP libraries means, in our own words.

Their texts and objects hold URLs, headers and addresses, so none of that goes any further.
"""

from __future__ import annotations

import socket
import ssl
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _failure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    AFTER_BACKOFF,
    NEVER,
    Attempt,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Guard

try:
    import requests.exceptions as requests_errors
    import urllib3.connection
    import urllib3.exceptions as urllib3_errors

    # It moved within urllib3; this is where all versions have it, though none says so.
    CertificateError = urllib3.connection.CertificateError  # type: ignore[attr-defined]
except ImportError:
    # Nothing is sent then: the module says before that the library is missing.
    pass

NO_AGREEMENT = "no secure connection was agreed on"
# Verification results of OpenSSL (X509_V_ERR_..., in its manual page X509_STORE_CTX_get_error).
_CERTIFICATE_FAULTS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate chain ends in a self-signed certificate that is not trusted here",
    20: "the certificate comes from an authority that is not trusted here",
    21: "the certificate comes from an authority that is not trusted here",
    23: "the certificate was revoked",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}


def attempt_of_fault(error: BaseException, guard: Guard) -> Attempt:
    """Return what the exception says about the attempt that it ended."""
    causes = list(_chain(error))
    outcome = _failure.NOT_APPLIED if _was_not_sent(causes, guard) else _failure.UNKNOWN
    if guard.expired and guard.connected:
        return _timed_out(outcome)
    if _has(causes, ssl.SSLCertVerificationError, CertificateError):
        return Attempt(_failure.TLS_FAILED, outcome, NEVER, _certificate_detail(causes))
    # The endpoint's own URL was checked before, so one that can't be used is the proxy's.
    if _has(causes, requests_errors.InvalidURL, requests_errors.InvalidSchema):
        return Attempt(_failure.PROXY_FAILED, outcome, NEVER, "its URL can't be used")
    if _has(causes, requests_errors.ProxyError):
        return _proxy_failed(causes, outcome)
    if _has(causes, ssl.SSLError, requests_errors.SSLError) and not _broke_off(causes):
        return Attempt(_failure.TLS_FAILED, outcome, NEVER, NO_AGREEMENT)
    if _has(causes, requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError):
        return _timed_out(outcome)
    return Attempt(_failure.CONNECTION_FAILED, outcome, AFTER_BACKOFF, _connection_detail(causes))


def _timed_out(outcome: str) -> Attempt:
    return Attempt(_failure.TIMED_OUT, outcome, AFTER_BACKOFF)


def _proxy_failed(causes: list[BaseException], outcome: str) -> Attempt:
    # http.client tells the status of a refused CONNECT in its text alone.
    if any(isinstance(cause, OSError) and " 407 " in f"{cause} " for cause in causes):
        return Attempt(_failure.PROXY_FAILED, outcome, NEVER, "it asks for a user and a password")
    return Attempt(_failure.PROXY_FAILED, outcome, AFTER_BACKOFF, _connection_detail(causes))


def _certificate_detail(causes: list[BaseException]) -> str:
    # urllib3 1.26 compares the host by itself, where later ones leave that to OpenSSL.
    if _has(causes, CertificateError):
        return _CERTIFICATE_FAULTS[62]
    codes = [getattr(cause, "verify_code", None) for cause in causes]
    known = (_CERTIFICATE_FAULTS[code] for code in codes if code in _CERTIFICATE_FAULTS)
    return next(known, "the certificate could not be verified")


def _connection_detail(causes: list[BaseException]) -> str:
    if _has(causes, socket.gaierror):
        return "its name could not be looked up"
    if _has(causes, ConnectionRefusedError):
        return "the connection was refused"
    if _has(causes, requests_errors.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        return "no connection in time"
    if _has(causes, urllib3_errors.NewConnectionError):
        return "no way to it from here"
    return "the connection broke before the answer was complete"


def _was_not_sent(causes: list[BaseException], guard: Guard) -> bool:
    """Tell whether it is certain that no byte of the request went out."""
    if guard.request_started:
        return False
    return guard.connected or _has(
        causes,
        requests_errors.ConnectTimeout,
        requests_errors.ProxyError,
        requests_errors.InvalidURL,
        requests_errors.InvalidSchema,
        requests_errors.SSLError,
        urllib3_errors.NewConnectionError,
    )


def _broke_off(causes: list[BaseException]) -> bool:
    return _has(causes, ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)


def _chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """Yield the exception and all that it was made from; the libraries nest them in many ways."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
        waiting += cause.args


def _has(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)
