# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a record: what may be in their place, what a crash leaves, and the lock."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import socket
import stat
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    Confirmation,
    Lists,
    Record,
    write_record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_store import (
    Found,
    LockedElsewhere,
    RecordStore,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble

LISTS = Lists("acme", "Sales", ["111"], ["333"])
RECORD = Record("https://cc.partner.example", True, [Confirmation("2027-01-15T08:00:00Z", LISTS)])
WITHDRAWN = RECORD._replace(confirmed=False)


@pytest.fixture(name="directory")
def _directory(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "state" / "records"


@pytest.fixture(name="store")
def _store(directory: pathlib.Path) -> RecordStore:
    """Return a store whose directory is there, as it is once the lock was taken."""
    directory.mkdir(parents=True)
    return RecordStore(str(directory), "name")


def lock(store: RecordStore, seconds: float = 60.0, clock: ClockDouble | None = None) -> t.Any:
    clock = clock or ClockDouble()
    return store.locked(Deadline(clock, seconds), clock)


def failing(number: int) -> t.Callable[..., t.NoReturn]:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(number, "the system's words")

    return fail


def names(directory: pathlib.Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# --- Reading and writing ------------------------------------------------------------------------


def test_what_was_written_is_read(store: RecordStore, directory: pathlib.Path) -> None:
    assert store.read() == Found()
    store.write(RECORD)
    assert store.read() == Found(RECORD)
    store.write(WITHDRAWN)
    assert store.read() == Found(WITHDRAWN)
    assert names(directory) == ["name.json"]
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    store.remove()
    assert names(directory) == []
    store.remove()


def test_a_long_record_is_read_whole(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [str(9140001001 + place) for place in range(10_000)]
    record = RECORD._replace(history=[Confirmation("x", Lists("a", "b", numbers, numbers))])
    real_read, real_write = os.read, os.write
    # The system may take and give less than it was asked for.
    monkeypatch.setattr(os, "read", lambda descriptor, size: real_read(descriptor, min(size, 7777)))
    monkeypatch.setattr(os, "write", lambda descriptor, data: real_write(descriptor, data[:7777]))
    store.write(record)
    assert store.read().record == record


def test_a_temporary_file_of_a_killed_run_serves_nobody(
    store: RecordStore, directory: pathlib.Path
) -> None:
    victim = directory / "victim"
    victim.write_text("untouched", encoding="utf-8")
    (directory / "name.tmp").symlink_to(victim)
    store.write(RECORD)
    (directory / "name.tmp").write_text("half of a rec", encoding="utf-8")
    store.write(RECORD)
    assert store.read() == Found(RECORD)
    assert names(directory) == ["name.json", "victim"]
    assert victim.read_text(encoding="utf-8") == "untouched"


def replace_by_directory(path: pathlib.Path) -> None:
    path.mkdir()


def replace_by_pipe(path: pathlib.Path) -> None:
    os.mkfifo(path)


def replace_by_link(path: pathlib.Path) -> None:
    target = path.with_name("target")
    target.write_text(write_record(RECORD), encoding="ascii")
    path.symlink_to(target)


def replace_by_dangling_link(path: pathlib.Path) -> None:
    path.symlink_to("nowhere")


def text_writer(text: str) -> t.Callable[[pathlib.Path], object]:
    return lambda path: path.write_text(text, encoding="ascii")


@pytest.mark.parametrize(
    ("put", "found"),
    [
        pytest.param(text_writer("{"), Found(fault="is damaged"), id="corrupt"),
        pytest.param(
            text_writer('{"version": 2}'),
            Found(fault="was written by a newer version of the collection", may_be_trusted=True),
            id="newer",
        ),
        pytest.param(replace_by_directory, Found(fault="is no file"), id="directory"),
        pytest.param(replace_by_pipe, Found(fault="is no file"), id="pipe"),
        pytest.param(replace_by_link, Found(fault="is a symbolic link"), id="link"),
        pytest.param(replace_by_dangling_link, Found(fault="is a symbolic link"), id="no target"),
    ],
)
def test_what_can_not_be_used(
    store: RecordStore, put: t.Callable[[pathlib.Path], None], found: Found
) -> None:
    put(pathlib.Path(store.path))
    assert store.read() == found


@pytest.mark.parametrize("put", [replace_by_pipe, replace_by_link, replace_by_dangling_link])
def test_what_is_in_the_way_is_replaced(
    store: RecordStore, put: t.Callable[[pathlib.Path], None]
) -> None:
    put(pathlib.Path(store.path))
    store.write(WITHDRAWN)
    assert store.read() == Found(WITHDRAWN)
    target = pathlib.Path(store.path).with_name("target")
    assert not target.exists() or target.read_text("ascii") == write_record(RECORD)


def test_a_record_of_another_user(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(RECORD)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert store.read() == Found(fault="belongs to another user", may_be_trusted=True)


@pytest.mark.parametrize("step", ["open", "read"])
def test_a_record_that_can_not_be_read(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.write(RECORD)
    # The tests may run as root, who may read everything.
    monkeypatch.setattr(os, step, failing(errno.EACCES))
    fault = "can't be read (Permission denied)"
    assert store.read() == Found(fault=fault, may_be_trusted=True)


def test_a_directory_that_can_not_be_searched_hides_no_record_of_ours(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    assert store.read() == Found(fault="can't be read (Permission denied)")


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_record(
    store: RecordStore, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.write(RECORD)
    with monkeypatch.context() as patched:
        patched.setattr(os, step, failing(errno.ENOSPC))
        with pytest.raises(OSError, match="the system's words"):
            store.write(WITHDRAWN)
    assert store.read() == Found(RECORD)
    assert names(directory) == ["name.json"]


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_an_interruption_leaves_a_whole_record(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupt(*_arguments: t.Any) -> t.NoReturn:
        raise Interrupted

    store.write(RECORD)
    descriptors = os.listdir("/dev/fd")
    with monkeypatch.context() as patched:
        patched.setattr(os, step, interrupt)
        with pytest.raises(Interrupted):
            store.write(WITHDRAWN)
    assert store.read() == Found(RECORD)
    assert os.listdir("/dev/fd") == descriptors
    store.write(WITHDRAWN)
    assert store.read() == Found(WITHDRAWN)


@pytest.mark.parametrize(("number", "is_fault"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_may_have_no_sync_for_directories(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch, number: int, is_fault: bool
) -> None:
    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", sync)
    if is_fault:
        with pytest.raises(OSError, match="no"):
            store.write(RECORD)
    else:
        store.write(RECORD)
    assert store.read() == Found(RECORD)


def test_what_lasts_is_synced_in_the_right_order(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    real_replace = os.replace

    def sync(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync directory" if is_directory else "sync file")

    def replace(old: str, new: str) -> None:
        steps.append("rename")
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    store.write(RECORD)
    assert steps == ["sync file", "rename", "sync directory"]
    store.remove()
    assert steps[3:] == ["sync directory"]


# --- The directory ------------------------------------------------------------------------------


def test_asking_leaves_no_trace(tmp_path: pathlib.Path, directory: pathlib.Path) -> None:
    store = RecordStore(str(directory), "name")
    assert store.is_writable()
    assert not store.may_be_locked_elsewhere()
    assert store.read() == Found()
    assert names(tmp_path) == []


def test_the_lock_makes_a_directory_for_the_user_alone(directory: pathlib.Path) -> None:
    store = RecordStore(str(directory), "name")
    with lock(store):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert names(directory) == ["name.lock"]
    assert stat.S_IMODE((directory / "name.lock").stat().st_mode) == 0o600
    assert store.may_be_locked_elsewhere()


def test_a_directory_that_is_not_to_be_made(directory: pathlib.Path) -> None:
    store = RecordStore(str(directory), "name", makes_directory=False)
    with pytest.raises(FileNotFoundError), lock(store):
        pass
    assert not directory.exists()
    directory.mkdir(parents=True)
    with lock(store):
        assert names(directory) == ["name.lock"]


def test_a_linked_directory_is_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    store = RecordStore(str(tmp_path / "linked"), "name")
    assert store.is_writable()
    with lock(store):
        store.write(RECORD)
    assert store.read() == Found(RECORD)
    assert names(tmp_path / "real") == ["name.json", "name.lock"]


def test_a_file_or_a_dangling_link_is_no_directory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for place in ("file", "file/below", "dangling"):
        assert not RecordStore(str(tmp_path / place), "name").is_writable()


def test_a_directory_that_may_not_be_written_to(
    store: RecordStore, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    assert not store.is_writable()
    assert not RecordStore(str(directory / "below"), "name").is_writable()


# --- The lock -----------------------------------------------------------------------------------


def test_a_lock_that_is_free_is_not_waited_for(store: RecordStore) -> None:
    clock = ClockDouble()
    for _time in range(2):
        with lock(store, clock=clock):
            pass
    assert clock.waits == []


def test_who_makes_the_lock_and_has_it_first_is_new(
    store: RecordStore, directory: pathlib.Path
) -> None:
    with lock(store):
        assert store.is_new
    later = RecordStore(str(directory), "name")
    with lock(later):
        assert not later.is_new


def test_who_makes_the_lock_may_have_it_second(
    store: RecordStore, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = RecordStore(str(directory), "name")
    real_flock = fcntl.flock

    def be_overtaken(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real_flock)
        with lock(faster):
            assert not faster.is_new
        real_flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", be_overtaken)
    with lock(store):
        assert not store.is_new


def test_who_makes_no_lock_uses_the_one_of_who_was_faster(
    store: RecordStore, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_overtaken(path: str, **_options: t.Any) -> None:
        pathlib.Path(path, "name.lock").touch()

    monkeypatch.setattr(os, "makedirs", be_overtaken)
    with lock(store):
        assert not store.is_new
    assert names(directory) == ["name.lock"]


def test_who_waits_too_long_learns_who_has_the_lock(store: RecordStore) -> None:
    clock = ClockDouble()
    with lock(store), pytest.raises(LockedElsewhere) as caught, lock(store, 1.0, clock):
        pass
    assert caught.value.holder == f"process {os.getpid()} on host {socket.gethostname()}"
    assert sum(clock.waits) == pytest.approx(1.0)
    assert clock.waits[:3] == [0.001, 0.002, 0.004]
    assert max(clock.waits) == 0.05
    with lock(store):
        pass


@pytest.mark.parametrize("note", ["", "x y\n", "1 a;b\n", "1\n", "\x1b[31m 7\n"])
def test_a_note_that_tells_nobody_is_not_repeated(
    store: RecordStore, directory: pathlib.Path, note: str
) -> None:
    with lock(store):
        (directory / "name.lock").write_text(note, encoding="ascii")
        with pytest.raises(LockedElsewhere) as caught, lock(store, 0.1):
            pass
    assert caught.value.holder is None


@pytest.mark.parametrize("step", ["pwrite", "pread"])
def test_the_note_is_a_courtesy(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))
    with lock(store), pytest.raises(LockedElsewhere) as caught, lock(store, 0.1):
        pass
    assert caught.value.holder is None


def test_the_lock_is_free_when_the_other_lets_go(store: RecordStore) -> None:
    class LettingGo(ClockDouble):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.waits) == 3:
                held.__exit__(None, None, None)

    held = lock(store)
    held.__enter__()
    clock = LettingGo()
    with lock(store, clock=clock):
        assert len(clock.waits) == 3


@pytest.mark.parametrize("error", [Interrupted, OSError, ValueError])
def test_no_way_out_leaves_the_lock_held(store: RecordStore, error: type[BaseException]) -> None:
    descriptors = os.listdir("/dev/fd")
    with pytest.raises(error), lock(store):
        raise error
    with lock(store, 0.0):
        pass
    assert os.listdir("/dev/fd") == descriptors


def test_an_interrupted_wait_leaves_nothing_open(store: RecordStore) -> None:
    class Impatient(ClockDouble):
        def sleep(self, seconds: float) -> None:
            raise Interrupted

    with lock(store):
        descriptors = os.listdir("/dev/fd")
        with pytest.raises(Interrupted), lock(store, clock=Impatient()):
            pass
        assert os.listdir("/dev/fd") == descriptors


def test_a_file_system_without_locks(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with pytest.raises(OSError, match="the system's words"), lock(store):
        pass


def test_a_lock_that_is_a_link_is_not_followed(store: RecordStore, directory: pathlib.Path) -> None:
    (directory / "name.lock").symlink_to(directory / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), lock(store):
        pass
    assert names(directory) == ["name.lock"]


HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free(store: RecordStore, directory: pathlib.Path) -> None:
    with lock(store):
        pass
    command = [sys.executable, "-c", HOLD, str(directory / "name.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LockedElsewhere), lock(store, 0.1):
            pass
        process.kill()
        process.wait()
    with lock(store, 0.0):
        pass
