# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the last-applied records in files."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import typing as t
import zlib

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import Files
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    BULK,
    CAMPAIGN,
    INFO,
    OTHER_LISTS,
    RECORD,
    RECORD_FAILED,
    SHORT,
    Case,
    Options,
    Place,
    Prepare,
    Works,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    after_request,
)


def disk(kind: str, is_recorded: bool = False) -> Prepare:
    """Put the records on a disk that fails in a way: see stand_ins/sitecustomize.py."""

    def prepare(place: Place) -> Options:
        place.records = place.folder / f"{kind}-disk" / "records"
        if is_recorded:
            place.update_before()
        return {}

    return prepare


def recorded(spoil: t.Callable[[pathlib.Path], None], kind: str = "") -> Prepare:
    """Have a record, and do this to it."""

    def prepare(place: Place) -> Options:
        if kind:
            disk(kind)(place)
        place.update_before()
        spoil(record_in(place))
        return {}

    return prepare


def record_in(place: Place) -> pathlib.Path:
    (path,) = place.records.glob("*.record")
    return path


def damage(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"914000", b"914111"))


def damage_all(path: pathlib.Path) -> None:
    path.write_bytes(os.urandom(300))


def write_as_newer(path: pathlib.Path) -> None:
    text = json.dumps({"version": 3, "endpoint": "?"}).encode()
    path.write_bytes(b"#%08x %s\n" % (zlib.crc32(text), text))


def link(path: pathlib.Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def replace_by_pipe(path: pathlib.Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path: pathlib.Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "kept").touch()


def lock(place: Place) -> Options:
    place.update_before()
    files, key = Files(str(place.records)), record_in(place).stem
    assert files.lock([key]).obtained == {key}
    place.closing.callback(files.unlock, [key])
    return {}


def while_sent(action: t.Callable[[Place], object], is_recorded: bool = True) -> Prepare:
    """Have a record, and do this between the request and its answer, which confirms."""

    def prepare(place: Place) -> Options:
        if is_recorded:
            place.update_before()

        def behave(connection: AcceptedConnection) -> None:
            action(place)
            connection.send(CONFIRMED)

        place.server.behaviours = (after_request(behave),)
        return {}

    return prepare


def lose(place: Place) -> None:
    shutil.rmtree(place.records)


CASES = [
    Case("A damaged record", Works(), requests=1, prepare=recorded(damage)),
    Case("A record of random bytes", Works(), requests=1, prepare=recorded(damage_all)),
    Case("A record of a newer version", Works(), requests=1, prepare=recorded(write_as_newer)),
    Case(
        "A record of a newer version on a read-only disk",
        RECORD_FAILED,
        prepare=recorded(write_as_newer, "read-only"),
    ),
    Case("A link in place of a record", Works(), requests=1, prepare=recorded(link)),
    Case(
        "A named pipe in place of a record", Works(), requests=1, prepare=recorded(replace_by_pipe)
    ),
    Case("A folder in place of a record", Works(), requests=1, prepare=recorded(replace_by_folder)),
    Case("A locked record", RECORD_FAILED, prepare=lock, options={"timeout": SHORT}),
    Case("A full disk, and no record before", Works(), requests=1, prepare=disk("full")),
    Case(
        "A full disk, and other lists before",
        Works(),
        requests=1,
        prepare=disk("full", is_recorded=True),
        options=OTHER_LISTS,
    ),
    Case(
        "A read-only disk, and no record before",
        Works(),
        requests=1,
        prepare=disk("read-only"),
    ),
    Case(
        "A read-only disk, and the same lists before",
        Works(),
        requests=1,
        prepare=disk("read-only", is_recorded=True),
    ),
    Case(
        "A read-only disk, and other lists before",
        RECORD_FAILED,
        prepare=disk("read-only", is_recorded=True),
        options=OTHER_LISTS,
    ),
    Case(
        "A read-only disk in check mode, and other lists before",
        RECORD_FAILED,
        prepare=disk("read-only", is_recorded=True),
        options=OTHER_LISTS,
        check=True,
    ),
    Case("A broken disk, and no record before", Works(), requests=1, prepare=disk("broken")),
    Case(
        "A broken disk, and other lists before",
        RECORD_FAILED,
        prepare=disk("broken", is_recorded=True),
        options=OTHER_LISTS,
    ),
    Case(
        "A record_dir below a file",
        Works(),
        requests=1,
        options={"record_dir": "/dev/null/records"},
    ),
    Case(
        "The records are removed while the request is on its way",
        Works(),
        prepare=while_sent(lose),
        requests=1,
        options=OTHER_LISTS,
    ),
    Case(
        "The third of three campaigns is locked",
        RECORD_FAILED,
        requests=2,
        module=BULK,
        prepare=lock,
        options={
            "campaigns": [
                *({**CAMPAIGN, "campaign_name": name} for name in ("Support", "Field")),
                CAMPAIGN,
            ],
            "timeout": SHORT,
        },
        summary={"changed": 2, "failed": 1},
    ),
    Case(
        "A full disk under many campaigns",
        Works(),
        requests=2,
        module=BULK,
        prepare=disk("full"),
        options={"campaigns": [CAMPAIGN, {**CAMPAIGN, "campaign_name": "Support"}]},
        summary={"changed": 2},
    ),
    Case("A damaged record is to be shown", Works(False), module=INFO, prepare=recorded(damage)),
    Case(
        "Records are to be shown, and their folder is a file",
        Works(False),
        module=INFO,
        options={"record_dir": "/dev/null"},
    ),
    Case(
        "A locked record is to be withdrawn",
        RECORD_FAILED,
        module=RECORD,
        prepare=lock,
        options={"state": "unconfirmed", "all": True, "timeout": SHORT},
    ),
    Case(
        "A record on a read-only disk is to be withdrawn",
        RECORD_FAILED,
        module=RECORD,
        prepare=disk("read-only", is_recorded=True),
        options={"state": "unconfirmed", "all": True},
    ),
    Case(
        "A damaged record is to be forgotten",
        Works(False),
        module=RECORD,
        prepare=recorded(damage),
        options={"state": "absent", "all": True},
    ),
    Case(
        "Records are to be forgotten, and their folder is a file",
        RECORD_FAILED,
        module=RECORD,
        options={"state": "absent", "all": True, "record_dir": "/dev/null"},
    ),
]
