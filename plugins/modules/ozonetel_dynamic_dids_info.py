#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids_info
short_description: Tell which dynamic DIDs were applied last to Ozonetel CloudAgent campaigns
version_added: 0.1.0
description:
  - Reads the I(last-applied records) that M(ozonetel.cloudagent.ozonetel_dynamic_dids) keeps, and tells for each campaign the lists
    that the server confirmed last, and up to ten pairs of lists in all, so that an earlier pair can be put back.
  - It sends nothing. CloudAgent has no call that reads the lists back, so what somebody changed in its own screens,
    or from another record, is not seen.
  - The module is not an official product of Ozonetel.
extends_documentation_fragment:
  - ozonetel.cloudagent.attributes
  - ozonetel.cloudagent.attributes.actiongroup_cloudagent
  - ozonetel.cloudagent.attributes.info_module
options:
  campaign_name:
    description:
      - Tell of the campaigns of this name alone. It has to be spelled as it was sent, upper and lower case included.
    type: str
  username:
    description:
      - Tell of the campaigns of this account alone, spelled as it was sent.
      - No environment variable is used in its place.
    type: str
  region:
    description:
      - Tell of the campaigns at the vendor's URL for V(domestic) or for V(international) accounts alone.
      - No environment variable is used in its place.
      - Can not be given together with O(api_url).
    type: str
    choices:
      - domestic
      - international
  api_url:
    description:
      - Tell of the campaigns at this base URL alone, in any spelling of the same URL.
      - No environment variable is used in its place.
      - Can not be given together with O(region).
    type: str
  record_dir:
    description:
      - The directory of the records. When it is missing, there are none.
      - If not given, the environment variable E(OZONETEL_RECORD_DIR) is used, then C($XDG_STATE_HOME/ozonetel.cloudagent),
        then C(~/.local/state/ozonetel.cloudagent).
      - It is looked up where the task runs, as the user that runs it, so give this task the host and the C(become) of the updates.
    type: path
  api_key:
    description:
      - Not used, as nothing is sent. It is here, as the other options below are, so that defaults of the action group fit.
    type: str
  validate_certs:
    description:
      - Not used.
    type: bool
    default: true
  ca_path:
    description:
      - Not used.
    type: path
  timeout:
    description:
      - Not used.
    type: float
    default: 60
  retries:
    description:
      - Not used.
    type: int
    default: 2
  record:
    description:
      - Not used.
    type: bool
    default: true
  skip_unchanged:
    description:
      - Not used.
    type: bool
    default: false
notes:
  - A record that can not be read, is damaged, or was written by a newer version of the collection is left out with a warning.
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_changed
    description: What the last-applied record knows, and what it can not know.
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Tell of all campaigns
  ozonetel.cloudagent.ozonetel_dynamic_dids_info:
  register: recorded

- name: Show the lists that each campaign was given last
  ansible.builtin.debug:
    msg: "{{ item.dynamic_dids | join(', ') }} since {{ item.applied_at }}{{ '' if item.confirmed else ', not certain to hold' }}"
  loop: "{{ recorded.campaigns }}"
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

    - name: Look up what was applied before
      ozonetel.cloudagent.ozonetel_dynamic_dids_info:
        campaign_name: Sales
      register: recorded

    - name: Fail clearly when there is nothing to put back
      ansible.builtin.assert:
        that: recorded.campaigns | length == 1 and recorded.campaigns[0].history | length > 1
        fail_msg: There is no single record of the campaign Sales that holds earlier lists, so nothing can be put back.

    - name: Put the earlier lists back
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        campaign_name: Sales
        dynamic_dids: "{{ recorded.campaigns[0].history[1].dynamic_dids }}"
        fallback_dynamic_dids: "{{ recorded.campaigns[0].history[1].fallback_dynamic_dids }}"
"""

RETURN = r"""
changed:
  description: V(false), as nothing is changed.
  type: bool
  returned: always
  sample: false
campaigns:
  description: The campaigns of which there is a record, sorted by endpoint, account and name. Empty when there are none.
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
        - V(false) when an update after them had no known outcome, was refused or was interrupted, or was made with C(record=false).
          The lists below are then the last that the server confirmed, and may not hold any more.
      type: bool
      returned: always
      sample: true
    applied_at:
      description: When the server confirmed the lists below. UTC, in the form of ISO 8601. An unchanged update does not renew it.
      type: str
      returned: always
      sample: "2027-01-15T08:00:00Z"
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
        - The latest pairs of lists that the server confirmed, newest first, at most ten. Each differs from the one before.
        - The first is the pair above. So V(history[1]) is the pair before it. When RV(campaigns[].confirmed) is V(false),
          the first itself is the latest pair that was certain.
        - Pairs that were sent under another spelling of the account's or the campaign's name are left out.
      type: list
      elements: dict
      returned: always
      contains:
        applied_at:
          description: When the server confirmed this pair. UTC, in the form of ISO 8601.
          type: str
          returned: always
          sample: "2027-01-15T08:00:00Z"
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
msg:
  description: The cause of the failure and the next step.
  type: str
  returned: on failure
  sample: record_dir is empty. Give the absolute path of a directory, or leave it out.
failure:
  description:
    - Why the task failed, in the form that RV(ozonetel.cloudagent.ozonetel_dynamic_dids#module:failure) has.
    - Results that Ansible itself makes, for example for a mistyped option, do not have it.
  type: dict
  returned: on failure
  contains:
    reason:
      description: V(invalid_input), an option can not be used.
      type: str
      returned: always
      sample: invalid_input
    outcome:
      description: V(not_applied), as nothing is sent.
      type: str
      returned: always
      sample: not_applied
    http_status:
      description: V(null), as nothing is sent.
      type: int
      returned: always
    api_message:
      description: V(null), as nothing is sent.
      type: str
      returned: always
    attempts:
      description: 0, as nothing is sent.
      type: int
      returned: always
      sample: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._info import show_records
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    info_argument_spec,
)


def main() -> None:
    """Tell what was applied last."""
    show_records(AnsibleModule(argument_spec=info_argument_spec(), supports_check_mode=True))


if __name__ == "__main__":
    main()
