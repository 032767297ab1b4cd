#!/usr/bin/python

# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ozonetel_dynamic_dids_bulk
short_description: Update the dynamic DIDs of many Ozonetel CloudAgent campaigns
version_added: 0.1.0
description:
  - Sets the I(dynamic DIDs) and the I(fallback dynamic DIDs) of many outbound campaigns of one Ozonetel CloudAgent account, several at a time.
  - It does for each campaign what M(ozonetel.cloudagent.ozonetel_dynamic_dids) does for one, and is much faster than a loop over that module.
  - Every entry is checked before the first one is sent.
  - A campaign that fails does not keep the others back. What was applied is recorded while the task goes on, and is returned even when
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
      - On the controller itself the updates are sent by Ansible's own process, which then tells how far it has come when they take
        more than two seconds, unless the task has C(no_log). Everywhere else they are sent by the module, which cannot tell.
        The results are the same. C(-vv) shows which way a task took.
  async:
    support: full
  check_mode:
    support: full
    details:
      - Every option is checked, and nothing is sent. RV(changed) is predicted from the last-applied records, which are read and not written.
  diff_mode:
    support: partial
    details:
      - There is a diff for each campaign that is changed. Its lists before the update come from the last-applied record, as CloudAgent has
        no call that reads them back. When nothing was recorded the diff says so, and when it is not certain that they still hold its header says so.
  idempotent:
    support: partial
    details:
      - Running it again leaves the campaigns as they are, since both lists are always sent whole.
      - As CloudAgent has no call that reads the lists back, RV(changed) rests on the last-applied records. V(false) means that the lists
        just sent equal those that the records last saw confirmed by the server, order included. RV(results[].changed_basis) tells more.
      - Changes that somebody made in CloudAgent's own screens, or from another record, are not detected. The next run overwrites them,
        and may report unchanged.
      - Without a record (O(record=false), a directory that is thrown away or cannot be written to) every confirmed update counts as changed.
        In pipelines and containers, O(record_url) keeps the record in a database.
  platform:
    support: full
    platforms: posix
options:
  campaigns:
    description:
      - The campaigns with their lists.
      - A campaign that is named twice is refused. So are two names that differ in upper and lower case or spaces alone, since CloudAgent
        may take them for one campaign.
      - With an empty list there is nothing to do, and nothing is changed.
      - An entry with any other key is refused. P(ozonetel.cloudagent.campaigns_from_csv#filter) makes campaigns of a table that has more columns.
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
          - A list, or one string with commas. For thousands of campaigns the string spares Ansible most of its time and memory.
          - Each is a string of 3 to 17 digits, with a C(+) before them if wanted. Spaces around it are removed.
          - B(Quote the numbers.) YAML reads an unquoted C(04440123456) as 612411182 before any module sees it.
          - A spreadsheet shows a long number as C(9.14E+09) and exports it so. That is refused, since its last digits may be lost.
            Format the columns of numbers as text before you type or export them.
        type: raw
        required: true
      fallback_dynamic_dids:
        description:
          - The fallback dynamic DIDs, in the same form as O(campaigns[].dynamic_dids).
          - They should belong to another trunk than the dynamic DIDs.
        type: raw
        required: true
  concurrency:
    description:
      - How many campaigns are updated at the same time at most, from 1 to 64. Each has a connection of its own.
      - At most twice as many campaigns are locked at a time. So when the task is killed or interrupted, no more than that are left without
        a confirmation, and everything before is recorded.
      - The first campaign goes alone for up to two seconds, so that a wrong API key is not tried by all of them.
    type: int
    default: 8
  requests_per_minute:
    description:
      - The most requests that the task sends in a minute, further attempts included. They go out evenly spaced, at least 60 seconds divided by
        this number apart.
      - Without it, requests go out as fast as O(concurrency) allows. With it, no more campaigns are locked ahead than are sent
        in one second, but at least one.
      - The time that a campaign waits for its turn does not count towards its O(timeout).
      - In either case, when the server says C(Max limit exceeded) or answers with HTTP status 429, no request of the task goes out before
        the time that the server names, or else before 15 to 20 seconds have passed. This does not count towards O(timeout) either.
        When the server names more than 5 minutes, and more than O(timeout), no further campaign is begun.
    type: int
  stop_on_failure:
    description:
      - Whether to begin no further campaign, and make no further attempts, once a campaign has failed.
        Requests that are on their way are waited for.
      - When the account is refused the task always stops, since repeated failures may lock the account.
    type: bool
    default: false
notes:
  - O(timeout) and O(retries) count for each campaign by itself.
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

- name: Stay below a limit of the vendor, two campaigns at a time
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

- name: Handle campaigns that fail by themselves
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
    # A mistyped option, or "timeout" of a task, is a failure of Ansible itself and has no "results".
    - name: Fail when there is any other reason
      ansible.builtin.fail:
        msg: "{{ ansible_failed_result.msg }}"
      when: reasons | length == 0 or reasons | difference(['campaign_not_found']) | length > 0
      vars:
        failed: "{{ ansible_failed_result.results | default([]) | selectattr('failed', 'defined') }}"
        reasons: "{{ failed | map(attribute='failure.reason') }}"

    - name: Go on without the campaigns that do not exist
      ansible.builtin.debug:
        msg: "{{ ansible_failed_result.summary.failed }} campaigns are left for later."
"""

RETURN = r"""
changed:
  description:
    - Whether any campaign was changed, also when the task fails. Check mode predicts it.
  type: bool
  returned: always
  sample: true
msg:
  description:
    - How many campaigns were changed and how many not, or which failed, with the cause and the next step.
    - It names up to 20 campaigns that changed, what that rests on, and where the records are.
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
    - What became of each campaign, in the order of O(campaigns). Empty when the options could not be read.
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
        - V(false) when the lists equal those that the last-applied record last saw confirmed by the server, and when the campaign failed
          or was not sent. V(true) after every other confirmed update.
      type: bool
      returned: always
      sample: true
    changed_basis:
      description:
        - What RV(results[].changed) rests on, as for M(ozonetel.cloudagent.ozonetel_dynamic_dids) - V(first_seen), V(differs), V(same),
          V(unconfirmed) or V(unavailable).
        - V(null) when the campaign was not sent, or failed before this was known.
      type: str
      returned: always
      sample: differs
    sent:
      description: Whether a request may have reached the server, confirmed or not.
      type: bool
      returned: always
      sample: true
    attempts:
      description: How many requests were tried.
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
      description: Sent, and counted as changed. In check mode, those that would be.
      type: int
      returned: always
      sample: 1
    unchanged:
      description: Sent, with the lists that were confirmed last. In check mode, those that would be.
      type: int
      returned: always
      sample: 2
    skipped:
      description: Not sent, since these lists were confirmed last (O(skip_unchanged)).
      type: int
      returned: always
      sample: 0
    failed:
      description: Failed.
      type: int
      returned: always
      sample: 0
    not_sent:
      description: Not tried, since the task stopped before (O(stop_on_failure), a refused account, or a server that takes no more requests for long).
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
      description: The campaign and its endpoint, and for lists that are not certain to hold, when they were confirmed.
      type: str
      returned: always
      sample: campaign "Sales" at https://in1-ccaas-api.ozonetel.com
    before:
      description: The lists that the record last saw confirmed, a number a line, or that they are not known.
      type: str
      returned: always
      sample: "dynamic_dids:\n  9140001001\nfallback_dynamic_dids:\n  9140002001\n"
    after_header:
      description: The campaign and its endpoint.
      type: str
      returned: always
      sample: campaign "Sales" at https://in1-ccaas-api.ozonetel.com
    after:
      description: Both lists, a number a line.
      type: str
      returned: always
      sample: "dynamic_dids:\n  9140001001\nfallback_dynamic_dids:\n  9140002001\n"
failure:
  description:
    - Why the task failed, for C(when) and C(rescue). When campaigns failed, this is the failure of the one for which the account was refused,
      or else of the first one; RV(results) has those of all.
    - Results that Ansible itself makes, for example for a mistyped option or C(timeout) of a task, do not have it.
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
        - V(tls_failed) - the certificate of the server cannot be verified, or no secure connection was agreed on.
        - V(proxy_failed) - the proxy on the way failed.
        - V(timed_out) - no answer within O(timeout).
        - V(record_failed) - another run had the campaign's record locked for all of O(timeout), or a confirmation that would
          become wrong cannot be withdrawn, or the database of O(record_url) cannot be used; nothing was sent.
      type: str
      returned: always
      sample: campaign_not_found
    outcome:
      description:
        - V(not_applied) - the update was not sent, or every request was refused.
          The vendor does not say whether a refusal of numbers leaves both lists untouched.
        - V(unknown) - a request may have reached the server, and no answer says what came of it.
          It is safe to run the update again, as both lists are always sent whole.
      type: str
      returned: always
      sample: not_applied
    http_status:
      description: The HTTP status of the last answer. V(null) when there was none.
      type: int
      returned: always
      sample: 200
    api_message:
      description: The text of the last answer, cleaned and cut at 300 characters. V(null) when there was none.
      type: str
      returned: always
      sample: Campaign not found.
    attempts:
      description: How many requests were tried.
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
