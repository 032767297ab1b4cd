# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What a last-applied record holds, and what it says about an update: no files, no clock."""

from __future__ import annotations

import hashlib
import json
import typing as t
import unicodedata

FIRST_SEEN = "first_seen"
DIFFERS = "differs"
SAME = "same"
UNCONFIRMED = "unconfirmed"
UNAVAILABLE = "unavailable"

VERSION = 1
LONGEST_HISTORY = 10


class Lists(t.NamedTuple):
    """Both lists of a campaign, and the names that they were sent with, in their exact spelling."""

    username: str
    campaign_name: str
    dynamic_dids: list[str]
    fallback_dynamic_dids: list[str]

    @property
    def names(self) -> tuple[str, str]:
        """Return the account's name and the campaign's, as they are spelled."""
        return self.username, self.campaign_name


class Confirmation(t.NamedTuple):
    """Lists that the server confirmed, and when: UTC, ISO 8601."""

    applied_at: str
    lists: Lists


class Record(t.NamedTuple):
    """All that is kept of one campaign.

    Attributes:
        endpoint: the normalised base URL.
        confirmed: the newest confirmation still holds; False once it was withdrawn.
        history: at least one confirmation, newest first; no two neighbours have the same lists.
    """

    endpoint: str
    confirmed: bool
    history: list[Confirmation]

    @property
    def last(self) -> Confirmation:
        """Return the newest confirmation, whether it holds or was withdrawn."""
        return self.history[0]


class UnusableRecord(ValueError):
    """A text that is no record; the message completes a sentence that begins with its file."""


class NewerRecord(UnusableRecord):
    """A record that a newer version of the collection wrote, and may trust."""


def record_name(endpoint: str, username: str, campaign_name: str) -> str:
    """Return a short name for the campaign's files; it tells nothing of what it is made from.

    Spellings that a server might take for the same campaign share one name. That is right also
    when the server tells them apart: the record tells which one was confirmed last.
    """
    identity = json.dumps([endpoint, folded_name(username), folded_name(campaign_name)])
    return hashlib.sha256(identity.encode("ascii")).hexdigest()[:32]


def folded_name(name: str) -> str:
    """Return what all spellings have in common that a server might take for the same name."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def basis_of(record: Record | None, endpoint: str, lists: Lists) -> str:
    """Return what ``changed`` rests on when these lists are sent."""
    if record is None:
        return FIRST_SEEN
    if not record.confirmed or record.endpoint != endpoint:
        return UNCONFIRMED
    if record.last.lists.names != lists.names:
        return UNCONFIRMED
    return SAME if record.last.lists == lists else DIFFERS


def with_confirmation(record: Record | None, endpoint: str, confirmation: Confirmation) -> Record:
    """Return the record after the server confirmed an update."""
    earlier = record.history if record else []
    if earlier and earlier[0].lists == confirmation.lists:
        earlier = earlier[1:]
    return Record(endpoint, True, [confirmation, *earlier][:LONGEST_HISTORY])


def write_record(record: Record) -> str:
    """Return the record as JSON text."""
    content = {
        "version": VERSION,
        "endpoint": record.endpoint,
        "confirmed": record.confirmed,
        "history": [
            {"applied_at": confirmation.applied_at, **confirmation.lists._asdict()}
            for confirmation in record.history
        ],
    }
    return json.dumps(content) + "\n"


def read_record(text: bytes) -> Record:
    """Return the record that a JSON text holds.

    Raises:
        NewerRecord: a newer version of the collection wrote it.
        UnusableRecord: it is no record.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableRecord("is damaged") from None
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise NewerRecord("was written by a newer version of the collection")
    if version != VERSION:
        raise UnusableRecord("is damaged")
    try:
        return _record_from(content)
    except (KeyError, TypeError, UnicodeEncodeError):
        raise UnusableRecord("is damaged") from None


def _record_from(content: dict[str, t.Any]) -> Record:
    history = [
        Confirmation(
            _checked_text(entry["applied_at"]),
            Lists(
                _checked_text(entry["username"]),
                _checked_text(entry["campaign_name"]),
                _checked_numbers(entry["dynamic_dids"]),
                _checked_numbers(entry["fallback_dynamic_dids"]),
            ),
        )
        for entry in _checked(list, content["history"])
    ]
    if not history:
        raise TypeError
    return Record(_checked_text(content["endpoint"]), _checked(bool, content["confirmed"]), history)


Value = t.TypeVar("Value")


def _checked(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _checked_text(value: object) -> str:
    text = _checked(str, value)
    # JSON can spell half of a surrogate pair, and Ansible refuses a result that holds one.
    text.encode("utf-8")
    return text


def _checked_numbers(value: object) -> list[str]:
    return [_checked_text(number) for number in _checked(list, value)]
