# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Making a server's text fit for a screen: no control characters, no secret, not too long."""

from __future__ import annotations

import re
from functools import lru_cache

from .secret import is_hidden, mask_secret

MOST_CHARACTERS = 300

# What terminals obey (ECMA-48, sections 5.3 to 5.6): CSI (ESC [ or its one-character form), OSC,
# and the short ones.
_ESCAPE_CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


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


def _visible(text: str) -> str:
    without_codes = _ESCAPE_CODES.sub("", text)
    return "".join(_visible_character(character) for character in without_codes)


def _visible_character(character: str) -> str:
    if character.isspace():
        return " "
    return "" if is_hidden(character) else character
