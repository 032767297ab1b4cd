# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one request, as the vendor's reference page gives it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._request import (
    HEADERS,
    update_body,
    update_url,
)

GALAXY_YML = Path(__file__).resolve().parents[4] / "galaxy.yml"


def test_the_body_matches_the_sample_of_the_vendor() -> None:
    body = update_body("acme", "KEY", "Sales", ["9140001001", "9140001002"], ["9140002001"])
    assert json.loads(body) == {
        "username": "acme",
        "campaignName": "Sales",
        "apiKey": "KEY",
        "dynamicDIDs": "9140001001,9140001002",
        "fallbackDynamicDIDs": "9140002001",
    }


@given(st.text(), st.text(), st.text())
def test_any_text_is_sent_unchanged(username: str, api_key: str, campaign_name: str) -> None:
    body = update_body(username, api_key, campaign_name, ["111"], ["+222", "111"])
    assert json.loads(body) == {
        "username": username,
        "campaignName": campaign_name,
        "apiKey": api_key,
        "dynamicDIDs": "111",
        "fallbackDynamicDIDs": "+222,111",
    }
    assert body.isascii()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (
            "https://in1-ccaas-api.ozonetel.com",
            "https://in1-ccaas-api.ozonetel.com/APIServices/dynamic/did/update",
        ),
        ("http://[::1]:8000/x", "http://[::1]:8000/x/APIServices/dynamic/did/update"),
    ],
)
def test_the_url_is_the_endpoint_with_the_path_of_the_api(endpoint: str, url: str) -> None:
    assert update_url(endpoint) == url


def test_the_headers_ask_for_uncompressed_json() -> None:
    assert HEADERS == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "ozonetel.cloudagent/0.1.0 (Ansible collection)",
    }


def test_the_user_agent_carries_the_version_of_the_collection() -> None:
    # Read without PyYAML, which need not be there where modules are tested.
    found = re.search(
        r"^version:\s*['\"]?([^\s'\"#]+)", GALAXY_YML.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None
    assert HEADERS["User-Agent"].startswith(f"ozonetel.cloudagent/{found.group(1)} ")
