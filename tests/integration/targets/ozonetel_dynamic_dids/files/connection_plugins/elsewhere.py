# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is not local, to this machine."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: elsewhere
short_description: A connection that is not local, to this machine
description: For a test.
author: ozonetel.cloudagent contributors (!UNKNOWN)
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(LocalConnection):
    """Does what the local one does, under another name."""

    transport = "elsewhere"
