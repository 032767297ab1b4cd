# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The lines of a record's file: no files here, only bytes.

A file is a line that names the version and the endpoint, and then a line for each confirmed pair of
lists, oldest first. A line is one character, a checksum, and JSON. The character before the last
line says whether that confirmation holds: ``+``, or ``-`` once it was withdrawn. So withdrawing
overwrites a single byte, which no crash can leave half-written and no full disk refuses, and
confirming appends a line. What a loss of power leaves of a line has a wrong checksum, and then no
confirmation holds: the one before it was withdrawn.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t
import zlib

from ..record import DAMAGED, Confirmation, Lists, Record, checked_confirmation

FORMAT_VERSION = 2

HEADER = b"#"
CONFIRMED = b"+"
WITHDRAWN = b"-"
_FIELDS = (*Lists._fields, *Confirmation._fields[1:])
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class UnusableRecord(ValueError):
    """Lines that are no record; the message completes a sentence that begins with their place."""


class NewerRecord(UnusableRecord):
    """A record that a newer version of the collection wrote, and may trust."""


class Content(t.NamedTuple):
    """What the lines of a file say.

    Attributes:
        record: the record.
        data: the bytes.
        first: where the first line of a confirmation begins.
        last: where the last one begins.
        end: where it ends; what follows is what a crash left of a line.
    """

    record: Record
    data: bytes
    first: int
    last: int
    end: int

    @property
    def lines(self) -> list[bytes]:
        """Return the lines of the confirmations, oldest first."""
        return self.data[self.first : self.end].splitlines(keepends=True)


def header_line(endpoint: str) -> bytes:
    """Return the first line of a file."""
    return _line(HEADER, {"version": FORMAT_VERSION, "endpoint": endpoint})


def confirmation_line(confirmation: Confirmation) -> bytes:
    """Return the line of a confirmation that holds."""
    lists, *others = confirmation
    return _line(CONFIRMED, dict(zip(_FIELDS, (*lists, *others))))


def read_lines(data: bytes) -> Content:
    """Return what the bytes of a file say; only the last confirmation is looked into.

    Raises:
        NewerRecord: a newer version of the collection wrote them.
        UnusableRecord: they are no record.
    """
    first = data.find(b"\n") + 1
    endpoint = _read_header(data[:first])
    end = data.rfind(b"\n") + 1
    is_whole = end == len(data)
    while end > first:
        last = data.rfind(b"\n", 0, end - 1) + 1
        line = data[last:end]
        try:
            confirmation = read_confirmation(line)
        except UnusableRecord:
            is_whole, end = False, last
            continue
        confirmed = is_whole and line[:1] == CONFIRMED
        return Content(Record(endpoint, confirmed, confirmation), data, first, last, end)
    raise UnusableRecord(DAMAGED)


def read_confirmation(line: bytes) -> Confirmation:
    """Return the confirmation that a line holds, withdrawn or not.

    Raises:
        UnusableRecord: the line is damaged.
    """
    if line[:1] not in (CONFIRMED, WITHDRAWN):
        raise UnusableRecord(DAMAGED)
    content = _read_line(line)
    try:
        return checked_confirmation(*(content[name] for name in _FIELDS))
    except (KeyError, TypeError):
        raise UnusableRecord(DAMAGED) from None


# Almost all records of a run are those of one endpoint.
@functools.lru_cache(maxsize=4)
def _read_header(line: bytes) -> str:
    if line[:1] != HEADER:
        raise UnusableRecord(DAMAGED)
    content = _read_line(line)
    version, endpoint = content.get("version"), content.get("endpoint")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise NewerRecord("was written by a newer version of the collection")
    if version != FORMAT_VERSION:
        raise UnusableRecord(DAMAGED)
    if not isinstance(endpoint, str):
        raise UnusableRecord(DAMAGED)
    return endpoint


def _line(kind: bytes, content: dict[str, t.Any]) -> bytes:
    text = json.dumps(content).encode("ascii")
    return b"%s%08x %s\n" % (kind, zlib.crc32(text), text)


def _read_line(line: bytes) -> dict[str, t.Any]:
    text = line[10:-1]
    if line[1:10] != b"%08x " % zlib.crc32(text) or line[-1:] != b"\n":
        raise UnusableRecord(DAMAGED)
    try:
        content = json.loads(text.decode("ascii"))
        if _SURROGATE.search(text):
            # JSON can spell half of a surrogate pair (RFC 8259, section 8.2), and Ansible refuses a
            # result that holds one: its setting MODULE_STRICT_UTF8_RESPONSE.
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise UnusableRecord(DAMAGED) from None
    if not isinstance(content, dict):
        raise UnusableRecord(DAMAGED)
    return content
