# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to become another user, which needs no rights and no other user."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: nobody_else
short_description: Become nobody else
description: For a test.
author: ozonetel.cloudagent contributors (!UNKNOWN)
options:
  become_user:
    description: Not used.
    type: str
  become_exe:
    description: Not used.
    type: str
  become_flags:
    description: Not used.
    type: str
  become_pass:
    description: Not used.
    type: str
"""


class BecomeModule(BecomeBase):
    """Runs a command as it is."""

    name = "nobody_else"

    def build_become_command(self, cmd: str, shell: object) -> str:
        """Return the command as it is, with the sign of success that Ansible waits for."""
        super().build_become_command(cmd, shell)
        return str(self._build_success_command(cmd, shell))
