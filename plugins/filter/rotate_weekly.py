# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that gives campaigns the numbers of a pool in turn."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rotate_weekly
short_description: Give campaigns the numbers of a pool in turn, week by week
version_added: 1.0.0
description:
  - Returns the campaigns with their C(dynamic_dids) for the week, in the form of the option
    O(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk#module:campaigns).
  - The campaigns get the numbers of the pool in turn. Each campaign gets those after the numbers of the campaign before it. After the end of the pool, it
    goes on at the beginning. So if the pool has fewer numbers than all campaigns together get, some campaigns share numbers.
  - In the next week, every campaign moves on by one number. Within a week, the same campaigns and the same pool always get the same lists.
  - A week begins on Monday at 00:00 UTC. The weeks are counted without regard to years, so every week moves on by one number at New Year too.
  - If you add a campaign or a number, or change their order, the campaigns may get other numbers at once.
positional: pool, each, day
options:
  _input:
    description:
      - The campaigns, each with C(campaign_name) and C(fallback_dynamic_dids). All keys are kept, except that C(dynamic_dids) is replaced.
    type: list
    elements: dict
    required: true
  pool:
    description:
      - The numbers, as a list or as one text with commas. Quote them in YAML. No number may occur twice.
    type: raw
    required: true
  each:
    description:
      - How many numbers each campaign gets. The pool must have at least as many.
    type: int
    default: 1
  day:
    description:
      - A day of the week to return the lists of, for example V(2027-01-04). If not given, it is today, in UTC.
    type: raw
notes:
  - Each list is one text with commas. For thousands of campaigns, lists of numbers would cost Ansible most of its time and memory.
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_bulk
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_recipes
    description: How to run it each week, and how to see the lists of a later week.
      In the collection's folder, it is C(docs/docsite/rst/guide_recipes.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Give each campaign two numbers of the pool, other ones each week
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns: "{{ campaigns | ozonetel.cloudagent.rotate_weekly(pool, each=2) }}"
  vars:
    pool: ["9140001001", "9140001002", "9140001003", "9140001004", "9140001005"]
    campaigns:
      - campaign_name: Sales
        fallback_dynamic_dids: ["9140002001"]
      - campaign_name: Support
        fallback_dynamic_dids: ["9140002002"]
"""

RETURN = r"""
_value:
  description:
    - The campaigns, in their order.
  type: list
  elements: dict
  sample:
    - campaign_name: Sales
      dynamic_dids: 9140001001,9140001002
      fallback_dynamic_dids: ["9140002001"]
    - campaign_name: Support
      dynamic_dids: 9140001003,9140001004
      fallback_dynamic_dids: ["9140002002"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._failure import InvalidInput
from ..plugin_utils._rotation import rotate


def rotate_weekly(
    campaigns: object, pool: object = None, each: object = 1, day: object = None
) -> list[dict[str, t.Any]]:
    """Return the campaigns with their numbers of the week, each list as one text with commas.

    Raises:
        AnsibleFilterError: the campaigns, the pool or an option cannot be used.
    """
    try:
        return rotate(campaigns, pool, each, day)
    except InvalidInput as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rotate_weekly": rotate_weekly}
