# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the last-applied records in PostgreSQL."""

from __future__ import annotations

import pathlib
import socket
import typing as t
from urllib.parse import quote

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.opening import (
    open_database,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import record_key
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    BULK,
    CAMPAIGN,
    INFO,
    OTHER_LISTS,
    RECORD,
    RECORD_FAILED,
    SHORT,
    Case,
    Fails,
    Options,
    Place,
    Prepare,
    Works,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    after_request,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import PASSWORD_ROLE

PATIENT = {"timeout": SHORT}
SCHEMA = "ozonetel_cloudagent"
# What PostgreSQL itself says when its disk is full.
FULL = f"""\
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {SCHEMA}.campaigns EXECUTE FUNCTION fill()"""
TWO = {"campaigns": [CAMPAIGN, {**CAMPAIGN, "campaign_name": "Support"}], "concurrency": 1}


def kept_at(url: str) -> Options:
    return {"record_dir": None, "record_url": url}


def with_password(url: str, password: str) -> str:
    return url.replace("@", f":{quote(password, safe='')}@", 1)


def url_of(place: Place, name: str) -> str:
    url = place.postgres.url(name, PASSWORD_ROLE)
    return with_password(url, place.secrets.database_password)


def at_port(place: Place, port: int) -> Options:
    url = f"postgresql://acme@127.0.0.1:{port}/records?sslmode=disable"
    return kept_at(with_password(url, place.secrets.database_password))


def new(
    *statements: str, is_recorded: bool = False, role: str = "", is_trusted: bool = False
) -> Prepare:
    """Make a database, have a record in it, and execute this as superuser.

    Args:
        statements: "<database>" and "<role>" stand for their names.
        is_recorded: the campaign was updated before.
        role: another role than the one with the password, which is made.
        is_trusted: it was the superuser who updated it.
    """

    def prepare(place: Place) -> Options:
        name = place.new_database()
        if is_recorded:
            earlier = place.postgres.url(name) if is_trusted else url_of(place, name)
            place.update_before(record_url=earlier)
        named = f"{role}_{name}"
        if role:
            place.postgres.execute(f"CREATE ROLE {named} LOGIN", name)
        for statement in statements:
            text = statement.replace("<database>", name).replace("<role>", named)
            place.postgres.execute(text, name)
        return kept_at(place.postgres.url(name, named) if role else url_of(place, name))

    return prepare


def nobody_listens(place: Place) -> Options:
    return at_port(place, place.refusing_port())


def nobody_answers(place: Place) -> Options:
    listener = place.closing.enter_context(socket.create_server(("127.0.0.1", 0)))
    return at_port(place, listener.getsockname()[1])


def wrong_password(place: Place) -> Options:
    url = place.postgres.url(place.new_database(), PASSWORD_ROLE)
    return kept_at(with_password(url, place.secrets.database_password[:-1]))


def no_password(place: Place) -> Options:
    return kept_at(place.postgres.url(place.new_database(), PASSWORD_ROLE))


def no_database(place: Place) -> Options:
    return kept_at(url_of(place, "nowhere"))


def no_role(place: Place) -> Options:
    return kept_at(place.postgres.url(place.new_database(), "nobody"))


def no_tls(place: Place) -> Options:
    relay = place.relay()
    return kept_at(behind(place, relay, "sslmode=require"))


def unknown_authority(place: Place) -> Options:
    other = place.folder / "other"
    other.mkdir()
    relay = place.relay(place.authority.context("127.0.0.1"))
    path = Authority(pathlib.Path(other)).path
    return kept_at(behind(place, relay, f"sslmode=verify-full&sslrootcert={path}"))


def behind(place: Place, relay: Relay, options: str = "") -> str:
    url = relay.url(place.new_database(), PASSWORD_ROLE, options)
    return with_password(url, place.secrets.database_password)


def other_encoding(place: Place) -> Options:
    name = f"ascii_{place.new_database()}"
    place.postgres.execute(
        f"CREATE DATABASE {name} OWNER {PASSWORD_ROLE} ENCODING 'SQL_ASCII' TEMPLATE template0"
    )
    return kept_at(url_of(place, name))


def pooler(place: Place) -> Options:
    relay = Relay(place.postgres.socket_folder, sessions=2)
    place.closing.callback(relay.stop)
    # A role without a password: this stand-in asks one session only for it.
    return kept_at(relay.url(place.new_database()))


def lock(place: Place) -> Options:
    url = url_of(place, place.new_database())
    place.update_before(record_url=url)
    # A session of its own, as those of one URL are shared.
    store = open_database(f"{url}&application_name=somebody%20else", True)
    store.allow(60.0)
    key = record_key(place.server.url, "acme", "Sales")
    assert store.lock([key]).obtained == {key}
    place.closing.callback(store.unlock, [key])
    return kept_at(url)


def while_sent(action: t.Callable[[Place, Relay], object]) -> Prepare:
    """Do this between the first request and its answer, which confirms."""

    def prepare(place: Place) -> Options:
        relay = place.relay()
        done: list[object] = []

        def behave(connection: AcceptedConnection) -> None:
            while True:
                if not done:
                    done.append(action(place, relay))
                connection.send(CONFIRMED)
                if not connection.read_request():
                    return

        place.server.behaviours = (after_request(behave),)
        url = behind(place, relay)
        place.update_before(record_url=url)
        return kept_at(url)

    return prepare


def cut(_place: Place, relay: Relay) -> None:
    relay.cut()


def stop(_place: Place, relay: Relay) -> None:
    relay.stop()


def fill(place: Place, _relay: Relay) -> None:
    place.postgres.execute(FULL, place.databases[0])


def end_sessions(place: Place, _relay: Relay) -> None:
    place.postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{place.databases[0]}' AND pid <> pg_backend_pid()",
        place.databases[0],
    )


def case(name: str, ends: Works | Fails, prepare: Prepare, **fields: t.Any) -> Case:
    return Case(name, ends, prepare=prepare, has_database=True, **fields)


ALL = {"state": "unconfirmed", "all": True}

CASES = [
    case("A database that works", Works(), new(), requests=1),
    case("Nobody listens", RECORD_FAILED, nobody_listens, options=PATIENT),
    case("PostgreSQL does not answer", RECORD_FAILED, nobody_answers, options=PATIENT),
    case("A wrong password", RECORD_FAILED, wrong_password),
    case("No password", RECORD_FAILED, no_password),
    case("No such database", RECORD_FAILED, no_database),
    case("No such role", RECORD_FAILED, no_role),
    case(
        "A role that may not connect",
        RECORD_FAILED,
        new("REVOKE CONNECT ON DATABASE <database> FROM PUBLIC", role="runner"),
    ),
    case(
        "No room for another connection",
        RECORD_FAILED,
        new("ALTER ROLE <role> CONNECTION LIMIT 0", role="runner"),
        options=PATIENT,
    ),
    case("PostgreSQL without TLS", RECORD_FAILED, no_tls),
    case("A certificate of an unknown authority", RECORD_FAILED, unknown_authority),
    case("A database in another encoding", RECORD_FAILED, other_encoding),
    case("A role that may not create the tables", RECORD_FAILED, new(role="runner")),
    case(
        "A role that may only read",
        RECORD_FAILED,
        new(
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO <role>",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO <role>",
            is_recorded=True,
            is_trusted=True,
            role="runner",
        ),
    ),
    case(
        "Tables of a role that is not trusted",
        RECORD_FAILED,
        new(
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO <role>",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {SCHEMA} TO <role>",
            is_recorded=True,
            role="runner",
        ),
    ),
    case(
        "A database that is read-only",
        RECORD_FAILED,
        new("ALTER DATABASE <database> SET default_transaction_read_only = on", is_recorded=True),
    ),
    case(
        "Tables of a newer version",
        RECORD_FAILED,
        new(f"INSERT INTO {SCHEMA}.version VALUES (2)", is_recorded=True),
    ),
    case(
        "A table is missing, and the role may not create it",
        RECORD_FAILED,
        new(
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO <role>",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {SCHEMA} TO <role>",
            f"DROP TABLE {SCHEMA}.history",
            is_recorded=True,
            is_trusted=True,
            role="runner",
        ),
    ),
    case(
        "A table is missing, and the role may create it",
        Works(False),
        new(f"DROP TABLE {SCHEMA}.history", is_recorded=True),
        requests=1,
    ),
    case(
        "A column is missing",
        RECORD_FAILED,
        new(f"ALTER TABLE {SCHEMA}.campaigns DROP COLUMN note", is_recorded=True),
    ),
    case(
        "A record without its lists",
        Works(),
        new(f"UPDATE {SCHEMA}.campaigns SET dynamic_dids = NULL", is_recorded=True),
        requests=1,
    ),
    case(
        "A record with an empty entry in a list",
        Works(),
        new(f"UPDATE {SCHEMA}.campaigns SET dynamic_dids[1] = NULL", is_recorded=True),
        requests=1,
    ),
    case("A locked record", RECORD_FAILED, lock, options=PATIENT),
    case("A full disk", RECORD_FAILED, new(FULL, is_recorded=True)),
    case("A pooler that changes the session", RECORD_FAILED, pooler),
    case(
        "The disk is full once the request is on its way",
        Works(),
        while_sent(fill),
        requests=1,
        options=OTHER_LISTS,
    ),
    case(
        "The connection breaks while the request is on its way",
        Works(),
        while_sent(cut),
        requests=1,
        options=OTHER_LISTS,
    ),
    case(
        "The session is ended while the request is on its way",
        Works(),
        while_sent(end_sessions),
        requests=1,
        options=OTHER_LISTS,
    ),
    case(
        "PostgreSQL is gone while the request is on its way",
        Works(),
        while_sent(stop),
        requests=1,
        options={**OTHER_LISTS, **PATIENT},
    ),
    case(
        "A URL that cannot be read",
        Fails("invalid_input"),
        lambda _place: kept_at("postgresql://acme@[::1/records"),
    ),
    case(
        "The library psycopg is missing",
        Fails(None),
        lambda _place: kept_at("postgresql://acme@db.partner.example/records"),
        environment="no psycopg",
    ),
    case(
        "Check mode, and nobody listens", RECORD_FAILED, nobody_listens, check=True, options=PATIENT
    ),
    case(
        "Nobody listens, for many campaigns",
        RECORD_FAILED,
        nobody_listens,
        module=BULK,
        options={**TWO, **PATIENT},
        summary={"failed": 1, "not_sent": 1},
    ),
    case(
        "A full disk under many campaigns",
        RECORD_FAILED,
        new(FULL, is_recorded=True),
        module=BULK,
        options=TWO,
        summary={"failed": 1, "not_sent": 1},
    ),
    case(
        "PostgreSQL is gone while the first of many campaigns is on its way",
        RECORD_FAILED,
        while_sent(stop),
        requests=1,
        module=BULK,
        options={**TWO, **PATIENT},
        summary={"changed": 1, "failed": 1},
    ),
    case(
        "Records are to be shown, and nobody listens",
        RECORD_FAILED,
        nobody_listens,
        module=INFO,
        options=PATIENT,
    ),
    case(
        "Records are to be shown, with a wrong password", RECORD_FAILED, wrong_password, module=INFO
    ),
    case(
        "A damaged record is to be shown",
        Works(False),
        new(f"UPDATE {SCHEMA}.campaigns SET dynamic_dids = NULL", is_recorded=True),
        module=INFO,
    ),
    case(
        "Records are to be withdrawn, and nobody listens",
        RECORD_FAILED,
        nobody_listens,
        module=RECORD,
        options={**ALL, **PATIENT},
    ),
    case(
        "Records are to be withdrawn in a database that is read-only",
        RECORD_FAILED,
        new("ALTER DATABASE <database> SET default_transaction_read_only = on", is_recorded=True),
        module=RECORD,
        options=ALL,
    ),
    case(
        "A locked record is to be withdrawn",
        RECORD_FAILED,
        lock,
        module=RECORD,
        options={**ALL, **PATIENT},
    ),
]
