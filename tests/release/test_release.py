# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of a release, in a clone of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.ozonetel.cloudagent.release import release as command
from ansible_collections.ozonetel.cloudagent.release.versions import (
    RefusedError,
    numbers,
    released_versions,
)


def test_a_release_writes_the_version_everywhere_and_its_tarball_passes_the_trial(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = released_versions(clone)
    old = version_of(clone)
    new = f"{max(numbers(old)[0], *(numbers(version)[0] for version in before), 0) + 1}.0.0"
    (clone / ".git" / "info" / "exclude").write_text("campaigns.yml\n", encoding="utf-8")
    (clone / "campaigns.yml").write_text("secret", encoding="utf-8")

    monkeypatch.setenv("PYTHONPATH", str(clone.parents[2]))
    ran = subprocess.run(
        [sys.executable, "release/release.py", new],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "Successfully verified" in ran.stdout
    assert re.search(r"localhost .* failed=0 ", ran.stdout)

    assert version_of(clone) == new
    named = (clone / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"ozonetel-cloudagent-(.*?)\.tar\.gz", named)) == {new}
    added = git(clone, "grep", "-hoP", r"version_added: \W*\K\d+\.\d+\.\d+", "--", "plugins")
    assert set(added.split()) <= {*before, new}
    if old not in before:
        assert f"{old}\n" not in git(clone, "grep", "-hoP", r"\d+\.\d+\.\d+", "--", *SHIPPED)
    assert set(released_versions(clone)) == {*before, new}
    assert f"v{new}" in (clone / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    assert git(clone, "diff", "--name-only") == ""

    git(clone, "commit", "--quiet", "--message", f"Release {new}")
    monkeypatch.setattr(command, "try_tarball", lambda _tarball: None)
    sums = (clone / "dist" / "SHA256SUMS").read_bytes()
    (clone / "dist" / "SHA256SUMS").unlink()
    command.release(clone, new)
    assert (clone / "dist" / "SHA256SUMS").read_bytes() == sums
    assert git(clone, "status", "--porcelain") == ""

    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    command.release(clone, new)
    (clone / "README.md").write_text("Something else", encoding="utf-8")
    git(clone, "commit", "--quiet", "--all", "--message", "Something")
    with pytest.raises(RefusedError, match="the tree has changed since"):
        command.release(clone, new)


# Beside the changelog, what names a version that users see.
SHIPPED = ("README.md", "docs", "galaxy.yml", "meta", "playbooks", "plugins", "sandbox")


def test_a_tree_with_changes_is_refused(small_clone: Path) -> None:
    (small_clone / "stray.yml").write_text("", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"(?s)commit, stash or remove .*\?\? stray\.yml"):
        command.release(small_clone, "1.0.0")


def test_nothing_to_release_is_refused(small_clone: Path) -> None:
    with pytest.raises(RefusedError, match="nothing to release"):
        command.release(small_clone, "1.0.0")
    assert version_of(small_clone) == "0.1.0"


def test_a_refusal_is_one_line(small_clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_clone)
    monkeypatch.setattr(sys, "argv", ["release.py", "1.0"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == (
        "Refused: '1.0' is not a version: give three numbers, such as 1.0.0."
    )


def version_of(clone: Path) -> str:
    """Return the version in galaxy.yml."""
    found = re.search(
        r"^version: (\S+)", (clone / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found
    return found.group(1)


def git(clone: Path, *arguments: str) -> str:
    """Return what a git command prints."""
    return subprocess.check_output(["git", *arguments], cwd=clone, text=True)
