# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Where an update is sent: the URL of a region, or a partner's own."""

from __future__ import annotations

import functools
import ipaddress
import re
import typing as t
from urllib.parse import SplitResult, unquote, urlsplit

from ._failure import InvalidInput

# From the vendor's reference page "Update Dynamic DIDs".
REGION_ENDPOINTS = {
    "domestic": "https://in1-ccaas-api.ozonetel.com",
    "international": "https://api.ccaas.ozonetel.com",
}
DEFAULT_REGION = "domestic"
UPDATE_PATH = "/APIServices/dynamic/did/update"

_DEFAULT_PORTS = {"https": 443, "http": 80}
_NEVER_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_BRACKETED_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\](:.*)?", re.ASCII)
_PATH = re.compile(r"(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_EXAMPLE = "Give a base URL such as https://cc.partner.example"


def choose_endpoint(
    region: str | None, api_url: str | None, environment: t.Mapping[str, str]
) -> str:
    """Return the endpoint, a normalised base URL without a trailing slash.

    What the task gives counts before the environment (``OZONETEL_API_URL``, then
    ``OZONETEL_REGION``), and the domestic region is the last resort.

    Raises:
        InvalidInput: both options are given, or the one that counts can't be used.
    """
    if region is not None and api_url is not None:
        raise InvalidInput(
            "region and api_url are both given, but only one of them can say where to send the "
            "update. Leave one out; a default of module_defaults can be left out with omit."
        )
    if api_url is not None:
        return normalise_api_url(api_url, "api_url")
    if region is not None:
        return _region_endpoint(region, "region")
    if environment.get("OZONETEL_API_URL"):
        return normalise_api_url(environment["OZONETEL_API_URL"], "OZONETEL_API_URL")
    return _region_endpoint(environment.get("OZONETEL_REGION") or DEFAULT_REGION, "OZONETEL_REGION")


def normalise_api_url(api_url: str, name: str) -> str:
    """Return the base URL in the one spelling that the record and the results use.

    Args:
        api_url: what the user gave.
        name: the option or environment variable that it came from, for the message.

    Raises:
        InvalidInput: the URL can't be used; the message never repeats a password.
    """
    if not api_url.isascii() or _NEVER_IN_URL.search(api_url):
        raise InvalidInput(
            f"{name} contains a space, a control character, a backslash or a character outside "
            f"ASCII. {_EXAMPLE}, with an international host name in its xn-- form."
        )
    parts = _split(api_url, name)
    host = _checked_host(parts, name)
    scheme = _checked_scheme(parts, host, name)
    port = _checked_port(parts, name)
    path = _checked_path(parts, name)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{shown_host}{shown_port}{path}"


# Each of many updates asks again for the same host.
@functools.lru_cache(maxsize=4)
def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or an address without brackets is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(endpoint: str) -> str:
    """Return the host of a normalised endpoint, without brackets and port."""
    return urlsplit(endpoint).hostname or ""


def _region_endpoint(region: str, name: str) -> str:
    endpoint = REGION_ENDPOINTS.get(region)
    if endpoint is None:
        raise InvalidInput(
            f"{name} must be one of {', '.join(sorted(REGION_ENDPOINTS))}. "
            "For a partner's own URL use api_url."
        )
    return endpoint


def _split(api_url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(api_url)
    except ValueError:
        raise InvalidInput(f"{name} is not a URL that can be read. {_EXAMPLE}.") from None
    if "@" in api_url:
        raise InvalidInput(
            f"{name} contains a user name or a password, which CloudAgent does not use. {_EXAMPLE}; "
            "the account goes into username and api_key."
        )
    if "?" in api_url or "#" in api_url:
        raise InvalidInput(f"{name} contains a query (?) or a fragment (#). {_EXAMPLE}.")
    return parts


def _checked_host(parts: SplitResult, name: str) -> str:
    host = (parts.hostname or "").lower()
    if parts.netloc.startswith("["):
        try:
            address = ipaddress.IPv6Address(host).compressed
        except ValueError:
            address = ""
        if not address or not _BRACKETED_HOST.fullmatch(parts.netloc):
            raise InvalidInput(f"{name} contains an IPv6 address that can't be read. {_EXAMPLE}.")
        return address
    if not _HOST_NAME.fullmatch(host) or len(host) > 253:
        raise InvalidInput(f"{name} has no host name that can be used. {_EXAMPLE}.")
    return host


def _checked_scheme(parts: SplitResult, host: str, name: str) -> str:
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host)):
        return parts.scheme
    raise InvalidInput(
        f"{name} must begin with https://, because the API key is sent with the request. Plain "
        "http:// is accepted only for the loopback addresses of this machine."
    )


def _checked_port(parts: SplitResult, name: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidInput(f"{name} has a port that is not a number from 1 to 65535.")
    return port


def _checked_path(parts: SplitResult, name: str) -> str:
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(unquote(path).split("/")):
        raise InvalidInput(f"{name} has a path that can't be used as it is. {_EXAMPLE}/prefix.")
    if path.lower().endswith(UPDATE_PATH.lower()):
        raise InvalidInput(
            f"{name} must be only the base URL: leave out {UPDATE_PATH}, which is added to it."
        )
    return path
