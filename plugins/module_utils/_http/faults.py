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

from .. import _failure
from .attempt import AFTER_BACKOFF, NEVER, Attempt
from .threads import NoThread
from .watchdog import Guard

try:
    import requests.exceptions as requests_errors
    import urllib3.connection
    import urllib3.exceptions as urllib3_errors

    # It moved within urllib3; this is where all versions have it, though none says so.
    CertificateError = urllib3.connection.CertificateError  # type: ignore[attr-defined]
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

NO_AGREEMENT = "no secure connection was agreed on"
NOT_VALID_HTTP = "the answer is not valid HTTP"
TOO_MANY_FILES = "too many files are open where the update runs"
NO_MORE_THREADS = "the system starts no further thread where the update runs"
UNFORESEEN = "an error that it did not foresee"
_NO_TLS_BY_ADDRESS = (
    "urllib3 before 1.26.7 can't use https:// with the address of a proxy; name its host, or write "
    "http:// if that is what it speaks"
)

_HOST_MISMATCH = 62
# Verification results of OpenSSL (X509_V_ERR_..., in its manual page X509_STORE_CTX_get_error).
_CERTIFICATE_FAULTS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate chain ends in a self-signed certificate that is not trusted here",
    20: "the certificate comes from an authority that is not trusted here",
    21: "the certificate comes from an authority that is not trusted here",
    23: "the certificate was revoked",
    _HOST_MISMATCH: "the certificate is for another host",
    64: "the certificate is for another address",
}


def attempt_of_fault(error: Exception, guard: Guard, has_proxy: bool) -> Attempt:
    """Return what the exception says about the attempt that it ended.

    Args:
        error: whatever was raised.
        guard: how far the attempt had come.
        has_proxy: it was to go through a proxy.
    """
    causes = list(_chain(error))
    never_began = not guard.reached_connection
    if has_proxy and never_began and _has(causes, ValueError, http.client.InvalidURL):
        # The endpoint's own URL was checked before.
        return Attempt(_failure.PROXY_FAILED, _failure.NOT_APPLIED, NEVER, "its URL can't be used")
    outcome = _failure.NOT_APPLIED if _was_not_sent(causes, guard) else _failure.UNKNOWN
    if any(getattr(cause, "errno", None) in (errno.EMFILE, errno.ENFILE) for cause in causes):
        return Attempt(_failure.CONNECTION_FAILED, outcome, AFTER_BACKOFF, TOO_MANY_FILES)
    if _has(causes, NoThread):
        return Attempt(_failure.CONNECTION_FAILED, outcome, AFTER_BACKOFF, NO_MORE_THREADS)
    if guard.at_proxy:
        detail, retry = _what_happened_at_proxy(error, causes, guard)
        return Attempt(_failure.PROXY_FAILED, outcome, retry, detail)
    if _is_late(causes, guard):
        return Attempt(_failure.TIMED_OUT, outcome, AFTER_BACKOFF)
    if _is_about_certificate(causes):
        return Attempt(_failure.TLS_FAILED, outcome, NEVER, _certificate_detail(causes))
    if _is_about_tls(causes):
        return Attempt(_failure.TLS_FAILED, outcome, NEVER, NO_AGREEMENT)
    detail, retry = _what_happened(error, causes)
    return Attempt(_failure.CONNECTION_FAILED, outcome, retry, detail)


def attempt_not_judged(error: Exception, http_status: int) -> Attempt:
    """Return what is left of an attempt whose answer our own code could not judge."""
    return Attempt(
        _failure.UNEXPECTED_ANSWER,
        _failure.UNKNOWN,
        detail=f"{UNFORESEEN}: {_failure.place_of(error)}",
        http_status=http_status,
    )


def _what_happened_at_proxy(
    error: Exception, causes: list[BaseException], guard: Guard
) -> tuple[str, str]:
    # http.client tells the status of a refused CONNECT only in its text.
    if any(isinstance(cause, OSError) and " 407 " in f"{cause} " for cause in causes):
        return "it asks for a user and a password", NEVER
    if _is_late(causes, guard):
        return "no answer in time", AFTER_BACKOFF
    if _is_about_certificate(causes):
        return _certificate_detail(causes), NEVER
    if _is_about_tls(causes):
        return NO_AGREEMENT, NEVER
    if str(error) == "check_hostname requires server_hostname":
        # https://github.com/urllib3/urllib3/issues/2400
        return _NO_TLS_BY_ADDRESS, NEVER
    return _what_happened(error, causes)


def _what_happened(error: Exception, causes: list[BaseException]) -> tuple[str, str]:
    """Return what to say of an error, and whether to try again."""
    if isinstance(error, _KINDS):
        return _connection_detail(causes), AFTER_BACKOFF
    # Sending it again would most likely end in the same error.
    return f"{UNFORESEEN}: {_failure.place_of(error)}", NEVER


def _certificate_detail(causes: list[BaseException]) -> str:
    codes = [getattr(cause, "verify_code", None) for cause in causes]
    # urllib3 1.26 compares the host by itself, where later ones leave that to OpenSSL.
    if _has(causes, CertificateError) and not any(codes):
        return _CERTIFICATE_FAULTS[_HOST_MISMATCH]
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
    if any(map(_is_invalid_http, causes)):
        return NOT_VALID_HTTP
    return "the connection broke before the answer was complete"


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


def _is_about_certificate(causes: list[BaseException]) -> bool:
    return _has(causes, ssl.SSLCertVerificationError, CertificateError)


def _is_about_tls(causes: list[BaseException]) -> bool:
    broke_off = _has(causes, ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
    return not broke_off and _has(causes, ssl.SSLError, requests_errors.SSLError)


def _is_invalid_http(cause: BaseException) -> bool:
    # The two exceptions to it say that the connection ended.
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
