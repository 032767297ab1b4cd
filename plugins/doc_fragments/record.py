# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the last-applied record."""

from __future__ import annotations


class ModuleDocFragment:
    """Twin of record_argument_spec in module_utils/_options.py."""

    DOCUMENTATION = r"""
options:
  record:
    description:
      - Whether to keep the I(last-applied record), and to compare with it. It tells which lists the server confirmed last.
      - With V(false) every confirmed update counts as changed. Nothing is kept, and an existing confirmation of this
        campaign is withdrawn, since a later run would trust it wrongly. No directory is made; in one that exists the campaign is locked
        as usual.
      - Can not be V(false) together with O(skip_unchanged=true).
    type: bool
    default: true
  record_dir:
    description:
      - The directory of the records, one small file for each campaign of an account, as an absolute path. C(~) and environment
        variables at its beginning are expanded. It is made when it is missing, for its user only. The API key is never stored in it.
      - If not given, the environment variable E(OZONETEL_RECORD_DIR) is used, then C($XDG_STATE_HOME/ozonetel.cloudagent),
        then C(~/.local/state/ozonetel.cloudagent).
      - It is looked up where the update runs, as the user that runs it. So the directory is another one after C(become), on another
        host and in a container, and it has to outlast the container to be of use.
      - Runs that update the same campaigns should share one directory. Never restore it from a backup or a cache, which would bring back
        confirmations that no longer hold.
      - When it can not be written to, the update works without it, counts as changed, and a warning says so.
    type: path
  skip_unchanged:
    description:
      - Whether to send nothing when the record says that these lists were the last that the server confirmed.
      - By default they are sent all the same, so that lists which somebody changed in CloudAgent are put right.
    type: bool
    default: false
notes:
  - While a campaign is updated, its record is locked. Another run for the same campaign waits for as long as its O(timeout) allows.
    To update one campaign from a play over many hosts, use C(run_once).
"""
