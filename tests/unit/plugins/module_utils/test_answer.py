# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each answer means: reason, outcome and retry rule; the body counts before the status."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._answer import (
    CONTRADICTION,
    judge_answer,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    AUTHENTICATION_FAILED,
    CAMPAIGN_NOT_FOUND,
    DIDS_REQUIRED,
    FALLBACK_DIDS_REQUIRED,
    INVALID_DIDS,
    INVALID_FALLBACK_DIDS,
    RATE_LIMITED,
    REDIRECTED,
    SERVER_ERROR,
    UNEXPECTED_ANSWER,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.secret import MASK

KEY = "KK0123456789abcdef+/=="
SUCCESS = "Dynamic DIDs updated successfully"
# Every refusal of the vendor's reference page.
REFUSALS = {
    "Authentication failed.": AUTHENTICATION_FAILED,
    "Campaign not found.": CAMPAIGN_NOT_FOUND,
    "Please enter the Valid DIDs assigned to the account.": INVALID_DIDS,
    "DIDs is required": DIDS_REQUIRED,
    "Please enter the Valid FallbackDIDs assigned to the account.": INVALID_FALLBACK_DIDS,
    "fallbackDIDs is required": FALLBACK_DIDS_REQUIRED,
}
SPRING = {
    "timestamp": "2023-10-18T09:48:01.703+0000",
    "status": 500,
    "error": "Internal Server Error",
    "path": "/APIServices/dynamic/did/update",
}
MAX_LIMIT = {"status": "error", "message": "Max limit exceeded"}
OPPOSITE = "the text of a success with the status of an error"
EMPTY = "an empty answer"
PAGE = "a web page instead of an answer"


def judge(status: int, body: object, content_type: str = "application/json") -> Attempt:
    """Return what an answer means; a body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")
    return judge_answer(HttpAnswer(status, data, content_type), KEY)


def undocumented(shown: str) -> str:
    return f'an undocumented answer: "{shown}"'


def unexpected(status: int, detail: str, api_message: str | None = None) -> Attempt:
    return Attempt(UNEXPECTED_ANSWER, UNKNOWN, NEVER, detail, status, api_message)


SPELLINGS: dict[str, t.Callable[[str], str]] = {
    "as documented": lambda text: text,
    "upper case": str.upper,
    "lower case": str.lower,
    "full stop": lambda text: text.rstrip(".") + ".",
    "no full stop": lambda text: text.rstrip("."),
    "spaces at the ends": lambda text: f" \t{text}\u00a0\n",
    "space before the full stop": lambda text: text.rstrip(".") + " .",
}


@pytest.mark.parametrize("status", [200, 400, 401, 404, 407, 408, 429, 500, 503])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("text", "reason"), REFUSALS.items())
def test_a_documented_refusal_is_recognised_with_any_status(
    status: int, spelling: str, text: str, reason: str
) -> None:
    message = SPELLINGS[spelling](text)
    assert judge(status, {"Message": message}) == Attempt(
        reason, NOT_APPLIED, NEVER, "", status, message.strip()
    )


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_success_text_with_a_2xx_status_is_a_success(status: int, spelling: str) -> None:
    message = SPELLINGS[spelling](SUCCESS)
    assert judge(status, {"Message": message}) == Attempt(
        None, APPLIED, NEVER, "", status, message.strip()
    )


@pytest.mark.parametrize("status", [199, 400, 401, 404, 407, 408, 425, 429, 500, 502, 503, 504])
def test_the_success_text_with_an_error_status_is_a_contradiction(status: int) -> None:
    expected = unexpected(status, OPPOSITE, SUCCESS)._replace(kind=CONTRADICTION)
    assert judge(status, {"Message": SUCCESS}) == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"Message": SUCCESS}).encode("utf-8-sig"), id="byte order mark"),
        pytest.param(b' \n{ "Message" : "Dynamic DIDs updated successfully" }\n ', id="spaces"),
        pytest.param(
            b'{"Message": "Dynamic \\u0044IDs updated successfully"}', id="an escaped letter"
        ),
        pytest.param({"Message": SUCCESS, "error": None, "n": [1]}, id="further keys"),
        pytest.param({"Message": SUCCESS, **SPRING}, id="with the keys of Spring's error"),
        pytest.param({"Message": SUCCESS, "message": "Max limit exceeded"}, id="first by order"),
    ],
)
def test_a_success_is_recognised_in_any_valid_json(body: object) -> None:
    assert judge(200, body, "text/html") == Attempt(None, APPLIED, NEVER, "", 200, SUCCESS)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize(
    ("body", "api_message"),
    [
        (b"", None),
        (b"<html>", None),
        ({"Message": SUCCESS}, SUCCESS),
        ({"Message": "Campaign not found."}, "Campaign not found."),
        (MAX_LIMIT, "Max limit exceeded"),
    ],
)
def test_a_redirect_is_a_failure_whatever_its_body_says(
    status: int, body: object, api_message: str | None
) -> None:
    assert judge(status, body) == Attempt(REDIRECTED, UNKNOWN, NEVER, "", status, api_message)


@pytest.mark.parametrize(
    ("status", "body", "api_message"),
    [
        *[(status, MAX_LIMIT, "Max limit exceeded") for status in (200, 400, 429, 500, 503)],
        (200, {"Message": "Max limit exceeded"}, "Max limit exceeded"),
        (200, {"Message": " MAX LIMIT EXCEEDED. "}, "MAX LIMIT EXCEEDED."),
        (200, {"message": "max limit exceeded."}, "max limit exceeded."),
        (200, {"Message": None, "message": "Max limit exceeded"}, "Max limit exceeded"),
        (200, {**SPRING, "message": "Max limit exceeded"}, "Max limit exceeded"),
        (429, b"", None),
        (429, b"<html>Too many requests", None),
        (429, {"Message": "Slow down."}, "Slow down."),
        (429, SPRING, "Internal Server Error"),
    ],
)
def test_a_rate_limit_is_recognised_by_its_text_or_by_http_429(
    status: int, body: object, api_message: str | None
) -> None:
    assert judge(status, body) == Attempt(
        *(RATE_LIMITED, NOT_APPLIED, AFTER_RATE_LIMIT, "", status, api_message), wait=(15.0, 20.0)
    )


@pytest.mark.parametrize("status", [200, 400, 404, 500, 501, 503])
@pytest.mark.parametrize(
    ("changes", "api_message"),
    [
        ({}, "Internal Server Error"),
        ({"message": "null pointer", "trace": "at com.example"}, "null pointer"),
        ({"status": 503, "error": "Service Unavailable"}, "Service Unavailable"),
        ({"error": None}, None),
    ],
)
def test_the_error_of_spring_is_judged_like_http_500(
    status: int, changes: dict[str, object], api_message: str | None
) -> None:
    assert judge(status, {**SPRING, **changes}) == Attempt(
        SERVER_ERROR, UNKNOWN, ONCE, "", status, api_message
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": 404, "error": "Not Found"}, id="an error of the client's"),
        pytest.param({"status": "500"}, id="status as a text"),
        pytest.param({"status": True}, id="status as a boolean"),
        pytest.param({"Message": "Something new."}, id="with a Message"),
    ],
)
def test_an_object_that_only_resembles_the_error_of_spring_is_unexpected(
    changes: dict[str, object],
) -> None:
    attempt = judge(404, {**SPRING, **changes})
    assert (attempt.reason, attempt.outcome, attempt.retry) == (UNEXPECTED_ANSWER, UNKNOWN, NEVER)


BODIES_WITHOUT_MEANING: list[tuple[object, str]] = [
    (b"", EMPTY),
    (b" \r\n", EMPTY),
    (b"<!DOCTYPE html><html>Welcome</html>", PAGE),
    (b"\xef\xbb\xbf\n <html>", PAGE),
    (b'<?xml version="1.0"?>', PAGE),
    (b"OK", undocumented("OK")),
    (b"null", undocumented("null")),
    (b"[]", undocumented("[]")),
    (b"{", undocumented("{")),
    (b"{}", undocumented("{}")),
    (b'"Campaign not found."', undocumented('"Campaign not found."')),
    (b'["Campaign not found."]', undocumented('["Campaign not found."]')),
    (b'[{"Message": "Campaign not found."}]', undocumented('[{"Message": "Campaign not found."}]')),
    (b'{"Message": null}', undocumented('{"Message": null}')),
    (b'{"Message": ["Campaign not found."]}', undocumented('{"Message": ["Campaign not found."]}')),
    (b'{"Message": 7}', undocumented('{"Message": 7}')),
    (b'{"Message": "Campaign not found."', undocumented('{"Message": "Campaign not found."')),
    (b"\xef\xbb\xbfXX", undocumented("XX")),
    (b"\xff\x00O\x1b[31mK\xe2\x80\xae", undocumented("\ufffdOK")),
    (b"A" * 24 + b"\xff" * 9, undocumented("A" * 24 + "\ufffd" * 9)),
    (b"A" * 23 + b"\xff" * 9, "an answer that is not text"),
    (bytes(range(128, 256)), "an answer that is not text"),
]


@pytest.mark.parametrize(("body", "detail"), BODIES_WITHOUT_MEANING)
@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 405, 418])
def test_a_body_without_a_known_meaning_is_unexpected(
    status: int, body: object, detail: str
) -> None:
    assert judge(status, body) == unexpected(status, detail)


@pytest.mark.parametrize("body", [body for body, _detail in BODIES_WITHOUT_MEANING])
@pytest.mark.parametrize(
    ("status", "reason", "outcome", "retry"),
    [
        (407, PROXY_FAILED, NOT_APPLIED, NEVER),
        (408, TIMED_OUT, UNKNOWN, AFTER_BACKOFF),
        (500, SERVER_ERROR, UNKNOWN, ONCE),
        (501, SERVER_ERROR, UNKNOWN, NEVER),
        (502, SERVER_ERROR, UNKNOWN, AFTER_BACKOFF),
        (503, SERVER_ERROR, UNKNOWN, AFTER_BACKOFF),
        (504, SERVER_ERROR, UNKNOWN, AFTER_BACKOFF),
        (505, SERVER_ERROR, UNKNOWN, NEVER),
        (599, SERVER_ERROR, UNKNOWN, NEVER),
    ],
)
def test_without_a_known_body_the_status_decides(
    status: int, body: object, reason: str, outcome: str, retry: str
) -> None:
    attempt = judge(status, body)
    assert attempt == Attempt(reason, outcome, retry, attempt.detail, status, None)


def test_http_425_is_retried() -> None:
    assert judge(425, b"") == Attempt(UNEXPECTED_ANSWER, UNKNOWN, AFTER_BACKOFF, EMPTY, 425, None)


def test_a_page_is_recognised_by_its_content_type() -> None:
    assert judge(200, b"Welcome", "text/html; charset=utf-8") == unexpected(200, PAGE)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Message": "Dynamic DIDs updated successfully", "Message": "Campaign not found."}',
        b'{"Message": "Campaign not found.", "Message": "Dynamic DIDs updated successfully"}',
        b'{"Message": "Campaign not found.", "Message": "Campaign not found."}',
        b'{"Message": "Campaign not found.", "\\u004dessage": "Campaign not found."}',
        b'{"Message": "Dynamic DIDs updated successfully", "a": {"b": 1, "b": 2}}',
    ],
)
def test_an_object_with_a_key_given_twice_is_not_trusted(body: bytes) -> None:
    attempt = judge(200, body)
    assert attempt == unexpected(200, attempt.detail)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 60_000, id="lists"),
        pytest.param(b'{"a":' * 12_000, id="objects"),
        pytest.param(b"[" * 30_000 + b"]" * 30_000, id="lists that are closed"),
        pytest.param(
            b'{"Message": "Campaign not found.", "a": ' + b"[" * 60_000, id="behind a refusal"
        ),
        pytest.param(b'{"Message": ' + b"1" * 60_000 + b"}", id="a number of 60,000 digits"),
        pytest.param(b'{"Message": -1e999999}', id="a number without an end"),
    ],
)
def test_hostile_json_is_an_unexpected_answer(body: bytes) -> None:
    attempt = judge(200, body)
    assert attempt == unexpected(200, attempt.detail)
    assert len(attempt.detail) < 400


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
@pytest.mark.parametrize("body", [b'{"Message": "Campaign not found."}', b"x" * 65_536])
def test_an_oversized_answer_is_unexpected(status: int, body: bytes) -> None:
    attempt = judge_answer(HttpAnswer(status, body, too_large=True), KEY)
    assert attempt == unexpected(status, "an answer larger than 64 KiB")


def test_an_oversized_redirect_is_still_a_redirect() -> None:
    attempt = judge_answer(HttpAnswer(302, b"x" * 65_536, too_large=True), KEY)
    assert attempt == Attempt(REDIRECTED, UNKNOWN, NEVER, "", 302, None)


@pytest.mark.parametrize(
    ("content", "api_message"),
    [
        ({"Message": "Something new."}, "Something new."),
        ({"message": "Something new.", "error": "else"}, "Something new."),
        ({"error": "Something new."}, "Something new."),
        ({"Message": 7, "error": "Something new."}, "Something new."),
        ({"Message": ""}, ""),
        ({"Message": "a" * 400}, "a" * 297 + "..."),
        ({"Message": "\x1b[31mred\x00\u202e {{ x }}"}, "red {{ x }}"),
        # These are documented for "Message" alone, and nothing but the whole text counts.
        ({"message": "Campaign not found."}, "Campaign not found."),
        ({"Message": "Campaign not found.."}, "Campaign not found.."),
        ({"Message": "Campaign not found. Sorry."}, "Campaign not found. Sorry."),
        ({"Message": f"{SUCCESS} later"}, f"{SUCCESS} later"),
    ],
)
def test_an_undocumented_text_is_unexpected_and_shown(
    content: dict[str, object], api_message: str
) -> None:
    attempt = judge(200, content)
    assert attempt == unexpected(200, attempt.detail, api_message)
    # What is quoted is not described as well.
    assert (attempt.detail == "") is (api_message != "")


def as_gson(text: str) -> str:
    """Return the text as Gson writes it into JSON by default, as many Java programs do."""
    return text.replace("=", "\\u003d")


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(KEY.replace("/", "\\/"), id="escaped slash"),
        pytest.param(as_gson(KEY), id="as Gson writes it"),
        pytest.param("".join(f"\\u{ord(letter):04x}" for letter in KEY), id="in escapes alone"),
    ],
)
def test_the_key_in_an_unknown_text_is_masked(written: str) -> None:
    attempt = judge(200, f'{{"Message": "Wrong key {written} given."}}'.encode("ascii"))
    assert attempt.api_message == f"Wrong key {MASK} given."
    assert MASK in attempt.detail or not attempt.detail
    assert written not in attempt.detail


def test_the_key_in_a_body_that_is_not_json_is_masked() -> None:
    attempt = judge(200, f"Wrong key {KEY} given.".encode("ascii"))
    assert attempt == unexpected(200, undocumented(f"Wrong key {MASK} given."))


@pytest.mark.parametrize("spaces", range(4070, 4100, 3))
def test_a_key_is_not_shown_in_part_where_a_long_body_is_cut(spaces: int) -> None:
    attempt = judge(200, b"x" + b" " * spaces + KEY.encode("ascii") + b" given.")
    assert KEY[:4] not in attempt.detail


REASONS = {
    None,
    *REFUSALS.values(),
    RATE_LIMITED,
    SERVER_ERROR,
    UNEXPECTED_ANSWER,
    REDIRECTED,
    PROXY_FAILED,
    TIMED_OUT,
}
texts = st.one_of(
    st.text(max_size=30), st.sampled_from([*REFUSALS, SUCCESS, KEY, "Max limit exceeded"])
)
objects = st.dictionaries(
    st.sampled_from(["Message", "message", "error", "status", "timestamp", "path"]),
    st.one_of(texts, st.integers(), st.none(), st.lists(texts, max_size=2)),
)
bodies = st.one_of(
    st.binary(),
    texts.map(lambda text: text.encode("utf-8")),
    objects.map(lambda content: json.dumps(content).encode()),
)


@given(st.integers(100, 599), bodies, st.sampled_from(["", "text/html", "application/json"]))
def test_any_answer_has_a_meaning(status: int, body: bytes, content_type: str) -> None:
    attempt = judge_answer(HttpAnswer(status, body, content_type), KEY)
    assert attempt.reason in REASONS
    assert (attempt.reason is None) == (attempt.outcome == APPLIED)
    if attempt.reason is None:
        assert 200 <= status < 300
        assert t.cast(t.Dict[str, str], json.loads(body))["Message"] == SUCCESS
    if attempt.outcome == NOT_APPLIED:
        assert attempt.reason in {*REFUSALS.values(), RATE_LIMITED, PROXY_FAILED}
    assert attempt.http_status == status
    assert KEY not in f"{attempt.detail} {attempt.api_message}"
