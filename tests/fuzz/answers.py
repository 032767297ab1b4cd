# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model server may answer to a request: what it does, and how that comes over the wire."""

from __future__ import annotations

import json
import typing as t

SUCCESS = "Dynamic DIDs updated successfully"
# As many letters as the shortest documented text has: each carries one bit of a request's number.
NUMBER_BITS = 14


class Effect(t.NamedTuple):
    """What a request does to the lists, and what the answer says about that.

    Attributes:
        stores: how many of the two lists are stored.
        message: the vendor's text, or None for an empty JSON object.
        reason: the failure that this answer stands for, or None for a success.
        body: whether the answer may have one (RFC 9112, section 6.3).
    """

    stores: int
    status: int
    message: str | None
    reason: str | None
    headers: str = ""
    body: bool = True


EFFECTS = {
    "ok": Effect(2, 200, SUCCESS, None),
    "account refused": Effect(0, 401, "Authentication failed.", "authentication_failed"),
    "campaign refused": Effect(0, 200, "Campaign not found.", "campaign_not_found"),
    "DIDs refused": Effect(
        0, 400, "Please enter the valid DIDs assigned to the account", "invalid_dids"
    ),
    "fallback DIDs refused": Effect(
        0,
        200,
        "Please enter the valid FallbackDIDs assigned to the account",
        "invalid_fallback_dids",
    ),
    "first stored, second refused": Effect(
        1,
        200,
        "Please enter the valid FallbackDIDs assigned to the account",
        "invalid_fallback_dids",
    ),
    "DIDs required": Effect(0, 200, "DIDs is required", "dids_required"),
    "fallback DIDs required": Effect(0, 200, "FallbackDIDs is required", "fallback_dids_required"),
    "too many, wait 0": Effect(0, 200, "Max limit exceeded", "rate_limited", "Retry-After: 0\r\n"),
    "HTTP 429, wait 0": Effect(0, 429, None, "rate_limited", "Retry-After: 0\r\n"),
    "HTTP 429, wait 1": Effect(0, 429, None, "rate_limited", "Retry-After: 1\r\n"),
    "HTTP 500": Effect(0, 500, None, "server_error"),
    "HTTP 500, applied": Effect(2, 500, None, "server_error"),
    "HTTP 502": Effect(0, 502, None, "server_error", "Retry-After: 0\r\n"),
    "HTTP 502, applied": Effect(2, 502, None, "server_error", "Retry-After: 0\r\n"),
    "HTTP 503": Effect(0, 503, None, "server_error", "Retry-After: 0\r\n"),
    "HTTP 503, first stored": Effect(1, 503, None, "server_error", "Retry-After: 0\r\n"),
    "HTTP 500 with the text of success": Effect(2, 500, SUCCESS, "unexpected_answer"),
    "HTTP 204": Effect(2, 204, None, "unexpected_answer", body=False),
    "HTTP 304": Effect(0, 304, None, "redirected", "Content-Length: 5\r\n", body=False),
    # Only with a delivery that gives no answer.
    "nothing": Effect(0, 200, None, None),
    "first stored": Effect(1, 200, None, None),
}
# The client sees no answer to these, and so never learns what the request did.
NO_ANSWER = ("reset", "silent", "killed")
# Interim answers, and then the final one a moment later.
INTERIM = {
    "after 100": (100,),
    "after 102": (102,),
    "after 103": (103,),
    "after 199": (199,),
    "after 100 and 103": (100, 103),
    "after 103 and 102": (103, 102),
}
# No client can see through this one: the answer to the next request is sent as well.
DECEITFUL = "answers the next one, too"
# The server ends the connection after these.
CLOSING = ("closing", "closing unsaid", "HTTP/1.0", "cut short")
# A client may distrust these, or never see them whole.
UNCLEAR = (*NO_ANSWER, "cut short", "extra bytes", "two answers")
DELIVERIES = (
    "plain",
    "a moment later",
    "chunked",
    "chunked with a length",
    "closing",
    "closing unsaid",
    "HTTP/1.0",
    "held",
    *INTERIM,
    *UNCLEAR,
)


class Answer(t.NamedTuple):
    """How one request is treated: a name from each of the tables above."""

    effect: str = "ok"
    delivery: str = "plain"

    def __str__(self) -> str:
        return self.effect if self.delivery == "plain" else f"{self.effect} ({self.delivery})"

    @property
    def is_clear(self) -> bool:
        """Return whether a client that got it has to understand it."""
        return self.delivery not in UNCLEAR


def answer_bytes(answer: Answer, number: int) -> bytes:
    """Return the final answer to the request of this number, as it goes over the wire."""
    effect = EFFECTS[answer.effect]
    version = "1.0" if answer.delivery == "HTTP/1.0" else "1.1"
    head = f"HTTP/{version} {effect.status} Any\r\n{effect.headers}"
    if answer.delivery == "closing":
        head += "Connection: close\r\n"
    if not effect.body:
        return f"{head}\r\n".encode()
    content = {} if effect.message is None else {"Message": with_number(effect.message, number)}
    body = json.dumps(content).encode()
    if answer.delivery in ("chunked", "chunked with a length"):
        chunks = _chunked(body)
        head += "Transfer-Encoding: chunked\r\n"
        if answer.delivery == "chunked with a length":
            # That of the chunks, and of no use: the encoding wins (RFC 9112, section 6.3).
            head += f"Content-Length: {len(chunks)}\r\n"
        return f"{head}\r\n".encode() + chunks
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    if answer.delivery == "cut short":
        return whole[: -len(body) // 2]
    if answer.delivery == "extra bytes":
        return whole + b"\r\n{}"
    if answer.delivery == "two answers":
        return whole + answer_bytes(Answer(), number)
    return whole


def _chunked(body: bytes) -> bytes:
    middle = len(body) // 2
    parts = [part for part in (body[:middle], body[middle:]) if part]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def with_number(text: str, number: int) -> str:
    """Return the text with the number of a request in the case of its letters.

    The collection compares the vendor's texts without case, and returns them as they came. So a
    result shows to which request its answer belongs.
    """
    letters = []
    number %= 1 << NUMBER_BITS
    for letter in text:
        upper = letter.isalpha() and number & 1
        letters.append(letter.upper() if upper else letter.lower())
        number >>= letter.isalpha()
    return "".join(letters)


def number_in(text: str) -> int:
    """Return the number that ``with_number`` put into the text, modulo 2 to the NUMBER_BITS."""
    bits = [letter.isupper() for letter in text if letter.isalpha()][:NUMBER_BITS]
    return sum(bit << position for position, bit in enumerate(bits))
