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
        It is read on the host that runs the update, by the user that runs it. When the task runs on another host, the controller's
        environment is not used.
    type: str
    required: true
  api_key:
    description:
      - The API key of the account. Its administrators find it in CloudAgent.
      - If not given, the environment variable E(OZONETEL_API_KEY) is used.
        It is read in the same way as E(OZONETEL_USERNAME).
      - Keep it in a vault or in the environment. Do not give it on a command line, where other users of the machine can read it.
    type: str
    required: true
  region:
    description:
      - V(domestic) uses the vendor's URL for domestic accounts, C(https://in1-ccaas-api.ozonetel.com).
      - V(international) uses the vendor's URL for international accounts, C(https://api.ccaas.ozonetel.com).
      - If neither this nor O(api_url) is given, the environment variable E(OZONETEL_API_URL) is used, then E(OZONETEL_REGION),
        then V(domestic).
      - Cannot be given together with O(api_url).
    type: str
    choices:
      - domestic
      - international
  api_url:
    description:
      - The base URL of a partner, such as V(https://cc.partner.example). A path in it is kept.
      - It must begin with C(https://). C(http://) is accepted only for loopback addresses, such as that of the sandbox.
      - It must not contain a user name, a password, a query or a fragment.
      - If neither this nor O(region) is given, the environment variable E(OZONETEL_API_URL) is used.
      - Cannot be given together with O(region).
    type: str
  validate_certs:
    description:
      - Whether to verify the certificate of the server.
      - With V(false), anybody on the network path to the server can read the API key. For a private authority, use O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a directory with the certificates of the authorities that are trusted, in place of the usual ones.
      - If not given, the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE) are used, then the certificates that come with C(requests).
      - It is ignored when O(validate_certs=false).
    type: path
  timeout:
    description:
      - The longest time that the update of one campaign may take, in seconds. It includes all attempts, the waits between them, and
        waiting for another run that updates the same campaign.
      - Each attempt may take the time that is left, divided by the number of attempts that are left.
      - Must be greater than 0.
    type: float
    default: 60
  retries:
    description:
      - How many retries are made after a fault that may be temporary, such as a connection that was refused or broke,
        no answer, HTTP status 408, 425, 429, 502, 503 or 504, or the message C(Max limit exceeded).
        After HTTP status 500, at most one retry is made.
      - There is no retry after a refusal that CloudAgent documents, a redirect, or a certificate that cannot be verified.
      - From 0 to 10.
    type: int
    default: 2
notes:
  - Proxies are taken from the usual environment variables (E(https_proxy), E(all_proxy), E(no_proxy)) of the host that runs the update.
    A loopback address is never reached through a proxy. Redirects are not followed, and C(.netrc) is not read.
"""
