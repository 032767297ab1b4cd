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

# How many confirmed pairs of lists are kept for each campaign.
LONGEST_HISTORY = 100

# What is in the place of a record that can't be used; completes a sentence.
DAMAGED = "is damaged"

Value = t.TypeVar("Value")


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
    """Lists that the server confirmed.

    Attributes:
        lists: what was sent.
        applied_at: when it was confirmed: UTC, ISO 8601.
        applied_by: the user and the host that sent it, such as ``deploy@runner``.
        note: what the user had noted with it, such as the URL of a pipeline's job, or None.
    """

    lists: Lists
    applied_at: str
    applied_by: str
    note: str | None = None


class Record(t.NamedTuple):
    """What is known of one campaign; its history is read only when somebody asks for it.

    Attributes:
        endpoint: the normalised base URL.
        confirmed: the newest confirmation still holds; False once it was withdrawn.
        last: the newest confirmation, whether it holds or was withdrawn.
    """

    endpoint: str
    confirmed: bool
    last: Confirmation


def checked_confirmation(
    username: object,
    campaign_name: object,
    dynamic_dids: object,
    fallback_dynamic_dids: object,
    applied_at: object,
    applied_by: object,
    note: object,
) -> Confirmation:
    """Return the confirmation that these values are, which anybody may have written.

    Raises:
        TypeError: one of them is of another type than in a confirmation.
    """
    lists = Lists(
        _checked(str, username),
        _checked(str, campaign_name),
        _checked_texts(dynamic_dids),
        _checked_texts(fallback_dynamic_dids),
    )
    checked_note = None if note is None else _checked(str, note)
    return Confirmation(lists, _checked(str, applied_at), _checked(str, applied_by), checked_note)


def record_key(endpoint: str, username: str, campaign_name: str) -> str:
    """Return a short key for the campaign; it tells nothing of what it is made from.

    Spellings that a server might take for the same campaign share one key. That is right also when
    the server tells them apart: the record tells which one was confirmed last.
    """
    identity = json.dumps([endpoint, folded_name(username), folded_name(campaign_name)])
    return hashlib.sha256(identity.encode("ascii")).hexdigest()[:32]


def folded_name(name: str) -> str:
    """Return one text for all spellings that a server might take for the same name."""
    # For ASCII, which most names are, there is nothing to normalise.
    normalised = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return " ".join(normalised.casefold().split())


def basis_of(record: Record | None, endpoint: str, lists: Lists) -> str:
    """Return what ``changed`` rests on when these lists are sent."""
    if record is None:
        return FIRST_SEEN
    if not record.confirmed or record.endpoint != endpoint:
        return UNCONFIRMED
    if record.last.lists.names != lists.names:
        return UNCONFIRMED
    return SAME if record.last.lists == lists else DIFFERS


def history_of(confirmations: t.Iterable[Confirmation], limit: int) -> list[Confirmation]:
    """Return the confirmed pairs that differ from their neighbours, newest first.

    Other spellings of the names than the newest one may belong to another campaign, and are left
    out.

    Args:
        confirmations: newest first.
        limit: how many pairs to return at most.
    """
    kept: list[Confirmation] = []
    for confirmation in confirmations:
        if len(kept) == limit:
            break
        if kept and confirmation.lists.names != kept[0].lists.names:
            continue
        if not kept or kept[-1].lists != confirmation.lists:
            kept.append(confirmation)
    return kept


def _checked(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _checked_texts(value: object) -> list[str]:
    texts = _checked(list, value)
    if not set(map(type, texts)) <= {str}:
        raise TypeError
    return texts
