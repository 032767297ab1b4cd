# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is given as numbers is refused in words, or is in the request as it was given."""

from __future__ import annotations

import json
import re
import typing as t

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._campaigns_csv import (
    read_campaigns_csv,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._csv_table import CsvFaults
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._did_cell import read_did_cell
from ansible_collections.ozonetel.cloudagent.tests.properties.support import (
    CONFIRMED,
    Ran,
    examples,
    is_fit_for_a_screen,
    run,
)


class TaggedText(str):
    """A text as ansible-core has it from 2.19 on: of a type of its own."""


class TaggedInteger(int):
    """An integer likewise."""


dids = st.from_regex(r"\+?[0-9]{3,17}", fullmatch=True)
# What comes along from documents, spreadsheets and web pages; the last one is no character at all.
debris = st.text(
    "0123456789+,;.eE'\"- \t\r\n\u00a0\u2009\u200b\u200e\u202a\u2066\ufeff\u0664\uff11\x1b\ud800",
    max_size=25,
)
near_dids = st.builds("{}{}{}".format, debris, dids, debris)
texts = dids | near_dids | debris | st.text(max_size=25) | dids.map(TaggedText)
integers = (
    st.integers(100, 10**17 - 1)
    | st.integers()
    # Python refuses to write more than 4300 digits.
    | st.sampled_from([17, 40, 5000]).map(lambda digits: 10**digits)
    | st.integers(0, 10**18).map(TaggedInteger)
)
# What YAML, JSON and Jinja can make of a value that was not quoted.
scalars = (
    texts
    | integers
    | st.floats()
    | st.booleans()
    | st.none()
    | st.binary(max_size=10)
    | st.dates()
    | st.datetimes()
)
keys = st.text(max_size=5) | st.integers() | st.booleans() | st.none()
nested = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
accepted = st.lists(
    dids | st.integers(100, 10**17 - 1) | near_dids | dids.map(TaggedText), min_size=1, max_size=8
)
values = (
    nested
    | accepted
    | accepted.map(tuple)
    | st.lists(near_dids, min_size=1, max_size=8).map(",".join)
    | st.sets(integers, max_size=3)
)


def as_given(value: t.Any) -> list[str]:
    """Return the items of a value that was accepted, without what is around a number.

    That is spaces at the ends, and characters that show nothing anywhere.
    """
    if isinstance(value, str):
        items = value.split(",")
        items = items[:-1] if len(items) > 1 and not shown(items[-1]) else items
    else:
        items = [str(item) for item in ([value] if isinstance(value, int) else value)]
    return [shown(item) for item in items]


def shown(item: str) -> str:
    invisible = "\u00ad\u034f\u061c\u115f\u1160\u180e\ufeff"
    ranges = "\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    return re.sub(f"[{invisible}{ranges}]", "", item).strip()


def check(ran: Ran, dynamic: t.Any, fallback: t.Any) -> None:
    """See that the lists were refused with nothing sent, or were sent as they were given."""
    result = ran.result
    if ran.has_failed:
        assert ran.bodies == []
        assert result["failure"]["reason"] == "invalid_input"
        assert result["msg"].startswith(("dynamic_dids", "fallback_dynamic_dids"))
        assert is_fit_for_a_screen(result["msg"])
        return
    (body,) = ran.bodies
    sent = json.loads(body)
    for name, option, value in (
        ("dynamicDIDs", "dynamic_dids", dynamic),
        ("fallbackDynamicDIDs", "fallback_dynamic_dids", fallback),
    ):
        assert sent[name].split(",") == result[option] == as_given(value)
        assert all(re.fullmatch(r"\+?[0-9]{3,17}", number) for number in result[option])
        assert {type(number) for number in result[option]} == {str}
    assert result["changed"]
    ran.shown.encode("utf-8")


@examples(500)
@example("9140001001,", 104440123456)
@example(["9140001001\u200b ", TaggedText("+111")], ("222", 333))
@given(values, accepted)
def test_any_value_is_refused_in_words_or_sent_as_it_is(dynamic: t.Any, fallback: t.Any) -> None:
    check(
        run(CONFIRMED, dynamic_dids=dynamic, fallback_dynamic_dids=fallback, record=False),
        dynamic,
        fallback,
    )
    check(
        run(CONFIRMED, dynamic_dids=fallback, fallback_dynamic_dids=dynamic, record=False),
        fallback,
        dynamic,
    )


blanks = st.text(" \t\r\n\u00a0\u2009\u200b\u200e\u202a\u2066\ufeff", max_size=3)
padded = st.builds("{}{}{}".format, blanks, dids, blanks)
right = st.lists(padded, min_size=1, max_size=8)


@examples(150)
@given(right, right)
def test_lists_that_are_right_are_sent(dynamic: list[str], fallback: list[str]) -> None:
    ran = run(CONFIRMED, dynamic_dids=dynamic, fallback_dynamic_dids=fallback, record=False)
    assert not ran.has_failed
    check(ran, dynamic, fallback)


@examples(200)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_name_is_refused_in_words_or_sent_as_it_is(username: str, campaign: str) -> None:
    ran = run(CONFIRMED, username=username, campaign_name=campaign, record=False)
    if ran.has_failed:
        assert ran.bodies == []
        assert ran.result["failure"]["reason"] == "invalid_input"
    else:
        sent = json.loads(ran.bodies[0])
        assert (sent["username"], sent["campaignName"]) == (username, campaign)
        ran.shown.encode("utf-8")


@examples(250)
@given(texts | st.lists(near_dids, min_size=1, max_size=5).map(";".join))
def test_the_digits_of_any_cell_are_refused_in_words_or_sent(cell: str) -> None:
    try:
        numbers = read_did_cell("row 2, dynamic_dids", cell)
    except InvalidInput as refused:
        assert refused.message.startswith("row 2, dynamic_dids")
        assert is_fit_for_a_screen(refused.message)
        return
    ran = run(CONFIRMED, dynamic_dids=numbers, record=False)
    assert not ran.has_failed
    sent = json.loads(ran.bodies[0])["dynamicDIDs"]
    assert re.findall("[0-9+]", sent) == re.findall("[0-9+]", cell)


@examples(250)
@given(
    st.text(max_size=80)
    | st.lists(st.lists(texts, max_size=4).map(";".join), max_size=4).map("\n".join),
    st.sampled_from(["", "campaign_name;dynamic_dids;fallback_dynamic_dids\n"]),
)
def test_any_table_is_refused_in_words_or_sent(rows: str, header: str) -> None:
    try:
        table = read_campaigns_csv(header + rows)
    except CsvFaults as refused:
        assert all(is_fit_for_a_screen(fault) for fault in refused.faults)
        return
    for campaign in table.campaigns:
        options: dict[str, t.Any] = dict(campaign)
        ran = run(CONFIRMED, **options, record=False)
        assert not ran.has_failed
        assert json.loads(ran.bodies[0])["campaignName"] == campaign["campaign_name"]
