# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL that was set up as the guide to the shared record says, and the blocks of that guide.

The server of the guide, db.example, is a PostgreSQL behind a relay that speaks TLS: libpq's own variables
lead to it, and a private authority vouches for its name.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import (
    SUPERUSER,
    Server,
    find_programs,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_shared_record.rst").read_text(encoding="utf-8")
DATABASE = "cloudagent_records"
PASSWORD = "pa55-of-the-guide"
API_KEY = "k3y-of-the-guide"

# What each block is, in the order of the guide, and its language.
KINDS = {
    "role and database": "sql",
    "password and tables": "console",
    "tables by the first update": "sql",
    "reading role": "sql",
    "two runs": "console",
    "password file": "text",
    "service file": "ini",
    "withdraw all": "yaml",
    "emergency": "console",
    "withdraw some": "yaml",
    "with a number": "sql",
    "on a day": "sql",
    "not confirmed": "sql",
    "prune": "sql",
}
FOUND = re.findall(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1    .*\n|\n)+)", GUIDE, re.MULTILINE)
BLOCKS = {name: textwrap.dedent(text) for name, (_margin, _kind, text) in zip(KINDS, FOUND)}

# What is not on the machines of these tests; commands that install something say so and do nothing.
SHELL = 'pip() { :; }; python3() { :; }; ansible-galaxy() { echo "installed $*"; }\n'
A: dict[str, t.Any] = {"dynamic_dids": ["9140001001"], "fallback_dynamic_dids": ["9140002001"]}
B: dict[str, t.Any] = {"dynamic_dids": ["9140001002"], "fallback_dynamic_dids": ["9140002001"]}


def commands(console: str) -> str:
    """Return what is typed after the prompts."""
    return re.sub(r"^\$ ", "", console, flags=re.MULTILINE)


def changed(output: str) -> list[int]:
    return [int(count) for count in re.findall(r"\bchanged=([0-9])", output)]


class Installation:
    """A server on which the guide was followed, and what leads to it under the name in the guide."""

    def __init__(self, server: Server, folder: pathlib.Path) -> None:
        self.server = server
        self._folder = folder
        authority = Authority(folder)
        self.authority = authority.path
        self.relay = Relay(server.socket_folder, authority.context("db.example"))
        self.variables = {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(self.relay.port)}

    def follow_the_guide(self) -> None:
        """Set the database up."""
        self.psql(BLOCKS["role and database"])
        passwords = f"{PASSWORD}\n{PASSWORD}\n"
        self.as_superuser(commands(BLOCKS["password and tables"]), passwords)

    def stop(self) -> None:
        """Stop the relay and the server."""
        self.relay.stop()
        self.server.remove()

    def run(self, script: str, given: str = "", **variables: str) -> str:
        """Run a script in an empty home, and return its output.

        Args:
            script: for bash, which stops at the first command that fails.
            given: what is typed.
            variables: of the environment.
        """
        home = self._folder / f"home{len(list(self._folder.glob('home*')))}"
        home.mkdir()
        campaign = {"campaign_name": variables.pop("campaign", "Sales"), **A}
        campaigns = json.dumps({"cloudagent_campaigns": [campaign]})
        (home / "campaigns.yml").write_text(campaigns, encoding="utf-8")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OZONETEL_", "PG", "XDG_")) and not name.endswith("_proxy")
        }
        places = [str(pathlib.Path(sys.executable).parent), str(find_programs()), kept["PATH"]]
        done = subprocess.run(
            ["bash", "-e", "-c", SHELL + script],
            cwd=home,
            env={**kept, "HOME": str(home), "PATH": os.pathsep.join(places), **variables},
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
            # Without a terminal, programs read passwords from their input.
            start_new_session=True,
        )
        assert done.returncode == 0, done.stdout
        assert PASSWORD not in done.stdout
        assert API_KEY not in done.stdout
        return done.stdout

    def job(self, cloudagent: CloudAgent, script: str, **variables: str) -> str:
        """Run a script as a job whose machine reaches db.example."""
        given = {"PGSSLROOTCERT": self.authority, "OZONETEL_API_URL": cloudagent.url}
        return self.run(script, **{**self.variables, **given, **variables})

    def psql(self, script: str) -> None:
        """Execute statements as the superuser, one after the other."""
        name = self._folder / "statements.sql"
        name.write_text(script, encoding="utf-8")
        self.as_superuser(f"psql -v ON_ERROR_STOP=1 -f {name}")

    def as_superuser(self, script: str, given: str = "") -> None:
        """Run a script on the server's machine, in the clone."""
        variables = {"PGHOST": self.server.socket_folder, "PGUSER": SUPERUSER}
        self.run(f"cd {ROOT}\n{script}", given, **variables)

    def notes(self, campaign: str) -> list[tuple[str | None, bool]]:
        """Return the note and the state of the record of a campaign."""
        return self.server.execute(
            "SELECT note, confirmed FROM ozonetel_cloudagent.campaigns "
            f"WHERE campaign_name = '{campaign}'",
            DATABASE,
        )
