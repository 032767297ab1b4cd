# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The escape sequences of JSON, URLs and HTML in a text, and what they stand for."""

from __future__ import annotations

import re
import sys
import typing as t
from functools import lru_cache

# For each place at which an escape sequence begins, its readings: where the sequence ends and the
# character that it stands for. Most have one reading; of several, the last one is the longest.
Escapes = t.Dict[int, t.List[t.Tuple[int, str]]]

COMMON_NAMES = {
    "amp": 38,
    "apos": 39,
    "gt": 62,
    "lt": 60,
    "nbsp": 160,
    "quot": 34,
    # Not seen on a screen, so they may stand between any two letters.
    "shy": 0xAD,
    "zwnj": 0x200C,
    "zwj": 0x200D,
    "lrm": 0x200E,
    "rlm": 0x200F,
}


def find_escapes(text: str, names: t.Mapping[str, int]) -> Escapes:
    """Return the escape sequences of the text, with all their readings.

    Args:
        text: any text; the work grows with its length.
        names: HTML's names of characters, with their code points.
    """
    if not ("\\" in text or "%" in text or "&" in text):
        return {}
    matches = _escape_pattern().finditer(text)
    found = {match.start(): list(_readings(match, names)) for match in matches}
    return {place: readings for place, readings in found.items() if readings}


def decode(text: str, escapes: Escapes) -> tuple[str, list[int]]:
    """Return the text with its escape sequences decoded once, and where each character began.

    The list of places ends with the length of the text.
    """
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for place, readings in escapes.items():
        end, character = readings[-1]
        parts += [text[done:place], character]
        places += range(done, place + 1)
        done = end
    parts.append(text[done:])
    places += range(done, len(text) + 1)
    return "".join(parts), places


# Compiled when it is needed, because few texts have an escape sequence.
@lru_cache(maxsize=1)
def _escape_pattern() -> re.Pattern[str]:
    """Return a pattern that looks at no character more than a few times.

    That is why it matches a whole run of backslashes, whatever follows: the search would begin
    again at each of them otherwise.
    """
    digit = "[0-9a-f]"
    # A percent sign may itself be escaped, any number of times: %25, %2525 and so on.
    utf8_next = f"%(?:25)*[89ab]{digit}"
    pair = rf"d[89ab]{digit}{{2}}\\+ud[c-f]{digit}{{2}}"
    return re.compile(
        rf"\\+(?:u(?P<units>{pair}|{digit}{{4}}))?"
        rf"|%(?P<percent>(?:25)*)(?:[0-7]{digit}|[cd]{digit}{utf8_next}"
        rf"|e{digit}(?:{utf8_next}){{2}}|f{digit}(?:{utf8_next}){{3}})"
        rf"|&#(?:x0*(?P<hexadecimal>{digit}{{1,6}})|0*(?P<decimal>[0-9]{{1,7}}));?"
        r"|&(?P<name>[a-z][a-z0-9]{1,7});?",
        re.ASCII | re.IGNORECASE,
    )


def _readings(match: re.Match[str], names: t.Mapping[str, int]) -> t.Iterator[tuple[int, str]]:
    kind = match.lastgroup
    if kind == "units":
        yield match.end(), _of_utf16(match["units"])
    elif kind == "percent":
        yield from _of_percent(match)
    elif kind is not None:
        yield from _of_reference(match, kind, names)


def _of_utf16(units: str) -> str:
    """Return the character of one unit, or of two with backslashes and a "u" between them."""
    first, last = int(units[:4], 16), int(units[-4:], 16)
    if len(units) == 4:
        return chr(first)
    return chr(0x10000 + ((first & 0x3FF) << 10) + (last & 0x3FF))


def _of_percent(match: re.Match[str]) -> t.Iterator[tuple[int, str]]:
    # %2541 is an "A" that was escaped twice, or a percent sign before "41".
    first = match.start() + len("%25")
    for end in range(first, first + len(match["percent"]), 2):
        yield end, "%"
    pairs = [escaped[-2:] for escaped in match.group().split("%")[1:]]
    try:
        yield match.end(), bytes.fromhex("".join(pairs)).decode("utf-8")
    except UnicodeDecodeError:
        return


def _of_reference(
    match: re.Match[str], kind: str, names: t.Mapping[str, int]
) -> t.Iterator[tuple[int, str]]:
    # Without a semicolon, a reference may end before any further letter or digit; browsers read
    # many of them so:
    # https://html.spec.whatwg.org/multipage/parsing.html#named-character-reference-state
    for end in range(match.start(kind) + 1, match.end(kind) + 1):
        code = _code_point(kind, match.string[match.start(kind) : end], names)
        if code is not None and code <= sys.maxunicode:
            yield end, chr(code)
            if end < match.end() and end == match.end(kind):
                yield match.end(), chr(code)


def _code_point(kind: str, written: str, names: t.Mapping[str, int]) -> int | None:
    if kind == "name":
        return names.get(written, names.get(written.lower()))
    return int(written, 16 if kind == "hexadecimal" else 10)
