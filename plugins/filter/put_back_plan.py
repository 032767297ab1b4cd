# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that plans the playbook put_back."""

from __future__ import annotations

DOCUMENTATION = r"""
name: put_back_plan
short_description: Plan the playbook put_back of this collection
version_added: 1.0.0
description:
  - Returns the campaigns and the lists that the playbook C(ozonetel.cloudagent.put_back) sends.
  - It is private to the playbook and may change at any time. For playbooks of your own, use O(ozonetel.cloudagent.ozonetel_dynamic_dids_info#module:before).
positional: campaign, everything, before
options:
  _input:
    description: What M(ozonetel.cloudagent.ozonetel_dynamic_dids_info) returned with C(as_update) and C(before).
    type: dict
    required: true
  campaign:
    description: The variable C(cloudagent_campaign), the name of a campaign or a list of names.
    type: raw
  everything:
    description: The variable C(cloudagent_all), whether all campaigns of the account are put back.
    type: bool
    default: false
  before:
    description: The variable C(cloudagent_before). It is required for several campaigns.
    type: str
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look up what the records say
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
    campaign_name: Sales
    as_update: true
    before: current
  register: recorded

- name: Show what the playbook put_back would do
  ansible.builtin.debug:
    msg: "{{ recorded | ozonetel.cloudagent.put_back_plan(campaign='Sales') }}"
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
      sample: ["To put 1 campaign back:"]
"""

import typing as t

from ..plugin_utils._plan import Plan, Shown
from ..plugin_utils._put_back import plan_put_back


def put_back_plan(
    recorded: Shown, campaign: object = None, everything: object = False, before: object = None
) -> Plan:
    """Return what the playbook put_back sends, or why it does not."""
    return plan_put_back(recorded, campaign, everything, before)


class FilterModule:
    """The filter of the playbook put_back."""

    def filters(self) -> dict[str, t.Callable[..., Plan]]:
        """Return the filter by its name."""
        return {"put_back_plan": put_back_plan}
