# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for leaks finds each form of a secret in each place, when one is planted there."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    Case,
    Place,
    Works,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.leaks import (
    find_leaks,
    forms_of,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.playing import (
    AS_A_MODULE,
    Play,
    new_secrets,
    start_postgres,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import why_no_server

SECRETS = new_secrets()
KEY = SECRETS.api_key
FORMS = forms_of(KEY)
NO_SERVER = why_no_server()
PLACES = ("the screen", "the log", "the results", "syslog", "the records", "an async job", "HOME")
# A case in whose database something is planted; the play around it is this file's own.
CASE = Case("A leak", Works(), has_database=not NO_SERVER)


class LeakingPlay(Play):
    """A play whose tasks write all forms of the key to every place."""

    def __init__(self, folder: pathlib.Path, postgres: t.Any) -> None:
        case = CASE._replace(prepare=plant_in_database) if postgres else CASE
        super().__init__(folder, [case], AS_A_MODULE, SECRETS, postgres)

    def _plays(self) -> list[dict[str, t.Any]]:
        # Ansible hides none of it, as no option of a module is said to be secret.
        plain, forms = self.folder / "plain", " | ".join(FORMS.values())
        plain.write_text(forms, encoding="utf-8")
        job, record = self.home / ".ansible_async" / "1.1", self.folder / "cases" / "a.record"
        job.parent.mkdir()
        tasks = [
            # A name is shown as it is, and the module's options are logged.
            {"name": forms, "ansible.builtin.stat": {"path": forms}, "ignore_errors": True},
            {"ansible.builtin.debug": {"msg": forms}},
            *(
                {"ansible.builtin.copy": {"src": str(plain), "dest": str(dest), "mode": "0600"}}
                for dest in (job, record)
            ),
        ]
        return [{"hosts": CASE.host, "gather_facts": False, "tasks": tasks}]

    def _outcomes(self, _screen: str) -> dict[str, t.Any]:
        return {}


def plant_in_database(place: Place) -> dict[str, t.Any]:
    """Make a table of records that has all forms of the key."""
    name = place.new_database()
    values = ", ".join("('" + form.replace("'", "''") + "')" for form in FORMS.values())
    schema = "CREATE SCHEMA ozonetel_cloudagent"
    table = "CREATE TABLE ozonetel_cloudagent.campaigns (note text)"
    insert = f"INSERT INTO ozonetel_cloudagent.campaigns VALUES {values}"
    place.postgres.execute(f"{schema}; {table}; {insert}", name)
    return {}


@pytest.fixture(name="texts", scope="module")
def _texts(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, str]]:
    postgres = None if NO_SERVER else start_postgres(SECRETS)
    yield LeakingPlay(tmp_path_factory.mktemp("leaks") / "play", postgres).run().texts
    if postgres:
        postgres.remove()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", [*PLACES, "the database"])
def test_a_planted_leak_is_found(place: str, form: str, texts: dict[str, str]) -> None:
    if place == "the database" and NO_SERVER:
        pytest.skip(f"tests/postgres: {NO_SERVER}")
    assert (place, "the API key", form) in find_leaks(texts, {"the API key": KEY})


def test_a_key_that_is_nowhere_is_not_found(texts: dict[str, str]) -> None:
    assert find_leaks(texts, {"another key": new_secrets().api_key}) == set()


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_told_from_the_others(form: str) -> None:
    """Of a key with quotes, slashes, spaces and more, hardly two forms are the same."""
    same = [name for name, written in FORMS.items() if written == FORMS[form]]
    assert len(same) == 1
