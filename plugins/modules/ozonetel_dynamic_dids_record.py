#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids_record
short_description: Withdraw or forget the last-applied records of Ozonetel CloudAgent campaigns
version_added: 1.0.0
description:
  - Changes the I(last-applied records) that M(ozonetel.cloudagent.ozonetel_dynamic_dids) and M(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk)
    keep. It sends nothing, and CloudAgent keeps the lists that it has.
  - Withdraw confirmations that may be wrong with O(state=unconfirmed), for example after the records were restored from a backup,
    or after an emergency in which campaigns were updated without the records.
  - Forget campaigns that were deleted in CloudAgent with O(state=absent).
  - The module is not an official product of Ozonetel.
extends_documentation_fragment:
  - ozonetel.cloudagent.attributes
  - ozonetel.cloudagent.attributes.actiongroup_cloudagent
  - ozonetel.cloudagent.record_filter
attributes:
  action:
    support: none
  async:
    support: full
  check_mode:
    support: full
    details:
      - Returns the records that would be changed, and changes none.
  diff_mode:
    support: full
    details:
      - The diff has one line for each record that is changed.
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
options:
  state:
    description:
      - With V(unconfirmed), the confirmations of the chosen campaigns are withdrawn. Their lists and their history are kept.
        The next update of such a campaign is sent even with C(skip_unchanged), and counts as changed.
      - With V(absent), the records of the chosen campaigns are removed, together with their history.
        The next update of such a campaign counts as its first. In a directory, a small lock file stays for each of them. In a database,
        a record stays, and the task fails, while a run that was interrupted may still send an update of the campaign.
    type: str
    required: true
    choices:
      - unconfirmed
      - absent
  all:
    description:
      - Whether to choose every record when neither O(campaign_name) nor O(did) is given. Without it, one of them is required, because
        the other filters may come from the defaults of the action group.
      - Filters that are given still apply.
    type: bool
    default: false
  timeout:
    description:
      - How long to wait in total for records that updates have locked, in seconds. A campaign is locked while it is being updated.
      - Must be greater than 0.
    type: float
    default: 60
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_info
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_changed
    description: What the last-applied record knows, and when to withdraw a confirmation by hand.
      In the collection's folder, it is C(docs/docsite/rst/guide_changed.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_shared_record
    description: When to withdraw confirmations of a record in PostgreSQL.
      In the collection's folder, it is C(docs/docsite/rst/guide_shared_record.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Withdraw all confirmations after the directory or the database of the records was restored from a backup
  ozonetel.cloudagent.ozonetel_dynamic_dids_record:
    state: unconfirmed
    all: true

- name: Withdraw the confirmation of a campaign that was updated without its record
  ozonetel.cloudagent.ozonetel_dynamic_dids_record:
    username: acme
    campaign_name: Sales
    state: unconfirmed

- name: Withdraw the confirmations of all campaigns that use a number
  ozonetel.cloudagent.ozonetel_dynamic_dids_record:
    did: "9140001001"
    state: unconfirmed

- name: Show which records of an account would be forgotten
  ozonetel.cloudagent.ozonetel_dynamic_dids_record:
    username: acme
    api_url: https://cc.partner.example
    all: true
    state: absent
  check_mode: true
  diff: true

- name: Forget a campaign that was deleted in CloudAgent
  ozonetel.cloudagent.ozonetel_dynamic_dids_record:
    username: acme
    campaign_name: Winter Sale
    state: absent
"""

RETURN = r"""
changed:
  description:
    - Whether any record was changed, even when the task fails. Check mode predicts it.
    - V(false) when the confirmations of all chosen campaigns were withdrawn before, or when no record was chosen.
  type: bool
  returned: always
  sample: true
msg:
  description: What was done, or the cause of the failure and the next step.
  type: str
  returned: always
  sample: 1 record is now unconfirmed.
campaigns:
  description:
    - The campaigns whose records were changed, sorted by endpoint, account and name. In check mode, those whose records would be changed.
    - Each is shown as it was before.
  type: list
  elements: dict
  returned: always
  contains:
    endpoint:
      description: The base URL that the updates were sent to, in one spelling.
      type: str
      returned: always
      sample: https://in1-ccaas-api.ozonetel.com
    username:
      description: The account.
      type: str
      returned: always
      sample: acme
    campaign_name:
      description: The campaign.
      type: str
      returned: always
      sample: Sales
    confirmed:
      description: Whether the record was confirmed before.
      type: bool
      returned: always
      sample: true
    applied_at:
      description: When the server confirmed the lists below. UTC, in ISO 8601 format.
      type: str
      returned: always
      sample: "2027-01-15T08:00:00Z"
    applied_by:
      description: The user and the host that sent them.
      type: str
      returned: always
      sample: deploy@runner
    note:
      description: The C(record_note) of that update. V(null) when it had none.
      type: str
      returned: always
      sample: https://ci.example/jobs/4711
    dynamic_dids:
      description: The dynamic DIDs that the server confirmed last, in their order.
      type: list
      elements: str
      returned: always
      sample: ["9140001003"]
    fallback_dynamic_dids:
      description: The fallback dynamic DIDs that the server confirmed last, in their order.
      type: list
      elements: str
      returned: always
      sample: ["9140002002"]
diff:
  description: The states of the changed records before and after.
  type: dict
  returned: in diff mode, when the records could be read
  contains:
    before_header:
      description: Where the records are.
      type: str
      returned: always
      sample: last-applied records in /home/deploy/.local/state/ozonetel.cloudagent
    before:
      description: A line for each record, with its state before.
      type: str
      returned: always
      sample: "campaign \"Sales\" of acme at https://in1-ccaas-api.ozonetel.com: confirmed\n"
    after_header:
      description: Where the records are.
      type: str
      returned: always
      sample: last-applied records in /home/deploy/.local/state/ozonetel.cloudagent
    after:
      description: A line for each record, with its state after. Empty with O(state=absent).
      type: str
      returned: always
      sample: "campaign \"Sales\" of acme at https://in1-ccaas-api.ozonetel.com: unconfirmed\n"
failure:
  description:
    - Why the task failed, in the same form as RV(ozonetel.cloudagent.ozonetel_dynamic_dids#module:failure).
    - Failures that Ansible itself reports, for example for a mistyped option, do not have it.
  type: dict
  returned: on failure
  contains:
    reason:
      description:
        - V(invalid_input) - an option cannot be used, or no filter is given and O(all) is V(false). Nothing was changed.
        - V(record_failed) - the records could not be read, or at least one could not be changed. RV(campaigns) has those that were changed.
      type: str
      returned: always
      sample: record_failed
    outcome:
      description: V(not_applied), because nothing is sent.
      type: str
      returned: always
      sample: not_applied
    http_status:
      description: V(null), because nothing is sent.
      type: int
      returned: always
    api_message:
      description: V(null), because nothing is sent.
      type: str
      returned: always
    attempts:
      description: 0, because nothing is sent.
      type: int
      returned: always
      sample: 0
"""

from ..module_utils._module import CloudAgentModule
from ..module_utils._options import record_changes_argument_spec
from ..module_utils._record_modules.changes import change_records


def main() -> None:
    """Withdraw or forget records."""
    spec = record_changes_argument_spec()
    change_records(CloudAgentModule(argument_spec=spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
