# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key is masked in every form, in any text, and masking takes time in proportion."""

from __future__ import annotations

import builtins
import html
import sys
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.secret import (
    MASK,
    mask_secret,
    masking,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._warned import Warned
from ansible_collections.ozonetel.cloudagent.tests.unit.key_forms import (
    ALL_FORMS,
    KEY,
    PLAIN_KEY,
    base64_texts,
    form_of,
    in_html,
    in_html_numbers,
    in_json,
    in_url,
    plain_forms,
    utf16_units,
)


@pytest.mark.parametrize("secret", ["a.b*c", "[x]+", "(", "\\d", "^$"])
def test_a_key_is_not_read_as_a_regular_expression(secret: str) -> None:
    assert mask_secret(f"aXbbc x {secret} 7", secret) == f"aXbbc x {MASK} 7"


@pytest.mark.parametrize(
    "secret", ["%2F%252f", "a&amp;b&#38", "\\u0041\\", "\\\\", "+ +", "%", "&", "a+b c", "%41"]
)
@pytest.mark.parametrize("name", [*plain_forms(KEY)])
def test_a_key_that_looks_like_an_escape_sequence_is_masked(name: str, secret: str) -> None:
    assert mask_secret(f"<{form_of(name, secret)}>", secret) == f"<{MASK}>"


@pytest.mark.parametrize(
    ("text", "secret", "masked"),
    [
        pytest.param("ababab", "abab", MASK, id="overlapping"),
        pytest.param(f"{PLAIN_KEY}{PLAIN_KEY}", PLAIN_KEY, MASK, id="one after the other"),
        pytest.param("STRASSE1", "stra\u00dfe1", MASK, id="two capitals for one letter"),
        pytest.param("stra\u00dfe1", "STRASSE1", MASK, id="one letter for two capitals"),
        pytest.param("\u0130d-\u212aey", "id-key", MASK, id="capitals of other scripts"),
        pytest.param("i\u0131-key", "II-key", MASK, id="small letter of Turkish"),
        pytest.param("k\u200be\ud800y\x00\x7f1", "key1", MASK, id="hidden characters"),
        pytest.param("aaab", "aab", f"a{MASK}", id="a letter more than the key has"),
        pytest.param("eey1&lt;", "key1", "eey1&lt;", id="a letter of the key in another's place"),
        pytest.param("?ey1&lt;", "key1", "?ey1&lt;", id="all but a letter of the key"),
        pytest.param("&lt;\u200b1", "key1", "&lt;\u200b1", id="its end, behind a hidden character"),
        pytest.param("\u200bkey1\u200b", "key1", f"\u200b{MASK}\u200b", id="around the key"),
        pytest.param("/key1", "key1", f"/{MASK}", id="slash before the key"),
        pytest.param("\\/key1", "/key1", MASK, id="escaped slash of the key"),
        pytest.param("\\Xkey", "Xkey", f"\\{MASK}", id="backslash before the key"),
        pytest.param("<key\\>", "key\\", f"<{MASK}>", id="backslash at the key's end"),
        pytest.param("\\X\\", "\\\\", "\\X\\", id="letter in a key of backslashes"),
        pytest.param("100%25abc%2Fd", "25abc/d", f"100%{MASK}", id="percent sign before digits"),
        pytest.param("&#651", "A1", MASK, id="reference without a semicolon"),
        pytest.param("&lt;key", ";key", f"&lt{MASK}", id="semicolon of the key after a name"),
        pytest.param("k&shy;e&zwj;y&rlm1", "key1", MASK, id="names of hidden characters"),
        pytest.param("&AMP;&ampkey", "&&key", MASK, id="name without a semicolon"),
        pytest.param("&Dagger;key", "\u2021key", MASK, id="a name that differs by its capital"),
        pytest.param("k&eacute;y1", "k\u00e9y1", MASK, id="a letter's name"),
        pytest.param("&#x10FFFF;key", "\U0010ffffkey", MASK, id="the last code point"),
        pytest.param(
            "two%20words%26amp%3B%252F",
            "two words&%2F",
            MASK,
            id="escaped twice, and looks so itself",
        ),
        pytest.param("ABCD", "%41BCD", "ABCD", id="only what the key looks like an escape of"),
        pytest.param("%C3%9Cn%25C3%25BC", "\u00fcn\u00fc", MASK, id="UTF-8 in capitals"),
        pytest.param("%C3key%F0%9F%94", "key", f"%C3{MASK}%F0%9F%94", id="half a character"),
        pytest.param("&#99999999;&#x110000;key", "key", f"&#99999999;&#x110000;{MASK}", id="none"),
        pytest.param("thekeys", "the keys", MASK, id="spaces may be missing"),
        pytest.param("the key", "thekey", "the key", id="and not be added"),
        pytest.param("SI keys", "SIX keys", "SI keys", id="but letters may not be missing"),
        pytest.param("k\udcffey1", "k\udcffey1", MASK, id="half a character in the key"),
        pytest.param("azN5", "k3y", MASK, id="base64 of three bytes"),
        pytest.param("a2V5L2FiPz8\\/", "key/ab???", MASK, id="escaped slash of base64"),
        pytest.param("", "key", "", id="no text"),
        pytest.param("any text", "", "any text", id="no key"),
        pytest.param("any   text", " ", "any   text", id="a key of spaces"),
    ],
)
def test_the_key_is_masked_and_the_rest_is_unchanged(text: str, secret: str, masked: str) -> None:
    assert mask_secret(text, secret) == masked


@pytest.mark.parametrize(
    ("encoded", "secret"),
    [
        ("MUAwMDAwwqF%2B", "1@0000\u00a1~"),
        ("MUAwMDAwwqF%252b", "1@0000\u00a1~"),
        ("MUAwMDAwwqE%2F", "1@0000\u00a1?"),
    ],
)
def test_base64_in_a_url_is_masked_whatever_its_first_letters_are_in_html(
    encoded: str, secret: str
) -> None:
    # "&mu" is a Greek letter in HTML, and what follows it is no base64 of the key.
    assert mask_secret(f"a=1&{encoded}", secret) == f"a=1&{MASK}"


LAYERS = [in_json, in_url, in_html, in_html_numbers]


@pytest.mark.parametrize("first", LAYERS)
@pytest.mark.parametrize("second", LAYERS)
@pytest.mark.parametrize("third", LAYERS)
@pytest.mark.parametrize(
    "secret", [KEY, "C:\\dir\\\\s3cret", "schl\u00fcssel/\u20ac\U0001f511", "two words&%2F"]
)
def test_a_key_that_is_escaped_three_times_is_masked(
    first: t.Callable[[str], str],
    second: t.Callable[[str], str],
    third: t.Callable[[str], str],
    secret: str,
) -> None:
    text = third(second(first(secret)))
    assert mask_secret(f"<{text}>", secret) == f"<{MASK}>"
    for encoded in base64_texts(secret).values():
        text = third(second(first(encoded)))
        assert mask_secret(f"<{text}>", secret) == f"<{MASK}>"


def written_forms(letter: str) -> list[str]:
    """Return the forms of one character; any of them may stand beside any other."""
    return [
        letter,
        letter.upper(),
        "".join(f"\\u{unit:04x}" for unit in utf16_units(letter)),
        "".join(f"\\\\\\u{unit:04X}" for unit in utf16_units(letter)),
        "".join(f"%{byte:02x}" for byte in letter.encode()),
        "".join(f"%2525{byte:02X}" for byte in letter.encode()),
        f"&#{ord(letter)};",
        f"&#x{ord(letter):05X}",
        html.escape(letter),
        f"\\\\{letter}" if letter in "\"'/" else letter,
    ]


# Neither control characters, which JSON writes by letters of their own, nor lone surrogates.
letters = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))
telling = st.sampled_from("%&#;\\/\"'ux0125aAbBlt+=")
keys = st.text(letters | telling, min_size=1, max_size=40).filter(lambda key: key.strip("\\") != "")
long_keys = st.text(letters | telling, min_size=8, max_size=40).filter(
    lambda key: key.strip("\\") != ""
)
# Without the mask's own character, which tells where a mask begins.
surroundings = st.text(st.one_of(telling, st.characters(exclude_characters="*")), max_size=20)


def assert_masked(before: str, form: str, after: str, secret: str) -> None:
    masked = mask_secret(before + form + after, secret)
    assert MASK in masked
    assert before.startswith(masked.partition(MASK)[0])
    assert after.endswith(masked.rpartition(MASK)[2])
    assert form not in masked or form in MASK


@example("%", "25abcdef/", "URL", "")
@example("&#1", "2;345678/", "JSON in escapes alone", "")
@example("\\", "u0041bcd", "HTML", "&")
@given(surroundings, long_keys, st.sampled_from(ALL_FORMS), surroundings)
def test_any_form_of_any_key_is_masked_in_any_text(
    before: str, secret: str, name: str, after: str
) -> None:
    assert_masked(before, form_of(name, secret), after, secret)


@given(surroundings, keys, surroundings, st.data())
def test_any_mixture_of_forms_is_masked_in_any_text(
    before: str, secret: str, after: str, data: st.DataObject
) -> None:
    form = "".join(data.draw(st.sampled_from(written_forms(letter))) for letter in secret)
    assert_masked(before, form, after, secret)


@given(st.text(), long_keys)
def test_a_text_without_a_letter_of_the_key_is_unchanged(text: str, secret: str) -> None:
    # Base64 writes the key in other letters, and escape sequences write any letter.
    kept = "".join(letter for letter in text if letter not in "%&\\" and not letter.isalnum())
    assert mask_secret(kept, f"k{secret}") == kept


def calls_of_masking(text: str, secret: str) -> int:
    """Return how often something is called, in Python or C: the same on a machine that is busy."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    # What is remembered of the key is not counted.
    mask_secret("%41", secret)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        mask_secret(text, secret)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("secret", [PLAIN_KEY, KEY, "a" * 32, "two words in a key", "k" * 10_000])
@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        ("", "A"),
        ("", "\\"),
        ("", "\\\\\\\\\\u002f"),
        ("", "\\ud83d\\\\"),
        ("", "%25"),
        ("", "%f0%25"),
        ("%", "25"),
        ("&#", "0"),
        ("&#", "1"),
        ("&#x", "0"),
        ("", "&amp;"),
        ("&", "amp;"),
        ("&", "lt"),
        ("", "a%61"),
        ("", "YWFh"),
        ("", "\u0130"),
        ("", "the key"),
    ],
)
def test_masking_a_text_of_four_times_the_length_takes_four_times_the_work(
    secret: str, start: str, repeated: str
) -> None:
    repeated = in_url(secret[:30]) if repeated == "the key" else repeated
    once, four_times = (calls_of_masking(start + repeated * count, secret) for count in (64, 256))
    # A few steps are the same for any text.
    assert four_times <= 4 * once + 100


@pytest.mark.parametrize("secret", [KEY, PLAIN_KEY])
def test_masking_imports_nothing_after_the_first_call(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import fails when a process has no file descriptor left."""
    mask_secret("", secret)

    def fail(name: str, *_rest: object) -> t.NoReturn:
        raise OSError(f"no file descriptor left to import {name}")

    with monkeypatch.context() as without_imports:
        without_imports.setattr(builtins, "__import__", fail)
        masked = [mask_secret(form, secret) for form in plain_forms(secret).values()]
    assert set(masked) == {MASK}


def test_masking_shows_a_warning_with_the_key_masked() -> None:
    shown: list[str] = []
    masking(shown.append, "k3y")(Warned("a kind", "The key %6b3y."))
    assert shown == [f"The key {MASK}."]
