# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of a disk, which knows what outlasts a loss of power, and makes trouble."""

from __future__ import annotations

import errno
import os
import pathlib
import random
import shutil
import stat
import typing as t


class Killed(BaseException):
    """The process is gone; nothing that it would still do happens."""


class Trouble(t.NamedTuple):
    """What goes wrong at a step on the disk, counted from 0.

    Attributes:
        kind: ``killed before`` or ``killed after`` this step; the name of an errno for this step and
            the later ones, until ``passes``.
    """

    step: int
    kind: str


Troubles = t.Tuple[Trouble, ...]
NONE: Troubles = ()
READ_ONLY: Troubles = (Trouble(0, "EROFS"),)

STEPS = ("open", "pwrite", "ftruncate", "fsync", "replace", "unlink", "makedirs")


class File:
    """One file: what outlasts a loss of power, and what was written since and may or may not."""

    def __init__(self) -> None:
        self.lasting = b""
        self.pending: list[tuple[str, int, bytes]] = []

    def after_a_loss_of_power(self, chance: random.Random) -> bytes:
        """Return what is left: of each write nothing, a part or all, in no order that is kept."""
        content = bytearray(self.lasting)
        for kind, place, data in self.pending:
            if kind == "truncate":
                if chance.random() < 0.5:
                    content = content[:place]
                continue
            part = data[: chance.choice([0, len(data) // 2, len(data)])]
            if part:
                # What was never written between the old end and this reads as zeros.
                content.extend(b"\0" * (place - len(content)))
                content[place : place + len(part)] = part
        return bytes(content)


class Disk:
    """Stands in for the module os in the store of files: counts the steps, and makes trouble.

    A name lasts once the directory was synced, and the content of a file once the file was. Names
    that were not come and go in their order, as a journal has it; nothing else is sure.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._names: dict[str, File] = {}
        self._lasting_names: dict[str, File] = {}
        self._pending_names: list[tuple[str, File | None]] = []
        self._opened: dict[int, File] = {}
        self._troubles = NONE
        self.steps = 0
        self.writes = 0
        self.failed_to_sync = False
        self.dead = False

    def __getattr__(self, name: str) -> t.Any:
        real = getattr(os, name)
        if name == "access" and self._troubles == READ_ONLY:
            return lambda _path, mode: not mode & os.W_OK
        if name not in STEPS:
            return real

        def step(*arguments: t.Any, **options: t.Any) -> t.Any:
            return self._step(name, real, arguments, options)

        return step

    # --- What a test does ---

    def start(self, troubles: Troubles) -> None:
        """Begin a run that meets these troubles."""
        self._troubles, self.steps, self.writes, self.dead = troubles, 0, 0, False

    @property
    def has_trouble(self) -> bool:
        """Tell whether the run that is going on meets any."""
        return self._troubles != NONE

    def set_aside(self) -> tuple[t.Any, ...]:
        """Return where a run stands, for another one in between."""
        return self._troubles, self.steps, self.writes, self.dead

    def go_on(self, standing: tuple[t.Any, ...]) -> None:
        """Return to a run that was set aside."""
        self._troubles, self.steps, self.writes, self.dead = standing

    def lose_power(self, seed: int) -> None:
        """Keep what lasts, and by chance some of what was written since."""
        chance = random.Random(seed)
        names = dict(self._lasting_names)
        for name, file in self._pending_names[: chance.randint(0, len(self._pending_names))]:
            _set(names, name, file)
        contents = {name: file.after_a_loss_of_power(chance) for name, file in names.items()}
        for path in self._paths():
            path.unlink()
        for name, content in contents.items():
            pathlib.Path(self._directory, name).write_bytes(content)
        self.let_time_pass()

    def let_time_pass(self) -> None:
        """Have all that is there last."""
        self.failed_to_sync = False
        self._opened.clear()
        self._names = {}
        for path in self._paths():
            self._names[path.name] = file = File()
            file.lasting = path.read_bytes()
        self._all_names_last()

    def remove_all(self) -> None:
        """Remove the directory by hand, for good."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self.let_time_pass()

    def damage(self, damage: bytes) -> None:
        """Put other bytes into all records, for good."""
        for path in self._paths():
            if path.suffix == ".record":
                path.write_bytes(damage)
        self.let_time_pass()

    # --- What the store does ---

    def _step(
        self, name: str, real: t.Callable[..., t.Any], arguments: t.Any, options: t.Any
    ) -> t.Any:
        if self.dead:
            raise Killed
        here, self.steps = self.steps, self.steps + 1
        self.writes += self._writes(name, arguments)
        trouble = next((one for one in reversed(self._troubles) if one.step <= here), None)
        if trouble == Trouble(here, "killed before"):
            self.dead = True
            raise Killed
        if trouble is not None and self._fails(trouble.kind, name, arguments):
            self.failed_to_sync |= name == "fsync"
            if name == "pwrite" and trouble.kind == "ENOSPC":
                # As much as there was space for.
                self._do(name, real, (*arguments[:1], arguments[1][:5], *arguments[2:]), options)
            raise OSError(getattr(errno, trouble.kind), "no")
        result = self._do(name, real, arguments, options)
        if trouble == Trouble(here, "killed after"):
            self.dead = True
            if result is not None and name == "open":
                os.close(result)
            raise Killed
        return result

    def _do(
        self, name: str, real: t.Callable[..., t.Any], arguments: t.Any, options: t.Any
    ) -> t.Any:
        if name == "fsync":
            return self._fsync(*arguments)
        result = real(*arguments, **options)
        if name == "open":
            self._note_open(result, arguments)
        elif name == "pwrite":
            descriptor, data, place = arguments
            self._file(descriptor).pending.append(("write", place, bytes(data)))
        elif name == "ftruncate":
            self._file(arguments[0]).pending.append(("truncate", arguments[1], b""))
        elif name == "replace":
            file = self._names[os.path.basename(arguments[0])]
            self._rename(arguments[0], None)
            self._rename(arguments[1], file)
        elif name == "unlink":
            self._rename(arguments[0], None)
        return result

    def _note_open(self, descriptor: int, arguments: t.Any) -> None:
        name = os.path.basename(arguments[0])
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return
        if name not in self._names:
            self._rename(arguments[0], File())
        self._opened[descriptor] = self._names[name]

    def _rename(self, path: str, file: File | None) -> None:
        _set(self._names, os.path.basename(path), file)
        self._pending_names.append((os.path.basename(path), file))

    def _file(self, descriptor: int) -> File:
        return self._opened[descriptor]

    def _fsync(self, descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._all_names_last()
            return
        file = self._file(descriptor)
        file.lasting = os.pread(descriptor, 1_000_000, 0)
        file.pending.clear()

    def _all_names_last(self) -> None:
        self._lasting_names = dict(self._names)
        self._pending_names.clear()

    def _fails(self, kind: str, name: str, arguments: t.Any) -> bool:
        if not hasattr(errno, kind):
            return False
        if kind == "EIO":
            return True
        if kind == "ENOSPC" and name == "pwrite":
            descriptor, data, place = arguments
            return bool(place + len(data) > os.fstat(descriptor).st_size)
        # A full disk still lets go of files.
        if name == "fsync" or (kind == "ENOSPC" and name in ("unlink", "ftruncate")):
            return False
        return self._writes(name, arguments)

    def _writes(self, name: str, arguments: t.Any) -> bool:
        if name != "open":
            return name != "fsync"
        # A lock that is there is opened without a change.
        return bool(arguments[1] & os.O_CREAT) and not os.path.exists(arguments[0])

    def _paths(self) -> list[pathlib.Path]:
        return list(pathlib.Path(self._directory).glob("*"))


def _set(names: dict[str, File], name: str, file: File | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
