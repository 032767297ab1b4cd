# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that checks where the playbook report writes its page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_plan
short_description: Plan the playbook report of this collection
version_added: 1.0.0
description:
  - Returns where the playbook C(ozonetel.cloudagent.report) writes its page, and what it prints.
  - It is private to the playbook and may change at any time.
positional: report, check_mode
options:
  _input:
    description: What M(ozonetel.cloudagent.ozonetel_dynamic_dids_info) returned.
    type: dict
    required: true
  report:
    description:
      - The variable C(cloudagent_report), the path of a file. A relative path counts from the directory in which C(ansible-playbook) was called.
    type: str
  check_mode:
    description: Whether nothing is written.
    type: bool
    default: false
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look up what was applied
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
  register: recorded

- name: Show what the playbook report would print
  ansible.builtin.debug:
    msg: "{{ recorded | ozonetel.cloudagent.report_plan('report.html') }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    refusal:
      description: Why no page is written. Empty if one is.
      type: str
      sample: ""
    path:
      description: The absolute path of the page.
      type: str
      sample: /home/deploy/report.html
    lines:
      description: What the page is about, and where it is.
      type: list
      elements: str
      sample:
        - "12 campaigns of 1 account; 1 not confirmed; 3 numbers in several campaigns."
        - "The page is /home/deploy/report.html"
"""

import typing as t

from ..plugin_utils._report.page import Shown
from ..plugin_utils._report.plan import Plan, plan_report


def report_plan(recorded: Shown, report: object = None, check_mode: bool = False) -> Plan:
    """Return where the page is written, or why it is not."""
    return plan_report(recorded, report, check_mode)


class FilterModule:
    """The filter of the playbook report."""

    def filters(self) -> dict[str, t.Callable[..., Plan]]:
        """Return the filter by its name."""
        return {"report_plan": report_plan}
