# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Which known name was probably meant by one that is not known."""

from __future__ import annotations

import typing as t

_MOST_EDITS = 2


def closest_names(name: str, known: t.Iterable[str]) -> list[str]:
    """Return the known names that differ least from this one, by at most two letters.

    A letter is added, left out or replaced; two that are swapped count as two. Upper and lower
    case are the same letter.
    """
    folded = name.lower()
    candidates = list(known)
    for edits in range(_MOST_EDITS + 1):
        found = [other for other in candidates if _is_within(folded, other.lower(), edits)]
        if found:
            return found
    return []


def _is_within(one: str, other: str, edits: int) -> bool:
    if abs(len(one) - len(other)) > edits:
        return False
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    if not one or not other:
        # What is left of the longer one was checked to be short enough.
        return True
    return edits > 0 and (
        _is_within(one[1:], other, edits - 1)
        or _is_within(one, other[1:], edits - 1)
        or _is_within(one[1:], other[1:], edits - 1)
    )
