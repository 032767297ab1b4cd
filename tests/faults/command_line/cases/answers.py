# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CloudAgent, or something in its place, answers."""

from __future__ import annotations

import base64
import gzip
import html
import json
from urllib.parse import quote

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    UNKNOWN,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    LISTS,
    SHORT,
    Case,
    Fails,
    Works,
    echoes,
    says,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CHUNKED,
    CHUNKS,
    CONFIRMED,
    LENGTH,
    AcceptedConnection,
    Behaviour,
    after_request,
    answer,
    sends,
    silent,
)

# Without it, a retry may go out on the connection before its end is seen, and be lost with it.
CLOSE = "Connection: close\r\n"
SPRING_ERROR = {
    "timestamp": "2023-10-18T09:48:01.703+0000",
    "status": 500,
    "error": "Internal Server Error",
    "path": "/APIServices/dynamic/did/update",
}
LIMIT_EXCEEDED = {"status": "error", "message": "Max limit exceeded"}
REFUSED_DIDS = "Please enter the Valid DIDs assigned to the account."

MESSAGES = {
    "Authentication failed.": "authentication_failed",
    "Campaign not found.": "campaign_not_found",
    REFUSED_DIDS: "invalid_dids",
    "DIDs is required": "dids_required",
    "Please enter the Valid FallbackDIDs assigned to the account.": "invalid_fallback_dids",
    "fallbackDIDs is required": "fallback_dids_required",
}
UNEXPECTED = Fails("unexpected_answer", UNKNOWN)


def endless(head: bytes, part: bytes) -> Behaviour:
    """Send parts as fast as they are taken."""

    def send(connection: AcceptedConnection) -> None:
        connection.send(head)
        while True:
            connection.send(part)

    return after_request(send)


def in_base64(offset: int) -> Behaviour:
    return echoes(lambda key: base64.b64encode(b"user:"[: 3 + offset] + key.encode()).decode())


HEAD = b"HTTP/1.1 200 OK\r\n"

CASES = [
    Case("The text of success", Works(), requests=1),
    Case(
        "The text of success in other letters, with spaces and no full stop",
        Works(),
        (says("  DYNAMIC dids updated Successfully "),),
        requests=1,
    ),
    Case(
        "An answer with both a length and chunks",
        Works(),
        (sends(HEAD + CHUNKED + LENGTH + b"\r\n" + CHUNKS),),
        requests=1,
    ),
    Case(
        "An interim answer, then the success",
        Works(),
        (sends(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + CONFIRMED),),
        requests=1,
    ),
    *(
        Case(
            f'The message "{text}" with HTTP {status}',
            Fails(reason),
            (says(text, status),),
            requests=1,
        )
        for number, (text, reason) in enumerate(MESSAGES.items())
        for status in (200, (400, 401, 404)[number % 3])
    ),
    Case(
        "A documented refusal with HTTP 503",
        Fails("campaign_not_found"),
        (says("Campaign not found.", 503),),
        requests=1,
    ),
    Case(
        "Refused numbers, some given without quotes",
        Fails("invalid_dids"),
        (says(REFUSED_DIDS),),
        requests=1,
        options={"dynamic_dids": [9140001001, "9140001002"]},
    ),
    Case(
        "Refused numbers among 10,000",
        Fails("invalid_dids"),
        (says(REFUSED_DIDS),),
        requests=1,
        options={"dynamic_dids": [f"914{number:07}" for number in range(10_000)]},
    ),
    Case("An unknown message", UNEXPECTED, (says("Campaign is running."),), requests=1),
    Case(
        "An unknown message with HTTP 401",
        UNEXPECTED,
        (says("Who are you?", 401),),
        requests=1,
    ),
    Case("HTTP 404 with a page", UNEXPECTED, (answer(b"<p>Not here</p>", 404),), requests=1),
    Case("HTTP 413", UNEXPECTED, (answer(b"", 413),), requests=1),
    Case(
        "The text of success with HTTP 400",
        UNEXPECTED,
        (says("Dynamic DIDs updated successfully", 400),),
        requests=1,
    ),
    Case("HTTP 500 twice", Fails("server_error", UNKNOWN), (answer({}, 500),), requests=2),
    Case("HTTP 500, then the success", Works(), (answer({}, 500, CLOSE, True), answer()), 2),
    Case(
        "The error of Spring with HTTP 200",
        Fails("server_error", UNKNOWN),
        (answer(SPRING_ERROR),),
        requests=2,
    ),
    *(
        Case(
            f"HTTP {status} throughout",
            Fails("server_error", UNKNOWN),
            (answer(b"", status),),
            requests=2,
            options={"retries": 1},
        )
        for status in (502, 503, 504)
    ),
    Case("HTTP 501", Fails("server_error", UNKNOWN), (answer(b"", 501),), requests=1),
    Case("HTTP 503, then the success", Works(), (answer(b"", 503, CLOSE, True), answer()), 2),
    Case(
        "HTTP 408 twice",
        Fails("timed_out", UNKNOWN),
        (answer(b"", 408),),
        requests=2,
        options={"retries": 1},
    ),
    Case("HTTP 425, then the success", Works(), (answer(b"", 425, CLOSE, True), answer()), 2),
    Case(
        "HTTP 429 that asks to wait a second, then the success",
        Works(),
        (answer(b"", 429, f"Retry-After: 1\r\n{CLOSE}", True), answer()),
        requests=2,
    ),
    Case(
        "HTTP 429 that asks to wait an hour",
        Fails("rate_limited"),
        (answer(b"", 429, "Retry-After: 3600\r\n"),),
        requests=1,
    ),
    Case(
        "HTTP 503 that asks to wait an hour",
        Fails("server_error", UNKNOWN),
        (answer(b"", 503, "Retry-After: 3600\r\n"),),
        requests=1,
    ),
    Case(
        "The limit of requests is exceeded, and the timeout leaves no time for a wait",
        Fails("rate_limited"),
        (answer(LIMIT_EXCEEDED),),
        requests=1,
        options={"timeout": 14},
    ),
    Case(
        "The limit of requests is exceeded twice",
        Fails("rate_limited"),
        (answer(LIMIT_EXCEEDED),),
        requests=2,
        # For a wait of 15 to 20 seconds, on a busy machine.
        options={"timeout": 50, "retries": 1},
    ),
    Case(
        "HTTP 503, then a refusal",
        Fails("campaign_not_found", UNKNOWN),
        (answer(b"", 503, CLOSE, True), says("Campaign not found.")),
        requests=2,
    ),
    Case(
        "No answer to the first request, then a refusal",
        Fails("campaign_not_found", UNKNOWN),
        (after_request(silent), says("Campaign not found.")),
        requests=2,
        options={"timeout": 2 * SHORT, "retries": 1},
    ),
    *(
        Case(
            f"A redirect with HTTP {status}",
            Fails("redirected", UNKNOWN),
            (answer({}, status, "Location: https://elsewhere.example/\r\n"),),
            requests=1,
        )
        for status in (301, 307)
    ),
    Case("HTTP 304", Fails("redirected", UNKNOWN), (answer(b"", 304),), requests=1),
    Case("An empty answer", UNEXPECTED, (answer(b""),), requests=1),
    Case("HTTP 204", UNEXPECTED, (sends(b"HTTP/1.1 204 No Content\r\n\r\n"),), requests=1),
    Case(
        "A page",
        UNEXPECTED,
        (answer(b"<!doctype html><p>Sign in", headers="Content-Type: text/html\r\n"),),
        requests=1,
    ),
    Case("JSON of another shape", UNEXPECTED, (answer({"status": "ok"}),), requests=1),
    Case("A list in JSON", UNEXPECTED, (answer([{"Message": "x"}]),), requests=1),
    Case("A message that is no text", UNEXPECTED, (answer({"Message": {"a": 1}}),), requests=1),
    Case("JSON that is cut off", UNEXPECTED, (answer(b'{"Message": "Dynamic DI'),), requests=1),
    Case(
        "Success and refusal in one answer",
        UNEXPECTED,
        (
            answer(
                b'{"Message": "Campaign not found.", '
                b'"Message": "Dynamic DIDs updated successfully"}'
            ),
        ),
        requests=1,
    ),
    Case("Bytes that are no text", UNEXPECTED, (answer(bytes(range(128, 256))),), requests=1),
    Case("An answer over 64 KiB", UNEXPECTED, (answer(b"x" * 70_000),), requests=1),
    Case(
        "An answer without an end",
        UNEXPECTED,
        (endless(HEAD + CHUNKED + b"\r\n", b"10000\r\n" + b"x" * 0x10000 + b"\r\n"),),
        requests=1,
    ),
    Case(
        "An answer without an end, in chunks of one byte",
        UNEXPECTED,
        (endless(HEAD + CHUNKED + b"\r\n", b"1\r\nx\r\n" * 1000),),
        requests=1,
    ),
    Case(
        "An answer that is small until it is decompressed",
        UNEXPECTED,
        (answer(gzip.compress(b"\0" * 40_000_000), headers="Content-Encoding: gzip\r\n"),),
        requests=1,
    ),
    Case(
        "A field of the head without an end",
        Fails("connection_failed", UNKNOWN),
        (endless(HEAD + b"X-Endless: ", b"x" * 0x10000),),
        requests=2,
        options={"retries": 1},
    ),
    Case(
        "Fields of the head without an end",
        Fails("connection_failed", UNKNOWN),
        (endless(HEAD, b"X-Field: x\r\n" * 1000),),
        requests=2,
        options={"retries": 1},
    ),
    Case(
        "A message with escape codes, NUL and a template",
        UNEXPECTED,
        (says("\x1b[31mred\x1b[0m {{ 6 * 7 }}\0\n\u202eend"),),
        requests=1,
    ),
    Case("A message of 5,000 letters", UNEXPECTED, (says("so long " * 625),), requests=1),
    Case("A message with the key", UNEXPECTED, (echoes(str),), requests=1),
    Case(
        "A message with the key in JSON",
        UNEXPECTED,
        (echoes(lambda key: json.dumps(key)[1:-1]),),
        requests=1,
    ),
    Case("A message with the key in a URL", UNEXPECTED, (echoes(quote),), requests=1),
    Case("A message with the key in HTML", UNEXPECTED, (echoes(html.escape),), requests=1),
    *(
        Case(
            f"A message with the key in base64 after {offset} bytes over whole groups",
            UNEXPECTED,
            (in_base64(offset),),
            requests=1,
        )
        for offset in range(3)
    ),
    Case(
        "A key that also occurs in the input",
        Works(),
        requests=1,
        options={"api_key": "Sales", "campaign_name": "Sales 2", "username": "Sales"},
        # From 2.22 on, ansible-core masks the key in all that comes after it.
        environment="a key that is also a name",
    ),
    Case(
        "A number twice, and one in both lists",
        Works(),
        requests=1,
        options={"dynamic_dids": ["9140001001", "9140001001", "9140002001"]},
    ),
    Case(
        "Invisible characters in a number",
        Works(),
        requests=1,
        options={"dynamic_dids": ["\u200b9140001001"]},
    ),
    Case("Check mode, with a server that would refuse", Works(), (says("No."),), check=True),
    Case(
        "Refused fallback numbers of a campaign without a record",
        Fails("invalid_fallback_dids"),
        (says("Please enter the Valid FallbackDIDs assigned to the account."),),
        requests=1,
        options={"record": False, **LISTS},
    ),
]
