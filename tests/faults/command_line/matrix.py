# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cases, in the order in which their messages are read."""

from __future__ import annotations

from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import Case
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.cases import (
    answers,
    connections,
    databases,
    many,
    options,
    records,
)

SECTIONS = {
    "What is wrong with the task": options.CASES,
    "What the server answers": answers.CASES,
    "What becomes of the connection": connections.CASES,
    "Many campaigns in one task": many.CASES,
    "Records in files": records.CASES,
    "Records in PostgreSQL": databases.CASES,
}
ALL_CASES: list[Case] = [case for cases in SECTIONS.values() for case in cases]
