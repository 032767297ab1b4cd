# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the cases by ``ansible-playbook``, one host for each, several at a time."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets
import ssl
import subprocess
import sys
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    info_argument_spec,
    record_changes_argument_spec,
    update_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    BULK,
    CAMPAIGN,
    INFO,
    RECORD,
    UPDATE,
    Case,
    Place,
    Secrets,
    echoes,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.stand_ins.sitecustomize import (
    HANGING_HOST,
    UNKNOWN_HOST,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    AcceptedConnection,
    Behaviour,
    RawServer,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import PASSWORD_ROLE, Server

HERE = pathlib.Path(__file__).parent
COMMAND = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
IN_PROCESS, AS_A_MODULE = "in_process", "as_a_module"
SPECS = {
    UPDATE: update_argument_spec,
    BULK: bulk_argument_spec,
    INFO: info_argument_spec,
    RECORD: record_changes_argument_spec,
}
# So many cases at a time: most of the slow ones only wait.
FORKS = 16
# The host of a job of async.
JOB = "a_job"
PROXY_PASSWORD = "proxy-password"
# What stands on Python's path in an environment where a library can't be imported.
NO_LIBRARY = "raise ImportError('not here')\n"

Result = t.Dict[str, t.Any]


class Outcome(t.NamedTuple):
    """What came of a case.

    Attributes:
        result: what Ansible's callbacks are given.
        failed: whether the task failed.
        requests: those that the server saw.
        measure: a line of stand_ins/measures.py.
        place: what the case had around it.
    """

    result: Result
    failed: bool
    requests: list[bytes]
    measure: dict[str, t.Any]
    place: Place


class Played(t.NamedTuple):
    """What came of a play.

    Attributes:
        outcomes: by the names of hosts.
        texts: all that may be read by others, by where it stands.
    """

    outcomes: dict[str, Outcome]
    texts: dict[str, str]


def new_secrets() -> Secrets:
    """Return secrets that are written differently in JSON, URLs, HTML and base64."""
    key, password = secrets.token_hex(8), secrets.token_hex(8)
    # In base64, the question marks make a slash wherever they begin.
    rest = '"q"\\/+&=%<é>?????'
    return Secrets(f"k{key} {rest}{key}", f"p{password} {rest}{password}")


class Play:
    """The cases of one environment, and what they need until they have ended.

    Args:
        folder: a folder for all that they leave.
        cases: those to be played.
        way: ``in_process`` or ``as_a_module``.
        secrets: what must never be seen.
        postgres: a server with a role of the password, if there is one.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        cases: t.Sequence[Case],
        way: str,
        secrets: Secrets,
        postgres: Server | None,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        # The slow ones first, so that the others go on beside them.
        self._cases = sorted(cases, key=lambda case: case.timeout)
        self._way = way
        self._secrets = secrets
        self._postgres = postgres
        self._proxied: dict[str, Behaviour] = {}
        self._places: dict[str, Place] = {}
        self._environment = cases[0].environment
        self._files = {
            name: folder / name for name in ("results", "measures", "syslog", "log", "netrc")
        }

    def run(self) -> Played:
        """Play them."""
        with contextlib.ExitStack() as stack:
            proxy = stack.enter_context(RawServer(self._serve_proxy))
            authority = Authority(self.folder)
            hosts = {case.host: self._prepare(stack, case, authority) for case in self._cases}
            waits = stack.enter_context(RawServer(echoes(repr)))
            screen = self._play({**hosts, JOB: self._job(waits.url)}, proxy)
            outcomes = self._outcomes(screen)
            texts = {"the screen": screen, **self._texts()}
            for place in self._places.values():
                texts["the database"] = texts.get("the database", "") + dump(place)
        return Played(outcomes, texts)

    # --- Before ---

    def _prepare(
        self, stack: contextlib.ExitStack, case: Case, authority: Authority
    ) -> dict[str, t.Any]:
        """Return the variables of a case's host."""
        context: ssl.SSLContext | None = case.tls(authority) if case.tls else None
        server = stack.enter_context(RawServer(*case.server, tls=context))
        folder = self.folder / "cases" / case.host
        folder.mkdir(parents=True)
        place = Place(folder, server, authority, self._secrets, self._proxied, self._postgres)
        stack.enter_context(place.closing)
        self._places[case.host] = place
        prepared = case.prepare(place)
        options = {
            "username": "acme",
            "api_key": self._secrets.api_key,
            "api_url": server.url,
            "record_dir": str(place.records),
            **({} if case.module != UPDATE else CAMPAIGN),
            **case.options,
            **prepared,
        }
        if case.module == BULK:
            options.setdefault("campaigns", [CAMPAIGN])
        if case.module in (INFO, RECORD):
            del options["username"], options["api_url"]
        given = {name: value for name, value in options.items() if value is not None}
        return {"options": given, "check": case.check}

    def _serve_proxy(self, connection: AcceptedConnection) -> None:
        """Do what the case of this host has in mind."""
        host = connection.read_request().split()[1].decode().partition(":")[0]
        self._proxied[host](connection)

    # --- The play ---

    def _play(self, hosts: dict[str, dict[str, t.Any]], proxy: RawServer) -> str:
        playbook, inventory = self.folder / "playbook.yml", self.folder / "inventory.yml"
        playbook.write_text(json.dumps(self._plays()), encoding="utf-8")
        # Not in the playbook: beside an error, Ansible 2.19 and later shows the lines that it comes
        # from (SourceContext in ansible/_internal/_errors/_error_utils.py).
        variables = self.folder / "variables.json"
        variables.write_text(json.dumps({"cases": hosts}), encoding="utf-8")
        groups = {
            f"module_{module}": {"hosts": dict.fromkeys(case.host for case in cases)}
            for module, cases in self._by_module()
        }
        groups["jobs"] = {"hosts": {JOB: None}}
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory.write_text(json.dumps({"all": {"children": groups, "vars": host}}), "utf-8")
        command = [COMMAND, "-vvvv", "-i", str(inventory), str(playbook)]
        done = subprocess.run(
            [*command, "--extra-vars", f"@{variables}"],
            env=self._variables(proxy),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        screen = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, screen
        return screen

    def _by_module(self) -> list[tuple[str, list[Case]]]:
        found = [
            (module, [case for case in self._cases if case.module == module]) for module in SPECS
        ]
        return [(module, cases) for module, cases in found if cases]

    def _job(self, url: str) -> dict[str, t.Any]:
        """Return the variables of a job of async, whose server says the key."""
        given = {**CAMPAIGN, "username": "acme", "api_key": self._secrets.api_key, "api_url": url}
        folder = self.folder / "cases" / JOB
        return {"options": {**given, "record_dir": str(folder)}, "check": False}

    def _plays(self) -> list[dict[str, t.Any]]:
        plays = [
            {"hosts": f"module_{module}", "gather_facts": False, "tasks": [self._task(module)]}
            for module, _cases in self._by_module()
        ]
        if self._way == IN_PROCESS or self._environment:
            return plays
        job = {**self._task(UPDATE), "async": 300, "poll": 0, "register": "job"}
        # The file of a job stays, if nobody asks for it to be removed.
        status = {
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "ended",
            "until": "ended.finished",
            "retries": 300,
            "delay": 1,
            "failed_when": "not ended.finished",
        }
        return [*plays, {"hosts": "jobs", "gather_facts": False, "tasks": [job, status]}]

    def _task(self, module: str) -> dict[str, t.Any]:
        own = "cases[inventory_hostname]"
        task = {
            f"ozonetel.cloudagent.{module}": {
                name: f"{{{{ {own}.options.{name} | default(omit) }}}}" for name in SPECS[module]()
            },
            "check_mode": f"{{{{ {own}.check }}}}",
            "ignore_errors": True,
        }
        if self._way == AS_A_MODULE or module in (INFO, RECORD):
            # An update with an environment is run as a module.
            task["environment"] = {"CLOUDAGENT_CASE": "{{ inventory_hostname }}"}
        return task

    def _variables(self, proxy: RawServer) -> dict[str, str]:
        """Return the environment of the play."""
        self._files["netrc"].write_text("machine 127.0.0.1 login me password netrc\n", "ascii")
        self._files["netrc"].chmod(0o600)
        python_path = [str(HERE / "stand_ins"), os.environ.get("PYTHONPATH", "")]
        address = f"127.0.0.1:{proxy.port}"
        if self._environment == "a proxy that is down":
            address = "127.0.0.1:1"
        if self._environment == "a proxy without a host":
            address = ""
        if self._environment.startswith("no "):
            library = self.folder / "library"
            library.mkdir()
            (library / f"{self._environment[3:]}.py").write_text(NO_LIBRARY, "ascii")
            python_path.insert(0, str(library))
        return {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "keep_cases",
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_LOG_PATH": str(self._files["log"]),
            "CLOUDAGENT_MEASURES": str(self._files["measures"]),
            "CLOUDAGENT_RESULTS": str(self._files["results"]),
            "CLOUDAGENT_SYSLOG": str(self._files["syslog"]),
            "HOME": str(self.home),
            "NETRC": str(self._files["netrc"]),
            "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
            "http_proxy": "http://127.0.0.1:1",
            "https_proxy": f"http://me:{PROXY_PASSWORD}@{address}",
            "no_proxy": f"{UNKNOWN_HOST},{HANGING_HOST}",
        }

    # --- After ---

    def _outcomes(self, screen: str) -> dict[str, Outcome]:
        results = {line["case"]: line for line in read_lines(self._files["results"])}
        missing = {case.host for case in self._cases} - results.keys()
        assert not missing, f"no result of {missing}:\n{screen[-5000:]}"
        # What measures a module as a whole comes after what only hands over to it.
        measures = {
            line["case"]: line
            for kind in ("action", "module")
            for line in read_lines(self._files["measures"])
            if line["kind"] == kind
        }
        return {
            case.host: Outcome(
                results[case.host]["result"],
                results[case.host]["failed"],
                list(self._places[case.host].server.requests),
                measures[case.host],
                self._places[case.host],
            )
            for case in self._cases
        }

    def _texts(self) -> dict[str, str]:
        kept = {
            "the log": self._files["log"],
            "the results": self._files["results"],
            "syslog": self._files["syslog"],
            "the records": self.folder / "cases",
            "an async job": self.home / ".ansible_async",
            "HOME": self.home,
        }
        texts = {name: read_all(path) for name, path in kept.items()}
        # As they are, beside what JSON makes of them.
        results = list(strings_in(read_lines(self._files["results"])))
        return {**texts, "the results": "\n".join([texts["the results"], *results])}


def play_all(
    folder: pathlib.Path,
    cases: t.Sequence[Case],
    way: str,
    secrets: Secrets,
    postgres: Server | None,
) -> Played:
    """Play cases, those of each environment by themselves."""
    outcomes: dict[str, Outcome] = {}
    texts: dict[str, str] = {}
    for environment in sorted({case.environment for case in cases}):
        chosen = [case for case in cases if case.environment == environment]
        name = environment.replace(" ", "-") or "usual"
        played = Play(folder / name, chosen, way, secrets, postgres).run()
        outcomes.update(played.outcomes)
        for place, text in played.texts.items():
            texts[place] = texts.get(place, "") + text
    return Played(outcomes, texts)


def start_postgres(secrets: Secrets) -> Server:
    """Start a server with a role that needs the password."""
    server = Server()
    password = secrets.database_password.replace("'", "''")
    server.execute(f"CREATE ROLE {PASSWORD_ROLE} LOGIN PASSWORD '{password}'")
    return server


def dump(place: Place) -> str:
    """Return every value of every column of the records in a case's databases."""
    lines: list[str] = []
    for name in place.databases:
        tables = place.postgres.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'ozonetel_cloudagent'",
            name,
        )
        for schema, table in tables:
            rows = place.postgres.execute(f"SELECT * FROM {schema}.{table}", name)
            lines += [str(value) for row in rows for value in row]
    return "\n".join(lines)


def read_lines(path: pathlib.Path) -> list[dict[str, t.Any]]:
    """Return the lines of a file, each JSON."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def strings_in(value: object) -> t.Iterator[str]:
    """Yield all texts in what JSON can hold."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for entry in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from strings_in(entry)


def read_all(path: pathlib.Path) -> str:
    """Return the text of a file, or of all files in a folder."""
    paths = [path] if path.is_file() else sorted(path.rglob("*"))
    return "\n".join(one.read_text("utf-8", "replace") for one in paths if one.is_file())
