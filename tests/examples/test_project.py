# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example project, as its README says, and against the hosts of its regions in check mode."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.examples.support import (
    EXAMPLES,
    Sandbox,
    clean_environment,
    make_clone,
    without_network,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

README = (EXAMPLES / "project" / "README.md").read_text(encoding="utf-8")
PORT_IN_README = "http://127.0.0.1:8765"
TABLES = {
    "acme": {
        "Sales": ("9140001001,9140001002", "9140002001"),
        "Support": ("9140001003", "9140002002"),
        "Renewals South": ("9140001004,9140001005", "9140002003"),
    },
    "globex": {
        "US Outreach": ("+14155550100,+14155550101", "+14155550104"),
        "UK Support": ("+442079460001", "+442079460005"),
    },
}


class User:
    """Somebody who has cloned the collection, and works in the directory of the project."""

    def __init__(self, folder: pathlib.Path) -> None:
        clone = make_clone(folder / "clone")
        self._folder = clone / "examples" / "project"
        self._environment = {**clean_environment(folder), **without_network(clone)}

    def run(self, script: str) -> str:
        """Run commands, and return what they print."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "-sandbox-key" not in done.stdout
        return done.stdout


@pytest.fixture(name="sandbox")
def _sandbox(tmp_path: pathlib.Path) -> t.Iterator[Sandbox]:
    place = tmp_path / "sandbox"
    place.mkdir()
    sandbox = Sandbox(place)
    yield sandbox
    sandbox.stop()


def blocks() -> list[str]:
    """Return the commands of the part "Try it", block by block."""
    part = README.partition("## Try it\n")[2].partition("\n## ")[0]
    found = re.findall(r"^```console\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    return [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in found]


def changed(output: str) -> list[tuple[str, int]]:
    """Return the count of each account in each recap."""
    return [
        (host, int(count))
        for host, count in re.findall(r"^(\w+) +: .*\bchanged=(\d)", output, re.MULTILINE)
    ]


def test_the_commands_of_the_readme(tmp_path: pathlib.Path, sandbox: Sandbox) -> None:
    start, install, runs, limited = blocks()
    assert start.split()[1] == "sandbox/cloudagent.py" and PORT_IN_README.endswith(start.split()[3])
    user = User(tmp_path)
    user.run(install)
    look, send, again = (
        line.replace(PORT_IN_README, sandbox.url) for line in runs.strip().splitlines()
    )
    both = sorted(TABLES)

    assert changed(user.run(look)) == [(name, 1) for name in both]
    assert sandbox.take_sent() == []
    assert changed(user.run(send)) == [(name, 1) for name in both]
    everything = {name: lists for table in TABLES.values() for name, lists in table.items()}
    assert sorted(sandbox.take_sent()) == sorted(everything)
    held = sandbox.lists()
    assert {name: held[name] for name in everything} == everything
    assert changed(user.run(again)) == [(name, 0) for name in both]
    sandbox.take_sent()
    told = [int(count) for count in re.findall(r"# changed=(\d)", runs)]
    assert told == [1, 1, 0]

    assert changed(user.run(limited.replace(PORT_IN_README, sandbox.url))) == [("globex", 0)]
    assert sorted(sandbox.take_sent()) == sorted(TABLES["globex"])


def test_each_account_has_its_region(tmp_path: pathlib.Path) -> None:
    user = User(tmp_path)
    user.run(blocks()[1])
    output = user.run("ansible-playbook update.yml --check -v")
    found = re.findall(r"^\S+: \[(\w+)\].*?endpoint: (\S+)", output, re.MULTILINE | re.DOTALL)
    assert dict(found) == {
        "acme": "https://in1-ccaas-api.ozonetel.com",
        "globex": "https://api.ccaas.ozonetel.com",
    }


def test_the_password_is_ignored_by_git(tmp_path: pathlib.Path) -> None:
    shutil.copytree(EXAMPLES / "project", tmp_path / "project")
    (tmp_path / "project" / ".vault-password").write_text("mine", encoding="ascii")
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.check_call(command, cwd=tmp_path / "project", env=environment)
    known = subprocess.check_output(["git", "ls-files"], cwd=tmp_path / "project", text=True)
    assert "update.yml" in known and ".vault-password" not in known
