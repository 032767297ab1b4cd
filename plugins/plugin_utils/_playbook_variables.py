# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The variables of the shipped playbooks, and the names that were probably mistyped."""

from __future__ import annotations

import typing as t

from ..module_utils._bulk.options import bulk_argument_spec
from ._spelling import closest_names

PREFIX = "cloudagent_"


def _variables(options: t.Iterable[str], *others: str) -> frozenset[str]:
    return frozenset(PREFIX + name for name in (*options, *others))


# Account, endpoint, record and speed: every shipped playbook that sends takes these.
_COMMON = tuple(option for option in bulk_argument_spec() if option != "campaigns")
# Which records, and how they are reached.
RECORD_OPTIONS = ("username", "region", "api_url", "record_dir", "record_url", "timeout")

# By playbook. A test compares each with the text of the playbook and with its guide.
PLAYBOOK_VARIABLES = {
    "update_dynamic_dids": _variables(bulk_argument_spec(), "csv"),
    "put_back": _variables(_COMMON, "campaign", "all", "before"),
    "take_out": _variables(_COMMON, "did", "at_least", "replacement"),
    # It sends nothing. Account and endpoint choose what is shown.
    "report": _variables(RECORD_OPTIONS, "report", "history_limit"),
}
# Nobody meant another variable by one of these, also where a playbook makes no use of it.
_ALL_VARIABLES = frozenset().union(*PLAYBOOK_VARIABLES.values())


def mistyped_variable_faults(names: t.Iterable[str], playbook: str) -> list[str]:
    """Return a sentence for each name that is almost one of the playbook's variables.

    Args:
        names: the names of all variables that are set.
        playbook: a key of ``PLAYBOOK_VARIABLES``.
    """
    known = sorted(PLAYBOOK_VARIABLES[playbook])
    # A leading underscore marks the playbook's own variables.
    others = (name for name in names if name not in _ALL_VARIABLES and not name.startswith("_"))
    meant = ((name, closest_names(name, known)) for name in others)
    return [_fault(name, found) for name, found in sorted(meant) if found]


def _fault(name: str, meant: list[str]) -> str:
    return f"The variable {name} is not known. Did you mean {' or '.join(meant)}?"
