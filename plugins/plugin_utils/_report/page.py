# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The page that shows what was applied: from the campaigns of the info module to HTML."""

from __future__ import annotations

import base64
import hashlib
import itertools
import pathlib
import re
import typing as t

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

Shown = t.Mapping[str, t.Any]

_FOLDER = pathlib.Path(__file__).parent
# How many names are shown at once; more are folded away.
_MOST_OPEN = 20
# Those of a group are laid out together.
_ROWS_OF_GROUP = 100
# Of all campaigns together, so that the page of 10,000 campaigns stays below 10 MB.
_MOST_EARLIER = 20_000
# A note that is nothing but a URL, such as that of a pipeline's job.
_LINK = re.compile(r"https?://[!-~]+")


class Pair(t.NamedTuple):
    """A pair of lists that was confirmed, as it is shown."""

    dynamic: str
    fallback: str
    at: str
    by: str
    note: str


class Campaign(t.NamedTuple):
    """A campaign as it is shown.

    Attributes:
        number: of its place on the page.
        now: the lists that were confirmed last.
        earlier: those before them, newest first.
    """

    number: int
    name: str
    account: str
    confirmed: bool
    now: Pair
    earlier: list[Pair]


class User(t.NamedTuple):
    """A campaign that uses a number; ``fallback``: only in its fallback dynamic DIDs."""

    number: int
    name: str
    fallback: bool


class Account(t.NamedTuple):
    """The campaigns of an account; ``shared``: the numbers that several of them use."""

    username: str
    endpoint: str
    campaigns: list[Campaign]
    shared: list[tuple[str, list[User]]]


class Report(t.NamedTuple):
    """All that the page shows.

    Attributes:
        numbers: how many different ones the campaigns have.
        shared: how many numbers several campaigns of an account use.
        latest: when lists were confirmed last.
        cut: how many earlier pairs of a campaign are shown where some are left out, or None.
        records: where the record is.
        warnings: what could not be read.
    """

    accounts: list[Account]
    campaigns: int
    numbers: int
    shared: int
    unconfirmed: list[Campaign]
    latest: str
    cut: int | None
    records: str | None
    warnings: list[str]


def make_page(recorded: Shown) -> str:
    """Return the page, the same for the same record.

    Args:
        recorded: what the info module returned, at least one campaign.
    """
    most = _most_earlier(len(recorded["campaigns"]))
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(hashed=_hashed, moment=_format_moment)
    environment.tests["link"] = lambda note: _LINK.fullmatch(note) is not None
    return environment.get_template("page.html.j2").render(
        report=_read(recorded, most),
        most_open=_MOST_OPEN,
        rows_of_group=_ROWS_OF_GROUP,
        style=_part("page.css"),
        script=_part("page.js"),
    )


def count_shared(campaigns: t.Iterable[Shown]) -> int:
    """Return how many numbers several campaigns of an account use."""
    accounts = itertools.groupby(campaigns, key=_account_of)
    return sum(len(_find_shared(list(enumerate(own)))) for _account, own in accounts)


def count_left_out(campaigns: t.Sequence[Shown]) -> int:
    """Return how many earlier pairs of lists have no room on the page."""
    most = _most_earlier(len(campaigns))
    return sum(max(0, len(one["history"]) - 1 - most) for one in campaigns)


def _most_earlier(campaigns: int) -> int:
    """Return how many earlier pairs of each campaign have room on the page."""
    return max(1, _MOST_EARLIER // campaigns)


def _read(recorded: Shown, most: int) -> Report:
    numbered = list(enumerate(recorded["campaigns"], start=1))
    groups = itertools.groupby(numbered, key=lambda entry: _account_of(entry[1]))
    accounts = [_read_account(*account, list(own), most) for account, own in groups]
    campaigns = [one for account in accounts for one in account.campaigns]
    return Report(
        accounts=accounts,
        campaigns=len(campaigns),
        numbers=len({number for _place, one in numbered for number in _numbers_of(one)}),
        shared=sum(len(account.shared) for account in accounts),
        unconfirmed=[one for one in campaigns if not one.confirmed],
        latest=max(one.now.at for one in campaigns),
        cut=most if count_left_out(recorded["campaigns"]) else None,
        records=recorded.get("records"),
        warnings=recorded.get("warnings", []),
    )


def _account_of(campaign: Shown) -> tuple[str, str]:
    return campaign["endpoint"], campaign["username"]


def _numbers_of(campaign: Shown) -> t.Iterator[str]:
    return itertools.chain(campaign["dynamic_dids"], campaign["fallback_dynamic_dids"])


def _read_account(
    endpoint: str, username: str, campaigns: list[tuple[int, Shown]], most: int
) -> Account:
    return Account(
        username=username,
        endpoint=endpoint,
        campaigns=[
            Campaign(
                number=number,
                name=one["campaign_name"],
                account=username,
                confirmed=one["confirmed"],
                now=_read_pair(one),
                # The first one is the pair above.
                earlier=[_read_pair(pair) for pair in one["history"][1 : most + 1]],
            )
            for number, one in campaigns
        ],
        shared=_find_shared(campaigns),
    )


def _read_pair(confirmed: Shown) -> Pair:
    return Pair(
        dynamic=", ".join(confirmed["dynamic_dids"]),
        fallback=", ".join(confirmed["fallback_dynamic_dids"]),
        at=confirmed["applied_at"],
        by=confirmed["applied_by"],
        note=confirmed["note"] or "",
    )


def _find_shared(campaigns: list[tuple[int, Shown]]) -> list[tuple[str, list[User]]]:
    """Return the numbers that several campaigns use, the most used first."""
    users: dict[str, list[User]] = {}
    for place, one in campaigns:
        dynamic = set(one["dynamic_dids"])
        for number in dict.fromkeys(_numbers_of(one)):
            user = User(place, one["campaign_name"], number not in dynamic)
            users.setdefault(number, []).append(user)
    shared = [(number, found) for number, found in users.items() if len(found) > 1]
    return sorted(shared, key=lambda entry: (-len(entry[1]), entry[0]))


def _part(name: str) -> Markup:
    """Return our own style or script, without the comment above it."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return Markup(text.partition("\n\n")[2])  # noqa: S704


def _hashed(part: str) -> str:
    """Return what allows this part of the page in its content security policy."""
    digest = hashlib.sha256(part.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _format_moment(time: str) -> str:
    """Return a time such as 2027-01-15T08:00:00Z as it is read; UTC stands above it."""
    return time.replace("T", " ").removesuffix("Z")
