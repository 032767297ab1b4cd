# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Making a server's text fit for a screen: no control characters, no secret, not too long."""

from __future__ import annotations

import base64
import re
import typing as t
import unicodedata
from functools import lru_cache
from itertools import groupby
from urllib.parse import unquote

MASK = "********"
MOST_CHARACTERS = 300

# What terminals obey: CSI (ESC [ or its one-character form), OSC, and the short ones.
_ESCAPE_CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Control characters, format characters (bidi controls, zero-width ones) and lone surrogates.
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs")
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_=%\\-]{4,}", re.ASCII)
_SPACES = r"(?:\s|\+|%20|%C2%A0|&nbsp;|&#160;|\\u0020|\\u00a0){0,8}"


# Most answers are the same short text.
@lru_cache(maxsize=4)
def clean_server_text(text: str, secret: str) -> str:
    """Return text that is safe to show: one line of at most 300 characters.

    Args:
        text: whatever the server sent.
        secret: the API key, masked in every form in which it may be echoed.
    """
    # Masked before the cleaning, which may take a letter of the key along, and after it, which
    # may bring the key together.
    visible = _visible(mask_secret(text, secret))
    one_line = " ".join(mask_secret(visible, secret).split())
    if len(one_line) <= MOST_CHARACTERS:
        return one_line
    return one_line[: MOST_CHARACTERS - 3] + "..."


def mask_secret(text: str, secret: str) -> str:
    """Return the text with every form of the secret replaced: raw, JSON, URL, HTML, base64."""
    plain = _plain_pattern(secret).sub(MASK, text)
    forms = _base64_forms(secret)

    def masked(word: re.Match[str]) -> str:
        plain_word = unquote(word.group()).replace("\\", "")
        return MASK if any(form in plain_word for form in forms) else word.group()

    return _BASE64_WORD.sub(masked, plain)


def masking(show: t.Callable[[str], None], secret: str) -> t.Callable[[str], None]:
    """Return what shows a text with the secret masked: Ansible before 2.22 masks no warning."""
    return lambda text: show(mask_secret(text, secret))


@lru_cache(maxsize=4)
def _plain_pattern(secret: str) -> re.Pattern[str]:
    """Return a pattern for the secret, in which every character may be written in any form."""
    words = _visible(secret).split()
    if not words:
        return re.compile(r"(?!)")
    patterns = ["".join(_run_pattern(*run) for run in groupby(word)) for word in words]
    return re.compile(_SPACES.join(patterns), re.IGNORECASE)


def _run_pattern(character: str, run: t.Iterator[str]) -> str:
    """Return a pattern for a character that stands there once or several times in a row."""
    count = len(list(run))
    pattern = _character_pattern(character)
    if character != "\\":
        return pattern * count
    return f"{pattern}{{{count},{4 * count}}}"


def _character_pattern(character: str) -> str:
    """Return a pattern for a character: as it is, or escaped for JSON, URLs or HTML."""
    code = ord(character)
    utf16 = character.encode("utf-16-be").hex()
    units = [utf16[start : start + 4] for start in range(0, len(utf16), 4)]
    forms = [
        re.escape(character),
        "".join(rf"\\{{1,8}}u{unit}" for unit in units),
        # A percent sign may itself be escaped, which gives %25.
        "".join(f"%(?:25)?{byte:02x}" for byte in character.encode("utf-8")),
        f"&#0{{0,6}}{code};?",
        f"&#x0{{0,6}}{code:x};?",
    ]
    if not (character.isascii() and character.isalnum()):
        forms += _named_forms(character)
    # JSON and its like put a backslash before some characters, and more of them when nested.
    escapes = r"\\{0,8}" if character in "\"'/" else ""
    # A form that stood here twice would make the search take exponentially long.
    return f"{escapes}(?:{'|'.join(dict.fromkeys(forms))})"


def _named_forms(character: str) -> t.Iterator[str]:
    """Yield patterns for what HTML writes in its place by name; letters and digits have none."""
    # A module compiles and loads all that it imports, each time that it runs, and most keys
    # consist of letters and digits.
    import html
    from html.entities import codepoint2name

    yield re.escape(html.escape(character))
    if ord(character) in codepoint2name:
        yield f"&{codepoint2name[ord(character)]};?"


@lru_cache(maxsize=4)
def _base64_forms(secret: str) -> frozenset[str]:
    """Return what base64 makes of the secret at any place in a longer text.

    Whole groups of three bytes come out the same whatever stands around them.
    """
    data = secret.encode("utf-8")
    groups = [data[skipped:][: (len(data) - skipped) // 3 * 3] for skipped in (0, 1, 2)]
    encoded = [base64.b64encode(group).decode("ascii") for group in groups if group]
    return frozenset(encoded + [form.translate(_URL_SAFE) for form in encoded])


_URL_SAFE = str.maketrans("+/", "-_")


def _visible(text: str) -> str:
    without_codes = _ESCAPE_CODES.sub("", text)
    return "".join(_visible_character(character) for character in without_codes)


def _visible_character(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _HIDDEN_CATEGORIES else character
