# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that plans the playbook take_out."""

from __future__ import annotations

DOCUMENTATION = r"""
name: take_out_plan
short_description: Plan the playbook take_out of this collection
version_added: 1.0.0
description:
  - Returns the campaigns and the lists that the playbook C(ozonetel.cloudagent.take_out) sends.
  - It is private to the playbook and may change at any time.
positional: did, at_least, replacement
options:
  _input:
    description: What M(ozonetel.cloudagent.ozonetel_dynamic_dids_info) returned with C(as_update) and C(did).
    type: dict
    required: true
  did:
    description: The variable C(cloudagent_did), the number to take out.
    type: raw
  at_least:
    description: The variable C(cloudagent_at_least), how many numbers each changed list must still have.
    type: int
    default: 1
  replacement:
    description: The variable C(cloudagent_replacement), the number to put in its place.
    type: raw
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look up what the records say
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
    did: "9140001001"
    as_update: true
  register: recorded

- name: Show what the playbook take_out would do
  ansible.builtin.debug:
    msg: "{{ recorded | ozonetel.cloudagent.take_out_plan(did='9140001001') }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    refusal:
      description: Why nothing is sent. Empty if something is.
      type: str
      sample: ""
    campaigns:
      description: The option O(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk#module:campaigns). Each list is one text.
      type: list
      elements: dict
      sample:
        - campaign_name: Sales
          dynamic_dids: "9140001001,9140001002"
          fallback_dynamic_dids: "9140002001"
    lines:
      description: What is going to be done, and what is left alone, in words.
      type: list
      elements: str
      sample: ["To take 9140001001 out of 2 campaigns:"]
"""

import typing as t

from ..plugin_utils._plan import Plan, Shown
from ..plugin_utils._take_out import plan_take_out


def take_out_plan(
    recorded: Shown, did: object = None, at_least: object = 1, replacement: object = None
) -> Plan:
    """Return what the playbook take_out sends, or why it does not."""
    return plan_take_out(recorded, did, at_least, replacement)


class FilterModule:
    """The filter of the playbook take_out."""

    def filters(self) -> dict[str, t.Callable[..., Plan]]:
        """Return the filter by its name."""
        return {"take_out_plan": take_out_plan}
