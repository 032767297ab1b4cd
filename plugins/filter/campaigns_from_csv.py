# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that turns the text of a CSV file into campaigns."""

from __future__ import annotations

DOCUMENTATION = r"""
name: campaigns_from_csv
short_description: Turn the text of a CSV file into campaigns
version_added: 1.0.0
description:
  - Returns the campaigns of a CSV file that a spreadsheet exported, in the form of the option
    O(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk#module:campaigns).
  - The file has a header with the columns C(campaign_name), C(dynamic_dids) and C(fallback_dynamic_dids), in any order. Upper and lower case,
    spaces, hyphens and underscores make no difference, so C(Dynamic DIDs) names the second one. Other columns are ignored, and a warning names them.
  - Commas, semicolons or tabs separate the cells. The filter detects from the header which of them.
  - Within a cell, commas, semicolons, spaces or line breaks separate the numbers. If they include the separator of the file, the cell must be in
    quotation marks, which spreadsheets write by themselves.
  - Rows without any text are ignored. A byte order mark and any kind of line ending are accepted.
  - The playbook C(ozonetel.cloudagent.update_dynamic_dids) reads a CSV file without a task of your own, with C(-e cloudagent_csv=campaigns.csv).
options:
  _input:
    description:
      - The text of the file, in UTF-8.
    type: str
    required: true
notes:
  - A spreadsheet drops the leading zero of a number, and nothing in the file shows it. Format the columns of numbers as text before you enter them.
  - Other things that a spreadsheet does to numbers are refused, such as C(9.14E+09), C(9140001001.0), C(="0444") and apostrophes. All faults of the
    file are reported together, with row and column, up to 20 of them.
  - Each list is one text with commas. For thousands of campaigns, lists of numbers would cost Ansible most of its time and memory.
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_bulk
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_playbook
    description: CSV files without writing a playbook, and what spreadsheets do to numbers.
      In the collection's folder, it is C(docs/docsite/rst/guide_playbook.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
# The file:
#
#     campaign_name,dynamic_dids,fallback_dynamic_dids
#     Sales,"9140001001,9140001002",9140002001
#     Support,9140001003,9140002002
- name: Update the campaigns of a CSV file
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns: "{{ lookup('ansible.builtin.file', 'campaigns.csv') | ozonetel.cloudagent.campaigns_from_csv }}"
"""

RETURN = r"""
_value:
  description:
    - The campaigns, in the order of the rows.
  type: list
  elements: dict
  contains:
    campaign_name:
      description: The name of the campaign, without spaces at its ends.
      type: str
      sample: Sales
    dynamic_dids:
      description: The dynamic DIDs, separated by commas.
      type: str
      sample: 9140001001,9140001002
    fallback_dynamic_dids:
      description: The fallback dynamic DIDs, separated by commas.
      type: str
      sample: "9140002001"
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ..plugin_utils._campaigns_csv import read_campaigns_csv
from ..plugin_utils._csv_table import CsvFaults, few_faults


def campaigns_from_csv(text: object) -> list[dict[str, str]]:
    """Return the campaigns of a CSV file, each list as one text with commas.

    Raises:
        AnsibleFilterError: the file cannot be used; with the row and column of each fault.
    """
    if not isinstance(text, str):
        raise AnsibleFilterError("campaigns_from_csv needs the text of a CSV file.")
    try:
        table = read_campaigns_csv(text)
    except CsvFaults as error:
        faults = "\n".join(few_faults(error.faults))
        raise AnsibleFilterError(f"The CSV file cannot be used:\n{faults}") from None
    if table.ignored:
        Display().warning(f"Columns of the CSV file that are not used: {', '.join(table.ignored)}")
    return table.campaigns


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"campaigns_from_csv": campaigns_from_csv}
