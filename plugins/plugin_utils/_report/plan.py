# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The playbook report: where its page is written and what it is about, or why it is not written."""

from __future__ import annotations

import os
import typing as t

from ...module_utils._failure import InvalidInput
from .._plan import format_count, format_place
from .page import Shown, count_left_out, count_shared

Plan = t.Dict[str, t.Any]


def plan_report(recorded: Shown, report: object, check_mode: bool) -> Plan:
    """Return the absolute path of the page and the lines to print, or why there is no page.

    Args:
        recorded: what the info module returned.
        report: the variable ``cloudagent_report``, or None; ``~`` is expanded.
        check_mode: nothing is written.
    """
    try:
        path = _read_path(report)
        _require_campaigns(recorded)
    except InvalidInput as error:
        return {"refusal": error.message, "path": "", "lines": []}
    return {"refusal": "", "path": path, "lines": _lines(recorded, path, check_mode)}


def _read_path(report: object) -> str:
    """Return where the page is to be.

    Raises:
        InvalidInput: nothing can be written there.
    """
    if report is None:
        raise InvalidInput("Name the file to write, such as -e cloudagent_report=report.html.")
    if not isinstance(report, str) or not report.strip() or "\0" in report:
        raise InvalidInput("cloudagent_report is not the path of a file.")
    path = os.path.abspath(os.path.expanduser(report))
    folder = os.path.dirname(path)
    # A path that ends with a slash is that of a directory, also where there is none yet.
    if os.path.isdir(path) or report.endswith("/"):
        fault = "is a directory. Add the name of a file, such as report.html"
    elif not os.path.isdir(folder):
        fault = "is in a directory that does not exist"
    elif not os.access(path if os.path.exists(path) else folder, os.W_OK):
        fault = "cannot be written by the user that runs the playbook"
    else:
        return path
    raise InvalidInput(f"cloudagent_report names {path}, which {fault}.{_hint(report)}")


def _hint(report: str) -> str:
    if os.path.isabs(os.path.expanduser(report)):
        return ""
    return " A relative path counts from the directory in which ansible-playbook was called."


def _require_campaigns(recorded: Shown) -> None:
    """Check that there is anything to show, as an empty page would replace a good one.

    Raises:
        InvalidInput: there is no campaign.
    """
    if recorded["campaigns"]:
        return
    place = format_place(recorded["records"])
    raise InvalidInput(
        f"Nothing was written, because there is no record of any such campaign {place}. Use the place of "
        "the records that the updates used. cloudagent_username, cloudagent_region and "
        "cloudagent_api_url choose an account and an endpoint; leave them out to show all."
    )


def _lines(recorded: Shown, path: str, check_mode: bool) -> list[str]:
    campaigns = recorded["campaigns"]
    accounts = len({(one["endpoint"], one["username"]) for one in campaigns})
    unconfirmed = sum(not one["confirmed"] for one in campaigns)
    shared = format_count(count_shared(campaigns), "number")
    about = f"{format_count(len(campaigns))} of {format_count(accounts, 'account')}"
    lines = [
        f"{about}; {unconfirmed:,} not confirmed; {shared} in several campaigns.",
        f"In check mode, nothing is written to {path}." if check_mode else f"The page is {path}",
    ]
    left_out = count_left_out(campaigns)
    if left_out:
        lines.append(f"{format_count(left_out, 'earlier pair')} of lists had no room on it.")
    return lines
