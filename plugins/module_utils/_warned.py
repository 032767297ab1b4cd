# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the user should know, in words and by its kind."""

from __future__ import annotations

import typing as t


class Warned(t.NamedTuple):
    """A warning.

    Attributes:
        kind: the same for all warnings of a sort, by which those of many campaigns are counted.
        text: what the user reads.
    """

    kind: str
    text: str


Warn = t.Callable[[Warned], None]
