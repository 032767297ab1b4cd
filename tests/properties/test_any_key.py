# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the key is, and however a text writes it: it can't be read from what is shown."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import typing as t
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.secret import (
    MASK,
    mask_secret,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking.server_text import (
    clean_server_text,
)
from ansible_collections.ozonetel.cloudagent.tests.properties.support import (
    examples,
    is_fit_for_a_screen,
)

Step = t.Callable[[str], str]

# How somebody may write a text into another one.
WRITERS: list[Step] = [
    str,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    lambda text: quote(text, safe=""),
    quote_plus,
    html.escape,
    lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
]
# And base64, which nothing is written into afterwards but whole.
ENCODERS: list[Step] = [
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(f"a:{text}".encode()).decode().rstrip("="),
    lambda text: base64.b64encode(f"ab:{text};".encode()).decode(),
    str,
    str,
    str,
]


def unescape_json(text: str) -> str:
    """Decode what JSON escapes, as a reader would who has only a part of it."""
    units = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    paired = units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r'\\(["\\/])', r"\1", paired)


def decode_base64(text: str) -> str:
    """Decode all words that can be base64, whatever is around them."""
    decoded = []
    for word in re.findall(r"[A-Za-z0-9+/_-]{4,}", text):
        for start in range(4):
            part = word[start:].translate(str.maketrans("-_", "+/"))
            try:
                data = base64.b64decode(part[: len(part) // 4 * 4])
            except binascii.Error:
                continue
            decoded.append(data.decode("utf-8", "ignore"))
    return " ".join(decoded)


READERS: list[Step] = [unescape_json, unquote, unquote_plus, html.unescape, decode_base64]


def can_be_read(secret: str, text: str, depth: int = 3) -> bool:
    """Tell whether somebody who decodes the text a few times finds the secret in it."""
    texts = {text}
    for _step in range(depth):
        texts |= {read(one) for read in READERS for one in texts}
    return any(secret.casefold() in one.casefold() for one in texts)


# Keys of all letters that a JSON body can hold: no control characters and no halves of a pair, which
# the options refuse.
letters = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"))
telling = st.sampled_from("%&#;\\/\"'<>+=?@:abcXYZ0123456789")
keys = st.text(letters | telling, min_size=8, max_size=24)
surroundings = st.text(telling | st.characters(codec="utf-8"), max_size=10)


@examples(400)
@example("", "%2541bcdefg", [1, 3], 3, "")
@example("", "&amp;&#38;key", [5, 6], 5, "")
@example("&", "1@0000\u00a1~", [3], 0, "")
@given(
    surroundings,
    keys,
    st.lists(st.integers(0, len(WRITERS) - 1), max_size=3),
    st.integers(0, len(ENCODERS) - 1),
    surroundings,
)
def test_no_key_can_be_read_from_a_text_that_embeds_it(
    before: str, secret: str, writers: list[int], encoder: int, after: str
) -> None:
    # A text that has the key anyway, such as one of eight zeros, tells nothing.
    assume(not can_be_read(secret, f"{before} {after} {MASK}"))
    text = ENCODERS[encoder](secret)
    for number in writers:
        text = WRITERS[number](text)
    masked = mask_secret(before + text + after, secret)
    assert MASK in masked
    assert not can_be_read(secret, masked)
    cleaned = clean_server_text(before + text + after, secret)
    assert not can_be_read(secret, cleaned)
    assert is_fit_for_a_screen(cleaned)


def is_invisible(secret: str) -> bool:
    """Tell whether the key has no character that a screen shows, so that there is none to hide."""
    return not any(is_fit_for_a_screen(letter) and letter.strip() for letter in secret)


anything = st.text(telling | st.characters(), max_size=30)


@examples(400)
@example("", "")
@example("\\\\\\", "\\")
@example("\ud800", "\ud800")
@example("&#" + "9" * 5000 + ";", "&#")
@given(anything, anything)
def test_masking_takes_any_text_and_any_key(text: str, secret: str) -> None:
    masked = mask_secret(text, secret)
    # What is not masked stays as it is and where it is.
    rest = text
    for part in filter(None, masked.split(MASK)):
        _between, found, rest = rest.partition(part)
        assert found == part
    if not is_invisible(secret):
        assert secret not in mask_secret(f"{text}{secret}{text}", secret).replace(MASK, "")
    cleaned = clean_server_text(text + secret, secret)
    assert is_fit_for_a_screen(cleaned)
    assert len(cleaned) <= 300
