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
      - Whether to keep the I(last-applied record) and to compare with it. The record tells which lists the server confirmed last.
      - With V(false), every confirmed update is reported as changed. Nothing is kept. An existing confirmation of this
        campaign is withdrawn, because a later run would trust it wrongly. No directory is created; in an existing one, and in the database of
        O(record_url), the campaign is locked as usual.
      - Cannot be V(false) together with O(skip_unchanged=true).
    type: bool
    default: true
  record_dir:
    description:
      - The directory of the records, as an absolute path. C(~) and environment variables at its beginning are expanded. Each campaign of an
        account has one small file in it, C(<hash>.record), and a lock file. If the directory is missing, it is created so that only
        the user that runs the update can read it. The API key is never stored in it.
      - If not given, the environment variable E(OZONETEL_RECORD_DIR) is used, then C($XDG_STATE_HOME/ozonetel.cloudagent),
        then C(~/.local/state/ozonetel.cloudagent).
      - It is looked up where the update runs, as the user that runs it. So another directory is used after C(become), on another
        host and in a container. In a container, name a directory that outlasts the container.
      - Runs that update the same campaigns should share one directory, or one database with O(record_url). After it was restored
        from a backup, withdraw all confirmations with M(ozonetel.cloudagent.ozonetel_dynamic_dids_record), because they may be
        out of date. Never restore it from a pipeline's cache.
      - When it cannot be written to, the update is sent without a record and reported as changed, and a warning says so.
      - Cannot be given together with O(record_url).
    type: path
  record_url:
    description:
      - Keeps the records in a PostgreSQL database (version 12 or newer) instead of a directory, so that several controllers, AWX and
        pipelines whose home is thrown away share them. A connection URI as PostgreSQL's client library takes it, for example
        C(postgresql://deploy@db.example/records?sslmode=verify-full).
      - It requires the Python library C(psycopg) 3.1 or newer where the update runs, for example with C(pip install "psycopg[binary]").
      - Better than in the URI, give the password with the environment variables E(PGPASSWORD) or E(PGPASSFILE), or with a service file.
        They are read where the update runs.
      - The first update creates the tables, in the schema C(ozonetel_cloudagent), if its role may do so. Otherwise a database administrator
        creates them with the file C(docs/shared_record.sql) of the collection.
      - When the database cannot be used, nothing is sent and the task fails, also with O(record=false).
        O(timeout) limits how long it waits for a database that cannot be reached.
      - If neither this nor O(record_dir) is given, the environment variable E(OZONETEL_RECORD_URL) is used, even if
        E(OZONETEL_RECORD_DIR) is set as well.
      - Cannot be given together with O(record_dir).
    type: str
  record_note:
    description:
      - A note to keep in the record with the lists that are confirmed, such as the URL of the pipeline's job.
        M(ozonetel.cloudagent.ozonetel_dynamic_dids_info) returns it. Do not put secrets in it.
      - At most 200 characters, without control characters such as line breaks.
      - An update whose lists are unchanged keeps the note of the update that applied them.
      - If not given, the environment variable E(OZONETEL_RECORD_NOTE) is used. It is read where the update runs.
    type: str
  skip_unchanged:
    description:
      - Whether to send nothing when the record says that these lists are the last that the server confirmed.
      - By default they are sent anyway, which overwrites lists that somebody changed in CloudAgent.
    type: bool
    default: false
notes:
  - While a campaign is updated, its record is locked. Another run for the same campaign waits for as long as its O(timeout) allows.
    To update one campaign from a play over many hosts, use C(run_once).
"""
