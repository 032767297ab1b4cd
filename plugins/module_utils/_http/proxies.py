# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Which proxy the environment names for a URL."""

from __future__ import annotations

import re
import urllib.request
from urllib.parse import urlsplit


def proxy_for(url: str, is_loopback: bool) -> str | None:
    """Return the proxy's URL, or None to go straight.

    Only the environment variables are read (``https_proxy``, ``all_proxy``, ``no_proxy``, ...): to
    read the system's settings of macOS after a fork may crash the process, see
    https://github.com/python/cpython/issues/105912. A loopback host never goes through a proxy.
    """
    if is_loopback:
        return None
    proxies = urllib.request.getproxies_environment()
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    # Imported here, because this file must load where requests is missing.
    from requests.utils import should_bypass_proxies

    return None if should_bypass_proxies(url, no_proxy=None) else proxy


def format_proxy(proxy: str) -> str:
    """Return a proxy's URL without user name and password, for a message."""
    scheme = re.match(r"[a-z][a-z0-9+.-]*(?=://)", proxy, re.IGNORECASE)
    # Not every password was escaped as a URL wants it, so it may reach up to the last @.
    address = proxy.rpartition("@" if "@" in proxy else "://")[2]
    try:
        parts = urlsplit(f"{scheme.group() if scheme else 'http'}://{address}")
    except ValueError:
        return "named by the environment"
    return f"{parts.scheme}://{parts.netloc}"
