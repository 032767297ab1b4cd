# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Withdrawing and forgetting records by hand: from a module's options to its result."""

from __future__ import annotations

import os
import typing as t

from .._ending import end_with_result, failure_in
from .._failure import RECORD_FAILED, InvalidInput, UpdateFailure
from .._http.clock import Clock, Deadline
from .._masking.secret import masking
from .._options import ABSENT, UNCONFIRMED, Params, checked_timeout, choose_record_place
from .._record.marking import out_of_reach
from .._record.messages import NO_PLACE, record_held, record_not_changed, records_not_readable
from .._record.opening import open_store, prepare_module
from .._record.store import Change, Kept, Store, StoreUnavailable, UnreadableStore
from .._result import Result, failed_result
from .filter import RecordFilter, read_record_filter
from .info import Shown, format_campaign, names_of, wanted_records

# So many locks are held at a time.
MOST_LOCKS = 100
PAUSE_SECONDS = 0.05


def change_records(module: t.Any, clock: Clock | None = None) -> None:
    """End the module with what came of the change that its options ask for.

    Args:
        module: an AnsibleModule, or what has its ``params``, ``check_mode``, ``_diff``, ``warn``,
            ``exit_json`` and ``fail_json``.
        clock: tells the time, and waits.
    """
    result: Result = {"changed": False, "campaigns": []}
    with failure_in(result, _failed):
        _change(result, module, clock or Clock())
    end_with_result(module, result)


def _change(result: Result, module: t.Any, clock: Clock) -> None:
    params = module.params
    state, wanted = params["state"], _read_filter(params)
    deadline = Deadline(clock, checked_timeout(params["timeout"]))
    place = choose_record_place(params, os.environ)
    prepare_module(module, place)
    store = open_store(place, not module.check_mode, deadline.remaining())
    if store is None:
        raise UpdateFailure(RECORD_FAILED, records_not_readable(None, NO_PLACE))
    warn = masking(module.warn, params["api_key"] or "")
    kept = wanted_records(store, wanted, warn)
    trouble = None
    try:
        chosen = [record for record in kept if _has_to_change(record, state)]
    except UnreadableStore as error:
        raise UpdateFailure(RECORD_FAILED, records_not_readable(store.name, error.reason)) from None
    except StoreUnavailable as fault:
        raise out_of_reach(store.name, fault, _changed(0)) from None
    changes = RecordChanges(store, state, chosen)
    if not module.check_mode:
        trouble = changes.make(deadline, clock)
    result.update(changes.result(module.check_mode))
    if module._diff:
        result["diff"] = changes.diff()
    if trouble is not None:
        raise out_of_reach(store.name, trouble, _changed(len(changes.done)))
    if changes.failures:
        raise UpdateFailure(RECORD_FAILED, changes.failure_message())


def _read_filter(params: Params) -> RecordFilter:
    wanted = read_record_filter(params)
    # Account and endpoint may come from the action group's defaults.
    if wanted.campaign_name is None and wanted.did is None and not params["all"]:
        raise InvalidInput(
            "Neither campaign_name nor did is given. Name the records by one of them, or give "
            "all: true for all that the other filters choose."
        )
    return wanted


def _has_to_change(kept: Kept, state: str) -> bool:
    return state == ABSENT or kept.record.confirmed


class RecordChanges:
    """Records on their way to another state.

    Attributes:
        done: those that were changed, or in check mode are to be.
        failures: why others could not be changed, by their keys.
    """

    def __init__(self, store: Store, state: str, chosen: list[Kept]) -> None:
        self._store = store
        self._state = state
        self.done = chosen
        self.failures: dict[str, str] = {}

    def make(self, deadline: Deadline, clock: Clock) -> StoreUnavailable | None:
        """Change them, each under its lock, and return what was in the way of the others, if any."""
        left, self.done = self.done, []
        try:
            self._make(left, deadline, clock)
        except StoreUnavailable as trouble:
            return trouble
        return None

    def _make(self, left: list[Kept], deadline: Deadline, clock: Clock) -> None:
        while left:
            left = [kept for part in _parts(left) for kept in self._try(part)]
            if left and not deadline.remaining():
                for kept in left:
                    holder = self._store.holder_of(kept.key)
                    self.failures[kept.key] = record_held(self._store.place_of(kept.key), holder)
                return
            if left:
                clock.sleep(min(PAUSE_SECONDS, deadline.remaining()))

    def _try(self, part: list[Kept]) -> list[Kept]:
        """Change those whose lock can be had at once, and return the others."""
        by_key = {kept.key: kept for kept in part}
        obtained, impossible = self._store.lock(list(by_key))
        try:
            failures = {**impossible, **self._write(sorted(obtained))}
        finally:
            self._store.unlock(obtained)
        for key, reason in failures.items():
            self.failures[key] = record_not_changed(self._store.place_of(key), reason)
        self.done += [by_key[key] for key in sorted(obtained) if key not in failures]
        return [by_key[key] for key in by_key if key not in obtained and key not in impossible]

    def _write(self, keys: list[str]) -> dict[str, str]:
        if self._state == ABSENT:
            return self._store.forget(keys)
        # An update may have come in between.
        found = self._store.read(keys)
        changes = [Change(key, "", found[key], confirmed=False) for key in keys]
        return self._store.write(changes, durable=True)

    def result(self, check_mode: bool) -> Result:
        """Return the part of the result that is about what was changed."""
        shown = sorted((_format_without_history(kept) for kept in self.done), key=names_of)
        count = f"{len(shown):,} record" if len(shown) == 1 else f"{len(shown):,} records"
        done = "are now" if len(shown) != 1 else "is now"
        if check_mode:
            done = "would be"
        msg = f"{count} {done} {self._state}." if shown else "There was nothing to change."
        return {"changed": bool(shown), "campaigns": shown, "msg": msg}

    def diff(self) -> dict[str, str]:
        """Return the records before and after in the form that Ansible shows for ``--diff``."""
        shown = sorted((_format_without_history(kept) for kept in self.done), key=names_of)
        before = "".join(_line(campaign, _state_of(campaign)) for campaign in shown)
        after = "".join(_line(campaign, self._state) for campaign in shown)
        where = f"last-applied records in {self._store.name}"
        return {
            "before_header": where,
            "before": before,
            "after_header": where,
            "after": after if self._state == UNCONFIRMED else "",
        }

    def failure_message(self) -> str:
        """Return the sentences about what could not be changed."""
        reasons = list(self.failures.values())
        more = f" The same for {len(reasons) - 1:,} more." if len(reasons) > 1 else ""
        return f"{reasons[0]}{more} {_changed(len(self.done))}"


def _changed(count: int) -> str:
    if not count:
        return "No record was changed."
    return f"{count:,} record was changed." if count == 1 else f"{count:,} records were changed."


def _failed(failure: UpdateFailure) -> Result:
    """Return the part of the result that tells of a failure; what was changed stays told."""
    whole = failed_result(failure)
    return {key: whole[key] for key in ("msg", "failure")}


def _parts(left: list[Kept]) -> t.Iterator[list[Kept]]:
    for first in range(0, len(left), MOST_LOCKS):
        yield left[first : first + MOST_LOCKS]


def _format_without_history(kept: Kept) -> Shown:
    shown = format_campaign(kept, history_limit=0)
    del shown["history"]
    return shown


def _line(campaign: Shown, state: str) -> str:
    endpoint, username, campaign_name = names_of(campaign)
    return f'campaign "{campaign_name}" of {username} at {endpoint}: {state}\n'


def _state_of(campaign: Shown) -> str:
    return "confirmed" if campaign["confirmed"] else "unconfirmed"
