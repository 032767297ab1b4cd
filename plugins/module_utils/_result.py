# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The results that the modules return: plain dictionaries, as design and documentation fix them."""

from __future__ import annotations

import typing as t

from ._failure import UNEXPECTED_ANSWER, UpdateFailure
from ._http.attempt import UNKNOWN, Exchange
from ._masking.secret import mask_secret
from ._options import Campaign
from ._record.record import DIFFERS, FIRST_SEEN, SAME, UNAVAILABLE, UNCONFIRMED, Confirmation
from ._unexpected import describe_unexpected

Result = t.Dict[str, t.Any]


def empty_result(campaign_name: object) -> Result:
    """Return a result of which nothing is known yet but the campaign's name."""
    return {
        "changed": False,
        "campaign_name": campaign_name,
        "dynamic_dids": None,
        "fallback_dynamic_dids": None,
        "endpoint": None,
        "sent": False,
        "changed_basis": None,
        "api_message": None,
        "http_status": None,
        "attempts": 0,
    }


def input_result(endpoint: str, campaign: Campaign) -> Result:
    """Return the part of a result that is known once the options were read."""
    return {
        "campaign_name": campaign.name,
        "dynamic_dids": campaign.dynamic.numbers,
        "fallback_dynamic_dids": campaign.fallback.numbers,
        "endpoint": endpoint,
    }


def predicted_result(campaign: Campaign, basis: str, place: str | None) -> Result:
    """Return the part that check mode adds."""
    if basis == SAME:
        msg = f'Campaign "{campaign.name}" would be unchanged: {_counted(campaign)}.'
    else:
        msg = f'Would update campaign "{campaign.name}": {_counted(campaign)}.'
    return {"changed": basis != SAME, "msg": f"{msg} {_why(basis, place)} Nothing was sent."}


def skipped_result(campaign: Campaign, place: str | None) -> Result:
    """Return the part that an update adds that was not needed."""
    return {
        "changed": False,
        "msg": f'Campaign "{campaign.name}" is unchanged: {_counted(campaign)}. {_why(SAME, place)} '
        "Nothing was sent (skip_unchanged).",
    }


def confirmed_result(
    campaign: Campaign, exchange: Exchange, basis: str, place: str | None
) -> Result:
    """Return the part that a confirmed update adds."""
    if basis == SAME:
        msg = f'Campaign "{campaign.name}" is unchanged: {_counted(campaign)}, sent again.'
    else:
        msg = f'Updated campaign "{campaign.name}": {_counted(campaign)}.'
    msg = f"{msg} {_why(basis, place)}"
    return {
        "changed": basis != SAME,
        "msg": msg,
        "sent": True,
        "api_message": exchange.last.api_message,
        "http_status": exchange.last.http_status,
        "attempts": len(exchange.attempts),
    }


def failed_result(failure: UpdateFailure) -> Result:
    """Return the part that a failure adds."""
    return {
        "changed": False,
        "msg": failure.message,
        "sent": failure.sent,
        "http_status": failure.http_status,
        "api_message": failure.api_message,
        "attempts": failure.attempts,
        "failure": failure.details,
    }


def unexpected_result(error: BaseException) -> Result:
    """Return the part that an error of the collection itself adds.

    It tells where the error came up, and nothing of what it says, which may hold a secret.
    """
    msg = (
        f"Unexpected error in the collection: {describe_unexpected(error)}. Whether the update was "
        "applied is not known. It is safe to run it again. Please report this message."
    )
    failure = UpdateFailure(UNEXPECTED_ANSWER, msg, UNKNOWN)
    return {"changed": False, "msg": msg, "failure": failure.details}


def mask_secret_in(result: Result, secret: str) -> Result:
    """Return the result with the secret masked in its texts, in whatever form it is there.

    Ansible itself masks it as it was given, and that everywhere: in the lists as well
    (remove_values in ansible/module_utils/common/parameters.py).
    """
    return {key: _masked(value, secret) for key, value in result.items()}


def _masked(value: t.Any, secret: str) -> t.Any:
    if isinstance(value, str):
        return mask_secret(value, secret)
    return mask_secret_in(value, secret) if isinstance(value, dict) else value


def campaign_diff(
    endpoint: str, campaign: Campaign, basis: str, last: Confirmation | None
) -> dict[str, str]:
    """Return the lists before and after in the form that Ansible shows for ``--diff``.

    Args:
        endpoint: the normalised base URL.
        campaign: what is sent.
        basis: what the record says.
        last: what the server last confirmed, when that is known.
    """
    before_header = f'campaign "{campaign.name}" at {endpoint}'
    after = _both_listed(campaign.dynamic.numbers, campaign.fallback.numbers)
    if last is None:
        known = "no record is used" if basis == UNAVAILABLE else "nothing was recorded before"
        before = f"Not known: CloudAgent can't be asked, and {known}.\n"
    else:
        before = _both_listed(last.lists.dynamic_dids, last.lists.fallback_dynamic_dids)
    if last is not None and basis == UNCONFIRMED:
        before_header = (
            f'campaign "{last.lists.campaign_name}" at {endpoint}, as last confirmed at '
            f"{last.applied_at}; not certain to hold"
        )
        # Without a difference, Ansible would show nothing of an update that is reported as changed:
        # CallbackBase._get_diff in ansible/plugins/callback/__init__.py.
        before = before if before != after else f"Not certain to hold:\n{before}"
    return {
        "before_header": before_header,
        "before": before,
        "after_header": f'campaign "{campaign.name}" at {endpoint}',
        "after": after,
    }


def _why(basis: str, place: str | None) -> str:
    """Return the sentence about what ``changed`` rests on."""
    return _WHY[basis].format(place=place)


_WHY = {
    FIRST_SEEN: "No earlier update of the campaign is recorded in {place}.",
    DIFFERS: "The lists differ from those confirmed last, according to the record in {place}.",
    SAME: "These are the lists confirmed last, according to the record in {place}.",
    UNCONFIRMED: "What it had before is not certain: the record in {place} is not confirmed.",
    UNAVAILABLE: "No record was used, so nothing is known of the lists before.",
}


def _both_listed(dynamic: list[str], fallback: list[str]) -> str:
    return _listed("dynamic_dids", dynamic) + _listed("fallback_dynamic_dids", fallback)


def _listed(name: str, numbers: list[str]) -> str:
    return "\n".join([f"{name}:", *(f"  {number}" for number in numbers), ""])


def _counted(campaign: Campaign) -> str:
    dynamic, fallback = len(campaign.dynamic.numbers), len(campaign.fallback.numbers)
    return f"{dynamic} dynamic {_dids(dynamic)}, {fallback} fallback dynamic {_dids(fallback)}"


def _dids(count: int) -> str:
    return "DID" if count == 1 else "DIDs"
