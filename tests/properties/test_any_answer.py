# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server answers, the result is a success only where the answer says so, and fit to show."""

from __future__ import annotations

import base64
import json

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.tests.properties.support import (
    SUCCESS,
    Answer,
    Ran,
    examples,
    is_fit_for_a_screen,
    run,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.key_forms import form_of, plain_forms

KEY = 'k3y/With+"specials\\\u00fc'
REASONS = {
    "Authentication failed.": "authentication_failed",
    "Campaign not found.": "campaign_not_found",
    "Please enter the Valid DIDs assigned to the account.": "invalid_dids",
    "DIDs is required": "dids_required",
    "Please enter the Valid FallbackDIDs assigned to the account.": "invalid_fallback_dids",
    "fallbackDIDs is required": "fallback_dids_required",
}
OTHER_REASONS = {
    "rate_limited",
    "server_error",
    "unexpected_answer",
    "redirected",
    "proxy_failed",
    "timed_out",
}
FORMS = [form_of(name, KEY) for name in plain_forms(KEY)]
FORMS += [base64.b64encode(text.encode()).decode() for text in (KEY, f"u:{KEY}", f"us:{KEY}!")]

documented = st.sampled_from([SUCCESS, *REASONS, "Max limit exceeded"])
# What the comparison is to overlook, and what it must not.
around = st.sampled_from(
    ["", ".", " ", "\n", "\u00a0", "..", "!", "\x00", "\u200b", "\ud800", "\x1b[1m"]
)
messages = (
    documented
    | st.builds("{}{}{}".format, around, documented, around)
    | documented.map(str.upper)
    | st.builds("{} {}{}".format, documented, st.sampled_from(FORMS), around)
    | st.builds("{}{}{}".format, around, st.sampled_from(FORMS), st.text(max_size=10))
    | st.text(max_size=30)
)
json_values = st.recursive(
    messages | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(
    ["Message", "message", "MESSAGE", "error", "status", "timestamp", "path", "Message "]
)
objects = st.dictionaries(names, messages | json_values, max_size=5)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "latin-1"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a body: JSON, what is nearly JSON, or no JSON at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60))
    value = draw(objects | json_values)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        # The same key twice, which Python's json takes by itself.
        text = text[:-1] + f', "Message": {json.dumps(draw(messages))}' + "}"
    data = text.encode(draw(encodings), "replace")
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 3)) :]
    return data


@st.composite
def near_successes(draw: st.DrawFn) -> bytes:
    """Draw a body that all but says that the update succeeded, or does."""
    message = draw(around) + SUCCESS + draw(around) + draw(st.sampled_from(["", "", *FORMS]))
    others = draw(
        st.sampled_from(["", '"Message": "", ', '"message": "", ', '"a": {"b": 1, "b": 1}, '])
    )
    text = f'{{{others}"Message": {json.dumps(message)}}}'
    return draw(
        st.sampled_from([text, f"[{text}]", f"{text} x", f'{{"Message": {text}}}'])
    ).encode()


header_texts = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=15)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/html", "TEXT/HTML"])
        | header_texts,
        "Retry-After": st.sampled_from(
            [
                "0",
                "7",
                "1e9",
                "-1",
                "9" * 18,
                "9" * 400,
                "\u0663",
                "Wed, 21 Oct 2026 07:28:00 GMT",
                "Fri, 31 Dec 9999 23:59:59 -1200",
                "Mon, 00 Jan 0000 00:00:00 GMT",
            ]
        )
        | header_texts,
        "Content-Encoding": header_texts,
        "Location": header_texts,
    },
)
statuses = st.sampled_from([200, 204, 299, 300, 307, 400, 401, 404, 407, 408, 425, 429, 500, 503])
answers = st.builds(Answer, statuses | st.integers(100, 999), bodies() | near_successes(), headers)


def says_success(answer: Answer) -> bool:
    """Tell whether this is the success that the vendor documents; written from its page only.

    Case, spaces at the ends and a final full stop are overlooked; a key that is there twice is not.
    """
    if not 200 <= answer.status <= 299:
        return False
    seen: list[list[tuple[str, object]]] = []

    def keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
        seen.append(pairs)
        return dict(pairs)

    try:
        content = json.loads(answer.body, object_pairs_hook=keep)
    except ValueError:
        return False
    if not isinstance(content, dict) or any(len(dict(pairs)) < len(pairs) for pairs in seen):
        return False
    message = content.get("Message")
    if not isinstance(message, str):
        return False
    stripped = message.strip().casefold()
    return stripped in (SUCCESS.casefold(), f"{SUCCESS.casefold()}.") or (
        stripped.endswith(".") and stripped[:-1].rstrip() == SUCCESS.casefold()
    )


def check(ran: Ran, sent: list[Answer]) -> None:
    """Compare a result with the answers that the attempts were given."""
    result, last = ran.result, sent[-1]
    assert ran.has_failed != says_success(last)
    assert result["changed"] is says_success(last)
    # Only a proxy's refusal tells that nothing reached the server.
    assert result["sent"] or {answer.status for answer in sent} == {407}
    told = result if not ran.has_failed else result["failure"]
    assert (told["http_status"], told["attempts"]) == (last.status, len(sent))
    if ran.has_failed:
        assert told["reason"] in {*REASONS.values(), *OTHER_REASONS}
        assert told["outcome"] in ("not_applied", "unknown")
        if any(map(says_success, sent)):
            assert told["outcome"] == "unknown"
    texts = [result["msg"], told["api_message"] or "", *ran.warnings]
    for text in texts:
        assert is_fit_for_a_screen(text)
    folded = " ".join(texts).casefold()
    assert not any(form.casefold() in folded for form in FORMS)
    ran.shown.encode("utf-8")


def update(*given_answers: Answer, retries: int = 0) -> Ran:
    return run(*given_answers, api_key=KEY, retries=retries, record=False)


@examples(300)
@given(st.builds(Answer, st.integers(198, 303), near_successes(), headers))
def test_what_is_nearly_a_success_is_none(answer: Answer) -> None:
    check(update(answer), [answer])


@examples(400)
@example(Answer(200, b'{"Message": "Dynamic DIDs updated successfully", "Message": ""}'))
@given(answers)
def test_an_answer_is_a_success_only_where_it_says_so(answer: Answer) -> None:
    check(update(answer), [answer])


@examples(150)
@given(st.sampled_from([*REASONS]), statuses | st.integers(400, 599), headers)
def test_a_documented_refusal_is_known_whatever_else_is_in_the_answer(
    message: str, status: int, extra: dict[str, str]
) -> None:
    answer = Answer(status, json.dumps({"Message": message, "more": [1]}).encode(), extra)
    ran = update(answer)
    check(ran, [answer])
    if not 300 <= status <= 399:
        assert ran.result["failure"]["reason"] == REASONS[message]
        assert ran.result["failure"]["outcome"] == "not_applied"
        assert ran.result["failure"]["api_message"] == message


@examples(150)
@given(st.lists(answers, min_size=3, max_size=3))
def test_only_the_last_answer_of_several_attempts_can_be_a_success(
    given_answers: list[Answer],
) -> None:
    ran = update(*given_answers, retries=2)
    check(ran, given_answers[: len(ran.bodies)])
    # The same request each time.
    assert len(set(ran.bodies)) == 1
    assert not any(map(says_success, given_answers[: len(ran.bodies) - 1]))
