# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball: the same bytes for the same files, and nothing that git does not know."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.ozonetel.cloudagent.release.tarball import build

# Python runs a file of this name before anything else.
ELSEWHERE = """
import os, random, time
listdir, now = os.listdir, time.time
os.listdir = lambda *where: random.sample(found := listdir(*where), len(found))
time.time = lambda: now() + 10_000_000
"""
NEEDED = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "docs/docsite/rst/guide_getting_started.rst",
    "docs/shared_record.sql",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "playbooks/demo.yml",
    "plugins/modules/ozonetel_dynamic_dids.py",
    "sandbox/cloudagent.py",
}
# What is of use only in a clone.
LEFT_OUT = (
    *(".", "Makefile", "antsibull-nox.toml", "changelogs/fragments/", "examples/", "extensions/"),
    *("galaxy.yml", "noxfile.py", "pytest.ini", "release/", "requirements-dev.txt", "ruff.toml"),
    "tests/",
)


def test_a_build_elsewhere_and_later_gives_the_same_bytes(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = build(clone, tmp_path / "here", 1_700_000_000)
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(ELSEWHERE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    other = shutil.copytree(clone, tmp_path / "another place", symlinks=True)
    umask = os.umask(0o077)
    try:
        there = build(other, tmp_path / "there", 1_700_000_000)
    finally:
        os.umask(umask)
    assert here.read_bytes() == there.read_bytes()
    sums = (here.parent / "SHA256SUMS").read_text(encoding="utf-8")
    assert sums == f"{hashlib.sha256(here.read_bytes()).hexdigest()}  {here.name}\n"


def test_it_holds_what_a_user_needs_and_nothing_that_git_does_not_know(
    clone: Path, tmp_path: Path
) -> None:
    (clone / "playbooks" / "campaigns.yml").write_text("secret", encoding="utf-8")
    built = build(clone, tmp_path / "built", 1_700_000_000)
    assert built.stat().st_size < 1_000_000
    with tarfile.open(built) as tarball:
        names = set(tarball.getnames())
        times = {member.mtime for member in tarball}
        owners = {(member.uid, member.gid, member.uname, member.gname) for member in tarball}
    known = subprocess.check_output(["git", "ls-files"], cwd=clone, text=True).splitlines()
    kept = {name for name in known if not name.startswith(LEFT_OUT)}
    folders = {parent.as_posix() for name in kept for parent in Path(name).parents} - {"."}
    assert names == {"FILES.json", "MANIFEST.json", *kept, *folders}
    assert names >= NEEDED
    assert times == {1_700_000_000}
    assert owners == {(0, 0, "", "")}
