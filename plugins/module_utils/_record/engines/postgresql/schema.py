# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The tables in PostgreSQL: how they are made, and what must be true before they are used."""

from __future__ import annotations

import typing as t

SCHEMA = "ozonetel_cloudagent"
# A role of this name may own schema and tables, so that several login roles can share them.
OWNER_ROLE = "ozonetel_cloudagent"
VERSION = 1
TABLES = ("campaigns", "history", "version")

CREATE_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"

CREATE_TABLES = f"""\
CREATE TABLE IF NOT EXISTS {SCHEMA}.campaigns (
  key bytea PRIMARY KEY,
  endpoint text NOT NULL,
  username text NOT NULL,
  campaign_name text NOT NULL,
  confirmed boolean NOT NULL,
  dynamic_dids text[],
  fallback_dynamic_dids text[],
  applied_at timestamptz,
  applied_by text,
  note text,
  revision bigint NOT NULL,
  sending_by text,
  sending_since timestamptz,
  sending_until timestamptz,
  earlier_sending_until timestamptz
);
CREATE TABLE IF NOT EXISTS {SCHEMA}.history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key bytea NOT NULL,
  username text NOT NULL,
  campaign_name text NOT NULL,
  dynamic_dids text[] NOT NULL,
  fallback_dynamic_dids text[] NOT NULL,
  applied_at timestamptz NOT NULL,
  applied_by text NOT NULL,
  note text
);
CREATE INDEX IF NOT EXISTS history_of_campaign ON {SCHEMA}.history (key, id);
CREATE TABLE IF NOT EXISTS {SCHEMA}.version (version integer NOT NULL);
INSERT INTO {SCHEMA}.version SELECT {VERSION} WHERE NOT EXISTS (SELECT FROM {SCHEMA}.version)"""

# Statements with IF NOT EXISTS fail when two sessions execute them at the same moment.
CREATION_LOCK = 0x6F7A6F6E6574656C
LOCK_CREATION = f"SELECT pg_catalog.pg_advisory_xact_lock({CREATION_LOCK})"

# Owners whose triggers may run with the rights of this session. A superuser has every role, and has
# most to lose.
_TRUSTED = f"""\
EXISTS (
  SELECT FROM pg_roles AS owner, pg_roles AS session
  WHERE owner.oid = {{owner}} AND session.rolname = current_user AND (
    owner.oid = session.oid OR owner.rolsuper OR owner.rolname = '{OWNER_ROLE}'
    OR NOT session.rolsuper AND pg_has_role(owner.oid, 'USAGE')))"""

LOOK = f"""\
SELECT name, found.owner, found.trusted, found.may_use, found.may_create_or_write
FROM unnest(ARRAY['database', 'schema', 'campaigns', 'history', 'version']) AS names (name)
LEFT JOIN (
  SELECT 'database', NULL, NULL, NULL, has_database_privilege(current_database(), 'CREATE')
  UNION ALL
  SELECT 'schema', pg_get_userbyid(nspowner), {_TRUSTED.format(owner="nspowner")},
    has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE')
  FROM pg_namespace WHERE nspname = '{SCHEMA}'
  UNION ALL
  SELECT relname, pg_get_userbyid(relowner), {_TRUSTED.format(owner="relowner")},
    has_table_privilege(pg_class.oid, 'SELECT'),
    has_table_privilege(pg_class.oid, 'INSERT') AND has_table_privilege(pg_class.oid, 'UPDATE')
      AND has_table_privilege(pg_class.oid, 'DELETE')
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = '{SCHEMA}' AND relkind IN ('r', 'p', 'v', 'f', 'm')
) AS found (name, owner, trusted, may_use, may_create_or_write) USING (name)"""

READ_VERSION = f"SELECT max(version) FROM {SCHEMA}.version"


class Part(t.NamedTuple):
    """The database, the schema or a table, as this session may use it.

    Attributes:
        owner: the role that owns it, or None when it is not there.
        is_trusted: that role is this session's own, the documented one, or a superuser.
        may_use: it may be looked into.
        may_write: rows may be written; in the database and the schema: something may be created.
    """

    owner: str | None
    is_trusted: bool
    may_use: bool
    may_write: bool

    @property
    def is_there(self) -> bool:
        """Tell whether it exists."""
        return self.owner is not None


def read_parts(rows: t.Iterable[t.Sequence[t.Any]]) -> dict[str, Part]:
    """Return what LOOK has found, by name."""
    return {name: Part(owner, *map(bool, rights)) for name, owner, *rights in rows}
