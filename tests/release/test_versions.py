# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions: which may follow, and where one is written."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from ansible_collections.ozonetel.cloudagent.release.versions import (
    RefusedError,
    check_next,
    set_version,
)

DAY = datetime.date(2026, 12, 1)


@pytest.mark.parametrize("version", ["1.10.1", "1.11.0", "2.0.0"])
def test_a_version_may_follow_that_adds_one(version: str) -> None:
    check_next(version, {"1.9.0": DAY, "1.10.0": DAY})


@pytest.mark.parametrize("version", ["1.10.0", "1.9.1", "1.12.0", "1.1.0", "3.0.0"])
def test_another_version_is_refused_with_those_that_may_follow(version: str) -> None:
    with pytest.raises(RefusedError, match=r"give one of 1\.10\.1, 1\.11\.0, 2\.0\.0\.$"):
        check_next(version, {"1.9.0": DAY, "1.10.0": DAY})


@pytest.mark.parametrize("version", ["", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(RefusedError, match="three numbers"):
        check_next(version, {})


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("galaxy.yml", "version: 0.3.0\n", "version: 1.0.0\n"),
        ("version.py", 'VERSION = "0.3.0"\n', 'VERSION = "1.0.0"\n'),
        ("README.md", "ozonetel-cloudagent-0.3.0.tar.gz", "ozonetel-cloudagent-1.0.0.tar.gz"),
        ("guide.rst", "ozonetel.cloudagent/0.3.0 (A", "ozonetel.cloudagent/1.0.0 (A"),
        (
            "requirements.yml",
            '  - name: ozonetel.cloudagent\n    version: ">=0.3.0"\n',
            '  - name: ozonetel.cloudagent\n    version: ">=1.0.0"\n',
        ),
        ("module.py", "version_added: 0.3.0\n", "version_added: 1.0.0\n"),
        ("quoted.py", "version_added: '0.3.0'\n", "version_added: '1.0.0'\n"),
    ],
)
def test_the_version_is_written_where_the_tree_names_its_own(
    small_clone: Path, name: str, before: str, after: str
) -> None:
    write_and_add(small_clone, name, before)
    assert name in set_version(small_clone, "1.0.0", {})
    assert (small_clone / name).read_text(encoding="utf-8") == after


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("module.py", "version_added: 0.2.0\n"),
        ("requirements.yml", "- name: awx.awx\n  version: 0.3.0\n"),
        ("guide.rst", "Since 0.3.0\n"),
        ("changelogs/changelog.yaml", "version: 0.3.0\n"),
        ("tests/test_it.py", "version_added: 0.3.0\n"),
    ],
)
def test_other_versions_stay(small_clone: Path, name: str, text: str) -> None:
    write_and_add(small_clone, name, text)
    assert set_version(small_clone, "1.0.0", {"0.2.0": DAY}) == ["galaxy.yml"]
    assert (small_clone / name).read_text(encoding="utf-8") == text


def write_and_add(clone: Path, name: str, text: str) -> None:
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text(text, encoding="utf-8")
    subprocess.check_call(["git", "add", name], cwd=clone)
