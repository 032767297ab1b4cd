# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Escape sequences are found where they begin, with all their readings, and decoded."""

from __future__ import annotations

import typing as t
from html.entities import name2codepoint

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.escapes import (
    decode,
    find_escapes,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.key_forms import (
    in_html,
    in_html_numbers,
    in_json,
    in_url,
)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        pytest.param("plain", {}, id="none"),
        pytest.param("\\u00e9", {0: [(6, "\u00e9")]}, id="JSON"),
        pytest.param("x\\\\\\U00E9y", {1: [(9, "\u00e9")]}, id="JSON in JSON, in capitals"),
        pytest.param("\\ud83d\\udd11", {0: [(12, "\U0001f511")]}, id="two units"),
        pytest.param("\\ud83d-", {0: [(6, "\ud83d")]}, id="half of two units"),
        pytest.param("\\\\n \\u12", {}, id="other backslashes"),
        pytest.param("%41%", {0: [(3, "A")]}, id="URL"),
        pytest.param("%e2%82%AC", {0: [(9, "\u20ac")]}, id="three bytes of UTF-8"),
        pytest.param("%e2%82", {}, id="two of three bytes"),
        pytest.param("%ed%a0%80", {}, id="bytes that are not UTF-8"),
        pytest.param("%252541", {0: [(3, "%"), (5, "%"), (7, "A")]}, id="URL in a URL in a URL"),
        pytest.param("&#0065;", {0: [(5, "\x06"), (6, "A"), (7, "A")]}, id="number"),
        pytest.param("&#x4g", {0: [(4, "\x04")]}, id="hexadecimal number"),
        pytest.param("&#9999999", {0: [(n + 2, chr(int("9" * n))) for n in range(1, 7)]}, id="big"),
        pytest.param("&LT;", {0: [(3, "<"), (4, "<")]}, id="name"),
        pytest.param("&ltd", {0: [(3, "<")]}, id="name without its semicolon"),
        pytest.param("a&b=c", {}, id="no name"),
    ],
)
def test_every_reading_of_an_escape_sequence_is_found(
    text: str, readings: dict[int, list[tuple[int, str]]]
) -> None:
    assert find_escapes(text, name2codepoint) == readings


def test_decoding_returns_where_each_character_began() -> None:
    text = "a%41b&lt;"
    assert decode(text, find_escapes(text, name2codepoint)) == ("aAb<", [0, 1, 4, 5, 9])


# Some of these look like an escape sequence when they are beside each other.
@pytest.mark.parametrize("write", [in_json, in_url, in_html, in_html_numbers])
@given(text=st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters='%&\\"')))
def test_decoding_reverses_the_escapes_of_json_urls_and_html(
    write: t.Callable[[str], str], text: str
) -> None:
    form = write(text)
    decoded, places = decode(form, find_escapes(form, name2codepoint))
    assert decoded == text
    assert len(places) == len(decoded) + 1
    assert places[-1] == len(form)
