# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case of the fault matrix is: what misbehaves, and what must come of it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import ssl
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    NOT_APPLIED,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.proxy import tunnel
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    AcceptedConnection,
    Behaviour,
    RawServer,
    answer,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.support import update
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import PASSWORD_ROLE, Server

UPDATE, BULK = "ozonetel_dynamic_dids", "ozonetel_dynamic_dids_bulk"
INFO, RECORD = "ozonetel_dynamic_dids_info", "ozonetel_dynamic_dids_record"
LISTS: dict[str, t.Any] = {
    "dynamic_dids": ["9140001001", "9140001002"],
    "fallback_dynamic_dids": ["9140002001"],
}
OTHER_LISTS: dict[str, t.Any] = {**LISTS, "dynamic_dids": ["9140001003"]}
CAMPAIGN: dict[str, t.Any] = {"campaign_name": "Sales", **LISTS}
# Long enough for a busy machine to come as far as the fault, short enough to be waited for.
SHORT = 4

Options = t.Dict[str, t.Any]


class Works(t.NamedTuple):
    """The task is to end well."""

    changed: bool = True


class Fails(t.NamedTuple):
    """The task is to fail; without a reason where Ansible itself checks the options."""

    reason: str | None
    outcome: str = NOT_APPLIED


RECORD_FAILED = Fails("record_failed")


class Case(t.NamedTuple):
    """A fault, and what must come of it.

    Attributes:
        name: what happens, as the heading of its message.
        ends: what comes of it.
        server: the behaviours of the server, one for each connection.
        requests: how many of them the server sees.
        sent: what the result says; by default, whether there was a request.
        options: of the task, beside the usual ones.
        prepare: makes ready what the case needs, and returns further options.
        tls: makes the server's TLS.
        module: the module.
        check: in check mode.
        environment: the name of the environment in which it has to run, by itself.
        has_database: it needs PostgreSQL.
        summary: of many campaigns, those numbers that are not 0, without the total.
    """

    name: str
    ends: Works | Fails
    server: tuple[Behaviour, ...] = (answer(),)
    requests: int = 0
    sent: bool | None = None
    options: Options = {}  # noqa: RUF012
    prepare: t.Callable[[Place], Options] = lambda _place: {}
    tls: t.Callable[[Authority], ssl.SSLContext] | None = None
    module: str = UPDATE
    check: bool = False
    environment: str = ""
    has_database: bool = False
    summary: dict[str, int] | None = None

    @property
    def host(self) -> str:
        """Return the name of the host that stands for the case."""
        where = "database" if self.has_database else ""
        text = f"{self.module[len(UPDATE) :]} {where} {self.name}"
        return re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")

    @property
    def timeout(self) -> float:
        """Return the seconds that the updates may take; those of many follow one another."""
        seconds = self.options.get("timeout", 60)
        campaigns = len(self.options.get("campaigns") or [None])
        return float(seconds) * campaigns if isinstance(seconds, (int, float)) else 0.0


class Secrets(t.NamedTuple):
    """What must never be seen."""

    api_key: str
    database_password: str


class Place:
    """What a case finds around it.

    Attributes:
        folder: a folder of its own.
        records: where its records are; the folder is not there yet.
        server: CloudAgent.
        authority: the certificate authority.
        secrets: the key and the password.
        proxied: what the proxy does after CONNECT, by the name of the host.
        postgres: the PostgreSQL of all cases, if there is one.
        closing: what is to be closed after the play.
        databases: the databases that were made.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        server: RawServer,
        authority: Authority,
        secrets: Secrets,
        proxied: dict[str, Behaviour],
        postgres: Server | None,
    ) -> None:
        self.folder = folder
        self.records = folder / "records"
        self.server = server
        self.authority = authority
        self.secrets = secrets
        self.proxied = proxied
        self._postgres = postgres
        self.closing = contextlib.ExitStack()
        self.databases: list[str] = []

    @property
    def postgres(self) -> Server:
        """Return the server, in a case that needs it."""
        assert self._postgres is not None
        return self._postgres

    def behind_proxy(self, action: Behaviour | None = None) -> Options:
        """Return the options of an update through the proxy, which does this after CONNECT."""
        host = f"{self.folder.name.replace('_', '-')[:63].strip('-')}.partner.example"
        self.proxied[host] = action or (lambda connection: tunnel(connection, self.server))
        return {"api_url": f"https://{host}"}

    def refusing_port(self) -> int:
        """Return a port on which nobody listens until the end of the play."""
        taken = self.closing.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port

    def update_before(self, **options: t.Any) -> None:
        """Have the campaign updated by an earlier run, which leaves its record."""
        with RawServer(answer()) as earlier:
            # The record's key has the endpoint in it.
            behaviours, self.server.behaviours = self.server.behaviours, earlier.behaviours
            if "record_url" not in options:
                options = {"record_dir": str(self.records), **options}
            result = update(self.server.url, api_key="of-before", **{**CAMPAIGN, **options})
            assert result["changed"] is True, result
        self.server.behaviours = behaviours
        self.server.requests.clear()
        self.server.connections = 0

    def new_database(self) -> str:
        """Make a database for the role with the password, and return its name."""
        name = self.postgres.new_database()
        self.postgres.execute(f"ALTER DATABASE {name} OWNER TO {PASSWORD_ROLE}")
        self.databases.append(name)
        return name

    def relay(self, tls: ssl.SSLContext | None = None) -> Relay:
        """Return a relay before the server."""
        relay = Relay(self.postgres.socket_folder, tls)
        self.closing.callback(relay.stop)
        return relay


Prepare = t.Callable[[Place], Options]


def says(text: str, status: int = 200, headers: str = "") -> Behaviour:
    """Answer every request with a ``Message``."""
    return answer({"Message": text}, status, headers)


def echoes(written: t.Callable[[str], str]) -> Behaviour:
    """Answer with the key of the request, written in some way."""

    def behave(connection: AcceptedConnection) -> None:
        key = json.loads(connection.read_request().partition(b"\r\n\r\n")[2])["apiKey"]
        body = json.dumps({"Message": f"No such key: {written(key)}"}).encode()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return behave
