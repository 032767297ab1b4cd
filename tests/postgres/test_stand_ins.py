# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tests of this folder rest on: the server, and the relay that does harm."""

from __future__ import annotations

import pathlib
import select

import psycopg
import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import (
    CUT_AFTER,
    CUT_BEFORE,
    FORWARD,
    Relay,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import (
    PASSWORD,
    PASSWORD_ROLE,
    Server,
)


def test_a_killed_server_keeps_what_was_committed(own_server: Server) -> None:
    own_server.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with psycopg.connect(own_server.url()) as connection:
        own_server.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    own_server.start()
    assert own_server.execute("SELECT number FROM kept") == [(7,)]


def test_a_role_needs_its_password(server: Server) -> None:
    server.execute(f"CREATE ROLE {PASSWORD_ROLE} LOGIN PASSWORD '{PASSWORD}'")
    try:
        url = server.url(role=PASSWORD_ROLE)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url, password="wrong")
        psycopg.connect(url, password=PASSWORD).close()
    finally:
        server.execute(f"DROP ROLE {PASSWORD_ROLE}")


def test_relay_speaks_tls(server: Server, tmp_path: pathlib.Path) -> None:
    authority = Authority(tmp_path)
    relay = Relay(server.socket_folder, authority.context("localhost"))
    try:
        url = relay.url("postgres", options=f"sslmode=verify-full&sslrootcert={authority.path}")
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            psycopg.connect(url)
        with psycopg.connect(url.replace("127.0.0.1", "localhost")) as connection:
            assert connection.pgconn.ssl_in_use
            rows = connection.execute("SELECT repeat('x', 1000000)").fetchall()
            assert len(rows[0][0]) == 1000000
    finally:
        relay.stop()


@pytest.mark.parametrize(("action", "rows"), [(CUT_BEFORE, 0), (CUT_AFTER, 1)])
def test_relay_cuts_at_a_statement(
    server: Server, database: str, relay: Relay, action: str, rows: int
) -> None:
    server.execute("CREATE TABLE kept (number int)", database)
    relay.on_statement = lambda text: action if "INSERT" in text else FORWARD
    with psycopg.connect(relay.url(database), autocommit=True) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("INSERT INTO kept VALUES (%s)", [7])
    assert server.execute("SELECT count(*) FROM kept", database) == [(rows,)]
    assert relay.statements == ["SELECT 1", "INSERT INTO kept VALUES ($1)"]


def test_relay_takes_note_of_a_prepared_statement_each_time_that_it_is_executed(
    relay: Relay,
) -> None:
    with psycopg.connect(relay.url("postgres"), autocommit=True) as connection:
        for number in range(3):
            connection.execute("SELECT %s::int", [number], prepare=True)
    assert relay.statements == ["SELECT $1::int"] * 3


def test_relay_spreads_statements_as_a_pooler_does(server: Server) -> None:
    relay = Relay(server.socket_folder, sessions=2)
    try:
        with psycopg.connect(relay.url("postgres"), autocommit=True) as connection:
            backends = {
                connection.execute("SELECT pg_backend_pid()").fetchall()[0][0] for _try in range(4)
            }
            assert len(backends) == 2
            with connection.transaction():
                backends = {
                    connection.execute("SELECT pg_backend_pid()").fetchall()[0][0]
                    for _try in range(4)
                }
            assert len(backends) == 1
    finally:
        relay.stop()


def test_a_paused_server_is_silent_and_goes_on(own_server: Server) -> None:
    connection = psycopg.connect(own_server.url())
    go_on = own_server.pause()
    connection.pgconn.send_query(b"SELECT 1")
    assert select.select([connection.pgconn.socket], [], [], 0.2) == ([], [], [])
    go_on()
    assert connection.pgconn.get_result() is not None
    connection.close()
