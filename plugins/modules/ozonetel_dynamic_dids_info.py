#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids_info
short_description: Show which dynamic DIDs were applied last to Ozonetel CloudAgent campaigns
version_added: 1.0.0
description:
  - Reads the I(last-applied records) that M(ozonetel.cloudagent.ozonetel_dynamic_dids) and M(ozonetel.cloudagent.ozonetel_dynamic_dids_bulk)
    keep. For each campaign, it shows the lists that the server confirmed last, when and by whom they were applied, and the pairs of lists
    before them, so that you can put an earlier pair back.
  - It sends nothing. CloudAgent has no documented call that reads the lists back, so changes that somebody made in its own screens,
    or with another record, are not detected.
  - The module is not an official product of Ozonetel.
extends_documentation_fragment:
  - ozonetel.cloudagent.attributes
  - ozonetel.cloudagent.attributes.actiongroup_cloudagent
  - ozonetel.cloudagent.attributes.info_module
  - ozonetel.cloudagent.record_filter
options:
  as_update:
    description:
      - Whether to return only the campaigns of the account and the endpoint that an update with the same options would use.
      - The account is O(username), or else E(OZONETEL_USERNAME). The endpoint comes from O(region) or O(api_url), or else from
        E(OZONETEL_API_URL), then from E(OZONETEL_REGION), and otherwise it is the vendor's URL for domestic accounts.
        So the environment is a filter as well. It is read where the task runs.
      - RV(account) then tells more about this account.
    type: bool
    default: false
  before:
    description:
      - Return the pair of lists to put back for each campaign, as RV(campaigns[].earlier).
      - With a time, it is the last pair that was confirmed strictly before that time. The time is in ISO 8601 format and has a time zone,
        for example V(2027-01-15T08:00:00Z) or V(2027-01-15T13:30:00+05:30). A date without a time, for example V(2027-01-15),
        is its start in UTC.
      - With V(current), it is the pair that was confirmed before the current one. If nothing is confirmed now, it is the last
        confirmed pair.
      - All pairs that the record keeps are considered, whatever O(history_limit) says.
    type: str
  history_limit:
    description:
      - The most pairs of lists to return for each campaign. The records keep the last 100.
      - Must be 0 or greater.
    type: int
    default: 10
  timeout:
    description:
      - "For updates only: how long the update of one campaign may take, in seconds."
    type: float
    default: 60
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_record
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_changed
    description: What the last-applied record knows, and what it cannot know.
      In the collection's folder, it is C(docs/docsite/rst/guide_changed.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_put_back
    description: How to put earlier lists of campaigns back, with a playbook of the collection.
      In the collection's folder, it is C(docs/docsite/rst/guide_put_back.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_report
    description: A page for the browser that shows what was applied, without writing a playbook.
      In the collection's folder, it is C(docs/docsite/rst/guide_report.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_shared_record
    description: One record in PostgreSQL for pipelines, AWX and several controllers, and SQL for common questions.
      In the collection's folder, it is C(docs/docsite/rst/guide_shared_record.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look up all campaigns
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
  register: recorded

- name: Show the lists that each campaign was given last
  ansible.builtin.debug:
    msg: "{{ item.dynamic_dids | join(', ') }} since {{ item.applied_at }}{{ '' if item.confirmed else ', not certain to hold' }}"
  loop: "{{ recorded.campaigns }}"
  loop_control:
    label: "{{ item.username }} / {{ item.campaign_name }}"

- name: Look up which campaigns use a number
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
    did: "9140001001"
    history_limit: 0
  register: users

- name: Show where the number is used, and who applied it
  ansible.builtin.debug:
    msg: "{{ item.found_in | join(' and ') }} of {{ item.campaign_name }}, by {{ item.applied_by }}: {{ item.note | default('no note', true) }}"
  loop: "{{ users.campaigns }}"
  loop_control:
    label: "{{ item.username }} / {{ item.campaign_name }}"

- name: Update a campaign twice, then put the first lists back
  module_defaults:
    group/ozonetel.cloudagent.cloudagent:
      username: acme
      api_key: "{{ vault_cloudagent_api_key }}"
  block:
    - name: Set the numbers
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]

    - name: Set other numbers
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        campaign_name: Sales
        dynamic_dids: ["9140001003"]
        fallback_dynamic_dids: ["9140002002"]

    # The playbook ozonetel.cloudagent.put_back does the same.
    - name: Look up what was applied before
      ozonetel.cloudagent.ozonetel_dynamic_dids_info:
        campaign_name: Sales
        as_update: true
        before: current
      register: recorded

    - name: Put the earlier lists back
      vars:
        earlier: "{{ recorded.campaigns | map(attribute='earlier') | select | first | default }}"
      block:
        - name: Fail clearly when there is nothing to put back
          ansible.builtin.assert:
            that: earlier is truthy
            fail_msg: There is no record of the campaign Sales that holds earlier lists, so nothing can be put back.

        - name: Send the earlier lists
          ozonetel.cloudagent.ozonetel_dynamic_dids:
            campaign_name: Sales
            dynamic_dids: "{{ earlier.dynamic_dids }}"
            fallback_dynamic_dids: "{{ earlier.fallback_dynamic_dids }}"
"""

RETURN = r"""
changed:
  description: V(false), because nothing is changed.
  type: bool
  returned: always
  sample: false
campaigns:
  description: The campaigns that have a record and match the filters, sorted by endpoint, account and name. Empty when there are none.
  type: list
  elements: dict
  returned: success
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
      description:
        - Whether the lists below are, as far as the record knows, those that the campaign has.
        - V(false) when an update after them had no known outcome, was refused or was interrupted, was made with C(record=false),
          or when the confirmation was withdrawn with M(ozonetel.cloudagent.ozonetel_dynamic_dids_record).
          The lists below are then the last that the server confirmed, and the campaign may now have other lists.
      type: bool
      returned: always
      sample: true
    applied_at:
      description: When the server confirmed the lists below. UTC, in ISO 8601 format. An unchanged update does not renew it.
      type: str
      returned: always
      sample: "2027-01-15T08:00:00Z"
    applied_by:
      description:
        - The user and the host that sent the lists below. This is the user that ran the update, not necessarily the person who started it.
        - A user without a name is shown as a number.
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
    history:
      description:
        - The latest pairs of lists that the server confirmed, newest first, at most O(history_limit). Each differs from the one before.
        - The first is the pair above. So V(history[1]) is the pair before it. When RV(campaigns[].confirmed) is V(false),
          the first itself is the latest pair that was certain.
        - Pairs that were sent under another spelling of the account's or the campaign's name are left out.
      type: list
      elements: dict
      returned: always
      contains:
        applied_at:
          description: When the server confirmed this pair. UTC, in ISO 8601 format.
          type: str
          returned: always
          sample: "2027-01-15T08:00:00Z"
        applied_by:
          description: The user and the host that sent this pair.
          type: str
          returned: always
          sample: deploy@runner
        note:
          description: The C(record_note) of that update. V(null) when it had none.
          type: str
          returned: always
          sample: https://ci.example/jobs/4711
        dynamic_dids:
          description: The dynamic DIDs, in their order.
          type: list
          elements: str
          returned: always
          sample: ["9140001003"]
        fallback_dynamic_dids:
          description: The fallback dynamic DIDs, in their order.
          type: list
          elements: str
          returned: always
          sample: ["9140002002"]
    earlier:
      description:
        - The pair to put back, chosen as O(before) says. V(null) when the record has no such pair.
      type: dict
      returned: when O(before) is given
      contains:
        applied_at:
          description: When the server confirmed this pair. UTC, in ISO 8601 format.
          type: str
          returned: always
          sample: "2027-01-14T08:00:00Z"
        applied_by:
          description: The user and the host that sent this pair.
          type: str
          returned: always
          sample: deploy@runner
        note:
          description: The C(record_note) of that update. V(null) when it had none.
          type: str
          returned: always
          sample: https://ci.example/jobs/4710
        dynamic_dids:
          description: The dynamic DIDs, in their order.
          type: list
          elements: str
          returned: always
          sample: ["9140001001", "9140001002"]
        fallback_dynamic_dids:
          description: The fallback dynamic DIDs, in their order.
          type: list
          elements: str
          returned: always
          sample: ["9140002001"]
        before:
          description:
            - A value for O(before) that chooses this pair again, also after it was put back.
            - V(null) when there is none, because the pair after it was confirmed in the same second.
          type: str
          returned: always
          sample: "2027-01-15T08:00:00Z"
    found_in:
      description: The lists above that contain the number.
      type: list
      elements: str
      choices:
        - dynamic_dids
        - fallback_dynamic_dids
      returned: when O(did) is given
      sample: ["dynamic_dids"]
records:
  description: The place of the records, without a password. V(null) when there is no home directory to keep them in.
  type: str
  returned: success
  sample: /home/deploy/.local/state/ozonetel.cloudagent
account:
  description: The account and the endpoint that an update would use, and what their records say, whichever campaigns the other filters choose.
  type: dict
  returned: when O(as_update=true)
  contains:
    username:
      description: The account.
      type: str
      returned: always
      sample: acme
    endpoint:
      description: The base URL that updates are sent to.
      type: str
      returned: always
      sample: https://in1-ccaas-api.ozonetel.com
    records:
      description: The place of the records. V(null) when there is no home directory to keep them in.
      type: str
      returned: always
      sample: /home/deploy/.local/state/ozonetel.cloudagent
    campaigns:
      description: How many campaigns of this account have a record.
      type: int
      returned: always
      sample: 12
    unconfirmed:
      description: The names of those campaigns for which RV(campaigns[].confirmed) is V(false), sorted.
      type: list
      elements: str
      returned: always
      sample: ["Support"]
msg:
  description: The cause of the failure and the next step.
  type: str
  returned: on failure
  sample: record_dir is empty. Give the absolute path of a directory, or leave it out.
failure:
  description:
    - Why the task failed, in the same form as RV(ozonetel.cloudagent.ozonetel_dynamic_dids#module:failure).
    - Failures that Ansible itself reports, for example for a mistyped option, do not have it.
  type: dict
  returned: on failure
  contains:
    reason:
      description:
        - V(invalid_input) - an option cannot be used.
        - V(record_failed) - the database of O(record_url) cannot be used.
      type: str
      returned: always
      sample: invalid_input
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
from ..module_utils._options import info_argument_spec
from ..module_utils._record_modules.info import show_records


def main() -> None:
    """Show what was applied last."""
    spec = info_argument_spec()
    show_records(CloudAgentModule(argument_spec=spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
