# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that work with records and send nothing."""

from __future__ import annotations


class ModuleDocFragment:
    """Twin of record_filter_argument_spec in module_utils/_options.py, without timeout."""

    DOCUMENTATION = r"""
options:
  username:
    description:
      - Only the campaigns of this account. Spell it as it was sent, upper and lower case included.
      - The environment variable E(OZONETEL_USERNAME) is not a filter.
    type: str
  campaign_name:
    description:
      - Only the campaigns with this name. Spell it as it was sent, upper and lower case included.
    type: str
  region:
    description:
      - Only the campaigns at the vendor's URL for V(domestic) or for V(international) accounts.
      - The environment variable E(OZONETEL_REGION) is not a filter.
      - Cannot be given together with O(api_url).
    type: str
    choices:
      - domestic
      - international
  api_url:
    description:
      - Only the campaigns at this base URL, in any spelling of the same URL.
      - The environment variable E(OZONETEL_API_URL) is not a filter.
      - Cannot be given together with O(region).
    type: str
  did:
    description:
      - Only the campaigns whose last confirmed lists contain this number, as a dynamic DID or as a fallback dynamic DID.
      - One number, written as for M(ozonetel.cloudagent.ozonetel_dynamic_dids). Quote it.
      - It is compared as text, so C(+9140001001) does not find C(9140001001).
    type: raw
  record_dir:
    description:
      - The directory of the records, as an absolute path. If it does not exist, there are no records.
      - If not given, the environment variable E(OZONETEL_RECORD_DIR) is used, then C($XDG_STATE_HOME/ozonetel.cloudagent),
        then C(~/.local/state/ozonetel.cloudagent).
      - It is looked up where the task runs, as the user that runs it, so run this task on the host and with the C(become) of the updates.
      - Cannot be given together with O(record_url).
    type: path
  record_url:
    description:
      - The PostgreSQL database of the records, if they are kept in one. See the option of the same name of
        M(ozonetel.cloudagent.ozonetel_dynamic_dids).
      - It requires the Python library C(psycopg) 3.1 or newer where the task runs.
      - If neither this nor O(record_dir) is given, the environment variable E(OZONETEL_RECORD_URL) is used, even if
        E(OZONETEL_RECORD_DIR) is set as well.
      - When the database cannot be used, the task fails.
      - Cannot be given together with O(record_dir).
    type: str
  api_key:
    description:
      - "For updates only: the API key of the account."
    type: str
  validate_certs:
    description:
      - "For updates only: whether the certificate of the server is verified."
    type: bool
    default: true
  ca_path:
    description:
      - "For updates only: the certificates of the authorities to verify the server with."
    type: path
  retries:
    description:
      - "For updates only: how many more attempts are made after the first one."
    type: int
    default: 2
  record:
    description:
      - "For updates only: whether to keep the record."
    type: bool
    default: true
  record_note:
    description:
      - "For updates only: a note to keep with the lists."
    type: str
  skip_unchanged:
    description:
      - "For updates only: whether to send nothing for unchanged lists."
    type: bool
    default: false
notes:
  - When several filters are given, only the campaigns that match all of them are chosen. Defaults of the action group are filters as well.
  - Options that are for updates only have no effect here. They are accepted so that the defaults of the action group fit every module in it.
  - Something that is not a usable record is left out with a warning, for example a damaged file or one that was written by a newer version
    of the collection.
"""
