# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Records in files, one for each campaign, for the runs of one machine.

Only a withdrawal waits for the disk: when a confirmation is lost, the next run claims too little.
Several threads may use it at a time, each for keys of its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import typing as t

from ..record import LONGEST_HISTORY, Confirmation
from ..store import Change, Found, Kept, Locks, UnreadableStore, Unusable
from .lines import (
    CONFIRMED,
    WITHDRAWN,
    Content,
    NewerRecord,
    UnusableRecord,
    confirmation_line,
    header_line,
    read_confirmation,
    read_lines,
)

# A file with more confirmations than this is written anew with those that are kept.
MOST_CONFIRMATIONS = LONGEST_HISTORY + LONGEST_HISTORY // 2

# O_NONBLOCK, so that opening a named pipe in the file's place does not wait for its other end:
# fifo(7). It has no effect on a file: open(2).
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OVERWRITE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_HOLDER = re.compile(rb"([0-9]{1,10}) ([A-Za-z0-9._-]{1,64}) *\n", re.ASCII)
_HOLDER_BYTES = 80
_RECORD_FILE = re.compile(r"([0-9a-f]{32})\.record", re.ASCII)
_NOT_WRITABLE = "the directory can't be written to"


class _Lock(t.NamedTuple):
    """A lock that this run holds; it is new if no earlier run can have left a record behind."""

    descriptor: int
    is_new: bool


class Files:
    """A directory of records; beside each is a lock, which is never removed."""

    locks_can_be_lost = False

    def __init__(self, directory: str, makes_directory: bool = True) -> None:
        self.name = directory
        self._makes_directory = makes_directory
        self._locks: dict[str, _Lock] = {}

    def obstacle(self) -> str | None:
        """Return why nothing can be written here, or None; the question leaves no trace."""
        place = self.name
        while not os.path.isdir(place):
            if os.path.lexists(place):
                return _NOT_WRITABLE
            place = os.path.dirname(place)
        return None if os.access(place, os.W_OK | os.X_OK) else _NOT_WRITABLE

    def place_of(self, key: str) -> str:
        """Return the path of a record."""
        return os.path.join(self.name, f"{key}.record")

    def lock(self, keys: t.Sequence[str]) -> Locks:
        """Take the locks that can be had at once; the end of the process frees them as well."""
        obstacle = self.obstacle()
        if obstacle is not None:
            return Locks(set(), dict.fromkeys(keys, obstacle))
        locks = Locks(set(), {})
        for key in keys:
            with _Noting(locks.impossible, key):
                if self._lock(key):
                    locks.obtained.add(key)
        return locks

    def unlock(self, keys: t.Iterable[str]) -> None:
        """Let go of locks that this run holds."""
        for key in keys:
            lock = self._locks.pop(key, None)
            if lock is not None:
                os.close(lock.descriptor)

    def may_be_locked(self, key: str) -> bool:
        """Tell whether there is a lock that another run may hold."""
        return os.path.lexists(self._lock_path(key))

    def holder_of(self, key: str) -> str | None:
        """Return who holds the lock, as a note in it says; None when there is none."""
        try:
            with _Closing(os.open(self._lock_path(key), _READ)) as descriptor:
                note = _HOLDER.fullmatch(os.pread(descriptor, _HOLDER_BYTES, 0))
        except OSError:
            return None
        if note is None:
            return None
        process, host = (part.decode("ascii") for part in note.groups())
        return f"process {process} on host {host}"

    def read(self, keys: t.Iterable[str]) -> dict[str, Found]:
        """Return what is there; nothing that is there makes this fail."""
        return {key: self._read(key) for key in keys}

    def write(self, changes: t.Sequence[Change], durable: bool) -> dict[str, str]:
        """Write new states; each record stands for itself, and the directory is synced once."""
        failures: dict[str, str] = {}
        for change in changes:
            if change.removes:
                with _Noting(failures, change.key):
                    _unlink(self.place_of(change.key))
        if durable and any(self._needs_directory(change) for change in changes):
            try:
                self._sync_directory()
            except OSError as error:
                # Where there is a record, no more than its history depends on it.
                absent = (change.key for change in changes if change.found.record is None)
                failures.update(dict.fromkeys(absent, reason_of(error)))
        for change in changes:
            if change.confirmation is not None or change.found.record is not None:
                with _Noting(failures, change.key):
                    self._write(change, durable)
        return failures

    def forget(self, keys: t.Sequence[str]) -> dict[str, str]:
        """Remove records with their histories; their locks stay."""
        failures: dict[str, str] = {}
        for key in keys:
            with _Noting(failures, key):
                self._remove(key)
        return failures

    def find(self) -> t.Iterator[Kept | Unusable]:
        """Yield all that the directory holds; it may be missing.

        Raises:
            UnreadableStore: the directory can't be read.
        """
        try:
            names = os.listdir(self.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UnreadableStore(reason_of(error)) from None
        for name in names:
            match = _RECORD_FILE.fullmatch(name)
            if not match:
                continue
            found = self._read(match.group(1))
            if found.record is not None:
                lines = reversed(found.revision.lines)
                yield Kept(match.group(1), found.record, _usable(lines))
            elif found.fault is not None:
                yield Unusable(match.group(1), found.fault)

    # --- Reading ---

    def _read(self, key: str) -> Found:
        path = self.place_of(key)
        try:
            content = read_lines(_read_file(path))
        except FileNotFoundError:
            return Found()
        except NewerRecord as error:
            return Found(fault=str(error), may_be_trusted=True)
        except UnusableRecord as error:
            return Found(fault=str(error))
        except _ForeignFile:
            return Found(fault="belongs to another user", may_be_trusted=True)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return Found(fault="is a symbolic link")
            fault = f"can't be read ({reason_of(error)})"
            return Found(fault=fault, may_be_trusted=os.path.lexists(path))
        return Found(content.record, revision=content)

    # --- Writing ---

    def _needs_directory(self, change: Change) -> bool:
        """Tell whether a withdrawal lasts, and with it the history, only once the directory does.

        A run may have been killed before what it removed was certain to be gone. And a file that has
        a single confirmation may have no name yet that lasts; one that was withdrawn before has.
        """
        if change.found.record is None:
            return change.removes or not self._is_new(change.key)
        content: Content = change.found.revision
        return not change.confirmed and content.record.confirmed and content.first == content.last

    def _write(self, change: Change, durable: bool) -> None:
        if change.confirmation is not None:
            self._confirm(change, change.confirmation)
        elif change.confirmed:
            self._mark(change, CONFIRMED, durable)
        else:
            try:
                self._mark(change, WITHDRAWN, durable)
            except OSError:
                self._remove(change.key)

    def _mark(self, change: Change, mark: bytes, durable: bool) -> None:
        content: Content = change.found.revision
        with _Closing(os.open(self.place_of(change.key), _OVERWRITE)) as descriptor:
            before = os.pread(descriptor, 2, content.last - 1)
            # Without a lock, another run may have written the file anew.
            if before not in (b"\n" + CONFIRMED, b"\n" + WITHDRAWN):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            _pwrite_all(descriptor, mark, content.last)
            if durable:
                os.fsync(descriptor)

    def _confirm(self, change: Change, confirmation: Confirmation) -> None:
        record, line = change.found.record, confirmation_line(confirmation)
        if record is None or record.endpoint != change.endpoint:
            # A file that was copied here from another endpoint's record has nothing of this one.
            self._write_anew(change.key, [header_line(change.endpoint), line])
            return
        content: Content = change.found.revision
        lines = content.lines
        if len(lines) >= MOST_CONFIRMATIONS:
            kept = lines[1 - LONGEST_HISTORY :]
            self._write_anew(change.key, [header_line(change.endpoint), *kept, line])
            return
        with _Closing(os.open(self.place_of(change.key), _OVERWRITE)) as descriptor:
            # What a crash left behind the last line would spoil the next one.
            os.ftruncate(descriptor, content.end)
            _pwrite_all(descriptor, line, content.end)

    def _write_anew(self, key: str, lines: list[bytes]) -> None:
        """Replace the file; one that has a history outlasts a loss of power, as it was or as it is."""
        temporary = os.path.join(self.name, f"{key}.tmp")
        has_history = len(lines) > 2
        try:
            with _Closing(_create(temporary)) as descriptor:
                _pwrite_all(descriptor, b"".join(lines), 0)
                if has_history:
                    os.fsync(descriptor)
            os.replace(temporary, self.place_of(key))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if has_history:
            self._sync_directory()

    def _remove(self, key: str) -> None:
        """Remove a record for good, which needs no space on the disk."""
        _unlink(self.place_of(key))
        self._sync_directory()

    def _sync_directory(self) -> None:
        """Make the names that are there, or are not, outlast a loss of power.

        To sync a file does not sync its name in the directory: fsync(2).
        """
        with _Closing(os.open(self.name, os.O_RDONLY)) as descriptor:
            try:
                os.fsync(descriptor)
            except OSError as error:
                # Some file systems cannot sync directories:
                # https://github.com/libgit2/libgit2/issues/5356 (EINVAL),
                # https://github.com/rfjakob/gocryptfs/issues/587 (ENOTSUP).
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise

    # --- Locking ---

    def _lock_path(self, key: str) -> str:
        return os.path.join(self.name, f"{key}.lock")

    def _is_new(self, key: str) -> bool:
        """Tell whether this run made the lock, so that no earlier one left anything behind."""
        return key in self._locks and self._locks[key].is_new

    def _lock(self, key: str) -> bool:
        """Take a lock and return True, or False when another run has it."""
        descriptor, is_new = self._open_lock(self._lock_path(key))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have been faster with the lock that this one made; it left a note.
            is_new = is_new and os.fstat(descriptor).st_size == 0
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._locks[key] = _Lock(descriptor, is_new)
        _note_holder(descriptor)
        return True

    def _open_lock(self, path: str) -> tuple[int, bool]:
        """Return a descriptor of the lock file, and whether this run made it."""
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, _LOCK), False
        try:
            return self._make_lock(path), True
        except FileExistsError:
            return os.open(path, _LOCK), False

    def _make_lock(self, path: str) -> int:
        # The directory is there for all campaigns but the first.
        try:
            return os.open(path, _LOCK | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            if not self._makes_directory:
                raise
        os.makedirs(self.name, mode=0o700, exist_ok=True)
        return os.open(path, _LOCK | os.O_CREAT | os.O_EXCL, 0o600)


def reason_of(error: OSError) -> str:
    """Return the system's words for the error; they name no file."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


class _ForeignFile(Exception):
    """The file belongs to another user."""


# As generators, these two would take as long as the calls of the system that they go around.
class _Closing:
    """Closes a descriptor at the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)


class _Noting:
    """Has an error of the system noted as the reason why this key failed."""

    def __init__(self, failures: dict[str, str], key: str) -> None:
        self._failures = failures
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> bool:
        if not isinstance(error, OSError):
            return False
        self._failures[self._key] = reason_of(error)
        return True


def _create(path: str) -> int:
    try:
        return os.open(path, _CREATE, 0o600)
    except FileExistsError:
        # Left by a process that was killed: nobody else writes while this one has the lock.
        _unlink(path)
        return os.open(path, _CREATE, 0o600)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _read_file(path: str) -> bytes:
    with _Closing(os.open(path, _READ)) as descriptor:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableRecord("is not a file")
        if status.st_uid != os.geteuid():
            raise _ForeignFile
        # One byte more than there is, so that the common case ends with the first call.
        data = os.read(descriptor, status.st_size + 1)
        while len(data) != status.st_size:
            more = os.read(descriptor, status.st_size + 1)
            if not more:
                break
            data += more
    return data


def _pwrite_all(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _usable(lines: t.Iterable[bytes]) -> t.Iterator[Confirmation]:
    for line in lines:
        with contextlib.suppress(UnusableRecord):
            yield read_confirmation(line)


def _note_holder(descriptor: int) -> None:
    """Leave a note for those who wait; it is a courtesy, so it may fail."""
    note = f"{os.getpid()} {os.uname().nodename}".ljust(_HOLDER_BYTES - 1)[: _HOLDER_BYTES - 1]
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, f"{note}\n".encode("ascii", "replace"), 0)
