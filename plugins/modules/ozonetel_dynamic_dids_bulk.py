#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids_bulk
short_description: Update the dynamic DIDs of many Ozonetel CloudAgent campaigns
version_added: 1.0.0
description:
  - Sets the I(dynamic DIDs) and the I(fallback dynamic DIDs) of many outbound campaigns of one Ozonetel CloudAgent account, several at a time.
  - For each campaign, it does what M(ozonetel.cloudagent.ozonetel_dynamic_dids) does for one. It is much faster than a loop over that module.
  - Every entry is checked before the first one is sent.
  - A campaign that fails does not stop the others. What was applied is recorded while the task runs, and is returned even when
    the task fails. To send what is missing after a failure or an interruption, run the same task again with O(skip_unchanged=true).
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
      - On the controller itself, Ansible's own process sends the updates. It shows its progress when they take more than two seconds,
        unless the task has C(no_log). On other hosts, the module sends them and cannot show progress.
        The results are the same. C(-vv) shows which way was taken.
  async:
    support: full
  check_mode:
    support: full
    details:
      - Every option is checked, and nothing is sent. RV(changed) is predicted from the last-applied records, which are only read.
  diff_mode:
    support: partial
    details:
      - There is a diff for each campaign that is changed. Its lists before the update come from the last-applied record, because CloudAgent
        has no documented call that reads them back. The diff says when there is no record. Its header says when the recorded lists may be out of date.
  idempotent:
    support: partial
    details:
      - Running it again leaves the campaigns as they are, because both lists are always sent whole.
      - CloudAgent has no documented call that reads the lists back, so RV(changed) is taken from the last-applied records. V(false) means that
        the lists just sent equal, in the same order, those that the server confirmed last as far as the records know.
        RV(results[].changed_basis) says why.
      - Changes that somebody makes in CloudAgent's own screens, or with another record, are not detected. The next run overwrites them,
        and may report unchanged.
      - Without a record, every confirmed update is reported as changed. That is so with O(record=false), and when the directory is thrown
        away or cannot be written to. In pipelines and containers, O(record_url) keeps the record in a database.
  platform:
    support: full
    platforms: posix
options:
  campaigns:
    description:
      - The campaigns with their lists.
      - A campaign that is named twice is refused. So are two names that differ only in upper and lower case or in spaces, because
        CloudAgent may take them for the same campaign.
      - With an empty list, nothing is changed.
      - An entry with any other key is refused. P(ozonetel.cloudagent.campaigns_from_csv#filter) reads tables that have more columns.
    type: list
    elements: dict
    required: true
    suboptions:
      campaign_name:
        description:
          - The name of the campaign, exactly as CloudAgent shows it.
        type: str
        required: true
      dynamic_dids:
        description:
          - The dynamic DIDs, in the order in which they are sent.
          - A list, or one string in which commas separate the numbers. For thousands of campaigns, strings save most of Ansible's time and memory.
          - Each number is a string of 3 to 17 digits, which may begin with a C(+). Spaces around it are removed.
          - B(Quote the numbers.) YAML reads an unquoted C(04440123456) as 612411182 before any module sees it.
          - A spreadsheet shows a long number as C(9.14E+09), and exports it like that. It is refused, because its last digits may be lost.
            Format the columns as text before you enter the numbers.
        type: raw
        required: true
      fallback_dynamic_dids:
        description:
          - The fallback dynamic DIDs, written like O(campaigns[].dynamic_dids).
          - They should belong to a different trunk from the dynamic DIDs.
        type: raw
        required: true
  concurrency:
    description:
      - The largest number of campaigns that are updated at the same time, from 1 to 64. Each has its own connection.
      - At most twice as many campaigns are locked at a time. So when the task is killed or interrupted, no more than that are left without
        a confirmation, and everything before is recorded.
      - For up to two seconds, only the first campaign is sent, so that a wrong API key is not tried several times.
    type: int
    default: 8
  requests_per_minute:
    description:
      - The largest number of requests that the task sends in a minute, retries included. They are evenly spaced, at least 60 seconds
        divided by this number apart.
      - Without it, requests are sent as fast as O(concurrency) allows. With it, no more campaigns are locked in advance than are sent
        in one second, but at least one.
      - The time that a campaign waits for its turn is not part of its O(timeout).
      - In either case, when the server says C(Max limit exceeded) or answers with HTTP status 429, the whole task pauses for as long as the
        server asks, or else for 15 to 20 seconds. This is not part of O(timeout) either.
        When the server asks for more than 5 minutes, and for more than O(timeout), no further campaign is started.
    type: int
  stop_on_failure:
    description:
      - Whether to stop when a campaign fails. No further campaign is started and no retry is made. The task waits for requests
        that were already sent.
      - When the account is refused, the task always stops, because repeated failures may lock the account.
    type: bool
    default: false
notes:
  - O(timeout) and O(retries) apply to each campaign separately.
seealso:
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_info
  - module: ozonetel.cloudagent.ozonetel_dynamic_dids_record
  - plugin: ozonetel.cloudagent.campaigns_from_csv
    plugin_type: filter
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_bulk
    description: Where campaigns come from, partial failures, limits and progress.
      In the collection's folder, it is C(docs/docsite/rst/guide_bulk.rst).
  - ref: ansible_collections.ozonetel.cloudagent.docsite.guide_changed
    description: What the last-applied record knows, and what it cannot know.
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
author:
  - ozonetel.cloudagent contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Set the numbers of several campaigns
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    username: acme
    # Kept in a vault: ansible-vault create group_vars/all/vault.yml
    api_key: "{{ vault_cloudagent_api_key }}"
    campaigns:
      - campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]
      - campaign_name: Support
        dynamic_dids: "9140001003"
        fallback_dynamic_dids: "9140002002"

- name: Take the campaigns from a variables file, such as group_vars/all/campaigns.yml
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns: "{{ cloudagent_campaigns }}"
  vars:
    cloudagent_campaigns:
      - campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]

- name: Run it again after a failure or an interruption, and send only what is missing
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns:
      - campaign_name: Sales
        dynamic_dids: ["9140001001", "9140001002"]
        fallback_dynamic_dids: ["9140002001"]
      - campaign_name: Support
        dynamic_dids: ["9140001003"]
        fallback_dynamic_dids: ["9140002002"]
    skip_unchanged: true

- name: Limit the rate of requests, and update two campaigns at a time
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns:
      - campaign_name: Sales
        dynamic_dids: ["9140001001"]
        fallback_dynamic_dids: ["9140002001"]
      - campaign_name: Support
        dynamic_dids: ["9140001003"]
        fallback_dynamic_dids: ["9140002002"]
    concurrency: 2
    requests_per_minute: 60

# In the inventory, every host of the group "campaigns" has a variable with the three keys of its campaign:
#
#     campaigns:
#       hosts:
#         sales:
#           cloudagent_campaign:
#             campaign_name: Sales
#             dynamic_dids: ["9140001001", "9140001002"]
#             fallback_dynamic_dids: ["9140002001"]
- name: Take the campaigns from an inventory
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns: "{{ groups['campaigns'] | map('extract', hostvars, 'cloudagent_campaign') }}"
  run_once: true
  delegate_to: localhost

# The file is exported from a spreadsheet in which the columns of numbers are formatted as text:
#
#     campaign_name,dynamic_dids,fallback_dynamic_dids
#     Sales,"9140001001,9140001002",9140002001
#     Support,9140001003,9140002002
- name: Update the campaigns of a CSV file
  ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
    campaigns: "{{ lookup('ansible.builtin.file', 'campaigns.csv') | ozonetel.cloudagent.campaigns_from_csv }}"

- name: Handle the failures of single campaigns
  block:
    - name: Set the numbers of campaigns of which one may not exist
      ozonetel.cloudagent.ozonetel_dynamic_dids_bulk:
        campaigns:
          - campaign_name: Sales
            dynamic_dids: ["9140001001"]
            fallback_dynamic_dids: ["9140002001"]
          - campaign_name: Winter Sale
            dynamic_dids: ["9140001003"]
            fallback_dynamic_dids: ["9140002002"]
  rescue:
    # Failures that Ansible itself reports, such as a mistyped option or a task's "timeout", have no "results".
    - name: Fail when there is any other reason
      ansible.builtin.fail:
        msg: "{{ ansible_failed_result.msg }}"
      when: reasons | length == 0 or reasons | difference(['campaign_not_found']) | length > 0
      vars:
        failed: "{{ ansible_failed_result.results | default([]) | selectattr('failed', 'defined') }}"
        reasons: "{{ failed | map(attribute='failure.reason') }}"

    - name: Go on without the campaigns that do not exist
      ansible.builtin.debug:
        msg: "{{ ansible_failed_result.summary.failed }} campaigns do not exist yet, so their numbers are not set."
"""

RETURN = r"""
changed:
  description:
    - Whether any campaign was changed, even when the task fails. Check mode predicts it.
  type: bool
  returned: always
  sample: true
msg:
  description:
    - How many campaigns were changed and how many were not, and which failed, with the cause and the next step.
    - It names up to 20 campaigns that changed, says why they are reported as changed, and where the records are.
  type: str
  returned: always
  sample: 'Of 3 campaigns: 1 changed, 2 unchanged. Changed: "Sales" (other lists before: 1). The records are in /var/lib/cloudagent.'
endpoint:
  description: The base URL that the requests were sent to. V(null) when the options could not be read.
  type: str
  returned: always
  sample: https://in1-ccaas-api.ozonetel.com
results:
  description:
    - The result of each campaign, in the order of O(campaigns). Empty when the options could not be read.
  type: list
  elements: dict
  returned: always
  contains:
    campaign_name:
      description: The campaign.
      type: str
      returned: always
      sample: Sales
    changed:
      description:
        - V(false) when the lists equal those that the server confirmed last, as far as the last-applied record knows, and when the campaign
          failed or was not sent. V(true) after every other confirmed update.
      type: bool
      returned: always
      sample: true
    changed_basis:
      description:
        - Why RV(results[].changed) is what it is, as for M(ozonetel.cloudagent.ozonetel_dynamic_dids) - V(first_seen), V(differs), V(same),
          V(unconfirmed) or V(unavailable).
        - V(null) when the campaign was not sent, or failed before its record was read.
      type: str
      returned: always
      sample: differs
    sent:
      description: Whether a request may have reached the server, confirmed or not.
      type: bool
      returned: always
      sample: true
    attempts:
      description: How many times sending the request was tried.
      type: int
      returned: always
      sample: 1
    failed:
      description: The campaign failed.
      type: bool
      returned: when the campaign failed
      sample: true
    msg:
      description: The cause and the next step, or why the campaign was not sent.
      type: str
      returned: when the campaign failed or was not sent
      sample: The account "acme" has no campaign named "Sales". Check the spelling of campaign_name, including upper and lower case.
    failure:
      description: Why the campaign failed, in the form of RV(failure).
      type: dict
      returned: when the campaign failed
      sample:
        reason: campaign_not_found
        outcome: not_applied
        http_status: 200
        api_message: Campaign not found.
        attempts: 1
    dynamic_dids:
      description: The dynamic DIDs of the campaign.
      type: list
      elements: str
      returned: when the campaign failed
      sample: ["9140001001", "9140001002"]
    fallback_dynamic_dids:
      description: The fallback dynamic DIDs of the campaign.
      type: list
      elements: str
      returned: when the campaign failed
      sample: ["9140002001"]
summary:
  description: How many campaigns there are of each kind; RV(summary.total) is the sum of the others.
  type: dict
  returned: always
  contains:
    total:
      description: All campaigns. 0 when the options could not be read.
      type: int
      returned: always
      sample: 3
    changed:
      description: Sent, and reported as changed. In check mode, those that would be.
      type: int
      returned: always
      sample: 1
    unchanged:
      description: Sent, with the same lists that were confirmed last. In check mode, those that would be.
      type: int
      returned: always
      sample: 2
    skipped:
      description: Not sent, because these lists were confirmed last (O(skip_unchanged)).
      type: int
      returned: always
      sample: 0
    failed:
      description: Failed.
      type: int
      returned: always
      sample: 0
    not_sent:
      description: Not tried, because the task stopped (O(stop_on_failure), a refused account, or a server that asked for a long pause).
      type: int
      returned: always
      sample: 0
diff:
  description: The lists before and after, for each campaign that was changed.
  type: list
  elements: dict
  returned: in diff mode, when the options could be read
  contains:
    before_header:
      description: The campaign and its endpoint. For lists that may be out of date, also when they were confirmed.
      type: str
      returned: always
      sample: campaign "Sales" at https://in1-ccaas-api.ozonetel.com
    before:
      description: The lists that the server confirmed last, one number on each line; or a line that says that they are not known.
      type: str
      returned: always
      sample: "dynamic_dids:\n  9140001001\nfallback_dynamic_dids:\n  9140002001\n"
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
    - Why the task failed, for C(when) and C(rescue). When campaigns failed, this is the failure of the one for which the account was refused,
      or else of the first one; RV(results) has those of all.
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
      description: The HTTP status of the last answer. V(null) when there was none.
      type: int
      returned: always
      sample: 200
    api_message:
      description: The text of the last answer, cleaned and cut off after 300 characters. V(null) when there was none.
      type: str
      returned: always
      sample: Campaign not found.
    attempts:
      description: How many times sending the request was tried.
      type: int
      returned: always
      sample: 1
"""

from ..module_utils._bulk.options import bulk_argument_spec
from ..module_utils._bulk.run import run_bulk
from ..module_utils._module import CloudAgentModule


def main() -> None:
    """Update the lists of many campaigns."""
    run_bulk(CloudAgentModule(argument_spec=bulk_argument_spec(), supports_check_mode=True))


if __name__ == "__main__":
    main()
