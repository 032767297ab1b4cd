# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Whether an interpreter that the user names is the one that Ansible runs in."""

from __future__ import annotations

import os
import shutil
import sys

# Ansible looks for an interpreter by itself, and the controller's own serves as well.
_ANY_PYTHON = ("auto", "auto_legacy", "auto_silent", "auto_legacy_silent")


def is_this_python(interpreter: str) -> bool:
    """Tell whether a task with this ``ansible_python_interpreter`` may run in this process.

    Two names of one file are the same Python only within one folder: a virtual environment's
    Python is a link to the one that it was made from, and has other libraries.
    """
    if interpreter in _ANY_PYTHON:
        return True
    path = shutil.which(interpreter)
    return path is not None and _place(path) == _place(sys.executable)


def _place(path: str) -> tuple[str, str]:
    return os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.realpath(path)
