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

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    CAMPAIGN_NOT_FOUND,
    UpdateFailure,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    CONNECTION_FAILED,
    NOT_APPLIED,
    PROXY_FAILED,
    TIMED_OUT,
    UNKNOWN,
    Attempt,
    Exchange,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    read_api_settings,
    read_campaign,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._request import (
    HEADERS,
    send_update,
    update_body,
    update_url,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._version import VERSION
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble, ModuleDouble

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
    expected = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": f"ozonetel.cloudagent/{VERSION} (Ansible collection)",
    }
    assert expected == HEADERS


def test_the_user_agent_carries_the_version_of_the_collection() -> None:
    # Read without PyYAML, which need not be there where modules are tested.
    found = re.search(
        r"^version:\s*['\"]?([^\s'\"#]+)", GALAXY_YML.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None
    assert HEADERS["User-Agent"].startswith(f"ozonetel.cloudagent/{found.group(1)} ")


class ClientDouble(HttpClient):
    """Stands for an exchange that ends with these attempts."""

    def __init__(self, *attempts: Attempt) -> None:
        super().__init__(SessionCache(), Watchdog(), ClockDouble())
        self._attempts = list(attempts)

    def post(self, *_arguments: object, **_options: object) -> Exchange:
        return Exchange(self._attempts)


REFUSED_CONNECTION = Attempt(CONNECTION_FAILED, NOT_APPLIED)


@pytest.mark.parametrize(
    ("attempts", "sent"),
    [
        pytest.param([REFUSED_CONNECTION] * 3, False, id="three refused connections"),
        pytest.param([Attempt(PROXY_FAILED, NOT_APPLIED)], False, id="no way to the proxy"),
        pytest.param(
            [Attempt(PROXY_FAILED, NOT_APPLIED, http_status=407)], False, id="the proxy refuses"
        ),
        pytest.param(
            [Attempt(CAMPAIGN_NOT_FOUND, NOT_APPLIED, http_status=200)], True, id="a refusal"
        ),
        pytest.param([Attempt(TIMED_OUT, UNKNOWN)], True, id="no answer"),
        pytest.param(
            [Attempt(TIMED_OUT, UNKNOWN), REFUSED_CONNECTION], True, id="no answer, then refused"
        ),
    ],
)
def test_a_failure_says_whether_a_request_may_have_arrived(
    attempts: list[Attempt], sent: bool
) -> None:
    module = ModuleDouble()
    client = ClientDouble(*attempts)
    with pytest.raises(UpdateFailure) as raised:
        send_update(
            client,
            read_api_settings(module.params, {}),
            read_campaign(module.params),
            Deadline(client.clock, 60.0),
            lambda: True,
        )
    assert (raised.value.sent, raised.value.attempts) == (sent, len(attempts))
