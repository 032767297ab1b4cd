# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a pipeline or of AWX: an account of many campaigns in the sandbox, throw-away homes and checkouts."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.examples.support import (
    EXAMPLES,
    Sandbox,
    Table,
    clean_environment,
    make_clone,
    without_network,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import (
    API_KEY,
    DATABASE,
    PASSWORD,
    Installation,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

CAMPAIGNS = 500
# In variables, stands for the directory of the job's checkout.
WORKSPACE = "(workspace)"
NUMBERS = [str(9140001001 + number) for number in range(20)]
FALLBACKS = [str(9140002001 + number) for number in range(5)]
ACCOUNT: dict[str, t.Any] = {
    "username": "acme",
    "api_key": API_KEY,
    "numbers": NUMBERS + FALLBACKS,
    "campaigns": {
        f"Campaign {number:03}": {"dynamic_dids": [], "fallback_dynamic_dids": []}
        for number in range(CAMPAIGNS)
    },
}


def new_table() -> Table:
    """Return the lists of a spreadsheet with 500 campaigns."""
    return {
        f"Campaign {number:03}": (
            f"{NUMBERS[number % 20]},{NUMBERS[(number + 7) % 20]}",
            FALLBACKS[number % 5],
        )
        for number in range(CAMPAIGNS)
    }


def as_csv(table: Table) -> str:
    """Return the table as a spreadsheet exports it, with the header of the example."""
    header = (EXAMPLES / "campaigns.csv").read_text(encoding="utf-8").splitlines()[0]
    rows = [f'{name},"{dids}",{fallback},Ann' for name, (dids, fallback) in table.items()]
    return "\n".join([header, *rows, ""])


class Job(t.NamedTuple):
    """A job that ended."""

    exit_status: int
    output: str
    workspace: pathlib.Path

    @property
    def changed(self) -> list[int]:
        """Return the counts of changed tasks, one for each run of Ansible."""
        return [int(count) for count in re.findall(r"\bchanged=([0-9]+)", self.output)]


class Runner:
    """Runs each job in an empty home and a fresh checkout."""

    def __init__(self, installation: Installation, sandbox: Sandbox, folder: pathlib.Path) -> None:
        self.installation = installation
        self.sandbox = sandbox
        self._folder = folder
        self._clone = make_clone(folder / "clone")
        self.files: dict[str, str] = {
            "db-authority.pem": pathlib.Path(installation.authority).read_text(encoding="ascii")
        }

    def redirections(self) -> dict[str, str]:
        """Return the variables that lead a job to this machine; all else is as in the examples.

        The package index, the collection's repository, CloudAgent and db.example would have to be
        reached through the network.
        """
        return {
            **without_network(self._clone),
            "OZONETEL_API_URL": self.sandbox.url,
            **self.installation.variables,
        }

    def run(self, steps: list[str], variables: t.Mapping[str, str]) -> Job:
        """Run steps as a job, each in a shell of its own that stops at a command that fails.

        A step after one that failed is not run. What the job prints holds no secret.
        """
        home = pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=self._folder))
        workspace = pathlib.Path(tempfile.mkdtemp(prefix="workspace-", dir=self._folder))
        for name, text in self.files.items():
            (workspace / name).write_text(text, encoding="utf-8")
        given = {name: text.replace(WORKSPACE, str(workspace)) for name, text in variables.items()}
        environment = {**clean_environment(home), **given, **self.redirections()}
        output, status = "", 0
        for step in steps:
            done = subprocess.run(
                ["bash", "-e", "-c", step],
                cwd=workspace,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=4 * HANG_SECONDS,
                check=False,
            )
            output, status = output + done.stdout, done.returncode
            if status:
                break
        for secret in (API_KEY, PASSWORD):
            assert secret not in output
        return Job(status, output, workspace)

    def records(self) -> dict[str, tuple[str | None, bool, str]]:
        """Return the note, the confirmation and the revision of each campaign's record."""
        rows = self.installation.server.execute(
            "SELECT campaign_name, note, confirmed, revision::text "
            "FROM ozonetel_cloudagent.campaigns",
            DATABASE,
        )
        return {name: (note, confirmed, revision) for name, note, confirmed, revision in rows}
