# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy that the environment names, and how it is shown."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.proxies import (
    format_proxy,
    proxy_for,
)

URL = "https://cc.partner.example:8443/x"
PROXY = "http://user:Pa55@proxy.example:3128"
OTHER = "http://other.example:3128"

property_settings = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        pytest.param({}, URL, None, id="none"),
        pytest.param({"https_proxy": PROXY}, URL, PROXY, id="https_proxy"),
        pytest.param({"HTTPS_PROXY": PROXY}, URL, PROXY, id="HTTPS_PROXY"),
        pytest.param({"all_proxy": PROXY}, URL, PROXY, id="all_proxy"),
        pytest.param({"ALL_PROXY": PROXY}, URL, PROXY, id="ALL_PROXY"),
        pytest.param({"http_proxy": PROXY}, URL, None, id="http_proxy is for http"),
        pytest.param({"https_proxy": ""}, URL, None, id="empty"),
        pytest.param({"all_proxy": OTHER, "https_proxy": PROXY}, URL, PROXY, id="scheme first"),
        pytest.param({"HTTPS_PROXY": OTHER, "https_proxy": PROXY}, URL, PROXY, id="small letters"),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "else.example"}, URL, PROXY, id="for another"
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "cc.partner.example"}, URL, None, id="host"
        ),
        pytest.param(
            {"https_proxy": PROXY, "NO_PROXY": "cc.partner.example"}, URL, None, id="NO_PROXY"
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "a, .partner.example"}, URL, None, id="domain"
        ),
        pytest.param({"https_proxy": PROXY, "no_proxy": "*"}, URL, None, id="everything"),
        pytest.param(
            {"all_proxy": PROXY, "no_proxy": "partner.example"}, URL, None, id="of all_proxy"
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "cc.partner.example:8443"}, URL, None, id="port"
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "cc.partner.example:443"},
            URL,
            PROXY,
            id="other port",
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "192.0.2.0/24"}, "https://192.0.2.7", None, id="net"
        ),
        pytest.param(
            {"https_proxy": PROXY, "no_proxy": "192.0.2.0/24"},
            "https://192.0.3.7",
            PROXY,
            id="else",
        ),
        pytest.param({"https_proxy": "proxy:3128"}, URL, "proxy:3128", id="without a scheme"),
    ],
)
def test_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url, is_loopback=False) == proxy


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://localhost", "http://[::1]:8000"])
def test_a_loopback_host_never_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, PROXY)
    assert proxy_for(url, is_loopback=True) is None


def test_without_a_proxy_requests_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests.utils", None)
    assert proxy_for(URL, is_loopback=False) is None


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("socks5h://user:Pa55@proxy.example:1080", "socks5h://proxy.example:1080"),
        ("http://user:Pa55@proxy.example:3128", "http://proxy.example:3128"),
        ("http://user@proxy.example:3128/", "http://proxy.example:3128"),
        ("http://us@er:Pa@55@proxy.example:3128", "http://proxy.example:3128"),
        ("http://user:Pa55@[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("user:Pa55@proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example:3128/x?token=Pa55", "http://proxy.example:3128"),
        ("http://user:Pa55@[::1", "named by the environment"),
    ],
)
def test_how_a_proxy_is_shown(proxy: str, shown: str) -> None:
    assert format_proxy(proxy) == shown


@property_settings
@example("http://", "/")
@example("", "#")
@given(st.sampled_from(["http://", "https://", "socks5://", ""]), st.text())
def test_a_password_is_never_shown(scheme: str, rest: str) -> None:
    # Not every password was escaped as a URL needs it.
    assert "Pa55" not in format_proxy(f"{scheme}user:Pa55{rest}@proxy.example:3128")
