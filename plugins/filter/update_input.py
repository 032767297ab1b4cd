# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter with which the playbook update_dynamic_dids checks what it is given."""

from __future__ import annotations

DOCUMENTATION = r"""
name: update_input
short_description: Check what the playbook update_dynamic_dids is given
version_added: 1.0.0
description:
  - The playbook C(ozonetel.cloudagent.update_dynamic_dids) uses it, and it may change with the playbook. In playbooks of your own, use
    P(ozonetel.cloudagent.campaigns_from_csv#filter).
options:
  _input:
    description:
      - The names of the variables that are set.
    type: list
    elements: str
    required: true
  campaigns:
    description:
      - The value of C(cloudagent_campaigns).
    type: raw
  csv:
    description:
      - The value of C(cloudagent_csv), the path of a CSV file. A relative path counts from the directory in which C(ansible-playbook) was called.
    type: raw
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Show what would be refused
  ansible.builtin.debug:
    msg: "{{ (['cloudagent_recrod'] | ozonetel.cloudagent.update_input).faults }}"
"""

RETURN = r"""
_value:
  description:
    - The campaigns, and what is wrong.
  type: dict
  contains:
    campaigns:
      description: The campaigns. V(null) when anything is wrong.
      type: list
      elements: dict
    faults:
      description: What is wrong. Empty when nothing is.
      type: list
      elements: str
"""

import typing as t

from ansible.utils.display import Display

from ..plugin_utils._update_input import read_update_input


def update_input(
    names: t.Collection[str], campaigns: object = None, csv: object = None
) -> dict[str, t.Any]:
    """Return the campaigns that the playbook was given, and what is wrong with them."""
    found = read_update_input(names, campaigns, csv)
    if found.ignored_columns:
        columns = ", ".join(found.ignored_columns)
        Display().warning(f"Columns of cloudagent_csv that are not used: {columns}")
    return {"campaigns": found.campaigns, "faults": found.faults}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"update_input": update_input}
