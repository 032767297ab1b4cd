# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a release of this clone: version, changelog, tarball; tries the tarball. See CONTRIBUTING.md.

make release VERSION=1.0.0
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
from pathlib import Path

from ansible_collections.ozonetel.cloudagent.release.tarball import build
from ansible_collections.ozonetel.cloudagent.release.trial import try_tarball
from ansible_collections.ozonetel.cloudagent.release.versions import (
    RefusedError,
    check_next,
    numbers,
    released_versions,
    set_version,
)


def main() -> None:
    """Read the command line, and say in one line why a release is refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="three numbers, such as 1.0.0")
    try:
        release(Path.cwd(), parser.parse_args().version)
    except RefusedError as refused:
        sys.exit(f"Refused: {refused}")


def release(root: Path, version: str) -> None:
    """Write the version and the changelog unless they are committed; build the tarball and try it.

    Raises:
        RefusedError: there are changes that are not committed, or the version is a wrong one.
    """
    refuse_changes(root)
    is_new = version not in released_versions(root)
    if is_new:
        write_release(root, version)
    else:
        refuse_another_tree(root, version)
        print(f"{version} is written already; the tarball is built again.", flush=True)
    tarball = build(root, root / "dist", midnight(released_versions(root)[version]))
    try_tarball(tarball)
    print(f"\n{tarball} is built and tried; its checksum is in SHA256SUMS beside it.")
    if is_new:
        print(f"Look at 'git diff --cached', then: git commit -m 'Release {version}'")


def write_release(root: Path, version: str) -> None:
    """Write the version and the changelog, and stage them for a commit."""
    released = released_versions(root)
    check_next(version, released)
    fragments = root / "changelogs" / "fragments"
    if not any(fragments.glob("*.y*ml")):
        raise RefusedError("changelogs/fragments is empty, so there is nothing to release.")
    for name in set_version(root, version, released):
        print(f"{version} written into {name}", flush=True)
    subprocess.check_call(["antsibull-changelog", "release", "--reload-plugins"], cwd=root)
    subprocess.check_call(["git", "add", "--all"], cwd=root)


def refuse_changes(root: Path) -> None:
    """Raise RefusedError if git sees anything that is not committed."""
    changes = git(root, "status", "--porcelain")
    if changes:
        raise RefusedError(f"commit, stash or remove these changes first:\n{changes}")


def refuse_another_tree(root: Path, version: str) -> None:
    """Raise RefusedError unless the tree is the one that was released as this version."""
    newest = max(released_versions(root), key=numbers)
    written = git(root, "log", "-1", "--format=%h", "--", "changelogs/changelog.yaml")
    if version != newest or git(root, "diff", "--name-only", written, "HEAD"):
        raise RefusedError(
            f"{version} was released, and the tree has changed since. Check out the commit of that "
            "release to build it again, or give the next version."
        )


def git(root: Path, *arguments: str) -> str:
    """Return what a git command prints."""
    return subprocess.check_output(["git", *arguments], cwd=root, text=True).rstrip()


def midnight(day: datetime.date) -> int:
    """Return when this day begins in UTC, in seconds since 1970."""
    start = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc)
    return int(start.timestamp())


if __name__ == "__main__":
    main()
