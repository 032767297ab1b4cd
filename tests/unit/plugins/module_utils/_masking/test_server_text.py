# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's text made fit for a screen: harmless, short, and without the API key in any form."""

from __future__ import annotations

import signal
import typing as t

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.secret import MASK
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.server_text import (
    clean_server_text,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.key_forms import (
    ALL_FORMS,
    KEY,
    PLAIN_KEY,
    form_of,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Campaign not found.", "Campaign not found.", id="plain"),
        pytest.param("", "", id="empty"),
        pytest.param(
            "B\u00fccher \u0928\u092e \U0001f4de",
            "B\u00fccher \u0928\u092e \U0001f4de",
            id="scripts",
        ),
        pytest.param("{{ lookup('pipe', 'id') }}", "{{ lookup('pipe', 'id') }}", id="template"),
        pytest.param("  a \t b\r\nc  ", "a b c", id="spaces and line breaks"),
        pytest.param("a\u2028b\u2029c\u00a0d\x85e", "a b c d e", id="other separators"),
        pytest.param("a\x00b\x07c\x08d\x7fe", "abcde", id="control characters"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b[2J\x1b[1;1Htop", "top", id="clear the screen"),
        pytest.param("\x9b31mred", "red", id="one-character CSI"),
        pytest.param("\x1b]0;title\x07text", "text", id="title ended by BEL"),
        pytest.param("\x1b]8;;https://evil.example\x1b\\link", "link", id="link ended by ST"),
        pytest.param("\x9d0;title\x9ctext", "text", id="one-character OSC"),
        pytest.param("a\x1b]0;never ended", "a", id="title that never ends"),
        pytest.param("a\x1bcb\x1b(Bd", "abd", id="short codes"),
        pytest.param("a\x1b", "a", id="ESC at the end"),
        pytest.param("\x1b\x1b[31m[31mx", "[31mx", id="code within a code"),
        pytest.param("\u202egnp.exe\u202c", "gnp.exe", id="override of the direction"),
        pytest.param("\u2066a\u2069\u200eb\u061cc", "abc", id="other marks of direction"),
        pytest.param("a\u200bb\u00adc\ufeffd", "abcd", id="zero-width characters"),
        pytest.param("a\ud800b\udfffc", "abc", id="lone surrogates"),
        pytest.param("a\U000e0041b", "ab", id="tag characters"),
    ],
)
def test_a_text_is_shown_without_control_codes_and_hidden_marks(text: str, shown: str) -> None:
    assert clean_server_text(text, PLAIN_KEY) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a" * 300, "a" * 300, id="300"),
        pytest.param("a" * 301, "a" * 297 + "...", id="301"),
        pytest.param("\u200b" * 301 + "a", "a", id="removed characters do not count"),
        pytest.param("a" + " " * 301 + "b", "a b", id="nor do spaces in a row"),
        pytest.param(f"{'a' * 299} {PLAIN_KEY}", "a" * 297 + "...", id="key at the cut"),
        pytest.param(
            f"{'a' * 291} {PLAIN_KEY}", f"{'a' * 291} {MASK}", id="masked before it is measured"
        ),
    ],
)
def test_a_text_is_cut_at_300_characters(text: str, shown: str) -> None:
    assert clean_server_text(text, PLAIN_KEY) == shown


@pytest.mark.parametrize("name", ALL_FORMS)
@pytest.mark.parametrize(
    "secret",
    [KEY, PLAIN_KEY, "it's~a!key*(1)", "schl\u00fcssel/\u20ac\U0001f511", "C:\\dir\\\\s3cret"],
)
def test_every_form_of_the_key_is_masked_whole(name: str, secret: str) -> None:
    shown = clean_server_text(f"Wrong key: {form_of(name, secret)}, try again.", secret)
    assert shown == f"Wrong key: {MASK}, try again."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(f"{PLAIN_KEY} and {PLAIN_KEY}", f"{MASK} and {MASK}", id="twice"),
        pytest.param(f"x{PLAIN_KEY}y", f"x{MASK}y", id="in a longer word"),
        pytest.param(
            "KK0123456789abcdef\u200b0123456789abcdef", MASK, id="with a zero-width space"
        ),
        pytest.param("KK0123456789\x1b[31mabcdef0123456789abcdef", MASK, id="with an escape code"),
        pytest.param("KK0123456789\x00abcdef0123456789abcdef", MASK, id="with a NUL"),
        pytest.param("KK0123456789", "KK0123456789", id="a part is not the key"),
    ],
)
def test_the_key_is_masked_wherever_it_stands(text: str, shown: str) -> None:
    assert clean_server_text(text, PLAIN_KEY) == shown


@pytest.mark.parametrize("secret", ["two  words", "a\u00a0b", "zero\u200bwidth", " s3cret "])
def test_a_key_that_cleaning_changes_is_still_masked(secret: str) -> None:
    shown = clean_server_text(f"Wrong key <{secret}>, <{' '.join(secret.split())}>.", secret)
    assert shown.replace(" ", "") == f"Wrongkey<{MASK}>,<{MASK}>."


@pytest.mark.parametrize("code", ["\x1b", "\x1b[", "\x1b[1;", "\x9b", "\x1b("])
def test_a_key_that_lost_letters_to_an_escape_code_is_still_masked(code: str) -> None:
    shown = clean_server_text(f"Wrong key: {code}{PLAIN_KEY}", PLAIN_KEY)
    assert PLAIN_KEY[-16:] not in shown


@pytest.mark.parametrize("secret", ["test", "abc", "ab", "a"])
def test_a_short_key_is_masked(secret: str) -> None:
    assert clean_server_text(f"<{secret}>", secret) == f"<{MASK}>"


def test_an_empty_key_masks_nothing() -> None:
    assert clean_server_text("Campaign not found.", "") == "Campaign not found."


@pytest.fixture(name="_one_second")
def _limit_to_one_second() -> t.Iterator[None]:
    """Fail the test after a second of the processor's time, also inside of a regular expression."""

    def end(*_of_the_signal: object) -> None:
        raise TimeoutError("over a second")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1.0)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("secret", [PLAIN_KEY, KEY, "two words in a key", "\\\\\\key", "%25%2525"])
@pytest.mark.parametrize(
    "pattern",
    [
        "A",
        "\\",
        " ",
        "+",
        "%25",
        "%2525",
        "&#0",
        "&#x0",
        "&amp;",
        "\\u0",
        "\x1b[",
        "\x1b]",
        "{}",
        "{} ",
    ],
)
@pytest.mark.usefixtures("_one_second")
def test_a_hostile_text_is_cleaned_within_a_second(secret: str, pattern: str) -> None:
    # An answer may be four times as long, and the whole update has to end in time.
    length = 16_384
    text = (pattern.replace("{}", secret[:-1]) * length)[:length]
    assert len(clean_server_text(text, secret)) <= 300


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        ("%", "25"),
        ("&#", "0"),
        ("&#", "1"),
        ("&#x", "f"),
        ("&", "amp"),
        ("\\ud83d", "\\"),
        ("\x1b[", "0"),
    ],
)
@pytest.mark.usefixtures("_one_second")
def test_an_escape_sequence_as_long_as_the_text_is_cleaned_within_a_second(
    start: str, repeated: str
) -> None:
    text = (start + repeated * 16_384)[:16_384]
    assert len(clean_server_text(text, KEY)) <= 300


@pytest.mark.usefixtures("_one_second")
def test_many_readings_of_backslashes_are_cleaned_within_a_second() -> None:
    slashes = 9
    text = "k3y" + ("\\" * 9 + "u002fa") * slashes
    assert clean_server_text(text + "!", "k3y" + "/a" * slashes + "x") == text + "!"
    assert clean_server_text(text + "x", "k3y" + "/a" * slashes + "x") == MASK


keys = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+=_-&<>\"'~!()\u00fc\u20ac",
    min_size=8,
    max_size=40,
)
unruly = st.text(
    st.one_of(st.sampled_from("\x1b[]\u200b\u202e\ud800 m;\x9b\x07\\"), st.characters())
)


@example("", 'a"b&cdefgh', "HTML with quotes as they are", "")
@given(unruly, keys, st.sampled_from(ALL_FORMS), unruly)
def test_no_form_of_any_key_survives(before: str, secret: str, name: str, after: str) -> None:
    form = form_of(name, secret)
    around = clean_server_text(f"{before} {after}", "")
    assume(form[1:] not in around and secret[1:] not in around)
    shown = clean_server_text(f"{before} {form} {after}", secret)
    assert form[1:] not in shown
    assert secret[1:] not in shown


@given(unruly, keys)
def test_any_text_is_shown_short_and_without_hidden_characters(text: str, secret: str) -> None:
    shown = clean_server_text(text, secret)
    assert len(shown) <= 300
    assert not set(shown) & hidden_characters()
    assert shown == shown.strip()
    assert shown.encode("utf-8").decode("utf-8") == shown


def hidden_characters() -> set[str]:
    """Return what a terminal may obey: C0, C1, marks of direction, zero-width characters."""
    codes = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, 0xFEFF]
    codes += [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070)]
    return {chr(code) for code in codes}
