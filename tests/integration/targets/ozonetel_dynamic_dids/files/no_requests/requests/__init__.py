# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands before the real library on Python's path: Ansible's own commands do not find it."""

from __future__ import annotations

import importlib
import os
import sys

if os.path.basename(sys.argv[0]).startswith("ansible"):
    raise ImportError("No module named 'requests'")

sys.path.remove(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
del sys.modules["requests"]
importlib.import_module("requests")
