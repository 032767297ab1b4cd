# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter with which playbooks show the result of an update of many campaigns."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bulk_report
short_description: Show the result of an update of many campaigns in a few lines
version_added: 1.0.0
description:
  - Returns the lines that the playbooks of this collection print at their end. They name the campaigns that failed and those that changed.
  - When nothing failed, that is the message of the module. Otherwise the first 20 campaigns that failed are shown with the cause and the next step,
    and the others by name. Up to 20 campaigns that changed are named.
positional: check_mode
options:
  _input:
    description:
      - The registered result of M(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk).
    type: dict
    required: true
  check_mode:
    description:
      - Whether nothing was sent.
    type: bool
    default: false
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_bulk
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Update campaigns, and go on when some fail
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns:
      - campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]
  register: update
  failed_when: false

- name: Show the result, and fail if any failed
  ansible.builtin.debug:
    msg: "{{ report.lines }}"
  failed_when: report.failed
  vars:
    report: "{{ update | ozonetel.cloudagent.bulk_report(ansible_check_mode) }}"
"""

RETURN = r"""
_value:
  description:
    - What to print, and whether to fail.
  type: dict
  contains:
    failed:
      description: Whether the update failed as a whole, or any campaign failed.
      type: bool
    lines:
      description: What to print.
      type: list
      elements: str
      sample:
        - "2 campaigns: 1 failed, 1 changed."
        - 'Winter Sale failed. The account "acme" has no campaign named "Winter Sale". Check the spelling of campaign_name, including upper and lower case.'
        - "Changed: Sales."
"""

import typing as t

from ..plugin_utils._bulk_report import report_update


def bulk_report(result: t.Mapping[str, t.Any], check_mode: bool = False) -> dict[str, t.Any]:
    """Return what to print about the update of many campaigns, and whether to fail."""
    return report_update(result, check_mode)._asdict()


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"bulk_report": bulk_report}
