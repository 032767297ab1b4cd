# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns in one task."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import UNKNOWN
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    BULK,
    CAMPAIGN,
    SHORT,
    Case,
    Fails,
    Options,
    Place,
    Works,
    says,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.cases.answers import CLOSE
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    Behaviour,
    after_request,
    answer,
    reset,
    silent,
)

NAMES = ("Sales", "Support", "Field", "Billing", "Night")
FIVE = {"campaigns": [{**CAMPAIGN, "campaign_name": name} for name in NAMES], "concurrency": 1}


def by_campaign(**behaviours: t.Callable[[AcceptedConnection], None]) -> Behaviour:
    """Do what is given for a campaign, and confirm all others."""

    def behave(connection: AcceptedConnection) -> None:
        while request := connection.read_request():
            name = json.loads(request.partition(b"\r\n\r\n")[2])["campaignName"]
            action = behaviours.get(name.lower())
            if action:
                action(connection)
                return
            connection.send(CONFIRMED)

    return behave


def sent_once(text: str) -> t.Callable[[AcceptedConnection], None]:
    body = json.dumps({"Message": text}).encode()
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    return lambda connection: connection.send(head + body)


def many(name: str, ends: Works | Fails, server: Behaviour, **fields: t.Any) -> Case:
    options = {**FIVE, **fields.pop("options", {})}
    return Case(name, ends, (server,), module=BULK, options=options, **fields)


def nobody_listens(place: Place) -> Options:
    return {"api_url": f"http://127.0.0.1:{place.refusing_port()}"}


CASES = [
    many(
        "All of five campaigns are updated", Works(), answer(), requests=5, summary={"changed": 5}
    ),
    many(
        "The third of five campaigns is not there",
        Fails("campaign_not_found"),
        by_campaign(field=sent_once("Campaign not found.")),
        requests=5,
        summary={"changed": 4, "failed": 1},
    ),
    many(
        "The account is refused at the third of five campaigns",
        Fails("authentication_failed"),
        by_campaign(field=sent_once("Authentication failed.")),
        requests=3,
        summary={"changed": 2, "failed": 1, "not_sent": 2},
    ),
    many(
        "The third of five campaigns fails, and stop_on_failure is given",
        Fails("campaign_not_found"),
        by_campaign(field=sent_once("Campaign not found.")),
        requests=3,
        options={"stop_on_failure": True},
        summary={"changed": 2, "failed": 1, "not_sent": 2},
    ),
    many(
        "No answer about the third of five campaigns",
        Fails("timed_out", UNKNOWN),
        by_campaign(field=silent),
        requests=5,
        options={"timeout": SHORT, "retries": 0},
        summary={"changed": 4, "failed": 1},
    ),
    many(
        "The connection is closed after each answer, and cookies are set",
        Works(),
        answer(headers=f"Set-Cookie: session=of-acme; Path=/\r\n{CLOSE}", close=True),
        requests=5,
        summary={"changed": 5},
    ),
    many(
        "The server resets every connection",
        Fails("connection_failed", UNKNOWN),
        after_request(reset),
        requests=5,
        options={"retries": 0},
        summary={"failed": 5},
    ),
    many(
        "The server is down",
        Fails("connection_failed"),
        answer(),
        prepare=nobody_listens,
        options={"retries": 0},
        summary={"failed": 5},
    ),
    many(
        "The server asks to wait for an hour",
        Fails("rate_limited"),
        answer(b"", 429, "Retry-After: 3600\r\n"),
        requests=1,
        summary={"failed": 1, "not_sent": 4},
    ),
    many(
        "The numbers of all campaigns are refused",
        Fails("invalid_dids"),
        says("Please enter the Valid DIDs assigned to the account."),
        requests=5,
        summary={"failed": 5},
    ),
    many(
        "Check mode, with a server that would refuse",
        Works(),
        says("No."),
        check=True,
        summary={"changed": 5},
    ),
    many("No campaigns", Works(False), answer(), options={"campaigns": []}, summary={}),
]
