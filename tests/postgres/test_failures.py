# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which PostgreSQL can be of no use, and what the user is told; never a password."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.controller import A, Controller
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import FORWARD, Relay
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import (
    PASSWORD,
    PASSWORD_ROLE,
    Server,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
DBA_SQL = (ROOT / "docs" / "shared_record.sql").read_text(encoding="utf-8")
SHORT = 1.0
# psycopg prepares a statement the fifth time: prepare_threshold of its Connection.
MANY_TIMES = 7


@pytest.fixture(name="role")
def _role(server: Server, database: str) -> t.Iterator[str]:
    """Return a role that may do nothing but log in."""
    name = f"runner_{database}"
    server.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    server.execute(f"DROP OWNED BY {name}", database)
    server.execute(f"DROP ROLE {name}")


def check_failure(cloudagent: CloudAgent, url: str, *parts: str, **options: t.Any) -> str:
    """Check that nothing is sent, and return what the user is told, which has these parts."""
    controller = Controller(cloudagent.url, url)
    message = failure_of(controller.update(**{**A, "timeout": SHORT, **options}))
    for part in parts:
        assert part in message
    # Also where nothing is to be kept, since others have to learn that something is sent.
    assert failure_of(controller.update(**A, record=False, timeout=SHORT)) == message
    assert cloudagent.sent == []
    return message


def failure_of(result: dict[str, t.Any]) -> str:
    assert result["failed"]
    assert result["failure"] == {
        "reason": "record_failed",
        "outcome": "not_applied",
        "http_status": None,
        "api_message": None,
        "attempts": 0,
    }
    assert not result["sent"]
    assert "Nothing was sent." in result["msg"]
    return t.cast(str, result["msg"])


# --- Connecting ---


def test_a_server_that_is_not_there(cloudagent: CloudAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"postgresql://acme:{PASSWORD.split('/', maxsplit=1)[0]}@127.0.0.1:{port}/records"
    message = check_failure(
        cloudagent,
        f"{url}?sslmode=disable",
        "The last-applied records in PostgreSQL (database records on 127.0.0.1) can't be used: "
        "PostgreSQL can't be reached. Nothing was sent. Check record_url, and that the server runs",
    )
    assert "s3cr3t" not in message


def test_a_server_that_never_answers(cloudagent: CloudAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://acme@127.0.0.1:{listener.getsockname()[1]}/records?sslmode=disable"
        check_failure(cloudagent, url, "PostgreSQL did not answer in time")


def test_a_name_that_nobody_knows(cloudagent: CloudAgent) -> None:
    url = "postgresql://acme@cloudagent.invalid/records?connect_timeout=5"
    check_failure(cloudagent, url, "PostgreSQL can't be reached")


@pytest.fixture(name="password_role")
def _password_role(server: Server) -> t.Iterator[str]:
    server.execute(f"CREATE ROLE {PASSWORD_ROLE} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    yield PASSWORD_ROLE
    server.execute(f"DROP ROLE {PASSWORD_ROLE}")


def test_a_wrong_password(
    server: Server, database: str, cloudagent: CloudAgent, password_role: str
) -> None:
    url = server.url(database, role=f"{password_role}").replace("@/", ":not-the-s3cr3t@/")
    message = check_failure(
        cloudagent, url, "PostgreSQL did not accept the role with this password. ", timeout=60.0
    )
    assert "not-the-s3cr3t" not in message


def test_a_password_that_is_missing(
    server: Server, database: str, cloudagent: CloudAgent, password_role: str
) -> None:
    url = server.url(database, role=password_role)
    check_failure(cloudagent, url, "asks for a password, and none was given", "PGPASSWORD")


def test_a_password_from_the_environment(
    server: Server,
    database: str,
    cloudagent: CloudAgent,
    password_role: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    controller = Controller(cloudagent.url, server.url(database, role=password_role))
    assert controller.update(**A)["changed_basis"] == "first_seen"
    server.execute(
        f"ALTER SCHEMA ozonetel_cloudagent OWNER TO postgres; DROP OWNED BY {password_role}",
        database,
    )


def test_a_database_that_is_not_there(server: Server, cloudagent: CloudAgent) -> None:
    url = server.url("nowhere")
    check_failure(cloudagent, url, "there is no such database", "Check the database in record_url")


def test_a_role_that_is_not_there(server: Server, database: str, cloudagent: CloudAgent) -> None:
    check_failure(cloudagent, server.url(database, role="nobody"), "PostgreSQL has no such role")


def test_a_role_that_may_not_connect(
    server: Server, database: str, cloudagent: CloudAgent, role: str
) -> None:
    server.execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
    check_failure(
        cloudagent, server.url(database, role=role), "the role may not connect to this database"
    )


# --- TLS ---


def test_tls_with_a_private_authority(
    server: Server, database: str, cloudagent: CloudAgent, tmp_path: pathlib.Path
) -> None:
    authority, other = Authority(tmp_path), tmp_path / "other"
    other.mkdir()
    relay = Relay(server.socket_folder, authority.context("localhost"))
    try:
        verify = "sslmode=verify-full&sslrootcert="
        url = relay.url(database, options=f"{verify}{authority.path}")
        check_failure(cloudagent, url, "certificate of PostgreSQL could not be verified")
        named = url.replace("127.0.0.1", "localhost")
        assert Controller(cloudagent.url, named).update(**A)["changed"] is True
        foreign = named.replace(authority.path, Authority(other).path)
        cloudagent.sent.clear()
        check_failure(cloudagent, foreign, "certificate of PostgreSQL could not be verified")
        missing = named.replace(authority.path, "/nowhere.pem")
        check_failure(cloudagent, missing, "the file with the authorities", "sslrootcert")
    finally:
        relay.stop()


def test_no_tls_where_it_is_asked_for(database: str, relay: Relay, cloudagent: CloudAgent) -> None:
    url = relay.url(database, options="sslmode=require")
    check_failure(cloudagent, url, "PostgreSQL does not speak TLS there")


# --- Rights ---


def test_a_role_that_may_not_create_until_the_documented_sql_was_executed(
    server: Server, database: str, cloudagent: CloudAgent, role: str
) -> None:
    url = server.url(database, role=role)
    check_failure(
        cloudagent,
        url,
        f"the tables in the schema ozonetel_cloudagent do not exist yet, and the role {role} may not "
        "create them. Nothing was sent. Have them created, or have CREATE on the database granted",
    )
    server.execute(DBA_SQL.replace("cloudagent_runner", role), database)
    try:
        first, second = (Controller(cloudagent.url, url) for _number in range(2))
        assert first.update(**A)["changed_basis"] == "first_seen"
        assert second.update(**A)["changed"] is False
        assert second.change("absent")["changed"] is True
    finally:
        server.execute(
            "DROP OWNED BY ozonetel_cloudagent CASCADE; DROP ROLE ozonetel_cloudagent", database
        )


def columns(server: Server, database: str) -> list[t.Any]:
    return server.execute(
        "SELECT table_name, column_name, data_type, is_nullable, is_identity "
        "FROM information_schema.columns WHERE table_schema = 'ozonetel_cloudagent' ORDER BY 1, 2",
        database,
    )


def test_the_documented_sql_makes_the_same_tables(
    server: Server, database: str, cloudagent: CloudAgent, role: str
) -> None:
    server.execute(DBA_SQL.replace("cloudagent_runner", role), database)
    documented = columns(server, database)
    server.execute(
        "DROP OWNED BY ozonetel_cloudagent CASCADE; DROP ROLE ozonetel_cloudagent", database
    )
    Controller(cloudagent.url, server.url(database)).update(**A)
    assert columns(server, database) == documented != []


def test_a_role_that_may_not_write(
    server: Server, database: str, cloudagent: CloudAgent, role: str
) -> None:
    Controller(cloudagent.url, server.url(database)).update(**A)
    cloudagent.sent.clear()
    server.execute(f"GRANT USAGE ON SCHEMA ozonetel_cloudagent TO {role}", database)
    url = server.url(database, role=role)
    check_failure(cloudagent, url, f"the role {role} may not read the tables in the schema")
    server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA ozonetel_cloudagent TO {role}", database)
    check_failure(cloudagent, url, f"the role {role} may not write the tables in the schema")


def test_tables_of_a_role_that_is_not_trusted(
    server: Server, database: str, cloudagent: CloudAgent, role: str
) -> None:
    server.execute(f"GRANT CREATE ON DATABASE {database} TO {role}")
    Controller(cloudagent.url, server.url(database, role=role)).update(**A)
    cloudagent.sent.clear()
    server.execute("CREATE ROLE somebody_else LOGIN")
    try:
        for_all = f"belongs to the role {role}"
        check_failure(cloudagent, server.url(database), for_all, "the rights of postgres")
        url = server.url(database, role="somebody_else")
        check_failure(
            cloudagent, url, f"belongs to the role {role}, whose triggers would be executed"
        )
        server.execute(f"GRANT {role} TO somebody_else")
        assert Controller(cloudagent.url, url).update(**A)["changed"] is False
    finally:
        server.execute("DROP ROLE somebody_else")


# --- The server ---


def test_a_server_that_takes_no_writes(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    Controller(cloudagent.url, server.url(database)).update(**A)
    cloudagent.sent.clear()
    server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    url = server.url(database)
    check_failure(cloudagent, url, "the server accepts no writes: it is a replica, or read-only")
    any_server = server.url(database, options="target_session_attrs=any")
    check_failure(cloudagent, any_server, "the server accepts no writes")
    # It is good enough to look at.
    assert len(Controller(cloudagent.url, url).show()["campaigns"]) == 1


def test_tables_of_a_newer_version(server: Server, database: str, cloudagent: CloudAgent) -> None:
    controller = Controller(cloudagent.url, server.url(database))
    controller.update(**A)
    cloudagent.sent.clear()
    server.execute("INSERT INTO ozonetel_cloudagent.version VALUES (2)", database)
    check_failure(cloudagent, server.url(database), "made by a newer version of the collection")


def test_an_encoding_that_is_not_utf8(server: Server, cloudagent: CloudAgent) -> None:
    server.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    check_failure(cloudagent, server.url("ascii"), "the encoding of this database is not UTF8")


def test_a_pooler_that_changes_the_session(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    Controller(cloudagent.url, server.url(database)).update(**A)
    cloudagent.sent.clear()
    pooler = Relay(server.socket_folder, sessions=2)
    try:
        check_failure(
            cloudagent,
            pooler.url(database),
            "a connection pooler changes the session between two statements",
            "a pool of the pooler in session mode",
        )
    finally:
        pooler.stop()


def test_a_pooler_that_changes_the_session_right_before_the_mark(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    pooler = Relay(server.socket_folder, sessions=2)
    pooler.pools = False

    def pool_after_reading(statement: str) -> str:
        pooler.pools = pooler.pools or "endpoint, confirmed" in statement
        return FORWARD

    try:
        controller = Controller(cloudagent.url, pooler.url(database))
        assert controller.update(**A)["changed"] is True
        cloudagent.sent.clear()
        pooler.on_statement = pool_after_reading
        message = failure_of(controller.update(**A, timeout=SHORT))
        assert "a connection pooler changes the session" in message
        assert pooler.pools
        assert cloudagent.sent == []
    finally:
        pooler.stop()


def test_a_pooler_that_changes_the_session_once_statements_are_prepared(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    # With two, the mark would be made by the same session as the lock.
    pooler = Relay(server.socket_folder, sessions=3)
    pooler.pools = False
    try:
        controller = Controller(cloudagent.url, pooler.url(database))
        for _time in range(MANY_TIMES):
            assert not controller.update(**A).get("failed")
        cloudagent.sent.clear()
        pooler.pools = True
        message = failure_of(controller.update(**A, timeout=SHORT))
        assert "a connection pooler changes the session" in message
        assert cloudagent.sent == []
    finally:
        pooler.stop()


def test_a_session_that_somebody_else_has_used(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    server.execute(f"ALTER DATABASE {database} SET ozonetel.session = 'of another client'")
    check_failure(cloudagent, server.url(database), "a connection pooler changes the session")


# --- Modules about records, and check mode ---


def test_what_only_reads_fails_as_well(cloudagent: CloudAgent, server: Server) -> None:
    controller = Controller(cloudagent.url, server.url("nowhere"))
    begin = "The last-applied records in "
    for result, done in (
        (controller.show(), ""),
        (controller.change("absent"), " No record was changed."),
        (controller.update(**A, check_mode=True), " Nothing was sent."),
    ):
        assert result["failure"]["reason"] == "record_failed"
        assert result["msg"].startswith(begin)
        assert f"there is no such database.{done} Check the database" in result["msg"]


# --- The options ---


@pytest.mark.parametrize(
    "url", ["postgresql://acme:s3cr3t@[::1/records", "postgresql://acme:s3cr3t@db/x?nonsense=1"]
)
def test_a_url_that_libpq_does_not_take(cloudagent: CloudAgent, url: str) -> None:
    controller = Controller(cloudagent.url, url)
    controller._options["record_url"] = url
    result = controller.update(**A)
    assert result["failure"]["reason"] == "invalid_input"
    assert result["msg"].startswith("record_url is not a connection URI")
    assert "s3cr3t" not in str(result)


def test_the_secrets_are_handed_over_to_be_masked(cloudagent: CloudAgent, server: Server) -> None:
    url = server.url("nowhere").replace("@/", ":p%40ss%2Fword@/")
    controller = Controller(cloudagent.url, url)
    controller.update(**A)
    assert controller.module.hidden == [controller._options["record_url"], "p@ss/word"]


@pytest.mark.parametrize("missing", ["psycopg", "psycopg_binary, psycopg_c and libpq"])
def test_a_library_that_is_missing(missing: str, tmp_path: pathlib.Path) -> None:
    """In a process of its own, where the import fails."""
    for name in ["psycopg"] if missing == "psycopg" else ["psycopg_binary", "psycopg_c"]:
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')", encoding="ascii")
    script = f"""
import ctypes.util, sys
ctypes.util.find_library = lambda name: None
sys.path.insert(0, {str(tmp_path)!r})
{PREPARE}
from ansible_collections.ozonetel.cloudagent.tests.unit.support import Ended, ModuleDouble
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run import run
module = ModuleDouble(record_url="postgresql://acme:s3cr3t@db.example/records")
try:
    run(module)
except Ended:
    print(module.result)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "Failed to import the required Python library (psycopg)" in done.stdout, done.stderr
    assert "required for record_url" in done.stdout
    assert "s3cr3t" not in done.stdout


PREPARE = """
import os
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[os.environ["ANSIBLE_COLLECTIONS_PATH"]])._install()
"""
