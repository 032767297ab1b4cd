# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing from a clone in which somebody works: all of git's files that are needed, and none of theirs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.ozonetel.cloudagent.tests.nox_helpers import copy_collection

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_getting_started.rst").read_text("utf-8")
CLONE = "/srv/ozonetel.cloudagent"
INSTALLED = Path(".ansible", "collections", "ansible_collections", "ozonetel", "cloudagent")

# What an installed collection needs.
NEEDED = re.compile(
    r"(LICENSES|docs|meta|playbooks|plugins|sandbox)/.*|[A-Z]+(\.md)?|requirements\.txt"
)
STRAYS = (
    *(
        "campaigns.yml",
        "campaigns.csv",
        "campaigns.xlsx",
        "monday.csv",
        "numbers.txt",
        "winter.yaml",
    ),
    *("vault.yml", "vault", "all_vault.yml", "key.pem", "inventory", "inventory.yml", "hosts.ini"),
    *("first.yml", "rotate.yml", "prove.yml", "first.retry", "playbooks/demo.retry", "report.html"),
    *("requirements.yml", "ansible.cfg", "ansible.log", "accounts.json", "campaigns.yml~"),
    *("group_vars/all.yml", "host_vars/sales.yml", "files/numbers.txt", ".env"),
)


class Clone(NamedTuple):
    """A clone with files of a user in it, and that user's home."""

    folder: Path
    home: Path
    tracked: set[str]

    def call(self, command: str, folder: Path | None = None) -> str:
        """Run a command in the clone or in another folder; return its output."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
        }
        environment["HOME"] = str(self.home)
        environment["PATH"] = os.pathsep.join(
            [os.path.dirname(sys.executable), environment["PATH"]]
        )
        ended = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=folder or self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout
        return ended.stdout


@pytest.fixture(name="clone")
def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.chdir(ROOT)
    clone = Clone(copy_collection(tmp_path / "clone"), tmp_path / "home", set())
    clone.home.mkdir()
    clone.call("git add -A && git -c user.name=A -c user.email=a@example.com commit -qm all")
    clone.tracked.update(clone.call("git ls-files").splitlines())
    for name in STRAYS:
        path = clone.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("# theirs\n", encoding="utf-8")
    return clone


def check(names: set[str], clone: Clone) -> None:
    """Check the names of files that were packed or installed."""
    assert names - clone.tracked == {"FILES.json", "MANIFEST.json"}
    assert {name for name in clone.tracked if NEEDED.fullmatch(name)} - names == set()


def installed(clone: Clone) -> set[str]:
    folder = clone.home / INSTALLED
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def readme_commands() -> list[str]:
    part = README.partition("## Install\n")[2].partition("\n## ")[0]
    return re.findall(r"^ansible-galaxy .*$", part, re.MULTILINE)


def test_the_commands_of_the_readme_install_nothing_of_the_user(clone: Clone) -> None:
    from_git, build, from_tarball = readme_commands()
    clone.call(from_git)
    check(installed(clone), clone)
    clone.call(build)
    [tarball] = clone.folder.glob("ozonetel-cloudagent-*.tar.gz")
    with tarfile.open(tarball) as packed:
        check({member.name for member in packed if not member.isdir()}, clone)
    clone.call(from_tarball)
    check(installed(clone), clone)


def test_the_folder_itself_is_installed_without_files_of_the_user(clone: Clone) -> None:
    clone.call("ansible-galaxy collection install --force .")
    check(installed(clone), clone)


def test_a_file_of_an_unusual_name_is_left_out_only_when_git_is_asked(clone: Clone) -> None:
    (clone.folder / "plan.yml").write_text("# theirs\n", encoding="utf-8")
    clone.call("ansible-galaxy collection install --force .")
    assert installed(clone) - clone.tracked == {"FILES.json", "MANIFEST.json", "plan.yml"}
    clone.call(readme_commands()[0])
    check(installed(clone), clone)


def requirements() -> list[str]:
    found = re.findall(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", GUIDE, re.MULTILINE)
    texts = [textwrap.dedent(text) for text in found]
    return [text for text in texts if text.startswith("collections:")]


@pytest.mark.parametrize("number", range(2), ids=["clone", "tarball"])
def test_a_requirements_file_of_the_guide(number: int, clone: Clone, tmp_path: Path) -> None:
    text = requirements()[number]
    assert CLONE in text
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.yml").write_text(
        text.replace(CLONE, str(clone.folder)), encoding="utf-8"
    )
    clone.call("ansible-galaxy collection build")
    [command] = re.findall(r"^    \$ (ansible-galaxy .* -r .*)$", GUIDE, re.MULTILINE)
    clone.call(command, project)
    check(installed(clone), clone)
