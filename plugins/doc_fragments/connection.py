# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the account and of the way to its endpoint."""

from __future__ import annotations


class ModuleDocFragment:
    """Twin of api_argument_spec in module_utils/_options.py."""

    DOCUMENTATION = r"""
requirements:
  - requests >= 2.25.1 (on the host that sends the update)
options:
  username:
    description:
      - The name of the CloudAgent account.
      - If not given, the environment variable E(OZONETEL_USERNAME) is used.
        It is read where the update runs, as the user that runs it, so not on the controller when the task runs on another host.
    type: str
    required: true
  api_key:
    description:
      - The API key of the account, which its administrators find in CloudAgent.
      - If not given, the environment variable E(OZONETEL_API_KEY) is used.
        It is read where the update runs, as the user that runs it, so not on the controller when the task runs on another host.
      - Keep it in a vault or in the environment, and do not give it on a command line, where other users of the machine can read it.
    type: str
    required: true
  region:
    description:
      - V(domestic) sends to the vendor's URL for domestic accounts, C(https://in1-ccaas-api.ozonetel.com).
      - V(international) sends to the vendor's URL for international accounts, C(https://api.ccaas.ozonetel.com).
      - If neither this nor O(api_url) is given, the environment variable E(OZONETEL_API_URL) counts, then E(OZONETEL_REGION),
        then V(domestic) is used.
      - Can not be given together with O(api_url).
    type: str
    choices:
      - domestic
      - international
  api_url:
    description:
      - The base URL of a partner, such as V(https://cc.partner.example). A path prefix is kept.
      - It has to begin with C(https://). Plain C(http://) is accepted for loopback addresses alone, to use the sandbox.
      - It must not hold a user name, a password, a query or a fragment.
      - If neither this nor O(region) is given, the environment variable E(OZONETEL_API_URL) is used.
      - Can not be given together with O(region).
    type: str
  validate_certs:
    description:
      - Whether the certificate of the server is verified.
      - With V(false) anybody on the way to the server can read the API key. Prefer O(ca_path) for a private authority.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a directory of certificates of authorities, to verify the server with in place of the usual ones.
      - If not given, the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE) are used, then the authorities that C(requests) comes with.
      - It is not used when O(validate_certs=false).
    type: path
  timeout:
    description:
      - The longest that the update of one campaign may take, in seconds, over all attempts and the waits between them.
        Waiting for another run that updates the same campaign counts as well.
      - An attempt gets at most the time that is left, divided by the attempts that are left.
      - Has to be over 0.
    type: float
    default: 60
  retries:
    description:
      - How many further attempts are made after a fault that may pass, such as a connection that was refused or broke,
        no answer, HTTP status 408, 425, 429, 502, 503 or 504, or the message C(Max limit exceeded).
        After HTTP status 500 one further attempt is made.
      - A refusal that CloudAgent documents is final, and so are redirects and certificates that cannot be verified.
      - From 0 to 10.
    type: int
    default: 2
notes:
  - Proxies are taken from the usual environment variables (E(https_proxy), E(all_proxy), E(no_proxy)) where the update runs.
    A loopback address never goes through a proxy. Redirects are not followed, and C(.netrc) is not read.
"""
