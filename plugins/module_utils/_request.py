# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The one request: its URL, headers and body, as the vendor's reference page gives them."""

from __future__ import annotations

import json

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._endpoint import UPDATE_PATH
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._version import VERSION

HEADERS = {
    "Accept": "application/json",
    # The answer is read as it comes, so that a small one can't unpack into a large one.
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": f"ozonetel.cloudagent/{VERSION} (Ansible collection)",
}


def update_url(endpoint: str) -> str:
    """Return the URL of the update call below a normalised endpoint."""
    return endpoint + UPDATE_PATH


def update_body(
    username: str, api_key: str, campaign_name: str, dynamic: list[str], fallback: list[str]
) -> bytes:
    """Return the JSON body with its five mandatory fields."""
    return json.dumps(
        {
            "username": username,
            "campaignName": campaign_name,
            "apiKey": api_key,
            "dynamicDIDs": ",".join(dynamic),
            "fallbackDynamicDIDs": ",".join(fallback),
        }
    ).encode("ascii")
