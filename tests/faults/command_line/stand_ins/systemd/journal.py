# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal that is written to a file, and fails, so that Ansible turns to syslog as well.

See AnsibleModule.log in ansible/module_utils/basic.py.
"""

from __future__ import annotations

import os
import typing as t


def sendv(*_fields: str) -> None:
    """Ansible looks whether it is there."""


def send(**fields: t.Any) -> t.NoReturn:
    """Write the fields of an entry, one a line."""
    with open(os.environ["CLOUDAGENT_SYSLOG"], "a", encoding="utf-8") as log:
        log.writelines(f"{name}={value}\n" for name, value in fields.items())
    raise OSError("there is no journal")
