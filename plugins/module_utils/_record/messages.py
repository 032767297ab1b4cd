# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the user is told about the last-applied record: warnings, and why an update failed."""

from __future__ import annotations

from .._warned import Warned

NO_PLACE = "there is no home directory"


def store_unavailable(directory: str | None, reason: str) -> Warned:
    """Return the warning that no record can be used."""
    where = f" in {directory}" if directory else ""
    return Warned(
        "store_unavailable",
        f"No last-applied record can be used{where}: {reason}. The update is sent without it, and "
        "counts as changed. Choose a record_dir that can be written to, or record: false.",
    )


def record_unusable(path: str, fault: str) -> Warned:
    """Return the warning that what is in the record's place is ignored."""
    return Warned(
        "record_unusable",
        f"The last-applied record {path} {fault}. It is ignored, and the next confirmed "
        "update replaces it.",
    )


def record_left_out(path: str, fault: str) -> Warned:
    """Return the warning that what is in a record's place can't be shown."""
    return Warned(
        "record_left_out",
        f"The last-applied record {path} {fault}. It is left out. The next confirmed update of its "
        "campaign replaces it.",
    )


def records_unreadable(directory: str | None, reason: str) -> Warned:
    """Return the warning that it is not known which records there are."""
    where = f" in {directory}" if directory else ""
    return Warned("records_unreadable", f"No last-applied records can be read{where}: {reason}.")


def record_not_written(path: str, reason: str) -> Warned:
    """Return the warning that a confirmed update could not be recorded."""
    return Warned(
        "record_not_written",
        f"The update was confirmed, but the last-applied record {path} could not be written "
        f"({reason}), so the next run will count as changed. Check the directory and the disk.",
    )


def record_not_settled(path: str, reason: str) -> Warned:
    """Return the warning that the record could not be put in order after a failure."""
    return Warned(
        "record_not_settled",
        f"The last-applied record {path} could not be written after the failure ({reason}). "
        "Check the directory and the disk.",
    )


def record_not_withdrawn(campaign_name: str, path: str, reason: str) -> Warned:
    """Return the warning that another run may have recorded what does not hold any more."""
    return Warned(
        "record_not_withdrawn",
        f'Campaign "{campaign_name}" was updated without the lock of its last-applied record '
        f"{path}, and the record could not be withdrawn afterwards ({reason}). Another run may have "
        "written it meanwhile, so it may be wrong: remove it before the next run.",
    )


def record_in_the_way(path: str, reason: str) -> str:
    """Return why nothing may be sent: a later run would trust what the record says."""
    return (
        f"The last-applied record {path} can be neither withdrawn nor removed ({reason}), and a "
        "later run would trust it wrongly. Nothing was sent. Remove the file, or let the user who "
        "runs the update write to its directory; record_dir can name another one."
    )


def record_locked(campaign_name: str, path: str, holder: str | None, timeout: float) -> str:
    """Return why nothing was sent: another run had the lock all the time."""
    who = f"Another run ({holder})" if holder else "Another run"
    return (
        f'{who} is updating campaign "{campaign_name}" and holds the lock of the last-applied '
        f"record {path}. The whole timeout ({timeout:g} s) was spent waiting for it, and "
        "nothing was sent. Run it again later, or raise timeout; for one campaign over many "
        "hosts, use run_once."
    )


def records_not_readable(directory: str | None, reason: str) -> str:
    """Return why it is not known which records there are to withdraw or to remove."""
    return (
        f"{records_unreadable(directory, reason).text} Run this as the user who runs the updates, "
        "or name the directory of the records with record_dir."
    )


def record_not_changed(path: str, reason: str) -> str:
    """Return why a record could not be withdrawn or removed by hand."""
    return (
        f"The last-applied record {path} could not be changed ({reason}). Run this as the user who "
        "runs the updates, and check the directory and the disk."
    )


def record_held(path: str, holder: str | None) -> str:
    """Return why a record could not be changed: an update of the campaign is going on."""
    who = f"Another run ({holder})" if holder else "Another run"
    return (
        f"{who} holds the lock of the last-applied record {path}. Run it again later, or raise "
        "timeout."
    )


def store_out_of_reach(name: str, cause: str, done: str, advice: str) -> str:
    """Return why the records can't be used; ``done`` is a sentence about what was done, or empty."""
    sentences = (f"The last-applied records in {name} can't be used: {cause}.", done, advice)
    return " ".join(filter(None, sentences))


def update_too_late(campaign_name: str) -> str:
    """Return why nothing was sent: others don't wait for this run any more."""
    return (
        f'The time in which the update of campaign "{campaign_name}" could begin is over, and other '
        "runs do not wait for it any longer. Nothing was sent. Maybe the machine was suspended. Run "
        "it again."
    )


def mark_of_another_run(campaign_name: str, who: str | None, until: str) -> Warned:
    """Return the warning that another run may still send to the campaign."""
    run = f"A run of {who}" if who else "Another run"
    return Warned(
        "mark_of_another_run",
        f'{run} was interrupted while it updated campaign "{campaign_name}", and may send until '
        f"{until}. So this update counts as changed, and its record stays unconfirmed. Run it again "
        "after that time.",
    )


def record_taken_over(campaign_name: str, place: str) -> Warned:
    """Return the warning that somebody else wrote the record while the update was on its way."""
    return Warned(
        "record_taken_over",
        f'While campaign "{campaign_name}" was updated, the last-applied record {place} was written '
        "by somebody else, because this run had lost its lock. So the update counts as changed, and "
        "the record is unconfirmed. Run it again.",
    )


def record_not_closed(
    campaign_name: str, name: str, cause: str, advice: str, is_confirmed: bool
) -> Warned:
    """Return the warning that the record could not be written after the request."""
    what = "was confirmed" if is_confirmed else "is over"
    which = "this run and the next one count" if is_confirmed else "the next run counts"
    return Warned(
        "record_not_closed",
        f'The update of campaign "{campaign_name}" {what}, but its last-applied record in {name} could '
        f"not be written: {cause}. So {which} as changed. {advice}",
    )
