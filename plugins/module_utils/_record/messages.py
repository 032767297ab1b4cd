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
        f"No last-applied record can be used{where}: {reason}. The update works without it, and "
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
    return Warned("record_left_out", f"The last-applied record {path} {fault}. It is left out.")


def records_unreadable(directory: str | None, reason: str) -> Warned:
    """Return the warning that it is not known which records there are."""
    where = f" in {directory}" if directory else ""
    return Warned("records_unreadable", f"No last-applied records can be read{where}: {reason}.")


def record_not_written(path: str, reason: str) -> Warned:
    """Return the warning that a confirmed update could not be recorded."""
    return Warned(
        "record_not_written",
        f"The update was confirmed, but the last-applied record {path} could not be written "
        f"({reason}), so the next run will count as changed. Look at the directory and the disk.",
    )


def record_not_settled(path: str, reason: str) -> Warned:
    """Return the warning that the record could not be put in order after a failure."""
    return Warned(
        "record_not_settled",
        f"The last-applied record {path} could not be written after the failure ({reason}). "
        "Look at the directory and the disk.",
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
        "runs the updates, and look at the directory and the disk."
    )


def record_held(path: str, holder: str | None) -> str:
    """Return why a record could not be changed: an update of the campaign is going on."""
    who = f"Another run ({holder})" if holder else "Another run"
    return (
        f"{who} holds the lock of the last-applied record {path}. Run it again later, or raise "
        "timeout."
    )
