# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the page of the playbook report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_page
short_description: Make a page that shows what was applied
version_added: 1.0.0
description:
  - Returns one HTML page about the campaigns of the last-applied record. It shows their numbers, when, by whom and with which note these were applied, the
    numbers that several campaigns of an account use, and what is not confirmed. The earlier pairs of lists are folded away.
  - The page loads nothing from elsewhere, and all texts of the record are escaped. The same record gives the same page.
  - It shows what was applied through this collection, not what CloudAgent holds.
  - The playbook C(ozonetel.cloudagent.report) writes it without a task of your own, with C(-e cloudagent_report=report.html).
options:
  _input:
    description: What M(ozonetel.cloudagent.ozonetel_dynamic_dids_info) returned, with at least one campaign.
    type: dict
    required: true
notes:
  - The page has room for 20,000 earlier pairs of lists. For 10,000 campaigns, these are the latest two of each.
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_info
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_report
    description: The page without writing a playbook, and what it shows.
      In the collection's folder, it is C(docs/docsite/rst/guide_report.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Apply the lists of a campaign
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    campaign_name: Sales
    dynamic_dids: ["9140001001", "9140001002"]
    fallback_dynamic_dids: ["9140002001"]

- name: Look up what was applied to the campaigns of one account
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
    username: acme
  register: recorded

- name: Write a page about them
  ansible.builtin.copy:
    content: "{{ recorded | ozonetel.cloudagent.report_page }}"
    dest: "{{ playbook_dir }}/report.html"
    mode: "0644"
  diff: false
"""

RETURN = r"""
_value:
  description: The page.
  type: str
  sample: <!doctype html>...
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report.page import Shown, make_page


def report_page(recorded: Shown) -> str:
    """Return the page.

    Raises:
        AnsibleFilterError: there is no campaign to show.
    """
    if not recorded["campaigns"]:
        raise AnsibleFilterError("report_page needs at least one campaign.")
    return make_page(recorded)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter by its name."""
        return {"report_page": report_page}
