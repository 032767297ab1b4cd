# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded by every Python of a play: a system log, disks and names that fail, without being root.

A disk fails by what a folder in the path is called: ``full-disk``, ``read-only-disk`` or
``broken-disk``.
"""

from __future__ import annotations

import atexit
import errno
import os
import socket
import sys
import syslog
import threading
import time
import typing as t

FULL, READ_ONLY, BROKEN = "full-disk", "read-only-disk", "broken-disk"
UNKNOWN_HOST, HANGING_HOST = "unknown.partner.example", "hanging.partner.example"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

Function = t.Callable[..., t.Any]


def _is_on(disk: str, path: object) -> bool:
    return isinstance(path, (str, bytes)) and disk in os.fsdecode(path).split("/")


def _path_of(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def _failing(error: int, happens: t.Callable[..., bool], function: Function) -> Function:
    """Return the function, which fails with an error where something is so."""

    def wrapped(*arguments: t.Any, **options: t.Any) -> t.Any:
        if happens(*arguments, **options):
            raise OSError(error, os.strerror(error))
        return function(*arguments, **options)

    return wrapped


def _opens_for_writing(path: object, flags: int, *_others: t.Any, **_options: t.Any) -> bool:
    return _is_on(READ_ONLY, path) and bool(flags & WRITES)


def _changes_names(path: object, *_others: t.Any, **_options: t.Any) -> bool:
    return _is_on(READ_ONLY, path)


def _needs_space(descriptor: int, data: bytes, offset: int) -> bool:
    return _is_on(FULL, _path_of(descriptor)) and offset + len(data) > os.fstat(descriptor).st_size


def _is_synced(descriptor: int) -> bool:
    return _is_on(BROKEN, _path_of(descriptor))


def _may_write(path: object, mode: int, *_others: t.Any, **_options: t.Any) -> bool:
    return not (_is_on(READ_ONLY, path) and mode & os.W_OK)


def _fail_disks() -> None:
    os.open = _failing(errno.EROFS, _opens_for_writing, os.open)
    for name in ("mkdir", "unlink", "replace"):
        setattr(os, name, _failing(errno.EROFS, _changes_names, getattr(os, name)))
    os.pwrite = _failing(errno.ENOSPC, _needs_space, os.pwrite)
    os.fsync = _failing(errno.EIO, _is_synced, os.fsync)
    access = os.access
    os.access = lambda path, mode, **options: (
        _may_write(path, mode) and access(path, mode, **options)
    )


def _fail_names() -> None:
    look_up = socket.getaddrinfo

    def stand_in(host: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        if host == UNKNOWN_HOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host == HANGING_HOST:
            threading.Event().wait()
        return look_up(host, *arguments, **options)

    socket.getaddrinfo = stand_in


def _log_to_a_file() -> None:
    def write(*arguments: object) -> None:
        with open(os.environ["CLOUDAGENT_SYSLOG"], "a", encoding="utf-8") as log:
            log.write(" ".join(map(str, arguments)) + "\n")

    syslog.syslog = write  # type: ignore[assignment]


def _measure() -> None:
    """Measure the process if it is that of a module: Ansible gives such a file a name of its own."""
    # By the path on which this file was found.
    from measures import Measure, seconds_since_start  # type: ignore[import-not-found]

    case = os.environ.get("CLOUDAGENT_CASE")
    if case and any("AnsiballZ_" in argument for argument in sys.orig_argv):
        measure = Measure(time.monotonic() - seconds_since_start())
        atexit.register(measure.end, case, "module")


if "CLOUDAGENT_MEASURES" in os.environ:
    _fail_disks()
    _fail_names()
    _log_to_a_file()
    _measure()
