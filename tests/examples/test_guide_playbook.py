# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to the playbook update_dynamic_dids: its files, its commands and what they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_playbook.rst").read_text(encoding="utf-8")
ACCOUNT = {"cloudagent_username": "acme", "cloudagent_api_key": "acme-sandbox-key"}


class Block(NamedTuple):
    """One block of the guide."""

    language: str
    text: str


def guide_blocks() -> list[Block]:
    found = re.findall(r"^\.\. code-block:: (\w+)\n\n((?:    .*\n|\n)+)", GUIDE, re.MULTILINE)
    return [Block(language, textwrap.dedent(text).strip() + "\n") for language, text in found]


TABLE, CSV_COMMANDS, VARIABLES, YAML_COMMAND, VAULT_COMMAND, PRINTED, _TASK = guide_blocks()


def test_the_blocks_are_those_that_are_run_here() -> None:
    languages = [block.language for block in guide_blocks()]
    # tests/examples/test_examples.py runs those of YAML.
    assert languages == ["text", "console", "yaml", "console", "console", "text", "yaml"]


class User(NamedTuple):
    """Somebody with the guide's files, who works in a directory of their own."""

    folder: Path
    environment: dict[str, str]

    def call(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the guide as it stands there."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def commands(block: Block) -> list[str]:
    assert block.language == "console"
    return [line.removeprefix("$ ") for line in block.text.splitlines()]


@pytest.fixture(name="user")
def _user(tmp_path: Path) -> Iterator[User]:
    (tmp_path / "campaigns.csv").write_text(TABLE.text, encoding="utf-8")
    (tmp_path / "campaigns.yml").write_text(VARIABLES.text, encoding="utf-8")
    (tmp_path / "vault.yml").write_text(json.dumps(ACCOUNT), encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OZONETEL_")
    }
    environment["HOME"] = str(tmp_path)
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), environment["PATH"]])
    start = [sys.executable, str(ROOT / "sandbox" / "cloudagent.py"), "--port", "0"]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            found = re.search(r"\(port ([0-9]+)\)", sandbox.stdout.readline())
            assert found
            environment["OZONETEL_API_URL"] = f"http://127.0.0.1:{found.group(1)}"
            yield User(tmp_path, environment)
        finally:
            sandbox.terminate()


def account_in_the_environment() -> dict[str, str]:
    return {"OZONETEL_USERNAME": "acme", "OZONETEL_API_KEY": ACCOUNT["cloudagent_api_key"]}


def test_a_spreadsheet_and_then_a_variables_file(user: User) -> None:
    user.environment.update(account_in_the_environment())
    looked, sent = (user.call(command) for command in commands(CSV_COMMANDS))
    assert (looked.returncode, sent.returncode) == (0, 0), looked.stdout + sent.stdout
    assert "nothing was sent" in looked.stdout and "+  9140001001" in looked.stdout
    assert "2 changed" in sent.stdout and '"Owner"' in sent.stdout
    # The variables file names the same lists.
    [command] = commands(YAML_COMMAND)
    again = user.call(command)
    assert again.returncode == 0 and "2 unchanged" in again.stdout, again.stdout


def test_the_account_in_a_vault(user: User) -> None:
    password = user.folder / "password"
    password.write_text("only for this test", encoding="utf-8")
    encrypt = f"ansible-vault encrypt --vault-password-file {password} vault.yml"
    assert user.call(encrypt).returncode == 0
    [command] = commands(VAULT_COMMAND)
    # Nobody is there to be asked.
    assert " --ask-vault-pass" in command
    ran = user.call(command.replace("--ask-vault-pass", f"--vault-password-file {password}"))
    assert ran.returncode == 0 and "2 changed" in ran.stdout, ran.stdout
    assert ACCOUNT["cloudagent_api_key"] not in ran.stdout


def test_what_is_printed_when_some_fail(user: User) -> None:
    user.environment.update(account_in_the_environment())
    command = commands(CSV_COMMANDS)[1]
    header, sales, support = TABLE.text.splitlines()
    table = user.folder / "campaigns.csv"
    table.write_text(f"{header}\n{sales}\n", encoding="utf-8")
    assert user.call(command).returncode == 0
    missing = sales.replace("Sales", "Winter Sale")
    table.write_text(f"{header}\n{missing}\n{support}\n{sales}\n", encoding="utf-8")
    ran = user.call(command)
    assert ran.returncode == 2
    assert [line.strip() for line in ran.stdout.splitlines() if line.startswith('        "')] == (
        PRINTED.text.splitlines()
    )
