-- Copyright (c) 2026, ozonetel.cloudagent contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Creates the tables of the shared record. A superuser executes it once, in the database of the records:
-- the role of the updates then needs no right to create anything. The guide "A shared record in
-- PostgreSQL" (docs/docsite/rst/guide_shared_record.rst) says when.

-- Owns the tables, and does not log in.
CREATE ROLE ozonetel_cloudagent NOLOGIN;
GRANT ozonetel_cloudagent TO CURRENT_USER;

CREATE SCHEMA ozonetel_cloudagent AUTHORIZATION ozonetel_cloudagent;
SET ROLE ozonetel_cloudagent;

CREATE TABLE ozonetel_cloudagent.campaigns (
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
CREATE TABLE ozonetel_cloudagent.history (
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
CREATE INDEX history_of_campaign ON ozonetel_cloudagent.history (key, id);
CREATE TABLE ozonetel_cloudagent.version (version integer NOT NULL);
INSERT INTO ozonetel_cloudagent.version VALUES (1);

-- Updates log in as cloudagent_runner, or as a role that is a member of it.
GRANT USAGE ON SCHEMA ozonetel_cloudagent TO cloudagent_runner;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON ozonetel_cloudagent.campaigns, ozonetel_cloudagent.history TO cloudagent_runner;
GRANT SELECT ON ozonetel_cloudagent.version TO cloudagent_runner;

RESET ROLE;
