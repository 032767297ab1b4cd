# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Where an error of the collection itself came up."""

from __future__ import annotations

import os
import traceback


def describe_unexpected(error: BaseException) -> str:
    """Return the kind of an error and where it came up.

    Nothing of what it says, which may hold a secret.
    """
    *_callers, (frame, line) = traceback.walk_tb(error.__traceback__)
    code = frame.f_code
    name = os.path.basename(code.co_filename)
    return f"{type(error).__name__} in {code.co_name}, line {line} of {name}"
