# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with the message of each case, which is read from top to bottom."""

from __future__ import annotations

import pathlib
import re
import textwrap
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import Case, Works
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.matrix import SECTIONS
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.playing import Outcome

FILE = pathlib.Path(__file__).with_name("messages.md")
HEAD = """\
<!--
Copyright (c) 2026, ozonetel.cloudagent contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What the user is told when something goes wrong

The message of each case of the fault matrix, as `ansible-playbook` shows it. Read it from top to bottom:
each message should make sense to somebody who has never seen the project, and say the cause, what came of
the update, and the next step. It is written anew by `.venv/bin/nox -s faults-2.22 -- --write-messages`.
"""
# What differs from run to run, and what stands for it.
CHANGING = {
    # The longest first, as it holds others.
    r"\S*/cases/\w+/(?:[\w-]+/)?records": "/records",
    r"[0-9a-f]{32}": "CAMPAIGN",
    r"database \S+ on \S+?\)": "database records on HOST)",
    r"\brunner_records_[0-9a-f]+": "runner",
    r"process \d+ on host [\w.-]+?(?=[,)])": "process 4711 on host HOST",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "2027-01-15T08:00:00Z",
    r"127\.0\.0\.1:\d+": "127.0.0.1:PORT",
    r"\b1[5-9] seconds|\b20 seconds": "17 seconds",
    r"on \S+'s Python \S+\.(?= )": "on HOST's Python /usr/bin/python3.",
    r"on \S+'s Python \S+": "on HOST's Python /usr/bin/python3.",
    # As ansible-core before 2.19 says it.
    r"of type <class '(\w+)'> and": r"of type \1 and",
}


def shown(outcome: Outcome) -> str:
    """Return the message and the warnings of a case, without what differs from run to run."""
    result = outcome.result
    texts = [result.get("msg") or "(no message)"]
    texts += [f"Warning: {warning}" for warning in result.get("warnings", [])]
    return "\n\n".join(_constant(text) for text in texts)


def render(told: t.Mapping[str, str]) -> str:
    """Return the file for the messages of all cases, by the names of hosts."""
    parts = [HEAD]
    for section, cases in SECTIONS.items():
        parts.append(f"## {section}\n")
        parts += [_render(case, told[case.host]) for case in cases]
    return "\n".join(parts)


def read_told() -> dict[str, str]:
    """Return what the file has under the heading of each case."""
    parts = re.split("^#{2,3} (.*)\n", FILE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    sections = set(SECTIONS)
    return {
        heading: text.strip()
        for heading, text in zip(parts[::2], parts[1::2])
        if heading not in sections
    }


def body(case: Case, text: str) -> str:
    """Return what stands under the heading of a case."""
    requests = "1 request" if case.requests == 1 else f"{case.requests} requests"
    if isinstance(case.ends, Works):
        what = f"Works, {'changed' if case.ends.changed else 'not changed'}; {requests}."
    elif case.ends.reason:
        what = f"Fails with `{case.ends.reason}`; outcome `{case.ends.outcome}`; {requests}."
    else:
        what = "Fails before the module checks anything itself."
    paragraphs = (
        textwrap.fill(line, 100, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n\n")
    )
    quoted = textwrap.indent("\n\n".join(paragraphs), "> ", lambda _line: True)
    return f"{what}\n\n{quoted}".replace("> \n", ">\n")


def heading_of(case: Case) -> str:
    """Return the heading of a case."""
    kinds = {"_bulk": "many campaigns", "_info": "showing records", "_record": "changing records"}
    kind = kinds.get(case.module[len("ozonetel_dynamic_dids") :])
    places = [kind] if kind else []
    places += ["PostgreSQL"] if case.has_database else []
    return f"{case.name} ({', '.join(places)})" if places else case.name


def _render(case: Case, text: str) -> str:
    return f"### {heading_of(case)}\n\n{body(case, text)}\n"


def _constant(text: str) -> str:
    for pattern, constant in CHANGING.items():
        text = re.sub(pattern, constant, text)
    # A server's text may look like Markdown, or like nothing on some screens.
    return text.replace("\ufffd", "?")
