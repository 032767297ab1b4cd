# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a task before anything is sent."""

from __future__ import annotations

import typing as t

from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    BULK,
    CAMPAIGN,
    INFO,
    RECORD,
    Case,
    Fails,
)

# Leaves an option out that all tasks have.
LEFT_OUT = None
INVALID = Fails("invalid_input")
# Ansible itself checks it.
MISUSED = Fails(None)


def refused(name: str, **options: t.Any) -> Case:
    return Case(name, INVALID, options=options)


CASES = [
    refused("An api_url with a user and a password", api_url="https://me:pass@cc.partner.example"),
    refused("An api_url with a query", api_url="https://cc.partner.example?a=b"),
    refused("An api_url with a fragment", api_url="https://cc.partner.example#top"),
    refused("An api_url with a space", api_url="https://cc.partner.example "),
    refused("An api_url with a bad port", api_url="https://cc.partner.example:99999"),
    refused("Plain HTTP to another machine", api_url="http://cc.partner.example"),
    refused(
        "An api_url with the path of the call",
        api_url="https://cc.partner.example/APIServices/dynamic/did/update",
    ),
    refused("An api_url without a host", api_url="https://"),
    refused("An api_url with an address that cannot be read", api_url="https://[::g]"),
    refused("Both region and api_url", region="international"),
    refused("An empty key", api_key=""),
    refused("A key with a line break", api_key="one\ntwo"),
    refused("A campaign_name of spaces", campaign_name=" "),
    refused("A timeout of 0", timeout=0),
    refused("11 retries", retries=11),
    refused("A ca_path that is not there", ca_path="/nowhere/authority.pem"),
    refused("A relative record_dir", record_dir="records"),
    refused("Both record_dir and record_url", record_url="postgresql://db.partner.example/records"),
    refused(
        "A record_url of another database", record_dir=LEFT_OUT, record_url="mysql://db/records"
    ),
    refused("A record_note of 300 characters", record_note="x" * 300),
    refused("skip_unchanged without a record", skip_unchanged=True, record=False),
    refused("An empty list of numbers", dynamic_dids=[]),
    refused("An empty text for numbers", dynamic_dids=""),
    refused("A number that a spreadsheet has spoiled", dynamic_dids=["9.14E+09"]),
    refused("A number with letters", dynamic_dids=["9140001001", "sales-1"]),
    refused("A number of two digits", fallback_dynamic_dids=["91"]),
    refused("A negative number", dynamic_dids=[-9140001001]),
    refused("A number that YAML has read as another", dynamic_dids=[12]),
    refused("true in place of a number", dynamic_dids=[True]),
    refused("Several numbers without commas", dynamic_dids=["9140001001 9140001002"]),
    refused("A list in a list", dynamic_dids=[["9140001001"]]),
    Case("No account", MISUSED, options={"username": LEFT_OUT, "api_key": LEFT_OUT}),
    Case("A timeout that is no number", MISUSED, options={"timeout": "soon"}),
    Case("An unknown region", MISUSED, options={"api_url": LEFT_OUT, "region": "mars"}),
    Case(
        "A bad number in the third of three campaigns",
        INVALID,
        module=BULK,
        options={
            "campaigns": [
                *({**CAMPAIGN, "campaign_name": name} for name in ("Sales", "Support")),
                {**CAMPAIGN, "campaign_name": "Field", "dynamic_dids": ["9.14E+09"]},
            ]
        },
    ),
    Case(
        "A campaign that is given twice",
        INVALID,
        module=BULK,
        options={"campaigns": [CAMPAIGN, {**CAMPAIGN, "dynamic_dids": ["9140001003"]}]},
    ),
    Case(
        "A campaign without numbers",
        MISUSED,
        module=BULK,
        options={"campaigns": [CAMPAIGN, {"campaign_name": "Support"}]},
    ),
    Case("A concurrency of 0", INVALID, module=BULK, options={"concurrency": 0}),
    Case("A time that cannot be read", INVALID, module=INFO, options={"before": "yesterday"}),
    Case("A negative history_limit", INVALID, module=INFO, options={"history_limit": -1}),
    Case("No filter", INVALID, module=RECORD, options={"state": "absent"}),
]
