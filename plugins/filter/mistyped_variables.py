# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds mistyped variables of the shipped playbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mistyped_variables
short_description: Find mistyped variables of the playbooks in this collection
version_added: 1.0.0
description:
  - Returns a sentence for each name that differs by one or two letters from a variable of a playbook in this collection.
  - The playbooks of the collection use it to check the variables that they are given. It is of little use elsewhere.
positional: playbook
options:
  _input:
    description:
      - The names of the variables that are set.
    type: list
    elements: str
    required: true
  playbook:
    description:
      - The name of the playbook, without the name of the collection.
    type: str
    required: true
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Refuse mistyped variables
  ansible.builtin.assert:
    that: faults | length == 0
    fail_msg: "{{ faults }}"
  vars:
    faults: "{{ query('ansible.builtin.varnames', '.') | ozonetel.cloudagent.mistyped_variables('update_dynamic_dids') }}"
"""

RETURN = r"""
_value:
  description:
    - For each mistyped name, a sentence with the variable that was probably meant. Empty if there is none.
  type: list
  elements: str
  sample:
    - The variable cloudagent_recrod is not known. Did you mean cloudagent_record?
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._playbook_variables import PLAYBOOK_VARIABLES, mistyped_variable_faults


def mistyped_variables(names: t.Iterable[str], playbook: str) -> list[str]:
    """Return a sentence for each name that is almost one of the playbook's variables.

    Raises:
        AnsibleFilterError: the collection has no such playbook.
    """
    if playbook not in PLAYBOOK_VARIABLES:
        known = ", ".join(PLAYBOOK_VARIABLES)
        raise AnsibleFilterError(f"The playbook has to be one of {known}; {playbook!a} is not.")
    return mistyped_variable_faults(names, playbook)


class FilterModule:
    """Filters for mistyped variables."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"mistyped_variables": mistyped_variables}
