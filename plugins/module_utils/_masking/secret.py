# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Masking the API key in a text, in whatever form it is written there.

A hostile server chooses the text. So no regular expression is built from the key, and the time
that masking takes is proportional to the length of the text.
"""

from __future__ import annotations

import re
import typing as t
import unicodedata
from binascii import b2a_base64
from functools import lru_cache

from .._warned import Warn
from .escapes import COMMON_NAMES, Escapes, decode, find_escapes

MASK = "********"

# How often a text is searched, and decoded in between: JSON in HTML in a URL takes four times, and
# five if the key looks as if it were escaped itself.
_LAYERS = 5
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_=%\\-]{4,}", re.ASCII)
# In URLs; a name of HTML that begins the word would be decoded together with these, and spoil it.
_ESCAPED_IN_BASE64 = re.compile("%(?:25)*(2[bf])", re.ASCII | re.IGNORECASE)
_URL_SAFE = str.maketrans("+/", "-_")
# Control characters, format characters (bidi controls, zero-width ones) and lone surrogates.
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs")

# Part of a text, from one place up to another.
Span = t.Tuple[int, int]


class _Folding(t.Dict[int, str]):
    """Maps a code point to the letters that are compared: in one case, none if it is left out."""

    def __init__(self, left_out: str) -> None:
        super().__init__((code, chr(code).lower()) for code in range(0x20, 0x7F))
        # Folded by itself, the Turkish capital I becomes two letters: CaseFolding.txt of Unicode.
        self[0x130] = "i"
        self.update(dict.fromkeys(map(ord, left_out), ""))

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isspace():
            return self[0x20]
        return "" if is_hidden(character) else character.upper().casefold()


class _Word(t.NamedTuple):
    """Letters that are looked for in a text that is folded likewise.

    What is left out may stand between them in a text, and is masked with them. It is masked
    before the first letter and after the last one only if the key is written so.
    """

    letters: str
    folding: _Folding
    begins_left_out: bool
    ends_left_out: bool


class _Key(t.NamedTuple):
    """What is looked for: the key in letters and in base64.

    A key that looks as if it were escaped itself has a second word, its letters when decoded.
    """

    words: list[_Word]
    base64_forms: frozenset[str]
    names: t.Mapping[str, int]


def masking(show: t.Callable[[str], None], secret: str) -> Warn:
    """Return what shows a warning with the secret masked: Ansible before 2.22 masks none."""
    return lambda warned: show(mask_secret(warned.text, secret))


# Many results hold the same texts beside their names.
@lru_cache(maxsize=16)
def mask_secret(text: str, secret: str) -> str:
    """Return the text with every form of the secret replaced: raw, JSON, URL, HTML, base64.

    Each character may be written in another form, and the whole may be escaped again. Hidden
    characters and backslashes between the characters don't matter, nor does the case; nor do
    spaces, if the secret has any.
    """
    key = _key(secret)
    spans: list[Span] = []
    layer = text
    places: t.Sequence[int] = range(len(text) + 1)
    for number in range(_LAYERS):
        escapes = find_escapes(layer, key.names)
        found = _base64_spans(layer, key)
        for word in key.words if number else key.words[:1]:
            found += _letter_spans(layer, escapes, word)
        spans += [(places[start], places[end]) for start, end in found]
        if not escapes:
            break
        layer, starts = decode(layer, escapes)
        places = [places[start] for start in starts]
    return _with_masks(text, spans)


def is_hidden(character: str) -> bool:
    """Tell whether a screen shows nothing for the character, or obeys it."""
    return unicodedata.category(character) in _HIDDEN_CATEGORIES


@lru_cache(maxsize=4)
def _key(secret: str) -> _Key:
    """Return what is looked for. Everything that masking ever imports is imported here."""
    names = _names(secret)
    words = [_word(secret)]
    decoded = _decoded(secret, names)
    if decoded != secret:
        words.append(_word(decoded))
    return _Key(words, _base64_forms(secret), names)


def _word(secret: str) -> _Word:
    written = secret.strip()
    folding = _Folding("\\ +" if len(written.split()) > 1 else "\\")
    letters = written.translate(folding)
    if not letters:
        # A key of nothing but backslashes and the like.
        folding = _Folding(" ")
        letters = written.translate(folding)
    return _Word(
        letters,
        folding,
        # JSON puts a backslash before a quotation mark, and may before a slash (RFC 8259, section
        # 7); other formats do so before an apostrophe.
        begins_left_out=written[:1] in "\"'/" or not written[:1].translate(folding),
        ends_left_out=not written[-1:].translate(folding),
    )


def _decoded(secret: str, names: t.Mapping[str, int]) -> str:
    """Return what is left of the secret when a text that has it was decoded again and again."""
    for _number in range(_LAYERS):
        escapes = find_escapes(secret, names)
        if not escapes:
            break
        secret, _places = decode(secret, escapes)
    return secret


def _names(secret: str) -> t.Mapping[str, int]:
    """Return HTML's names of characters; letters and digits have none."""
    if secret.isascii() and secret.isalnum():
        return COMMON_NAMES
    # A module loads all that it imports, each time that it runs, and most keys don't need this.
    try:
        from html.entities import name2codepoint
    except (ImportError, OSError):
        # Hardly any files can be opened, so no page of HTML was received either.
        return COMMON_NAMES
    return {**name2codepoint, **COMMON_NAMES}


def _base64_forms(secret: str) -> frozenset[str]:
    """Return what base64 makes of the secret at any place in a longer text.

    Whole groups of three bytes come out the same whatever stands around them.
    """
    data = secret.encode("utf-8", "surrogatepass")
    groups = [data[skipped:][: (len(data) - skipped) // 3 * 3] for skipped in (0, 1, 2)]
    encoded = [b2a_base64(group, newline=False).decode("ascii") for group in groups if group]
    return frozenset(encoded + [form.translate(_URL_SAFE) for form in encoded])


def _base64_spans(text: str, key: _Key) -> list[Span]:
    """Return where the words are that have the key in base64 in them."""
    if not _has_base64(text, key):
        return []
    words = _BASE64_WORD.finditer(text)
    return [word.span() for word in words if _has_base64(word.group(), key)]


def _has_base64(text: str, key: _Key) -> bool:
    escaped = text.replace("\\", "")
    plain = _ESCAPED_IN_BASE64.sub(lambda match: chr(int(match[1], 16)), escaped)
    return any(form in plain for form in key.base64_forms)


def _letter_spans(text: str, escapes: Escapes, word: _Word) -> list[Span]:
    """Return the characters that can be read as letters of the key, each as it is or decoded.

    All readings are followed at once: bit 3 is set at a place if the first three letters of the
    key can be read just before it. This is the "bitap algorithm", which takes one pass.
    """
    if not word.letters or not (escapes or word.letters in text.translate(word.folding)):
        return []
    bits = _bits(word.letters)
    whole = 1 << len(word.letters)
    gaps = whole - 2 | word.begins_left_out | whole * word.ends_left_out
    steps = list(_steps(text, escapes, word.folding))
    # No letter was read: the key may begin at any place.
    read = [1] * (len(text) + 1)
    for start, end, letters in steps:
        read[end] |= _read_on(read[start], letters, bits, gaps)
    # Back from the ends of the key, as most readings lead to none.
    kept = [state & whole for state in read]
    spans = []
    for start, end, letters in reversed(steps):
        state = _read_back(kept[end], letters, bits, gaps) & read[start] if kept[end] else 0
        if state:
            kept[start] |= state
            spans.append((start, end))
    return spans


def _steps(text: str, escapes: Escapes, folding: _Folding) -> t.Iterator[tuple[int, int, str]]:
    """Yield start, end and letters of each character as it is and of each escape sequence."""
    for place, character in enumerate(text):
        yield place, place + 1, folding[ord(character)]
        for end, decoded in escapes.get(place, ()):
            yield place, end, decoded.translate(folding)


def _read_on(state: int, letters: str, bits: dict[str, int], gaps: int) -> int:
    if not letters:
        return state & gaps
    for letter in letters:
        state = (state & bits.get(letter, 0)) << 1
    return state


def _read_back(state: int, letters: str, bits: dict[str, int], gaps: int) -> int:
    if not letters:
        return state & gaps
    for letter in reversed(letters):
        state = (state >> 1) & bits.get(letter, 0)
    return state


@lru_cache(maxsize=4)
def _bits(letters: str) -> dict[str, int]:
    """Return the bits of each letter: bit 3 is set if it is the fourth one of the key."""
    bits = dict.fromkeys(letters, 0)
    for place, letter in enumerate(letters):
        bits[letter] |= 1 << place
    return bits


def _with_masks(text: str, spans: list[Span]) -> str:
    """Return the text with one mask for the spans that touch each other."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not parts:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])
