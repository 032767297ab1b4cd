# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands that are measured."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t
from functools import lru_cache

PLAYBOOK_COMMAND = str(pathlib.Path(sys.executable).parent / "ansible-playbook")


def fresh_directory() -> str:
    """Return a directory where records are for users: elsewhere may be no disk.

    It is removed at the end of the program. Where many files have just been removed, ext4 takes ten
    times as long to make others, because it does not reuse their inodes for a minute or more:
    https://github.com/torvalds/linux/blob/v6.6/fs/ext4/ialloc.c (recently_deleted)
    """
    return tempfile.mkdtemp(dir=_all_directories().name)


@lru_cache(maxsize=1)
def _all_directories() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=".cloudagent-", dir=pathlib.Path.home())


def timed(
    command: list[str], given: str | None = None, env: t.Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Return the seconds of the command and what it printed; end the benchmark when it fails.

    Args:
        command: the program and its arguments.
        given: what it reads from its standard input.
        env: environment variables beside those of this process.
    """
    environment = {**os.environ, **(env or {})}
    begin = time.perf_counter()
    done = subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"a command failed\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds, done.stdout
