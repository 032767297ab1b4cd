#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids
short_description: Update the dynamic DIDs of an Ozonetel CloudAgent campaign
version_added: 1.0.0
description:
  - Sets the I(dynamic DIDs) and the I(fallback dynamic DIDs) of one outbound campaign of Ozonetel CloudAgent.
  - Dynamic DIDs are the caller numbers that the dialler uses in turn. Fallback dynamic DIDs are used when the primary trunk is down.
  - Both lists are always sent whole, in the given order, in one request.
    The vendor's documentation says that the call updates the lists. This module assumes that it replaces both.
  - The module is not an official product of Ozonetel.
extends_documentation_fragment:
  - ozonetel.cloudagent.attributes
  - ozonetel.cloudagent.attributes.actiongroup_cloudagent
  - ozonetel.cloudagent.connection
  - ozonetel.cloudagent.record
attributes:
  action:
    support: full
    details:
      - On the controller itself, Ansible's own process sends the update, without starting another Python. On other hosts, the module
        sends it. The results are the same. C(-vv) shows which way was taken.
  async:
    support: full
  check_mode:
    support: full
    details:
      - Every option is checked, and nothing is sent. RV(changed) is predicted from the last-applied record, which is only read.
  diff_mode:
    support: partial
    details:
      - The lists before the update come from the last-applied record, because CloudAgent has no documented call that reads them back.
        The diff says when there is no record. Its header says when the recorded lists may be out of date.
  idempotent:
    support: partial
    details:
      - Running it again leaves the campaign as it is, because both lists are sent whole.
      - CloudAgent has no documented call that reads the lists back, so RV(changed) is taken from the last-applied record. V(false) means that
        the lists just sent equal, in the same order, those that the server confirmed last as far as this record knows. RV(changed_basis) says why.
      - Changes that somebody makes in CloudAgent's own screens, or with another record, are not detected. The next run overwrites them,
        and may report unchanged.
      - Without a record, RV(changed) is V(true) after every confirmed update. That is so with O(record=false), and when the directory is
        thrown away or cannot be written to. In pipelines and containers, O(record_url) keeps the record in a database.
  platform:
    support: full
    platforms: posix
options:
  campaign_name:
    description:
      - The name of the campaign, exactly as CloudAgent shows it.
    type: str
    required: true
  dynamic_dids:
    description:
      - The dynamic DIDs, in the order in which they are sent.
      - A list, or one string in which commas separate the numbers.
      - Each number is a string of 3 to 17 digits, which may begin with a C(+). Spaces around it are removed.
      - B(Quote the numbers.) YAML reads an unquoted C(04440123456) as 612411182 before any module sees it.
      - The vendor does not say whether numbers with a C(+) are accepted. They are sent as given.
    type: raw
    required: true
  fallback_dynamic_dids:
    description:
      - The fallback dynamic DIDs, written like O(dynamic_dids).
      - They should belong to a different trunk from the dynamic DIDs.
    type: raw
    required: true
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_bulk
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_info
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_record
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_changed
    description: What the last-applied record knows, what it cannot know, and where to keep it.
      In the collection's folder, it is C(docs/docsite/rst/guide_changed.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_shared_record
    description: One record in PostgreSQL for pipelines, AWX and several controllers.
      In the collection's folder, it is C(docs/docsite/rst/guide_shared_record.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_failures
    description: Every reason of a failure, with its cause and the next step.
      In the collection's folder, it is C(docs/docsite/rst/guide_failures.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_numbers
    description: How numbers are written, and what is refused.
      In the collection's folder, it is C(docs/docsite/rst/guide_numbers.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_speed
    description: How long an update takes, and when it runs in Ansible's own process.
      In the collection's folder, it is C(docs/docsite/rst/guide_speed.rst).
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Set the numbers of one campaign
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    username: acme
    # Kept in a vault: ansible-vault create group_vars/all/vault.yml
    api_key: "{{ vault_cloudagent_api_key }}"
    campaign_name: Sales
    dynamic_dids:
      - "9140001001"
      - "9140001002"
    fallback_dynamic_dids:
      - "9140002001"

- name: Take the account and its API key from OZONETEL_USERNAME and OZONETEL_API_KEY, and give the lists as strings
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    campaign_name: Sales
    dynamic_dids: "9140001001,9140001002"
    fallback_dynamic_dids: "9140002001"

- name: Show what would be sent, without sending it
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    campaign_name: Sales
    dynamic_dids: "9140001001,9140001002"
    fallback_dynamic_dids: "9140002001"
  check_mode: true
  diff: true

- name: Set the account once for several tasks
  module_defaults:
    group/ozonetel.cloudagent.cloudagent:
      username: acme
      api_key: "{{ vault_cloudagent_api_key }}"
      timeout: 30
  block:
    - name: Set the numbers of the first campaign
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]

    - name: Set the numbers of the second campaign
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        campaign_name: Support
        dynamic_dids: ["9140001003"]
        fallback_dynamic_dids: ["9140002002"]

- name: Use an international account
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    region: international
    username: globex
    api_key: "{{ vault_cloudagent_international_api_key }}"
    campaign_name: US Outreach
    dynamic_dids:
      - "+14155550100"
      - "+14155550101"
    fallback_dynamic_dids:
      - "+14155550104"

- name: Use the URL of a partner, whose certificate comes from a private authority
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    api_url: https://cc.partner.example
    ca_path: "{{ playbook_dir }}/files/partner-authority.pem"
    username: acme
    api_key: "{{ vault_cloudagent_api_key }}"
    campaign_name: Sales
    dynamic_dids: "9140001001"
    fallback_dynamic_dids: "9140002001"

- name: Update several campaigns, and stop at once when the account is refused
  ozonetel.cloudagent.ozonetel_dynamic_dids:
    username: acme
    api_key: "{{ vault_cloudagent_api_key }}"
    campaign_name: "{{ item.campaign_name }}"
    dynamic_dids: "{{ item.dynamic_dids }}"
    fallback_dynamic_dids: "{{ item.fallback_dynamic_dids }}"
  loop:
    - campaign_name: Sales
      dynamic_dids: ["9140001001", "9140001002"]
      fallback_dynamic_dids: ["9140002001"]
    - campaign_name: Support
      dynamic_dids: ["9140001003"]
      fallback_dynamic_dids: ["9140002002"]
  register: updates
  loop_control:
    label: "{{ item.campaign_name }}"
    # A wrong API key fails for every campaign, and repeated attempts may lock the account.
    break_when:
      - updates.failure.reason | default('') == 'authentication_failed'

- name: Handle failures by their reason
  block:
    - name: Set the numbers of a campaign that may not exist
      ozonetel.cloudagent.ozonetel_dynamic_dids:
        username: acme
        api_key: "{{ vault_cloudagent_api_key }}"
        campaign_name: Winter Sale
        dynamic_dids: "9140001001"
        fallback_dynamic_dids: "9140002001"
  rescue:
    # Failures that Ansible itself reports, such as a mistyped option or a task's "timeout", have no "failure".
    - name: Fail for any other reason
      ansible.builtin.fail:
        msg: "{{ ansible_failed_result.msg }}"
      when: ansible_failed_result.failure.reason | default('') != 'campaign_not_found'

    - name: Go on without the campaign
      ansible.builtin.debug:
        msg: There is no such campaign yet, so its numbers are not set.
"""

RETURN = r"""
changed:
  description:
    - V(false) when the lists equal those that the server confirmed last, as far as the last-applied record knows, and after a failure.
      V(true) after every other confirmed update. Check mode predicts it.
    - CloudAgent has no documented call that reads the lists back, so changes that somebody made in another way are not seen.
  type: bool
  returned: always
  sample: true
changed_basis:
  description:
    - Why RV(changed) is what it is.
    - V(first_seen) - there is no record of this campaign.
    - V(differs) - the lists that were confirmed last are different.
    - V(same) - the lists that were confirmed last are equal, order included.
    - V(unconfirmed) - there is a record, but it may be out of date. A later update was refused, was interrupted, had no known outcome or was
      made with O(record=false); or the names were spelled differently; or, with O(record_url), another run may have sent in the meantime;
      or the confirmation was withdrawn with M(ozonetel.cloudagent.ozonetel_dynamic_dids_record).
    - V(unavailable) - no record could be used, or O(record=false).
    - V(null) when the update failed before the record was read.
  type: str
  returned: always
  sample: differs
msg:
  description: What was done, and why RV(changed) is what it is. After a failure, its cause and the next step.
  type: str
  returned: always
  sample: 'Updated campaign "Sales": 2 dynamic DIDs, 1 fallback dynamic DID. No earlier update of the campaign is recorded in /var/lib/cloudagent.'
campaign_name:
  description: The campaign.
  type: str
  returned: always
  sample: Sales
dynamic_dids:
  description: The dynamic DIDs as sent. V(null) when the options could not be read.
  type: list
  elements: str
  returned: always
  sample: ["9140001001", "9140001002"]
fallback_dynamic_dids:
  description: The fallback dynamic DIDs as sent. V(null) when the options could not be read.
  type: list
  elements: str
  returned: always
  sample: ["9140002001"]
endpoint:
  description: The base URL that the update is for, in one spelling. V(null) when the options could not be read.
  type: str
  returned: always
  sample: https://in1-ccaas-api.ozonetel.com
sent:
  description: Whether a request may have reached the server, confirmed or not.
  type: bool
  returned: always
  sample: true
api_message:
  description:
    - The text of the last answer, at most 300 characters.
      Characters that could disturb a screen are removed, and the API key is masked.
    - V(null) when there was no answer, or one without a message.
  type: str
  returned: always
  sample: Dynamic DIDs updated successfully
http_status:
  description: The HTTP status of the last answer, V(null) when there was none.
  type: int
  returned: always
  sample: 200
attempts:
  description:
    - How many times sending the request was tried. 0 in check mode and when nothing had to be sent.
    - With C(until), Ansible may replace it by its own count.
  type: int
  returned: always
  sample: 1
diff:
  description: The lists before, as far as the last-applied record knows them, and after.
  type: dict
  returned: in diff mode
  contains:
    before_header:
      description: The campaign and its endpoint. With RV(changed_basis=unconfirmed) it adds that the lists may be out of date.
      type: str
      returned: always
      sample: campaign "Sales" at https://in1-ccaas-api.ozonetel.com
    before:
      description: Both lists as the server last confirmed them, one number on each line; or a line that says that they are not known.
      type: str
      returned: always
      sample: "dynamic_dids:\n  9140001003\nfallback_dynamic_dids:\n  9140002001\n"
    after_header:
      description: The campaign and its endpoint.
      type: str
      returned: always
      sample: campaign "Sales" at https://in1-ccaas-api.ozonetel.com
    after:
      description: Both lists, one number on each line.
      type: str
      returned: always
      sample: "dynamic_dids:\n  9140001001\nfallback_dynamic_dids:\n  9140002001\n"
failure:
  description:
    - Why the update failed, for C(when) and C(rescue).
    - Failures that Ansible itself reports, for example for a mistyped option or a task's C(timeout), do not have it.
  type: dict
  returned: on failure
  contains:
    reason:
      description:
        - V(invalid_input) - an option cannot be used; nothing was sent.
        - V(authentication_failed) - the account or the API key was refused.
        - V(campaign_not_found) - the account has no campaign of this name.
        - V(invalid_dids) - a dynamic DID is not assigned to the account.
        - V(invalid_fallback_dids) - a fallback dynamic DID is not assigned to the account.
        - V(dids_required), V(fallback_dids_required) - the server says that the list is missing.
        - V(rate_limited) - too many requests.
        - V(server_error) - the server failed, or did not understand the request.
        - V(unexpected_answer) - an answer that is not documented.
        - V(redirected) - the server answered with a redirect, which is not followed.
        - V(connection_failed) - no connection, or one that broke.
        - V(tls_failed) - the certificate of the server cannot be verified, or the TLS handshake failed.
        - V(proxy_failed) - the proxy failed.
        - V(timed_out) - no answer within O(timeout).
        - V(record_failed) - nothing was sent, because another run had the campaign's record locked for all of O(timeout),
          or a confirmation that would become wrong cannot be withdrawn, or the database of O(record_url) cannot be used.
      type: str
      returned: always
      sample: campaign_not_found
    outcome:
      description:
        - V(not_applied) - the update was not sent, or every request was refused.
          The vendor does not say whether a refusal of numbers leaves both lists untouched.
        - V(unknown) - a request may have reached the server, and no answer says what happened to it.
          It is safe to run the update again, because both lists are always sent whole.
      type: str
      returned: always
      sample: not_applied
    http_status:
      description: As RV(http_status).
      type: int
      returned: always
      sample: 200
    api_message:
      description: As RV(api_message).
      type: str
      returned: always
      sample: Campaign not found.
    attempts:
      description: As RV(attempts).
      type: int
      returned: always
      sample: 1
"""

from ..module_utils._module import CloudAgentModule
from ..module_utils._options import update_argument_spec
from ..module_utils._run import run


def main() -> None:
    """Update the lists of one campaign."""
    run(CloudAgentModule(argument_spec=update_argument_spec(), supports_check_mode=True))


if __name__ == "__main__":
    main()
