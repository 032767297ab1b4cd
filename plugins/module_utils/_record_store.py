# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The files of one campaign's last-applied record: reading, durable writing, and the lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import (
    Clock,
    Deadline,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    NewerRecord,
    Record,
    UnusableRecord,
    read_record,
    write_record,
)

FIRST_PAUSE_SECONDS = 0.001
LONGEST_PAUSE_SECONDS = 0.05

# O_NONBLOCK, so that a named pipe in the file's place is no trap; it means nothing for a file.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_LOCK = os.O_RDWR | os.O_NOFOLLOW
_HOLDER = re.compile(rb"([0-9]{1,10}) ([A-Za-z0-9._-]{1,64}) *\n", re.ASCII)
_HOLDER_BYTES = 80
_RECORD_FILE = re.compile(r"([0-9a-f]{32})\.json", re.ASCII)


class Found(t.NamedTuple):
    """What is in the place of a record.

    Attributes:
        record: the record, or None when there is none that can be used.
        fault: why what is there can't be used; completes a sentence that begins with the file.
        may_be_trusted: a confirmation may be in what can't be used here, and be used by another
            version of the collection, by another user, or once the fault has passed.
    """

    record: Record | None = None
    fault: str | None = None
    may_be_trusted: bool = False


class LockedElsewhere(Exception):
    """The lock was not free before the deadline.

    Attributes:
        holder: who holds it, in words, or None when that is not known.
    """

    def __init__(self, holder: str | None) -> None:
        super().__init__()
        self.holder = holder


class RecordStore:
    """The files of one campaign; all that writes needs the lock.

    Attributes:
        directory: where the files are.
        path: the record; beside it are the lock and, for a moment, a temporary file.
        is_new: this run made the lock, and so no earlier one can have left anything behind.
    """

    def __init__(self, directory: str, name: str, makes_directory: bool = True) -> None:
        self.directory = directory
        self._makes_directory = makes_directory
        self.path = os.path.join(directory, f"{name}.json")
        self.is_new = False
        self._lock_path = os.path.join(directory, f"{name}.lock")
        self._temporary_path = os.path.join(directory, f"{name}.tmp")

    def may_be_locked_elsewhere(self) -> bool:
        """Tell whether there is a lock that another run may hold."""
        return os.path.lexists(self._lock_path)

    def is_writable(self) -> bool:
        """Tell whether the lock could be taken, without a trace of the question."""
        place = self.directory
        while not os.path.lexists(place) and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        return os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)

    def read(self) -> Found:
        """Return what is there; nothing that is there makes this fail."""
        try:
            return Found(record=read_record(self._read_bytes()))
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
            return Found(fault=fault, may_be_trusted=os.path.lexists(self.path))

    def write(self, record: Record) -> None:
        """Replace the record, so that a crash at any moment leaves the old one or the new one.

        Raises:
            OSError: it is not certain that the new one is there and stays there.
        """
        descriptor = self._open_temporary()
        try:
            with _closing(descriptor):
                _write_all(descriptor, write_record(record).encode("ascii"))
                os.fsync(descriptor)
            os.replace(self._temporary_path, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary_path)
            raise
        self.sync()

    def remove(self) -> None:
        """Remove the record for good, whatever is there.

        Raises:
            OSError: it is not certain that it is gone.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.sync()

    def sync(self) -> None:
        """Make what is there, or is not, outlast a loss of power.

        Raises:
            OSError: it is not certain that it does.
        """
        with _closing(os.open(self.directory, os.O_RDONLY)) as descriptor:
            try:
                os.fsync(descriptor)
            except OSError as error:
                # Some file systems have no such call for directories.
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise

    @contextlib.contextmanager
    def locked(self, deadline: Deadline, clock: Clock) -> t.Iterator[None]:
        """Hold the campaign's lock, which the end of the process frees as well.

        Raises:
            LockedElsewhere: the deadline passed before the lock was free.
            OSError: there can be no lock here, such as in a directory that is missing and not to
                be made.
        """
        with _closing(self._open_lock()) as descriptor:
            _wait_for_lock(descriptor, deadline, clock)
            # Another run may have been faster with the lock that this one made; it left a note.
            self.is_new = self.is_new and os.fstat(descriptor).st_size == 0
            _note_holder(descriptor)
            yield

    def _read_bytes(self) -> bytes:
        with _closing(os.open(self.path, _READ)) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnusableRecord("is no file")
            if status.st_uid != os.geteuid():
                raise _ForeignFile
            return _read_all(descriptor, status.st_size)

    def _open_lock(self) -> int:
        try:
            return os.open(self._lock_path, _LOCK)
        except FileNotFoundError:
            if self._makes_directory:
                os.makedirs(self.directory, mode=0o700, exist_ok=True)
        try:
            descriptor = os.open(self._lock_path, _LOCK | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(self._lock_path, _LOCK)
        self.is_new = True
        return descriptor

    def _open_temporary(self) -> int:
        try:
            return os.open(self._temporary_path, _CREATE, 0o600)
        except FileExistsError:
            # Left by a process that was killed: nobody else writes while this one has the lock.
            os.unlink(self._temporary_path)
            return os.open(self._temporary_path, _CREATE, 0o600)


def stores_in(directory: str) -> list[RecordStore]:
    """Return all that a directory may hold records of, in a stable order; it may be missing.

    Raises:
        OSError: the directory can't be read.
    """
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    matches = (_RECORD_FILE.fullmatch(name) for name in names)
    return [RecordStore(directory, match.group(1)) for match in matches if match]


def reason_of(error: OSError) -> str:
    """Return the system's words for the error; they name no file."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


class _ForeignFile(Exception):
    """The file belongs to another user."""


@contextlib.contextmanager
def _closing(descriptor: int) -> t.Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    # One byte more than there is, so that the common case ends with the first call.
    parts = [os.read(descriptor, size + 1)]
    while parts[-1] and len(parts[-1]) != size:
        parts.append(os.read(descriptor, size + 1))
    return b"".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _wait_for_lock(descriptor: int, deadline: Deadline, clock: Clock) -> None:
    pause = FIRST_PAUSE_SECONDS
    while not _try_lock(descriptor):
        remaining = deadline.remaining()
        if not remaining:
            raise LockedElsewhere(_holder_of(descriptor))
        clock.sleep(min(pause, remaining))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note_holder(descriptor: int) -> None:
    """Leave a note for those who wait; it is a courtesy, so it may fail."""
    note = f"{os.getpid()} {os.uname().nodename}".ljust(_HOLDER_BYTES - 1)[: _HOLDER_BYTES - 1]
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, f"{note}\n".encode("ascii", "replace"), 0)


def _holder_of(descriptor: int) -> str | None:
    try:
        note = _HOLDER.fullmatch(os.pread(descriptor, _HOLDER_BYTES, 0))
    except OSError:
        return None
    if note is None:
        return None
    process, host = (part.decode("ascii") for part in note.groups())
    return f"process {process} on host {host}"
