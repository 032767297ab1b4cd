# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions were released, which may come next, and writing one into the tree."""

from __future__ import annotations

import datetime
import re
import subprocess
from pathlib import Path

import yaml

NUMBER = r"\d+\.\d+\.\d+"
# What stands before the collection's own version, wherever the tree names it.
BEFORE = (
    r"^version: ",  # galaxy.yml
    r'^VERSION = "',  # plugins/module_utils/_version.py
    r"ozonetel-cloudagent-",  # the name of the tarball
    r"ozonetel\.cloudagent/",  # the User-Agent
    r"- name: ozonetel\.cloudagent\n +version: \W*",  # a requirements.yml
)
OWN_VERSION = re.compile(f"({'|'.join(BEFORE)}){NUMBER}", re.MULTILINE)
VERSION_ADDED = re.compile(f"(version_added: ['\"]?)({NUMBER})")
# They keep old versions, or name versions that nobody has.
LEFT_ALONE = ("CHANGELOG", "changelogs/", "release/", "tests/")


class RefusedError(Exception):
    """The release cannot be made; the text says why, and what to do."""


def released_versions(root: Path) -> dict[str, datetime.date]:
    """Return each version in the changelog with the day of its release."""
    changelog = root / "changelogs" / "changelog.yaml"
    if not changelog.is_file():
        return {}
    releases = yaml.safe_load(changelog.read_text(encoding="utf-8"))["releases"]
    return {
        version: datetime.date.fromisoformat(str(release["release_date"]))
        for version, release in releases.items()
    }


def check_next(version: str, released: dict[str, datetime.date]) -> None:
    """Raise RefusedError unless this version can follow those that were released."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise RefusedError(f"{version!r} is not a version: give three numbers, such as 1.0.0.")
    if not released:
        return
    newest = max(released, key=numbers)
    major, minor, patch = numbers(newest)
    successors = [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]
    if version not in successors:
        raise RefusedError(
            f"{version} cannot follow {newest}: give one of {', '.join(successors)}."
        )


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, which can be compared."""
    return tuple(int(number) for number in version.split("."))


def set_version(root: Path, version: str, released: dict[str, datetime.date]) -> list[str]:
    """Write the version wherever the tree names its own; return the paths that changed.

    What was added in a version that was never released is added in this one.
    """

    def correct(match: re.Match[str]) -> str:
        return match[0] if match[2] in released else match[1] + version

    changed = []
    for name in names_in_git(root):
        path = root / name
        if name.startswith(LEFT_ALONE) or not path.is_file():
            continue
        try:
            old = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:  # A picture names no version.
            continue
        new = VERSION_ADDED.sub(correct, OWN_VERSION.sub(rf"\g<1>{version}", old))
        if new != old:
            path.write_bytes(new.encode("utf-8"))
            changed.append(name)
    return changed


def names_in_git(root: Path) -> list[str]:
    """Return the paths that git knows, relative to the root."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True)
    return listed.rstrip("\0").split("\0")
