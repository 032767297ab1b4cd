# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule for a list of DIDs: what is accepted, and the message for what is not."""

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import (
    read_did_list,
    repeated_did_warnings,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    INVALID_INPUT,
    InvalidInput,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import NOT_APPLIED
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._warned import Warned

QUOTE = 'Quote the numbers in YAML, such as "9140001001".'
NEEDED = f"where a list of DIDs or one string with commas is needed. {QUOTE}"
DIGITS_ALONE = "a DID has only the digits 0 to 9, with at most a + before them. Remove everything else, including spaces and punctuation."
NEGATIVE = 'a negative number is not a DID. Quote the numbers in YAML, such as "9140001001".'
LENGTH = "a DID has 3 to 17 digits."
YAML_NUMBER = f"YAML reads an unquoted number its own way, 04440123456 as 612411182. {QUOTE}"
SPREADSHEET = (
    "a spreadsheet has turned the number into this form, and its last digits may be lost. "
    "Format the column as text and export it again."
)
COMMA = "a list item holds one DID, and this one has a comma in it. Split it into items."
SEVERAL = "these look like several DIDs. Separate them with commas, or give a list."
OMIT = (
    "is an unresolved omit: Ansible resolves omit only for whole options. "
    "Leave the item out in another way, for example with the select filter."
)

dids = st.from_regex(r"\+?[0-9]{3,17}", fullmatch=True)


def refusal(name: str, value: object) -> str:
    """Return the message with which the value is refused."""
    with pytest.raises(InvalidInput) as caught:
        read_did_list(name, value)
    assert caught.value.reason == INVALID_INPUT
    assert caught.value.outcome == NOT_APPLIED
    assert caught.value.attempts == 0
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        pytest.param(["9140001002", "9140001001"], ["9140001002", "9140001001"], id="order kept"),
        pytest.param(("9140001001",), ["9140001001"], id="tuple"),
        pytest.param("9140001001,9140001002", ["9140001001", "9140001002"], id="one string"),
        pytest.param("9140001001, 9140001002", ["9140001001", "9140001002"], id="comma and space"),
        pytest.param("9140001001,\n9140001002\n", ["9140001001", "9140001002"], id="folded text"),
        pytest.param("9140001001", ["9140001001"], id="one number"),
        pytest.param("9140001001,", ["9140001001"], id="one comma at the end"),
        pytest.param("9140001001, \n", ["9140001001"], id="comma and space at the end"),
        pytest.param("9140001001,\u200b", ["9140001001"], id="comma and mark at the end"),
        pytest.param(["123"], ["123"], id="3 digits"),
        pytest.param(["1" * 17], ["1" * 17], id="17 digits"),
        pytest.param(["+14155550100"], ["+14155550100"], id="plus kept"),
        pytest.param(["+" + "1" * 17], ["+" + "1" * 17], id="plus is not one of 17 digits"),
        pytest.param(["04440123456"], ["04440123456"], id="zero in front kept"),
        pytest.param(["9140001001"] * 2, ["9140001001"] * 2, id="repeated number kept"),
        pytest.param([" \t9140001001\n"], ["9140001001"], id="spaces at the ends"),
        pytest.param(
            ["\u00a09140001001\u2003\u3000"], ["9140001001"], id="no-break and wide spaces"
        ),
    ],
)
def test_valid_lists_and_texts_are_accepted(value: object, numbers: list[str]) -> None:
    assert read_did_list("dynamic_dids", value) == (numbers, False, [])


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        pytest.param(9140001001, ["9140001001"], id="one integer is a list of one"),
        pytest.param([9140001001], ["9140001001"], id="integer in a list"),
        pytest.param(["9140001001", 9140001002], ["9140001001", "9140001002"], id="one of two"),
        pytest.param([100], ["100"], id="3 digits"),
        pytest.param([10**16], ["1" + "0" * 16], id="17 digits"),
    ],
)
def test_integers_are_remembered_for_the_quoting_hint(value: object, numbers: list[str]) -> None:
    assert read_did_list("dynamic_dids", value) == (numbers, True, [])


@pytest.mark.parametrize(
    ("value", "places"),
    [
        pytest.param(["\u200b9140001001"], "item 1", id="zero-width space in front"),
        pytest.param("9140001001\ufeff", "item 1", id="byte order mark behind"),
        pytest.param(["914000\u202c1001"], "item 1", id="direction mark inside"),
        pytest.param(["\u200b \u200e9140001001"], "item 1", id="mark, space, mark"),
        pytest.param(["9140001001", "\u202a9140001001\u202c"], "item 2", id="direction marks"),
        pytest.param(
            ["\u00ad9140001001"] * 12,
            "items 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more",
            id="many items",
        ),
    ],
)
def test_invisible_marks_are_removed_with_a_notice(value: object, places: str) -> None:
    numbers, _held_integers, notices = read_did_list("fallback_dynamic_dids", value)
    assert set(numbers) == {"9140001001"}
    assert notices == [
        Warned(
            "invisible_characters",
            f"fallback_dynamic_dids: invisible characters were removed from {places}. They often "
            "come along when text is pasted from documents and web pages.",
        )
    ]


@pytest.mark.parametrize("name", ["dynamic_dids", "fallback_dynamic_dids"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(None, f"is null (nothing was given), {NEEDED}", id="null"),
        pytest.param(True, f"is the boolean true, {NEEDED}", id="boolean"),
        pytest.param(9140001001.5, f"is the decimal number 9140001001.5, {NEEDED}", id="float"),
        pytest.param({"9140001001": 1}, f"is a dictionary, {NEEDED}", id="dictionary"),
        pytest.param(b"9140001001", f"is of a type that holds no number, {NEEDED}", id="bytes"),
        pytest.param([], "is an empty list. Give at least one DID.", id="empty list"),
        pytest.param("", "is empty. Give at least one DID.", id="empty string"),
        pytest.param(" \n", "is empty. Give at least one DID.", id="blank string"),
        pytest.param("\u200b", "is empty. Give at least one DID.", id="string of a mark"),
    ],
)
def test_an_unusable_option_is_refused(name: str, value: object, message: str) -> None:
    assert refusal(name, value) == f"{name} {message}"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        pytest.param(None, f"is null (nothing was given), which is not a DID. {QUOTE}", id="null"),
        pytest.param(False, f"is the boolean false, which is not a DID. {QUOTE}", id="boolean"),
        pytest.param(9.5, f"is the decimal number 9.5, which is not a DID. {QUOTE}", id="float"),
        pytest.param(
            float("nan"),
            f"is the decimal number nan, which is not a DID. {QUOTE}",
            id="not a number",
        ),
        pytest.param({}, f"is a dictionary, which is not a DID. {QUOTE}", id="dictionary"),
        pytest.param([], f"is a list within the list, which is not a DID. {QUOTE}", id="list"),
        pytest.param(
            b"1", f"is of a type that holds no number, which is not a DID. {QUOTE}", id="b"
        ),
        pytest.param(-5, f"is -5: {NEGATIVE}", id="negative integer"),
        pytest.param(
            -9140001001, f"is -9140001001: {NEGATIVE}", id="negative integer of 10 digits"
        ),
        pytest.param(0, f"is 0: {LENGTH} {YAML_NUMBER}", id="nought"),
        pytest.param(99, f"is 99: {LENGTH} {YAML_NUMBER}", id="integer too short"),
        pytest.param(10**17, f"is 1{'0' * 17}: {LENGTH} {YAML_NUMBER}", id="integer too long"),
        pytest.param(
            10**5000,
            f"is a very large integer: {LENGTH} {YAML_NUMBER}",
            id="integer of 5001 digits",
        ),
        pytest.param("", "is '': it is empty. Look for an extra comma.", id="empty"),
        pytest.param(" ", "is ' ': it is empty. Look for an extra comma.", id="blank"),
        pytest.param("12", f"is '12': {LENGTH}", id="2 digits"),
        pytest.param("+12", f"is '+12': {LENGTH}", id="plus and 2 digits"),
        pytest.param("1" * 18, f"is '{'1' * 18}': {LENGTH}", id="18 digits"),
        pytest.param("1" * 40, f"is '{'1' * 40}': {LENGTH}", id="value of 40 shown whole"),
        pytest.param("1" * 50, f"is '{'1' * 40}...': {LENGTH}", id="value cut at 40"),
        pytest.param("+", f"is '+': {DIGITS_ALONE}", id="plus alone"),
        pytest.param("++9140001001", f"is '++9140001001': {DIGITS_ALONE}", id="two plus"),
        pytest.param("-9140001001", f"is '-9140001001': {DIGITS_ALONE}", id="minus"),
        pytest.param("9140001001+", f"is '9140001001+': {DIGITS_ALONE}", id="plus behind"),
        pytest.param("914 000 1001", f"is '914 000 1001': {DIGITS_ALONE}", id="inner spaces"),
        pytest.param("(914)0001001", f"is '(914)0001001': {DIGITS_ALONE}", id="brackets"),
        pytest.param("914;915", f"is '914;915': {DIGITS_ALONE}", id="semicolon"),
        pytest.param("9140001;9140002", f"is '9140001;9140002': {SEVERAL}", id="two and semicolon"),
        pytest.param("9140001 +9140002", f"is '9140001 +9140002': {SEVERAL}", id="two and space"),
        pytest.param("914000 9140002", f"is '914000 9140002': {DIGITS_ALONE}", id="parts of one"),
        pytest.param("Sales", f"is 'Sales': {DIGITS_ALONE}", id="letters"),
        pytest.param("0x22", f"is '0x22': {DIGITS_ALONE}", id="hexadecimal"),
        pytest.param("914\x1b[31m", f"is '914\\x1b[31m': {DIGITS_ALONE}", id="escape code"),
        pytest.param("914\ud800", f"is '914\\ud800': {DIGITS_ALONE}", id="lone surrogate"),
        pytest.param("9140001001\n9", f"is '9140001001\\n9': {DIGITS_ALONE}", id="line break"),
        pytest.param("914,915", f"is '914,915': {COMMA}", id="inner comma"),
        pytest.param("914,", f"is '914,': {COMMA}", id="comma at the end of an item"),
        pytest.param("9.14E+09", f"is '9.14E+09': {SPREADSHEET}", id="spreadsheet's exponent"),
        pytest.param("9,14E+09", f"is '9,14E+09': {SPREADSHEET}", id="exponent with a comma"),
        pytest.param("9140001001.0", f"is '9140001001.0': {SPREADSHEET}", id="spreadsheet's .0"),
        pytest.param("__omit_place_holder__0a1b2c", OMIT, id="omit"),
    ],
)
def test_an_invalid_item_is_refused_with_its_position(item: object, message: str) -> None:
    message = f"dynamic_dids, item 2, {message}"
    assert refusal("dynamic_dids", ["9140001001", item, "9140001002"]) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(5, f"item 1, is 5: {LENGTH} {YAML_NUMBER}", id="integer alone"),
        pytest.param(",", "item 1, is '': it is empty. Look for an extra comma.", id="comma"),
        pytest.param(
            ",9140001001", "item 1, is '': it is empty. Look for an extra comma.", id="in front"
        ),
        pytest.param(
            "914,,915", "item 2, is '': it is empty. Look for an extra comma.", id="two commas"
        ),
        pytest.param(
            "914, ,915", "item 2, is ' ': it is empty. Look for an extra comma.", id="blank"
        ),
        pytest.param(
            "914,,", "item 2, is '': it is empty. Look for an extra comma.", id="two at the end"
        ),
        pytest.param("914,915,9-1", f"item 3, is '9-1': {DIGITS_ALONE}", id="third of a string"),
        pytest.param("914,__omit_place_holder__0a1b2c", f"item 2, {OMIT}", id="omit"),
        pytest.param("914, __omit_place_holder__0a1b2c", f"item 2, {OMIT}", id="space and omit"),
    ],
)
def test_an_invalid_part_of_a_string_is_refused_with_its_position(
    value: object, message: str
) -> None:
    assert refusal("dynamic_dids", value) == f"dynamic_dids, {message}"


@pytest.mark.parametrize(
    "value", ["__omit_place_holder__0a1b2c", "__omit_place_holder__0a1b2c,9140001001"]
)
def test_an_unresolved_omit_at_the_beginning_of_a_string_is_refused(value: str) -> None:
    message = refusal("dynamic_dids", value)
    assert message in (f"dynamic_dids {OMIT}", f"dynamic_dids, item 1, {OMIT}")


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("\uff19\uff11\uff14\uff10", id="full-width"),
        pytest.param("\u096f\u0967\u096a\u0966", id="Devanagari"),
    ],
)
def test_digits_of_other_scripts_are_not_called_punctuation(item: str) -> None:
    message = refusal("dynamic_dids", [item])
    assert message.startswith(f"dynamic_dids, item 1, is {item!a}: ")
    assert re.search("0 to 9|ASCII", message)


BOTH_END = (
    "A fallback number of the same trunk does not help when that trunk is down. "
    "The lists are sent as given."
)


@pytest.mark.parametrize(
    ("dynamic", "fallback", "warnings"),
    [
        pytest.param(["111", "222"], ["333"], [], id="all differ"),
        pytest.param(["+911", "222"], ["911"], [], id="with and without plus are two numbers"),
        pytest.param(
            ["111", "222", "111"],
            ["333"],
            ["dynamic_dids repeats 111 (items 1, 3). The list is sent as it is."],
            id="twice in the dynamic list",
        ),
        pytest.param(
            ["111"],
            ["333", "333", "444", "444"],
            [
                "fallback_dynamic_dids repeats 333 (items 1, 2), 444 (items 3, 4). "
                "The list is sent as it is."
            ],
            id="two numbers twice in the fallback list",
        ),
        pytest.param(
            ["111"] * 12,
            ["333"],
            [
                "dynamic_dids repeats 111 (items 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more). "
                "The list is sent as it is."
            ],
            id="twelve times",
        ),
        pytest.param(
            [str(number) for number in range(100, 106)] * 2,
            ["333"],
            [
                "dynamic_dids repeats 100 (items 1, 7), 101 (items 2, 8), 102 (items 3, 9), "
                "103 (items 4, 10), 104 (items 5, 11) and 1 more. The list is sent as it is."
            ],
            id="six numbers twice",
        ),
        pytest.param(
            ["111", "222"],
            ["333", "222"],
            ["In both lists: 222 (dynamic_dids item 2, fallback_dynamic_dids item 2). " + BOTH_END],
            id="in both lists",
        ),
        pytest.param(
            ["111", "111"],
            ["111"],
            [
                "dynamic_dids repeats 111 (items 1, 2). The list is sent as it is.",
                "In both lists: 111 (dynamic_dids items 1, 2, fallback_dynamic_dids item 1). "
                + BOTH_END,
            ],
            id="twice in one list and in both",
        ),
        pytest.param(
            [str(number) for number in range(100, 107)],
            [str(number) for number in range(100, 107)],
            [
                "In both lists: "
                + ", ".join(
                    f"{100 + place} (dynamic_dids item {place + 1}, "
                    f"fallback_dynamic_dids item {place + 1})"
                    for place in range(5)
                )
                + f" and 2 more. {BOTH_END}"
            ],
            id="seven in both lists",
        ),
    ],
)
def test_repeated_numbers_cause_warnings(
    dynamic: list[str], fallback: list[str], warnings: list[str]
) -> None:
    kinds = {"In both lists": "dids_in_both_lists"}
    assert repeated_did_warnings(dynamic, fallback) == [
        Warned(kinds.get(warning.partition(":")[0], "repeated_dids"), warning)
        for warning in warnings
    ]


def test_ten_thousand_numbers_are_read_and_warned_about_briefly() -> None:
    numbers = [str(9140000000 + place) for place in range(10_000)]
    assert read_did_list("dynamic_dids", ",".join(numbers)).numbers == numbers
    assert repeated_did_warnings(numbers, numbers)[0].text.count("item") == 10


padding = st.text(" \t\r\n\u00a0\u2003\u3000", max_size=3)
padded_dids = st.tuples(padding, dids, padding).map("".join)
integers = st.integers(100, 10**17 - 1)
near_misses = st.text("+0123456789, .eE-\u200b\u0661", max_size=25)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), near_misses, dids
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(st.lists(st.one_of(padded_dids, integers), min_size=1))
def test_an_accepted_list_comes_out_in_order(items: list[str | int]) -> None:
    read = read_did_list("dynamic_dids", items)
    assert read.numbers == [str(item).strip() for item in items]
    assert read.held_integers == any(isinstance(item, int) for item in items)
    assert read.notices == []


@given(anything)
def test_any_value_becomes_numbers_or_is_refused(value: t.Any) -> None:
    try:
        numbers = read_did_list("dynamic_dids", value).numbers
    except InvalidInput as refused:
        assert re.match(r"dynamic_dids(, item [1-9][0-9]*,)? (is|holds) ", refused.message)
        assert refused.message.isprintable()
    else:
        assert numbers
        assert all(re.fullmatch(r"\+?[0-9]{3,17}", number, re.ASCII) for number in numbers)


@given(st.lists(padded_dids, min_size=1), st.sampled_from(["", ",", " , "]))
def test_a_string_with_commas_is_read_like_the_list(items: list[str], end: str) -> None:
    joined = ",".join(items) + end
    assert read_did_list("dynamic_dids", joined) == read_did_list("dynamic_dids", items)


@pytest.mark.parametrize(
    "secret", ["KK" + "0123456789abcdef" * 3, "k\u00e9y\\x", "k3y/with spaces"]
)
def test_the_api_key_given_as_a_did_is_not_shown(secret: str) -> None:
    """Ansible's masking finds the whole key alone, and not what is cut or escaped."""
    with pytest.raises(InvalidInput) as caught:
        read_did_list("dynamic_dids", [f"x{secret}"], secret=secret)
    assert "item 1, is 'x********'" in caught.value.message
