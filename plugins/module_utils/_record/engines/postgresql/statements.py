# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The statements on the tables in PostgreSQL.

Each is a transaction by itself. Those that lock or write check that they are executed by the session
that they are meant for: a pooler may have put another one in its place.
"""

from __future__ import annotations

from ...record import LONGEST_HISTORY
from .schema import SCHEMA

_UTC = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
_APPLIED_AT = _UTC.format("applied_at")
_IS_SESSION = "current_setting('ozonetel.session', true) = %(session)s"
_SESSION = f"session AS (SELECT 1 WHERE {_IS_SESSION})"

# --- A new session ---

LOOK_AT_SESSION = """\
SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),
  coalesce(pg_catalog.current_setting('ozonetel.session', true), '') = ''
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_locks
      WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()),
  pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') = 'on',
  pg_catalog.current_setting('server_version_num')::integer,
  pg_catalog.current_setting('server_encoding') = 'UTF8',
  current_user::text"""

# A client that is gone is noticed within half a minute, and its locks are free then. Plans are kept
# while the tables grow, so each row is looked up by its key from the beginning; before PostgreSQL 18,
# what can't be looked up so seems to be worth compiling then.
SET_UP_SESSION = """\
SELECT set_config('ozonetel.session', %(session)s, false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('enable_seqscan', 'off', false),
  set_config('jit', 'off', false),
  set_config('tcp_keepalives_idle', '10', false),
  set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false),
  set_config('tcp_user_timeout', '20000', false),
  set_config(CASE WHEN current_setting('server_version_num')::integer >= 140000
    THEN 'idle_session_timeout' ELSE 'ozonetel.unused' END, '0', false),
  set_config('synchronous_commit',
    CASE WHEN current_setting('synchronous_commit') = 'remote_apply'
      THEN 'remote_apply' ELSE 'on' END, false)"""

# --- Locks ---

LOCK = f"""\
SELECT key, CASE WHEN {_IS_SESSION} THEN pg_try_advisory_lock(lock) END
FROM unnest(%(keys)b::text[], %(locks)b::bigint[]) AS wanted (key, lock)"""

UNLOCK = f"""\
SELECT key, CASE WHEN {_IS_SESSION} THEN pg_advisory_unlock(lock) END
FROM unnest(%(keys)b::text[], %(locks)b::bigint[]) AS wanted (key, lock)"""

# A lock's 64 bits are shown in two halves: https://www.postgresql.org/docs/current/view-pg-locks.html
HOLDER = f"""\
SELECT application_name, {_UTC.format("backend_start")}
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = ((%(lock)s::bigint >> 32) & 4294967295)::oid
  AND objid = (%(lock)s::bigint & 4294967295)::oid"""

SENDER = f"""\
SELECT sending_by, {_UTC.format("sending_since")} FROM {SCHEMA}.campaigns
WHERE key = %(key)s AND sending_until > clock_timestamp()"""

# --- Reading ---

_CONFIRMATION = f"""\
username, campaign_name, dynamic_dids, fallback_dynamic_dids, {_APPLIED_AT}, applied_by, note"""

READ = f"""\
SELECT encode(key, 'hex'), revision, endpoint, confirmed, {_CONFIRMATION}
FROM {SCHEMA}.campaigns WHERE key = ANY(%(keys)b::bytea[])"""

# In parts, in the order of the keys.
READ_ALL = f"""\
SELECT encode(key, 'hex'), revision, endpoint, confirmed, {_CONFIRMATION}
FROM {SCHEMA}.campaigns WHERE key > %(after)s AND applied_at IS NOT NULL
ORDER BY campaigns.key LIMIT %(count)s"""

READ_HISTORY = f"""\
SELECT encode(key, 'hex'), {_CONFIRMATION}
FROM {SCHEMA}.history WHERE key = ANY(%(keys)b::bytea[]) ORDER BY history.key, id DESC"""

# --- Writing ---

MARK = f"""\
WITH {_SESSION}, wanted AS (
  SELECT wanted.* FROM session, unnest(
    %(keys)b::bytea[], %(endpoints)b::text[], %(usernames)b::text[], %(campaign_names)b::text[],
    %(seen)b::bigint[], %(renews)b::boolean[], %(tokens)b::bigint[], %(seconds)b::float8[]
  ) AS wanted (key, endpoint, username, campaign_name, seen, renews, token, seconds)
), before AS (
  SELECT key, sending_by, CASE WHEN renews THEN earlier_sending_until ELSE sending_until END AS until
  FROM {SCHEMA}.campaigns JOIN wanted USING (key) WHERE revision = seen
  ORDER BY key FOR UPDATE OF campaigns
), changed AS (
  UPDATE {SCHEMA}.campaigns SET
    confirmed = false,
    revision = token,
    sending_by = %(by)s,
    sending_since = clock_timestamp(),
    sending_until = greatest(
      campaigns.sending_until, clock_timestamp() + seconds * interval '1 second'),
    earlier_sending_until = before.until
  FROM wanted JOIN before USING (key)
  WHERE campaigns.key = wanted.key AND revision = seen
  RETURNING wanted.key, CASE WHEN before.until > clock_timestamp() THEN before.until END AS until,
    before.sending_by
), added AS (
  INSERT INTO {SCHEMA}.campaigns (key, endpoint, username, campaign_name, confirmed, revision,
    sending_by, sending_since, sending_until)
  SELECT key, endpoint, username, campaign_name, false, token,
    %(by)s, clock_timestamp(), clock_timestamp() + seconds * interval '1 second'
  FROM wanted WHERE seen IS NULL ORDER BY key
  ON CONFLICT DO NOTHING
  RETURNING key
)
SELECT encode(key, 'hex'), {_UTC.format("until")}, sending_by FROM changed
UNION ALL SELECT encode(key, 'hex'), NULL, NULL FROM added
UNION ALL SELECT NULL, NULL, NULL FROM session"""

READ_MARKS = f"""\
SELECT encode(key, 'hex'), revision,
  CASE WHEN earlier_sending_until > sending_since
    THEN {_UTC.format("earlier_sending_until")} END, NULL
FROM {SCHEMA}.campaigns WHERE key = ANY(%(keys)b::bytea[])"""

# A confirmation that is lost makes the next run claim too little, so it need not wait for the disk.
# Who takes a lock before this is committed can't mark what was read then, and tries again.
WRITE = f"""\
WITH {_SESSION}, wanted AS (
  SELECT wanted.* FROM session, unnest(
    %(keys)b::bytea[], %(seen)b::bigint[], %(closes)b::boolean[], %(tokens)b::bigint[],
    %(confirmed)b::boolean[], %(confirms)b::boolean[], %(endpoints)b::text[],
    %(usernames)b::text[], %(campaign_names)b::text[], %(dids)b::text[],
    %(fallback_dids)b::text[], %(applied_by)b::text[], %(notes)b::text[], %(locks)b::bigint[]
  ) AS wanted (key, seen, closes, token, confirmed, confirms, endpoint, username, campaign_name,
    dids, fallback_dids, applied_by, note, lock)
), before AS (
  SELECT key FROM {SCHEMA}.campaigns JOIN wanted USING (key) WHERE revision = seen
  ORDER BY key FOR UPDATE OF campaigns
), changed AS (
  UPDATE {SCHEMA}.campaigns SET
    confirmed = wanted.confirmed,
    revision = token,
    sending_by = CASE WHEN closes THEN NULL ELSE sending_by END,
    sending_since = CASE WHEN closes THEN NULL ELSE sending_since END,
    sending_until = CASE WHEN closes THEN earlier_sending_until ELSE sending_until END,
    earlier_sending_until = CASE WHEN closes THEN NULL ELSE earlier_sending_until END,
    endpoint = CASE WHEN confirms THEN wanted.endpoint ELSE campaigns.endpoint END,
    username = CASE WHEN confirms THEN wanted.username ELSE campaigns.username END,
    campaign_name = CASE WHEN confirms THEN wanted.campaign_name ELSE campaigns.campaign_name END,
    dynamic_dids =
      CASE WHEN confirms THEN string_to_array(dids, ',') ELSE dynamic_dids END,
    fallback_dynamic_dids =
      CASE WHEN confirms THEN string_to_array(fallback_dids, ',') ELSE fallback_dynamic_dids END,
    applied_at = CASE WHEN confirms THEN clock_timestamp() ELSE campaigns.applied_at END,
    applied_by = CASE WHEN confirms THEN wanted.applied_by ELSE campaigns.applied_by END,
    note = CASE WHEN confirms THEN wanted.note ELSE campaigns.note END
  FROM wanted JOIN before USING (key)
  WHERE campaigns.key = wanted.key AND revision = seen
  RETURNING confirms, campaigns.*
), added AS (
  INSERT INTO {SCHEMA}.history (key, username, campaign_name, dynamic_dids, fallback_dynamic_dids,
    applied_at, applied_by, note)
  SELECT key, username, campaign_name, dynamic_dids, fallback_dynamic_dids,
    applied_at, applied_by, note
  FROM changed WHERE confirms
), pruned AS (
  DELETE FROM {SCHEMA}.history USING changed
  WHERE confirms AND history.key = changed.key AND history.id <= (
    SELECT id FROM {SCHEMA}.history AS kept WHERE kept.key = changed.key
    ORDER BY id DESC OFFSET {LONGEST_HISTORY - 1} LIMIT 1)
)
SELECT encode(key, 'hex'), NULL FROM changed
UNION ALL SELECT NULL, pg_advisory_unlock(lock)::text FROM wanted
UNION ALL SELECT NULL, set_config('synchronous_commit',
  CASE WHEN %(durable)s THEN current_setting('synchronous_commit') ELSE 'off' END, true)
FROM session"""

WITHDRAW = f"""\
WITH {_SESSION}, wanted AS (
  SELECT wanted.* FROM session, unnest(%(keys)b::bytea[], %(tokens)b::bigint[])
    AS wanted (key, token)
), before AS (
  SELECT key FROM {SCHEMA}.campaigns JOIN wanted USING (key) ORDER BY key FOR UPDATE OF campaigns
), changed AS (
  UPDATE {SCHEMA}.campaigns SET confirmed = false, revision = token
  FROM wanted JOIN before USING (key) WHERE campaigns.key = wanted.key
  RETURNING wanted.key
)
SELECT encode(key, 'hex') FROM changed UNION ALL SELECT NULL FROM session"""

# A run that may still send must find its mark when it is done.
FORGET = f"""\
WITH {_SESSION}, gone AS (
  DELETE FROM {SCHEMA}.campaigns USING session
  WHERE key = ANY(%(keys)b::bytea[]) AND (sending_until IS NULL OR sending_until < clock_timestamp())
  RETURNING key
), forgotten AS (
  DELETE FROM {SCHEMA}.history USING gone WHERE history.key = gone.key
), kept AS (
  SELECT key FROM {SCHEMA}.campaigns
  WHERE key = ANY(%(keys)b::bytea[]) AND sending_until >= clock_timestamp()
)
SELECT encode(key, 'hex') FROM kept UNION ALL SELECT NULL FROM session"""
