# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that modules state their support for."""

from __future__ import annotations


class ModuleDocFragment:
    """Descriptions of the attributes; a module adds its support and the details."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
  async:
    description: Supports being used with the C(async) keyword.
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without sending anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the system controlled by the module has not changed in a relevant way.
  platform:
    description: Target operating systems the module runs on.
"""

    # For modules that only look.
    INFO_MODULE = r"""
options: {}
attributes:
  action:
    support: none
  async:
    support: full
  check_mode:
    support: full
    details:
      - It changes nothing, so it does the same in check mode.
  diff_mode:
    support: none
    details:
      - It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    details:
      - It changes nothing.
  platform:
    support: full
    platforms: posix
"""

    ACTIONGROUP_CLOUDAGENT = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/ozonetel.cloudagent.cloudagent) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - ozonetel.cloudagent.cloudagent
"""
