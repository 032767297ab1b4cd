# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What an exception of the HTTP libraries means, in our own words.

Their texts and objects hold URLs, headers and addresses, so none of that goes any further.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import typing as t

from .._unexpected import describe_unexpected
from .attempt import (
    AFTER_BACKOFF,
    CONNECTION_FAILED,
    NEVER,
    NO_MORE_THREADS,
    NO_TLS,
    NOT_APPLIED,
    NOT_VALID_HTTP,
    NOT_VALID_NOW,
    OTHER_HOST,
    PROXY_FAILED,
    TIMED_OUT,
    TLS_FAILED,
    TOO_MANY_FILES,
    UNEXPECTED_ERROR,
    UNKNOWN,
    Attempt,
)
from .threads import NoThread
from .watchdog import Guard

try:
    import requests.exceptions as requests_errors
    import urllib3.connection
    import urllib3.exceptions as urllib3_errors

    # It moved with urllib3 1.26.8, from packages/ssl_match_hostname to util/ssl_match_hostname.py;
    # all versions import it into connection.py, though none exports it.
    CertificateError = urllib3.connection.CertificateError  # type: ignore[attr-defined]  # see above
    # What goes wrong on the way to a server and back comes as one of these.
    _KINDS = (
        OSError,
        http.client.HTTPException,
        requests_errors.RequestException,
        urllib3_errors.HTTPError,
    )
except ImportError:
    # Nothing is sent then: the module says before that the library is missing.
    pass

_NO_TLS_BY_ADDRESS = (
    "urllib3 before 1.26.7 can't use https:// with the address of a proxy; name its host, or write "
    "http:// if that is what it speaks"
)

# A user without a host is a TypeError: prepend_scheme_if_needed in utils.py of requests.
_UNUSABLE_URL = (ValueError, TypeError, http.client.InvalidURL)


class _Fault(t.NamedTuple):
    """What is the same for every attempt that ends in this way."""

    retry: str
    detail: str
    kind: str = ""


_HOST_MISMATCH = 62
# Verification results of OpenSSL (X509_V_ERR_..., in its manual page X509_STORE_CTX_get_error).
_CERTIFICATE_FAULTS = {
    9: _Fault(NEVER, "the certificate is not valid yet", NOT_VALID_NOW),
    10: _Fault(NEVER, "the certificate has expired", NOT_VALID_NOW),
    18: _Fault(NEVER, "the certificate is self-signed"),
    19: _Fault(
        NEVER, "the certificate chain ends in a self-signed certificate that is not trusted here"
    ),
    20: _Fault(NEVER, "the certificate comes from an authority that is not trusted here"),
    21: _Fault(NEVER, "the certificate comes from an authority that is not trusted here"),
    23: _Fault(NEVER, "the certificate was revoked"),
    _HOST_MISMATCH: _Fault(NEVER, "the certificate is for another host", OTHER_HOST),
    64: _Fault(NEVER, "the certificate is for another address", OTHER_HOST),
}
_NOT_VERIFIED = _Fault(NEVER, "the certificate could not be verified")
_NO_TLS = _Fault(NEVER, "the TLS handshake failed", NO_TLS)
_NOT_VALID_HTTP = _Fault(AFTER_BACKOFF, "the answer is not valid HTTP", NOT_VALID_HTTP)
_TOO_MANY_FILES = _Fault(
    AFTER_BACKOFF, "too many files are open where the update runs", TOO_MANY_FILES
)
_NO_MORE_THREADS = _Fault(
    AFTER_BACKOFF, "the system starts no further thread where the update runs", NO_MORE_THREADS
)


def attempt_of_fault(error: Exception, guard: Guard, has_proxy: bool) -> Attempt:
    """Return what the exception says about the attempt that it ended.

    Args:
        error: whatever was raised.
        guard: how far the attempt had come.
        has_proxy: it was to go through a proxy.
    """
    causes = list(_chain(error))
    never_began = not guard.reached_connection
    if has_proxy and never_began and _has(causes, *_UNUSABLE_URL):
        # The endpoint's own URL was checked before.
        return Attempt(PROXY_FAILED, NOT_APPLIED, NEVER, "its URL can't be used")
    outcome = NOT_APPLIED if _was_not_sent(causes, guard) else UNKNOWN
    reason, fault = _fault_of(error, causes, guard)
    return Attempt(reason, outcome, fault.retry, fault.detail, kind=fault.kind)


def _fault_of(error: Exception, causes: list[BaseException], guard: Guard) -> tuple[str, _Fault]:
    if any(getattr(cause, "errno", None) in (errno.EMFILE, errno.ENFILE) for cause in causes):
        return CONNECTION_FAILED, _TOO_MANY_FILES
    if _has(causes, NoThread):
        return CONNECTION_FAILED, _NO_MORE_THREADS
    if guard.at_proxy:
        return PROXY_FAILED, _fault_at_proxy(error, causes, guard)
    if _is_late(causes, guard):
        return TIMED_OUT, _Fault(AFTER_BACKOFF, "")
    tls_fault = _tls_fault(causes)
    if tls_fault:
        return TLS_FAILED, tls_fault
    return CONNECTION_FAILED, _other_fault(error, causes)


def _fault_at_proxy(error: Exception, causes: list[BaseException], guard: Guard) -> _Fault:
    # HTTPConnection._tunnel in Lib/http/client.py has the status of a refused CONNECT only in its
    # text.
    if any(isinstance(cause, OSError) and " 407 " in f"{cause} " for cause in causes):
        return _Fault(NEVER, "it asks for a user and a password")
    if _is_late(causes, guard):
        return _Fault(AFTER_BACKOFF, "no answer in time")
    tls_fault = _tls_fault(causes)
    if tls_fault:
        return tls_fault
    if str(error) == "check_hostname requires server_hostname":
        # Fixed in urllib3 1.26.7: https://github.com/urllib3/urllib3/issues/2400
        return _Fault(NEVER, _NO_TLS_BY_ADDRESS)
    return _other_fault(error, causes)


def _tls_fault(causes: list[BaseException]) -> _Fault | None:
    if _has(causes, ssl.SSLCertVerificationError, CertificateError):
        return _certificate_fault(causes)
    broke_off = _has(causes, ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
    if not broke_off and _has(causes, ssl.SSLError, requests_errors.SSLError):
        return _NO_TLS
    return None


def _other_fault(error: Exception, causes: list[BaseException]) -> _Fault:
    if not isinstance(error, _KINDS):
        # Sending it again would most likely end in the same error.
        return _Fault(NEVER, describe_unexpected(error), UNEXPECTED_ERROR)
    if _has(causes, socket.gaierror):
        return _Fault(AFTER_BACKOFF, "its name could not be looked up")
    if _has(causes, ConnectionRefusedError):
        return _Fault(AFTER_BACKOFF, "the connection was refused")
    if _has(causes, requests_errors.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        return _Fault(AFTER_BACKOFF, "no connection in time")
    if _has(causes, urllib3_errors.NewConnectionError):
        return _Fault(AFTER_BACKOFF, "the connection could not be established")
    if any(map(_is_invalid_http, causes)):
        return _NOT_VALID_HTTP
    return _Fault(AFTER_BACKOFF, "the connection broke before the answer was complete")


def _certificate_fault(causes: list[BaseException]) -> _Fault:
    codes = [getattr(cause, "verify_code", None) for cause in causes]
    # urllib3 1.26 compares the host by itself (_match_hostname in its connection.py), and 2 leaves
    # that to OpenSSL unless it can't (_ssl_wrap_socket_and_match_hostname there).
    if _has(causes, CertificateError) and not any(codes):
        return _CERTIFICATE_FAULTS[_HOST_MISMATCH]
    known = (_CERTIFICATE_FAULTS[code] for code in codes if code in _CERTIFICATE_FAULTS)
    return next(known, _NOT_VERIFIED)


def _was_not_sent(causes: list[BaseException], guard: Guard) -> bool:
    """Tell whether it is certain that no byte of the request went out."""
    if guard.request_started:
        return False
    if guard.reached_connection or not guard.handed_over:
        return True
    return _has(
        causes,
        requests_errors.ConnectTimeout,
        requests_errors.SSLError,
        urllib3_errors.NewConnectionError,
    )


def _is_late(causes: list[BaseException], guard: Guard) -> bool:
    if guard.connected and (guard.expired or _has(causes, socket.timeout)):
        return True
    return _has(causes, requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError)


def _is_invalid_http(cause: BaseException) -> bool:
    # Of http.client's exceptions, these two say that the connection ended:
    # https://docs.python.org/3/library/http.client.html
    return isinstance(cause, http.client.HTTPException) and not isinstance(
        cause, (http.client.IncompleteRead, http.client.RemoteDisconnected)
    )


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
