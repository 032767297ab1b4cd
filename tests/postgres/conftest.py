# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with a real PostgreSQL share: a server, a database of each test's own, a relay."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

if t.TYPE_CHECKING:
    # Pytest may load this file before the collection can be imported.
    from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
    from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import Installation
    from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server


def pytest_ignore_collect(collection_path: pathlib.Path) -> bool | None:
    """Leave these tests out where there is no PostgreSQL; the end of the output says so."""
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import why_no_server

    is_test = collection_path.name.startswith("test_")
    return True if is_test and why_no_server() is not None else None


@pytest.fixture(name="server", scope="session")
def _server() -> t.Iterator[Server]:
    """Return the server of this run; a test that stops or kills one takes ``own_server``."""
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server

    server = Server()
    yield server
    server.remove()


@pytest.fixture(name="own_server")
def _own_server() -> t.Iterator[Server]:
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server

    server = Server()
    yield server
    server.remove()


@pytest.fixture(name="database")
def _database(server: Server) -> t.Iterator[str]:
    """Return the name of an empty database."""
    name = server.new_database()
    yield name
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(name="installation", scope="module")
def _installation(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Installation]:
    """Return a server that was set up as the guide to the shared record says."""
    from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import Installation
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server

    installation = Installation(Server(), tmp_path_factory.mktemp("guide"))
    installation.follow_the_guide()
    yield installation
    installation.stop()


@pytest.fixture(name="relay")
def _relay(server: Server) -> t.Iterator[Relay]:
    from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay

    relay = Relay(server.socket_folder)
    yield relay
    relay.stop()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user's environment says about PostgreSQL and records away."""
    for name in list(os.environ):
        if name.startswith(("PG", "OZONETEL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(name="cloudagent")
def _cloudagent() -> t.Iterator[CloudAgent]:
    from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent

    cloudagent = CloudAgent()
    yield cloudagent
    cloudagent.stop()
