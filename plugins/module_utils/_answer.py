# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What an answer of CloudAgent means: the body first, the HTTP status where the body is silent.

The documented texts are those of the vendor's reference page "Update Dynamic DIDs". It does not
say which HTTP status goes with which text.
"""

from __future__ import annotations

import json
import typing as t

from . import _failure
from ._http.attempt import (
    AFTER_BACKOFF,
    AFTER_RATE_LIMIT,
    APPLIED,
    NEVER,
    NOT_APPLIED,
    ONCE,
    PROXY_FAILED,
    TIMED_OUT,
    UNKNOWN,
    Attempt,
    HttpAnswer,
)
from ._masking.server_text import clean_server_text

# The kind of an answer that says both that the update succeeded and that it did not.
CONTRADICTION = "contradiction"
# The vendor's limits are per minute, so a quarter of one is the least that makes sense.
RATE_LIMIT_WAIT_SECONDS = (15.0, 20.0)

_SUCCESS = "dynamic dids updated successfully"
_RATE_LIMIT = "max limit exceeded"
_REFUSALS = {
    "authentication failed": _failure.AUTHENTICATION_FAILED,
    "campaign not found": _failure.CAMPAIGN_NOT_FOUND,
    "please enter the valid dids assigned to the account": _failure.INVALID_DIDS,
    "dids is required": _failure.DIDS_REQUIRED,
    "please enter the valid fallbackdids assigned to the account": _failure.INVALID_FALLBACK_DIDS,
    "fallbackdids is required": _failure.FALLBACK_DIDS_REQUIRED,
}
_SPRING_ERROR_KEYS = {"timestamp", "status", "error", "path"}
_PASSING_SERVER_ERRORS = (502, 503, 504)

JsonObject = t.Dict[str, object]


def judge_answer(answer: HttpAnswer, api_key: str) -> Attempt:
    """Return what the answer says about the update.

    Args:
        answer: an answer that arrived whole.
        api_key: masked in every text that is taken from the answer.
    """
    content = {} if answer.too_large else _json_object(answer.body)
    reading = _Reading(answer, content, api_key)
    if 300 <= answer.status < 400:
        return reading.unknown(_failure.REDIRECTED)
    if answer.too_large:
        return reading.unknown(_failure.UNEXPECTED_ANSWER, detail="an answer larger than 64 KiB")
    message = _text(content, "Message")
    if message in _REFUSALS:
        return reading.refused(_REFUSALS[message])
    if message == _SUCCESS:
        return reading.success()
    if _RATE_LIMIT in (message, _text(content, "message")) or answer.status == 429:
        return reading.rate_limited()
    if _is_spring_error(content) or answer.status == 500:
        return reading.unknown(_failure.SERVER_ERROR, ONCE)
    return _judge_status(reading, answer)


class _Reading:
    """An answer with the one text of it that may be shown."""

    def __init__(self, answer: HttpAnswer, content: JsonObject, api_key: str) -> None:
        self._answer = answer
        self._api_key = api_key
        texts = (content.get(key) for key in ("Message", "message", "error"))
        text = next((text for text in texts if isinstance(text, str)), None)
        self.api_message = None if text is None else clean_server_text(text, api_key)

    def success(self) -> Attempt:
        if 200 <= self._answer.status < 300:
            return self._attempt(None, APPLIED)
        detail = "the text of a success with the status of an error"
        return self.unknown(_failure.UNEXPECTED_ANSWER, NEVER, detail)._replace(kind=CONTRADICTION)

    def refused(self, reason: str) -> Attempt:
        return self._attempt(reason, NOT_APPLIED)

    def rate_limited(self) -> Attempt:
        attempt = self._attempt(_failure.RATE_LIMITED, NOT_APPLIED, AFTER_RATE_LIMIT)
        return attempt._replace(wait=RATE_LIMIT_WAIT_SECONDS)

    def unknown(self, reason: str, retry: str = NEVER, detail: str = "") -> Attempt:
        return self._attempt(reason, UNKNOWN, retry, detail)

    def describe_body(self) -> str:
        """Return what the answer is, with its beginning where that is text."""
        body = self._answer.body
        if not body.strip():
            return "an empty answer"
        text = body.decode("utf-8", "replace").lstrip("\ufeff").lstrip()
        if "html" in self._answer.content_type or text[:1] == "<":
            return "a web page instead of an answer"
        if text[:32].count("\ufffd") > 8:
            return "an answer that is not text"
        return f'an undocumented answer: "{clean_server_text(text, self._api_key)}"'

    def _attempt(
        self, reason: str | None, outcome: str, retry: str = NEVER, detail: str = ""
    ) -> Attempt:
        return Attempt(
            reason=reason,
            outcome=outcome,
            retry=retry,
            detail=detail,
            http_status=self._answer.status,
            api_message=self.api_message,
        )


def _judge_status(reading: _Reading, answer: HttpAnswer) -> Attempt:
    if answer.status == 407:
        return reading.refused(PROXY_FAILED)
    if answer.status in _PASSING_SERVER_ERRORS:
        return reading.unknown(_failure.SERVER_ERROR, AFTER_BACKOFF)
    if answer.status > 500:
        return reading.unknown(_failure.SERVER_ERROR)
    if answer.status == 408:
        return reading.unknown(TIMED_OUT, AFTER_BACKOFF)
    retry = AFTER_BACKOFF if answer.status == 425 else NEVER
    detail = "" if reading.api_message else reading.describe_body()
    return reading.unknown(_failure.UNEXPECTED_ANSWER, retry, detail)


def _json_object(body: bytes) -> JsonObject:
    """Return the JSON object that the body is; an empty one if it is none to be trusted."""
    try:
        content = json.loads(body, object_pairs_hook=_without_repeated_keys)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _without_repeated_keys(pairs: list[tuple[str, object]]) -> JsonObject:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _text(content: JsonObject, key: str) -> str | None:
    """Return a text as it is compared: without case, spaces at the ends, one full stop."""
    text = content.get(key)
    if not isinstance(text, str):
        return None
    text = text.strip().casefold()
    return text[:-1].rstrip() if text.endswith(".") else text


def _is_spring_error(content: JsonObject) -> bool:
    """Tell whether this is what Spring Boot answers for an exception that nobody caught.

    Its keys: https://docs.spring.io/spring-boot/api/java/org/springframework/boot/webmvc/error/DefaultErrorAttributes.html
    """
    status = content.get("status")
    return (
        content.keys() >= _SPRING_ERROR_KEYS
        and "Message" not in content
        and isinstance(status, int)
        and status >= 500
    )
