# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clone of its own for each test, as a release changes the tree and its git."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone of this tree, in which everything is committed."""
    # Pytest may load this file before the collection can be imported.
    from ansible_collections.ozonetel.cloudagent.tests.nox_helpers import copy_collection

    _plain_environment(monkeypatch)
    monkeypatch.chdir(ROOT)
    clone = copy_collection(tmp_path / "clone")
    # What was changed since the last release, if there was one.
    fragment = clone / "changelogs" / "fragments" / "9999-test.yml"
    fragment.write_text("minor_changes:\n  - A change that nobody made.\n", encoding="utf-8")
    _commit(clone)
    return clone


@pytest.fixture
def small_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone that holds little more than a version."""
    _plain_environment(monkeypatch)
    clone = tmp_path / "small"
    clone.mkdir()
    subprocess.check_call(["git", "init", "--quiet", clone])
    (clone / "changelogs" / "fragments").mkdir(parents=True)
    (clone / "galaxy.yml").write_text("name: cloudagent\nversion: 0.1.0\n", encoding="utf-8")
    _commit(clone)
    return clone


def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no settings of git, and the Ansible of this Python."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.com")
    path = [os.path.dirname(sys.executable), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))


def _commit(clone: Path) -> None:
    subprocess.check_call(["git", "add", "--all"], cwd=clone)
    subprocess.check_call(["git", "commit", "--quiet", "--message", "A change"], cwd=clone)
