# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records in files: what may be in their place, what waits for the disk, and the locks."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import socket
import stat
import subprocess
import sys
import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines import files
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import (
    MOST_CONFIRMATIONS,
    Files,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    LONGEST_HISTORY,
    Confirmation,
    Lists,
    Record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import (
    Change,
    Found,
    Kept,
    UnreadableStore,
    Unusable,
)

ENDPOINT = "https://cc.partner.example"
KEY = "0" * 32
NEWER = b'#3009184c {"version": 3}\n'
NO_SPACE = os.strerror(errno.ENOSPC)


def confirmation(number: str = "111") -> Confirmation:
    lists = Lists("acme", "Sales", [number], ["333"])
    return Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner", "job 7")


def written(*numbers: str) -> bytes:
    """Return the bytes of a record with these confirmations, oldest first."""
    return header_line(ENDPOINT) + b"".join(
        confirmation_line(confirmation(number)) for number in numbers
    )


@pytest.fixture(name="directory")
def _directory(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "state" / "records"


@pytest.fixture(name="store")
def _store(directory: pathlib.Path) -> Files:
    """Return a store whose directory is there, as it is once a lock was taken."""
    directory.mkdir(parents=True)
    return Files(str(directory))


def path_of(store: Files, key: str = KEY) -> pathlib.Path:
    return pathlib.Path(store.place_of(key))


def read(store: Files, key: str = KEY) -> Found:
    return store.read([key])[key]


def record_of(store: Files, key: str = KEY) -> Record | None:
    found = read(store, key)
    assert found.fault is None
    return found.record


def change(
    store: Files, key: str = KEY, confirmed: bool = True, number: str | None = None
) -> Change:
    """Return a change of what is there now."""
    new = None if number is None else confirmation(number)
    return Change(key, ENDPOINT, read(store, key), confirmed, new)


def confirm(store: Files, number: str = "111", key: str = KEY) -> dict[str, str]:
    return store.write([change(store, key, number=number)], durable=False)


def withdraw(store: Files, key: str = KEY) -> dict[str, str]:
    return store.write([change(store, key, confirmed=False)], durable=True)


def put_back(store: Files, key: str = KEY) -> dict[str, str]:
    return store.write([change(store, key, confirmed=True)], durable=False)


def numbers_in(store: Files) -> list[str]:
    """Return the numbers of the confirmations that are kept, newest first."""
    (kept,) = store.find()
    assert isinstance(kept, Kept)
    return [one.lists.dynamic_dids[0] for one in kept.confirmations]


def failing(number: int) -> t.Callable[..., t.NoReturn]:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(number, "the system's words")

    return fail


def names(directory: pathlib.Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


class Steps:
    """Stands in for the module os, writes down what is done on the disk, and makes trouble.

    Attributes:
        done: the steps, in order.
        fails: what raises in place of being done, and what it raises.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fails: dict[str, BaseException] = {}

    def __getattr__(self, name: str) -> t.Any:
        real = getattr(os, name)
        if name not in ("pwrite", "ftruncate", "fsync", "replace", "unlink", "open", "write"):
            return real

        def step(*arguments: t.Any) -> t.Any:
            told = self._told(name, arguments)
            if told is not None:
                self.done.append(told)
                if told in self.fails:
                    raise self.fails[told]
            return real(*arguments)

        return step

    def _told(self, name: str, arguments: tuple[t.Any, ...]) -> str | None:
        if name == "fsync":
            is_directory = stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            return "sync directory" if is_directory else "sync file"
        if name == "open":
            return "create" if arguments[1] & os.O_CREAT else None
        if name == "unlink":
            return f"unlink{pathlib.Path(arguments[0]).suffix}"
        if name == "pwrite":
            return f"write {len(arguments[1])}"
        return name


@pytest.fixture(name="steps")
def _steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    monkeypatch.setattr(files, "os", steps)
    return steps


# --- Reading and writing ------------------------------------------------------------------------


def test_a_record_is_read_back_after_each_kind_of_change(
    store: Files, directory: pathlib.Path
) -> None:
    assert read(store) == Found()
    assert confirm(store) == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation())
    assert withdraw(store) == {}
    assert record_of(store) == Record(ENDPOINT, False, confirmation())
    assert put_back(store) == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation())
    assert withdraw(store) == confirm(store, "222") == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation("222"))
    assert path_of(store).read_bytes() == (
        written("111").replace(b"\n+", b"\n-") + confirmation_line(confirmation("222"))
    )
    assert names(directory) == [f"{KEY}.record"]
    assert stat.S_IMODE(path_of(store).stat().st_mode) == 0o600


def test_a_file_copied_from_another_endpoint_is_replaced_once_an_update_is_confirmed(
    store: Files,
) -> None:
    path_of(store).write_bytes(
        header_line("https://other.example") + confirmation_line(confirmation("999"))
    )
    assert withdraw(store) == confirm(store) == {}
    assert path_of(store).read_bytes() == written("111")
    assert record_of(store) == Record(ENDPOINT, True, confirmation())


def test_several_records_are_written_and_read_at_once(store: Files) -> None:
    keys = [str(number) * 32 for number in range(5)]
    assert [store.read(keys)[key] for key in keys] == [Found()] * 5
    changes = [change(store, key, number=key[:3]) for key in keys]
    assert store.write(changes, durable=False) == {}
    changes = [change(store, key, confirmed=False) for key in keys[:2]]
    assert store.write(changes, durable=True) == {}
    assert store.write([], durable=True) == {}
    found = [record_of(store, key) for key in keys]
    assert found == [Record(ENDPOINT, n > 1, confirmation(str(n) * 3)) for n in range(5)]


def test_a_long_record_is_read_whole_despite_short_reads_and_writes(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [str(9140001001 + place) for place in range(10_000)]
    new = Confirmation(Lists("a", "b", numbers, numbers), "x", "y", None)
    real_read, real_write = os.read, os.pwrite
    # The system may take and give less than it was asked for: read(2), pwrite(2).
    monkeypatch.setattr(os, "read", lambda descriptor, size: real_read(descriptor, min(size, 7777)))
    monkeypatch.setattr(
        os, "pwrite", lambda descriptor, data, place: real_write(descriptor, data[:7777], place)
    )
    for _time in range(2):
        first = Change(KEY, ENDPOINT, read(store), True, new)
        assert store.write([first], durable=False) == {}
        assert record_of(store) == Record(ENDPOINT, True, new)


def test_a_temporary_file_left_by_a_killed_run_is_replaced(
    store: Files, directory: pathlib.Path
) -> None:
    victim = directory / "victim"
    victim.write_text("untouched", encoding="utf-8")
    (directory / f"{KEY}.tmp").symlink_to(victim)
    assert confirm(store) == {}
    path_of(store).unlink()
    (directory / f"{KEY}.tmp").write_text("half of a rec", encoding="utf-8")
    assert confirm(store) == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation())
    assert names(directory) == [f"{KEY}.record", "victim"]
    assert victim.read_text(encoding="utf-8") == "untouched"


def test_a_torn_line_left_by_a_crash_is_overwritten(store: Files) -> None:
    torn = confirmation_line(confirmation("999"))[:-20]
    path_of(store).write_bytes(written("111") + torn)
    assert record_of(store) == Record(ENDPOINT, False, confirmation("111"))
    assert confirm(store, "222") == {}
    assert path_of(store).read_bytes() == written("111", "222")


# --- What is in a record's place ----------------------------------------------------------------


def replace_by_directory(path: pathlib.Path) -> None:
    path.mkdir()


def replace_by_pipe(path: pathlib.Path) -> None:
    os.mkfifo(path)


def replace_by_link(path: pathlib.Path) -> None:
    target = path.with_name("target")
    target.write_bytes(written("111"))
    path.symlink_to(target)


def replace_by_dangling_link(path: pathlib.Path) -> None:
    path.symlink_to("nowhere")


def writer(content: bytes) -> t.Callable[[pathlib.Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("put", "found"),
    [
        pytest.param(writer(b"{"), Found(fault="is damaged"), id="corrupt"),
        pytest.param(writer(b""), Found(fault="is damaged"), id="empty"),
        pytest.param(
            writer(NEWER),
            Found(fault="was written by a newer version of the collection", may_be_trusted=True),
            id="newer",
        ),
        pytest.param(replace_by_directory, Found(fault="is not a file"), id="directory"),
        pytest.param(replace_by_pipe, Found(fault="is not a file"), id="pipe"),
        pytest.param(replace_by_link, Found(fault="is a symbolic link"), id="link"),
        pytest.param(replace_by_dangling_link, Found(fault="is a symbolic link"), id="no target"),
    ],
)
def test_an_unusable_record_is_found_with_its_fault(
    store: Files, put: t.Callable[[pathlib.Path], None], found: Found
) -> None:
    put(path_of(store))
    assert read(store) == found


@pytest.mark.parametrize(
    "put", [replace_by_pipe, replace_by_link, replace_by_dangling_link, writer(NEWER), writer(b"{")]
)
def test_an_unusable_record_is_removed_and_then_replaced(
    store: Files, put: t.Callable[[pathlib.Path], None]
) -> None:
    put(path_of(store))
    assert withdraw(store) == {}
    assert read(store) == Found()
    put_again = path_of(store).with_name("target")
    put_again.unlink(missing_ok=True)
    put(path_of(store))
    # Confirmed, it is replaced at once.
    assert confirm(store) == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation())
    target = path_of(store).with_name("target")
    assert not target.exists() or target.read_bytes() == written("111")


def test_a_directory_in_place_of_a_record_fails_every_write(store: Files) -> None:
    path_of(store).mkdir()
    for failures in (withdraw(store), confirm(store)):
        assert list(failures) == [KEY]
        assert failures[KEY] in (os.strerror(errno.EISDIR), os.strerror(errno.EPERM))


def test_a_record_of_another_user_is_found_with_its_fault(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(store)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert read(store) == Found(fault="belongs to another user", may_be_trusted=True)


@pytest.mark.parametrize("step", ["open", "read"])
def test_an_unreadable_record_is_found_with_its_fault(
    store: Files, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    confirm(store)
    # The tests may run as root, who may read everything.
    monkeypatch.setattr(os, step, failing(errno.EACCES))
    fault = "can't be read (Permission denied)"
    assert read(store) == Found(fault=fault, may_be_trusted=True)


def test_an_unsearchable_directory_hides_no_record_that_may_be_trusted(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    assert read(store) == Found(fault="can't be read (Permission denied)")


# --- What waits for the disk --------------------------------------------------------------------


def test_a_first_confirmation_is_written_without_a_sync(store: Files, steps: Steps) -> None:
    size = len(written("111"))
    assert confirm(store) == {}
    assert steps.done == ["create", f"write {size}", "replace"]


def test_a_further_confirmation_is_appended_without_a_sync(store: Files, steps: Steps) -> None:
    confirm(store)
    steps.done.clear()
    size = len(confirmation_line(confirmation("222")))
    assert confirm(store, "222") == {}
    assert steps.done == ["ftruncate", f"write {size}"]
    assert path_of(store).read_bytes() == written("111", "222")


def test_a_withdrawal_overwrites_one_byte_and_syncs_the_file(store: Files, steps: Steps) -> None:
    confirm(store)
    confirm(store, "222")
    before = path_of(store).read_bytes()
    steps.done.clear()
    assert withdraw(store) == {}
    assert steps.done == ["write 1", "sync file"]
    after = path_of(store).read_bytes()
    differing = [place for place, pair in enumerate(zip(before, after)) if pair[0] != pair[1]]
    assert len(before) == len(after)
    assert differing == [len(written("111"))]
    assert (before[differing[0]], after[differing[0]]) == (ord("+"), ord("-"))


def test_putting_back_is_written_without_a_sync(store: Files, steps: Steps) -> None:
    confirm(store)
    before = path_of(store).read_bytes()
    withdraw(store)
    steps.done.clear()
    assert put_back(store) == {}
    assert steps.done == ["write 1"]
    assert path_of(store).read_bytes() == before


def test_withdrawing_a_single_confirmation_syncs_the_directory_too(
    store: Files, steps: Steps
) -> None:
    """Nothing has synced it so far."""
    confirm(store)
    steps.done.clear()
    assert withdraw(store) == {}
    assert steps.done == ["sync directory", "write 1", "sync file"]
    # Withdrawn once more, its name is known to last.
    steps.done.clear()
    assert withdraw(store) == {}
    assert steps.done == ["write 1", "sync file"]


def test_a_batch_of_withdrawals_syncs_each_file_and_the_directory_once(
    store: Files, steps: Steps
) -> None:
    keys = [str(number) * 32 for number in range(5)]
    for key in keys:
        confirm(store, key=key)
    steps.done.clear()
    changes = [change(store, key, confirmed=False) for key in keys]
    assert store.write(changes, durable=True) == {}
    assert steps.done == ["sync directory", *["write 1", "sync file"] * 5]


def test_a_batch_of_records_with_a_history_syncs_no_directory(store: Files, steps: Steps) -> None:
    keys = [str(number) * 32 for number in range(3)]
    for key in keys:
        confirm(store, "111", key)
        confirm(store, "222", key)
    steps.done.clear()
    changes = [change(store, key, confirmed=False) for key in keys]
    assert store.write(changes, durable=True) == {}
    assert steps.done == ["write 1", "sync file"] * 3


def test_withdrawing_a_missing_record_syncs_the_directory_unless_this_run_created_the_lock(
    store: Files, directory: pathlib.Path, steps: Steps
) -> None:
    """A run may have been killed between removing a record and syncing the directory."""
    assert store.lock([KEY]).obtained == {KEY}
    steps.done.clear()
    assert withdraw(store) == {}
    assert steps.done == []
    store.unlock([KEY])
    later = Files(str(directory))
    assert later.lock([KEY]).obtained == {KEY}
    steps.done.clear()
    assert withdraw(later) == {}
    assert steps.done == ["sync directory"]


def test_removing_an_unusable_record_syncs_the_directory(store: Files, steps: Steps) -> None:
    # Also by who made the lock, such as after somebody removed the one that was there.
    assert store.lock([KEY]).obtained == {KEY}
    path_of(store).write_bytes(NEWER)
    steps.done.clear()
    assert withdraw(store) == {}
    assert steps.done == ["unlink.record", "sync directory"]
    assert read(store) == Found()


def test_a_file_is_rewritten_after_many_confirmations(
    store: Files, directory: pathlib.Path, steps: Steps
) -> None:
    given = [f"{1000 + number}" for number in range(MOST_CONFIRMATIONS)]
    path_of(store).write_bytes(written(*given[:-1]))
    confirm(store, given[-1])
    assert numbers_in(store) == given[::-1]
    steps.done.clear()
    assert confirm(store, "999") == {}
    assert numbers_in(store) == ["999", *given[::-1][: LONGEST_HISTORY - 1]]
    size = path_of(store).stat().st_size
    # The old file, with its history, is gone only once the new one lasts.
    assert steps.done == [
        *("create", f"write {size}", "sync file"),
        *("replace", "sync directory"),
    ]
    assert names(directory) == [f"{KEY}.record"]
    assert stat.S_IMODE(path_of(store).stat().st_mode) == 0o600


def test_rewriting_keeps_the_undamaged_lines_of_a_history(store: Files) -> None:
    """What is damaged in them stays so, and costs none of the others."""
    given = [f"{1000 + number}" for number in range(MOST_CONFIRMATIONS)]
    path_of(store).write_bytes(written(*given).replace(b'"1149"', b'"9999"', 1))
    # Its last line is the damaged one, so that the one before counts.
    assert record_of(store) == Record(ENDPOINT, False, confirmation("1148"))
    assert confirm(store, "999") == {}
    path_of(store).write_bytes(path_of(store).read_bytes().replace(b'"1140"', b'"8888"', 1))
    assert numbers_in(store)[:3] == ["999", "1148", "1147"]
    assert "1140" not in numbers_in(store)
    assert confirm(store, "998") == {}
    assert numbers_in(store)[:3] == ["998", "999", "1148"]


# --- What the disk refuses ----------------------------------------------------------------------


class Interrupted(BaseException):
    pass


def test_a_full_disk_allows_a_withdrawal_but_no_confirmation(store: Files, steps: Steps) -> None:
    """It takes no space; what does is refused."""
    confirm(store)
    confirm(store, "222")
    for step in ("create", f"write {len(confirmation_line(confirmation('333')))}"):
        steps.fails[step] = OSError(errno.ENOSPC, "the system's words")
    assert withdraw(store) == {}
    assert confirm(store, "333") == {KEY: NO_SPACE}
    assert record_of(store) == Record(ENDPOINT, False, confirmation("222"))
    assert put_back(store) == {}
    assert numbers_in(store) == ["222", "111"]


@pytest.mark.parametrize("step", ["write 1", "sync file"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_record_that_cannot_be_withdrawn_is_removed(
    store: Files, directory: pathlib.Path, steps: Steps, step: str, number: int
) -> None:
    confirm(store)
    steps.fails[step] = OSError(number, "the system's words")
    assert withdraw(store) == {}
    assert steps.done[-2:] == ["unlink.record", "sync directory"]
    assert names(directory) == []


@pytest.mark.parametrize("step", ["unlink.record", "sync directory"])
def test_a_record_that_can_be_neither_withdrawn_nor_removed_is_reported(
    store: Files, steps: Steps, step: str
) -> None:
    confirm(store)
    confirm(store, "222")
    steps.fails["write 1"] = OSError(errno.EROFS, "the system's words")
    steps.fails[step] = OSError(errno.EIO, "the system's words")
    assert withdraw(store) == {KEY: os.strerror(errno.EIO)}


def test_a_read_only_file_system_leaves_the_record_unchanged(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(store)
    before = path_of(store).read_bytes()
    real_open = os.open

    def open_to_read(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, "the system's words")
        return real_open(path, flags, mode)

    monkeypatch.setattr(os, "open", open_to_read)
    monkeypatch.setattr(os, "unlink", failing(errno.EROFS))
    read_only = os.strerror(errno.EROFS)
    assert withdraw(store) == confirm(store, "222") == put_back(store) == {KEY: read_only}
    assert path_of(store).read_bytes() == before


@pytest.mark.parametrize("step", ["create", "whole", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_first_confirmation_that_fails_leaves_no_file(
    store: Files, directory: pathlib.Path, steps: Steps, step: str, number: int
) -> None:
    step = f"write {len(written('111'))}" if step == "whole" else step
    steps.fails[step] = OSError(number, "the system's words")
    assert confirm(store) == {KEY: os.strerror(number)}
    assert names(directory) == []
    steps.fails.clear()
    assert confirm(store) == {}


@pytest.mark.parametrize("step", ["ftruncate", "append"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_further_confirmation_that_fails_leaves_the_previous_one_withdrawn(
    store: Files, steps: Steps, step: str, number: int
) -> None:
    confirm(store)
    withdraw(store)
    if step == "append":
        step = f"write {len(confirmation_line(confirmation('222')))}"
    steps.fails[step] = OSError(number, "the system's words")
    assert confirm(store, "222") == {KEY: os.strerror(number)}
    assert record_of(store) == Record(ENDPOINT, False, confirmation())
    steps.fails.clear()
    assert confirm(store, "222") == {}
    assert numbers_in(store) == ["222", "111"]


def test_a_disk_that_fills_up_within_a_line_leaves_the_previous_one_withdrawn(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(store)
    withdraw(store)
    real_write, space = os.pwrite, [20]

    def write(descriptor: int, data: bytes, place: int) -> int:
        if not space:
            raise OSError(errno.ENOSPC, "the system's words")
        return real_write(descriptor, data[: space.pop()], place)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", write)
        assert confirm(store, "222") == {KEY: NO_SPACE}
    assert record_of(store) == Record(ENDPOINT, False, confirmation())
    assert confirm(store, "222") == {}
    assert path_of(store).read_bytes().endswith(confirmation_line(confirmation("222")))
    assert numbers_in(store) == ["222", "111"]


@pytest.mark.parametrize("step", ["create", "whole", "sync file", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_rewrite_that_fails_leaves_the_history(
    store: Files, directory: pathlib.Path, steps: Steps, step: str, number: int
) -> None:
    given = [f"{1000 + place}" for place in range(MOST_CONFIRMATIONS)]
    path_of(store).write_bytes(written(*given))
    withdraw(store)
    before = path_of(store).read_bytes()
    if step == "whole":
        step = f"write {len(written(*given[1 - LONGEST_HISTORY :], '9999'))}"
    steps.fails[step] = OSError(number, "the system's words")
    assert confirm(store, "9999") == {KEY: os.strerror(number)}
    assert step in steps.done
    assert path_of(store).read_bytes() == before
    assert names(directory) == [f"{KEY}.record"]


def test_one_failure_in_a_batch_does_not_stop_the_others(store: Files) -> None:
    keys = [str(number) * 32 for number in range(3)]
    path_of(store, keys[1]).mkdir()
    changes = [change(store, key, number="111") for key in keys]
    assert list(store.write(changes, durable=False)) == [keys[1]]
    assert [read(store, key).record is None for key in keys] == [False, True, False]
    changes = [change(store, key, confirmed=False) for key in keys]
    assert list(store.write(changes, durable=True)) == [keys[1]]
    for key in (keys[0], keys[2]):
        assert record_of(store, key) == Record(ENDPOINT, False, confirmation())


def test_a_failed_sync_of_the_directory_fails_only_for_a_missing_record(
    store: Files, steps: Steps
) -> None:
    """Where there is one, no more than its history depends on its name."""
    keys = [str(number) * 32 for number in range(2)]
    confirm(store, key=keys[0])
    steps.fails["sync directory"] = OSError(errno.EIO, "the system's words")
    changes = [change(store, key, confirmed=False) for key in keys]
    assert store.write(changes, durable=True) == {keys[1]: os.strerror(errno.EIO)}
    assert record_of(store, keys[0]) == Record(ENDPOINT, False, confirmation())


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_accepted(
    store: Files, steps: Steps, number: int
) -> None:
    steps.fails["sync directory"] = OSError(number, "the system's words")
    assert withdraw(store) == {}
    path_of(store).write_bytes(NEWER)
    assert withdraw(store) == {}
    assert store.forget([KEY]) == {}


def test_a_record_rewritten_by_another_run_is_removed_and_not_damaged(store: Files) -> None:
    """Without a lock, what was read may be of yesterday."""
    confirm(store)
    withdrawing = change(store, confirmed=False)
    putting_back = change(store, confirmed=True)
    confirm(store, "222")
    anew = header_line("https://a-much-longer-name.example") + written("444").partition(b"\n")[2]
    path_of(store).write_bytes(anew)
    assert store.write([putting_back], durable=False) == {KEY: os.strerror(errno.ESTALE)}
    assert path_of(store).read_bytes() == anew
    assert store.write([withdrawing], durable=True) == {}
    assert read(store) == Found()


@pytest.mark.parametrize("step", ["create", "whole", "replace", "ftruncate", "append", "write 1"])
def test_an_interruption_leaves_a_whole_record_and_no_open_file(
    store: Files, steps: Steps, step: str
) -> None:
    is_first = step in ("create", "whole", "replace")
    if not is_first:
        confirm(store)
    sizes = {
        "whole": len(written("222")),
        "append": len(confirmation_line(confirmation("222"))),
    }
    steps.fails[f"write {sizes[step]}" if step in sizes else step] = Interrupted()
    descriptors = os.listdir("/dev/fd")
    with pytest.raises(Interrupted):
        withdraw(store) if step == "write 1" else confirm(store, "222")
    steps.fails.clear()
    assert record_of(store) == (None if is_first else Record(ENDPOINT, True, confirmation()))
    assert os.listdir("/dev/fd") == descriptors
    assert confirm(store, "222") == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation("222"))


# --- Forgetting and finding ---------------------------------------------------------------------


def test_forgetting_removes_a_record_with_its_history_and_syncs(
    store: Files, directory: pathlib.Path, steps: Steps
) -> None:
    assert store.lock([KEY]).obtained == {KEY}
    confirm(store)
    confirm(store, "222")
    steps.done.clear()
    assert store.forget([KEY]) == {}
    assert steps.done == ["unlink.record", "sync directory"]
    assert names(directory) == [f"{KEY}.lock"]
    assert store.forget([KEY]) == {}


def test_a_record_that_cannot_be_forgotten_is_reported(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [str(number) * 32 for number in range(2)]
    for key in keys:
        confirm(store, key=key)
    path_of(store, keys[0]).unlink()
    path_of(store, keys[0]).mkdir()
    failures = store.forget(keys)
    assert list(failures) == [keys[0]]
    assert names(pathlib.Path(store.name)) == [f"{keys[0]}.record"]


def test_find_returns_every_record_and_no_other_file(store: Files, directory: pathlib.Path) -> None:
    keys = [str(number) * 32 for number in range(3)]
    confirm(store, "111", keys[0])
    confirm(store, "222", keys[0])
    confirm(store, "333", keys[1])
    withdraw(store, keys[1])
    path_of(store, keys[2]).write_bytes(b"{")
    for name in ("0" * 32 + ".lock", "0" * 32 + ".tmp", "other.record", "x" + "0" * 32 + ".record"):
        (directory / name).write_bytes(b"no record")
    before = names(directory)
    found = {one.key: one for one in store.find()}
    assert sorted(found) == keys
    assert names(directory) == before
    assert found[keys[2]] == Unusable(keys[2], "is damaged")
    first, second = found[keys[0]], found[keys[1]]
    assert isinstance(first, Kept)
    assert isinstance(second, Kept)
    assert first.record == Record(ENDPOINT, True, confirmation("222"))
    assert list(first.confirmations) == [confirmation("222"), confirmation("111")]
    assert second.record == Record(ENDPOINT, False, confirmation("333"))
    assert list(second.confirmations) == [confirmation("333")]


def test_a_missing_directory_has_no_records(tmp_path: pathlib.Path) -> None:
    assert list(Files(str(tmp_path / "records")).find()) == []
    assert names(tmp_path) == []


def test_a_record_that_vanishes_meanwhile_is_left_out(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listdir", lambda _path: [f"{KEY}.record"])
    assert list(store.find()) == []


def test_an_unreadable_directory_raises_unreadable_store(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "records"
    place.touch()
    with pytest.raises(UnreadableStore) as caught:
        list(Files(str(place)).find())
    assert caught.value.reason == os.strerror(errno.ENOTDIR)


# --- The directory ------------------------------------------------------------------------------


def test_reading_creates_no_directory_and_no_file(
    tmp_path: pathlib.Path, directory: pathlib.Path
) -> None:
    store = Files(str(directory))
    assert store.obstacle() is None
    assert not store.may_be_locked(KEY)
    assert store.holder_of(KEY) is None
    assert read(store) == Found()
    assert names(tmp_path) == []


def test_locking_creates_a_directory_for_the_user_only(directory: pathlib.Path) -> None:
    store = Files(str(directory))
    assert store.lock([KEY]) == ({KEY}, {})
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    store.unlock([KEY])
    assert names(directory) == [f"{KEY}.lock"]
    assert stat.S_IMODE((directory / f"{KEY}.lock").stat().st_mode) == 0o600
    assert store.may_be_locked(KEY)


def test_locking_creates_no_directory_if_told_not_to(directory: pathlib.Path) -> None:
    store = Files(str(directory), makes_directory=False)
    assert store.lock([KEY]) == (set(), {KEY: os.strerror(errno.ENOENT)})
    assert not directory.exists()
    directory.mkdir(parents=True)
    assert store.lock([KEY]) == ({KEY}, {})
    assert names(directory) == [f"{KEY}.lock"]


def test_a_linked_directory_is_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    store = Files(str(tmp_path / "linked"))
    assert store.obstacle() is None
    assert store.lock([KEY]).obtained == {KEY}
    assert confirm(store) == {}
    assert record_of(store) == Record(ENDPOINT, True, confirmation())
    assert names(tmp_path / "real") == [f"{KEY}.lock", f"{KEY}.record"]


NOT_WRITABLE = "the directory can't be written to"


def test_a_file_or_a_dangling_link_is_not_a_writable_directory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for place in ("file", "file/below", "dangling"):
        store = Files(str(tmp_path / place))
        assert store.obstacle() == NOT_WRITABLE
        assert store.lock([KEY]) == (set(), {KEY: NOT_WRITABLE})
    assert names(tmp_path) == ["dangling", "file"]


def test_a_read_only_directory_refuses_every_lock(
    store: Files, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    keys = [KEY, "1" * 32]
    for place in (store, Files(str(directory / "below"))):
        assert place.obstacle() == NOT_WRITABLE
        assert place.lock(keys) == (set(), dict.fromkeys(keys, NOT_WRITABLE))
    assert names(directory) == []


# --- The locks ----------------------------------------------------------------------------------


def test_several_locks_are_taken_except_those_in_use(store: Files, directory: pathlib.Path) -> None:
    keys = [str(number) * 32 for number in range(4)]
    other = Files(str(directory))
    assert other.lock(keys[:1]).obtained == set(keys[:1])
    # Those in use are neither waited for nor impossible.
    assert store.lock(keys) == (set(keys[1:]), {})
    other.unlock(keys[:1])
    store.unlock(keys[1:2])
    assert other.lock(keys) == ({keys[0], keys[1]}, {})
    store.unlock(keys)
    assert other.lock(keys[2:]).obtained == set(keys[2:])


def is_new(store: Files) -> bool:
    """Tell whether the store takes it for certain that no earlier run left anything behind."""
    return store._is_new(KEY)


def test_a_record_is_new_to_the_run_that_creates_its_lock_and_takes_it_first(
    store: Files, directory: pathlib.Path
) -> None:
    store.lock([KEY])
    assert is_new(store)
    store.unlock([KEY])
    assert not is_new(store)
    later = Files(str(directory))
    later.lock([KEY])
    assert not is_new(later)


def test_a_record_is_not_new_if_another_run_took_the_created_lock_first(
    store: Files, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = Files(str(directory))
    real_flock = fcntl.flock

    def be_overtaken(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real_flock)
        assert faster.lock([KEY]).obtained == {KEY}
        assert not is_new(faster)
        faster.unlock([KEY])
        real_flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", be_overtaken)
    assert store.lock([KEY]).obtained == {KEY}
    assert not is_new(store)


def test_a_record_is_not_new_if_another_run_created_its_lock(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "records"
    store = Files(str(place))

    def be_overtaken(path: str, **_options: t.Any) -> None:
        pathlib.Path(path).mkdir()
        pathlib.Path(path, f"{KEY}.lock").touch()

    monkeypatch.setattr(os, "makedirs", be_overtaken)
    assert store.lock([KEY]).obtained == {KEY}
    assert not is_new(store)
    assert names(place) == [f"{KEY}.lock"]


def test_a_waiting_run_reads_who_holds_the_lock(store: Files, directory: pathlib.Path) -> None:
    store.lock([KEY])
    waiting = Files(str(directory))
    assert waiting.lock([KEY]) == (set(), {})
    holder = f"process {os.getpid()} on host {socket.gethostname()}"
    assert waiting.holder_of(KEY) == holder


def test_a_shorter_note_replaces_a_longer_one_completely(
    store: Files, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 4294967295)
    store.lock([KEY])
    store.unlock([KEY])
    monkeypatch.setattr(os, "getpid", lambda: 7)
    store.lock([KEY])
    assert str(store.holder_of(KEY)).startswith("process 7 on host ")


@pytest.mark.parametrize("note", ["", "x y\n", "1 a;b\n", "1\n", "\x1b[31m 7\n", "1 " + "a" * 78])
def test_a_malformed_note_in_a_lock_is_ignored(
    store: Files, directory: pathlib.Path, note: str
) -> None:
    store.lock([KEY])
    (directory / f"{KEY}.lock").write_text(note, encoding="ascii")
    assert store.holder_of(KEY) is None


@pytest.mark.parametrize("step", ["pwrite", "pread"])
def test_a_lock_is_taken_even_if_its_note_cannot_be_written_or_read(
    store: Files, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))
    assert store.lock([KEY]).obtained == {KEY}
    assert store.holder_of(KEY) is None


@pytest.mark.parametrize("error", [Interrupted(), OSError(errno.EIO, "the system's words")])
def test_a_failed_lock_is_neither_held_nor_left_open(
    store: Files, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    store.lock([KEY])
    store.unlock([KEY])
    descriptors = os.listdir("/dev/fd")

    def fail(_descriptor: int, _operation: int) -> t.NoReturn:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", fail)
        if isinstance(error, OSError):
            assert store.lock([KEY]) == (set(), {KEY: os.strerror(errno.EIO)})
        else:
            with pytest.raises(Interrupted):
                store.lock([KEY])
    assert os.listdir("/dev/fd") == descriptors
    assert store.lock([KEY]).obtained == {KEY}
    store.unlock([KEY])
    assert os.listdir("/dev/fd") == descriptors


def test_a_lock_in_use_leaves_no_file_open(store: Files, directory: pathlib.Path) -> None:
    store.lock([KEY])
    descriptors = os.listdir("/dev/fd")
    other = Files(str(directory))
    assert other.lock([KEY]).obtained == set()
    assert os.listdir("/dev/fd") == descriptors
    # Who does not have it can't let go of it.
    other.unlock([KEY])
    assert other.lock([KEY]).obtained == set()


def test_a_file_system_without_locks_is_reported(
    store: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    assert store.lock([KEY]) == (set(), {KEY: os.strerror(errno.ENOLCK)})


def test_a_lock_that_is_a_symbolic_link_is_not_followed(
    store: Files, directory: pathlib.Path
) -> None:
    (directory / f"{KEY}.lock").symlink_to(directory / "elsewhere")
    keys = [KEY, "1" * 32]
    # It keeps no other back.
    assert store.lock(keys) == ({keys[1]}, {KEY: os.strerror(errno.ELOOP)})
    assert names(directory) == [f"{KEY}.lock", f"{keys[1]}.lock"]


HOLD = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free(store: Files, directory: pathlib.Path) -> None:
    store.lock([KEY])
    store.unlock([KEY])
    command = [sys.executable, "-c", HOLD, str(directory / f"{KEY}.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert store.lock([KEY]) == (set(), {})
        process.kill()
        process.wait()
    assert store.lock([KEY]).obtained == {KEY}


def test_several_threads_with_different_keys_do_not_disturb_each_other(store: Files) -> None:
    count, rounds = 8, 30
    together = threading.Barrier(count)
    found: dict[str, list[Record | None]] = {}

    def work(key: str) -> None:
        together.wait(60)
        for number in range(rounds):
            assert store.lock([key]).obtained == {key}
            assert withdraw(store, key) == confirm(store, f"{1000 + number}", key) == {}
            found.setdefault(key, []).append(record_of(store, key))
            store.unlock([key])

    keys = [str(number) * 32 for number in range(count)]
    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [Record(ENDPOINT, True, confirmation(f"{1000 + n}")) for n in range(rounds)]
    assert found == dict.fromkeys(keys, expected)
