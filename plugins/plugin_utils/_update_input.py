# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the playbook update_dynamic_dids is given: its campaigns, or what is wrong with them."""

from __future__ import annotations

import os
import typing as t

from ..module_utils._options import campaign_argument_spec
from ._campaigns_csv import CampaignTable, read_campaigns_csv
from ._csv_table import CsvFaults, few_faults, format_cell
from ._playbook_variables import mistyped_variable_faults
from ._spelling import closest_names

_PLAYBOOK = "update_dynamic_dids"
_KEYS = tuple(campaign_argument_spec())
_HOW_TO_GIVE = [
    "Give a CSV file with -e cloudagent_csv=campaigns.csv, or a variables file with -e @campaigns.yml:",
    "cloudagent_campaigns:",
    "  - campaign_name: Sales",
    '    dynamic_dids: ["9140001001", "9140001002"]',
    '    fallback_dynamic_dids: ["9140002001"]',
]


class UpdateInput(t.NamedTuple):
    """What was given.

    Attributes:
        campaigns: the value for the module; None when anything is wrong.
        faults: sentences, the first ones of many.
        ignored_columns: the headers of a CSV file that are not used.
    """

    campaigns: t.Sequence[t.Any] | None
    faults: list[str]
    ignored_columns: t.Sequence[str] = ()


def read_update_input(names: t.Collection[str], campaigns: object, csv_path: object) -> UpdateInput:
    """Return the campaigns that the playbook was given, or its faults.

    Args:
        names: the names of all variables that are set.
        campaigns: the value of ``cloudagent_campaigns``, or None.
        csv_path: the value of ``cloudagent_csv``, or None; ``~`` is expanded.
    """
    mistyped = mistyped_variable_faults(names, _PLAYBOOK)
    if mistyped:
        return UpdateInput(None, few_faults(mistyped))
    if campaigns is not None and csv_path is not None:
        return _wrong("Both cloudagent_campaigns and cloudagent_csv are set. Give one of them.")
    if csv_path is not None:
        return _read_csv(csv_path)
    if campaigns is not None:
        return _check_campaigns(campaigns)
    if "cloudagent_campaigns" in names:
        return _wrong("cloudagent_campaigns is empty.", *_HOW_TO_GIVE)
    if "campaigns" in names:
        return _wrong(
            "The variable campaigns is set, and the playbook reads cloudagent_campaigns. Rename it."
        )
    return _wrong("Neither cloudagent_campaigns nor cloudagent_csv is set.", *_HOW_TO_GIVE)


def _read_csv(csv_path: object) -> UpdateInput:
    if not isinstance(csv_path, str) or not csv_path.strip():
        return _wrong("cloudagent_csv is not the path of a file.")
    path = os.path.abspath(os.path.expanduser(csv_path))
    try:
        table = _read_file(path)
    except OSError as error:
        return _wrong(_unreadable(path, csv_path, error))
    except ValueError:
        return _wrong(f"cloudagent_csv names {csv_path!a}, which is not a valid path.")
    except CsvFaults as error:
        return _wrong(f"{path} cannot be used:", *few_faults(error.faults))
    if not table.campaigns:
        return _wrong(f"{path} has no campaigns below its header.")
    return UpdateInput(table.campaigns, [], table.ignored)


def _read_file(path: str) -> CampaignTable:
    # What is not UTF-8 arrives as lone surrogates, which are refused with a hint.
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return read_campaigns_csv(file.read())


def _unreadable(path: str, given: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        why = "does not exist"
    elif isinstance(error, IsADirectoryError):
        why = "is a directory"
    else:
        why = "cannot be read"
    if path == given:
        return f"cloudagent_csv names {path}, which {why}."
    return (
        f"cloudagent_csv names {path}, which {why}. A relative path counts from the directory in which "
        "ansible-playbook was called."
    )


def _check_campaigns(campaigns: object) -> UpdateInput:
    if isinstance(campaigns, str):
        return _wrong(
            "cloudagent_campaigns is text, not a list of campaigns. For the path of a CSV file, the "
            "variable is cloudagent_csv.",
            *_HOW_TO_GIVE,
        )
    if not isinstance(campaigns, (list, tuple)):
        return _wrong("cloudagent_campaigns is not a list of campaigns.", *_HOW_TO_GIVE)
    if not campaigns:
        return _wrong("cloudagent_campaigns is empty.", *_HOW_TO_GIVE)
    faults = [
        fault
        for position, entry in enumerate(campaigns, start=1)
        for fault in _entry_faults(position, entry)
    ]
    return UpdateInput(None if faults else campaigns, few_faults(faults))


def _entry_faults(position: int, entry: object) -> t.Iterator[str]:
    place = f"Entry {position} of cloudagent_campaigns"
    if not isinstance(entry, dict):
        yield f"{place} is not a campaign with the keys {', '.join(_KEYS)}."
        return
    name = entry.get("campaign_name")
    if isinstance(name, str) and name.strip():
        place += f" (campaign {format_cell(name)})"
    missing = [key for key in _KEYS if key not in entry]
    unknown = [str(key) for key in entry if key not in _KEYS]
    for key in missing:
        meant = closest_names(key, unknown)
        hint = f" Did you mean it by {' or '.join(map(format_cell, meant))}?" if meant else ""
        yield f"{place} lacks {key}.{hint}"
    if unknown and not missing:
        yield f"{place} has {', '.join(map(format_cell, unknown))}, which is no key of a campaign."


def _wrong(*faults: str) -> UpdateInput:
    return UpdateInput(None, list(faults))
