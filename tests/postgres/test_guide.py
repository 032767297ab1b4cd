# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of the guide to the shared record, executed as it stands there."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import updates
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import marking, record
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules import changes
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.controller import Controller
from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import (
    API_KEY,
    BLOCKS,
    DATABASE,
    FOUND,
    GUIDE,
    KINDS,
    PASSWORD,
    A,
    B,
    Installation,
    changed,
    commands,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import GUIDE_ROLE, Server


def test_every_block_is_executed() -> None:
    assert [kind for _margin, kind, _text in FOUND] == list(KINDS.values())
    tests = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert [name for name in KINDS if f'BLOCKS["{name}"]' not in tests] == []


def test_the_numbers_are_those_of_the_code() -> None:
    words = " ".join(GUIDE.split())
    assert f"longer than {marking.MARGIN_SECONDS:g} seconds between looking at the clock" in words
    assert words.count(f"at most {marking.MARGIN_SECONDS:g} seconds after") == 2
    assert (updates.LEAST_SPARE_SECONDS, "the ``timeout`` and a minute" in words) == (60.0, True)
    assert f"keeps the last {record.LONGEST_HISTORY} pairs" in words
    assert f"``ozonetel_dynamic_dids_record`` holds up to {changes.MOST_LOCKS}" in words


# --- Setting it up ---


def test_the_second_run_is_unchanged(installation: Installation, cloudagent: CloudAgent) -> None:
    block = BLOCKS["two runs"]
    url = {"OZONETEL_API_URL": cloudagent.url, "PGSSLROOTCERT": installation.authority}
    account = {"OZONETEL_USERNAME": "acme", "OZONETEL_API_KEY": API_KEY}
    variables = {**installation.variables, **url, **account}
    output = installation.run(commands(block), f"{PASSWORD}\n", **variables)
    assert changed(output) == changed(block) == [1, 0]


def test_the_first_update_creates_the_tables(
    own_server: Server, tmp_path: pathlib.Path, cloudagent: CloudAgent
) -> None:
    installation = Installation(own_server, tmp_path)
    installation.relay.stop()
    installation.psql(BLOCKS["role and database"])
    installation.as_superuser(
        commands(BLOCKS["password and tables"]).splitlines()[0], f"{PASSWORD}\n{PASSWORD}\n"
    )
    url = own_server.url(DATABASE, GUIDE_ROLE).replace("@/", f":{PASSWORD}@/")
    refused = Controller(cloudagent.url, url).update(**A)
    assert "the role cloudagent_runner may not create them" in refused["msg"]
    installation.psql(BLOCKS["tables by the first update"])
    assert Controller(cloudagent.url, url).update(**A)["changed_basis"] == "first_seen"


def test_the_reading_role_reads(installation: Installation, cloudagent: CloudAgent) -> None:
    installation.psql(f"\\c {DATABASE}\n{BLOCKS['reading role']}")
    assert BLOCKS["reading role"].startswith("CREATE ROLE cloudagent_reader LOGIN;")
    Controller(cloudagent.url, installation.server.url(DATABASE)).update(**A, campaign_name="Read")
    reader = Controller(cloudagent.url, installation.server.url(DATABASE, "cloudagent_reader"))
    assert reader.update(**A, campaign_name="Read", check_mode=True)["changed_basis"] == "same"
    assert reader.show(campaign_name="Read")["campaigns"][0]["confirmed"] is True
    assert "may not write the tables" in reader.update(**A, campaign_name="Read")["msg"]


# --- Passwords ---


@pytest.mark.parametrize("way", ["password file", "service file"])
def test_the_password_in_a_file(
    installation: Installation,
    cloudagent: CloudAgent,
    way: str,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in installation.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGSSLROOTCERT", installation.authority)
    url = {
        "password file": "postgresql://cloudagent_runner@db.example/cloudagent_records?sslmode=verify-full",
        "service file": "postgresql:///?service=cloudagent",
    }[way]
    assert f"{url}``" in GUIDE or f"{url}'" in GUIDE
    text = {"password file": BLOCKS["password file"], "service file": BLOCKS["service file"]}[way]
    assert "the-password" in text
    file = tmp_path / "file"
    file.write_text(text.replace("the-password", PASSWORD), encoding="utf-8")
    file.chmod(0o600)
    variable = {"password file": "PGPASSFILE", "service file": "PGSERVICEFILE"}[way]
    monkeypatch.setenv(variable, str(file))
    result = Controller(cloudagent.url, url).update(**A, campaign_name=way)
    assert result["changed_basis"] == "first_seen", result
    assert "cloudagent" in result["msg"]


# --- Emergencies ---


def play(folder: pathlib.Path, block: str) -> str:
    """Write a playbook of the guide, and return the command that runs it."""
    path = folder / "playbook.yml"
    path.write_text(block, encoding="utf-8")
    return f"ansible-playbook {path}"


def test_an_emergency_without_the_database(
    installation: Installation, cloudagent: CloudAgent, tmp_path: pathlib.Path
) -> None:
    url = installation.server.url(DATABASE)
    name = "Emergency"
    before = Controller(cloudagent.url, url)
    before.update(**B, campaign_name=name)
    account = {"OZONETEL_USERNAME": "acme", "OZONETEL_API_KEY": API_KEY}
    unreachable = {"OZONETEL_RECORD_URL": "postgresql://127.0.0.1:1/nowhere"}
    output = installation.job(
        cloudagent, commands(BLOCKS["emergency"]), **account, **unreachable, campaign=name
    )
    assert changed(output) == [1]
    assert cloudagent.lists[name] == ("9140001001", "9140002001")
    # This is what the withdrawal is for.
    assert before.update(**B, campaign_name=name, check_mode=True)["changed"] is False
    script = play(tmp_path, BLOCKS["withdraw some"]) + " -e @campaigns.yml"
    output = installation.job(cloudagent, script, OZONETEL_RECORD_URL=url, campaign=name)
    assert changed(output) == [1]
    result = before.update(**B, campaign_name=name, skip_unchanged=True)
    assert (result["changed"], result["changed_basis"]) == (True, "unconfirmed")
    assert cloudagent.lists[name] == ("9140001002", "9140002001")


def test_all_confirmations_are_withdrawn(
    installation: Installation, cloudagent: CloudAgent, tmp_path: pathlib.Path
) -> None:
    url = installation.server.url(DATABASE)
    for name in ("First", "Second"):
        Controller(cloudagent.url, url).update(**A, campaign_name=name)
    script = play(tmp_path, BLOCKS["withdraw all"])
    assert changed(installation.job(cloudagent, script, OZONETEL_RECORD_URL=url)) == [1]
    confirmed = "SELECT count(*) FROM ozonetel_cloudagent.campaigns WHERE confirmed"
    assert installation.server.execute(confirmed, DATABASE) == [(0,)]


# --- Questions ---


class Past:
    """Campaigns with a past, in a database of their own."""

    def __init__(self, server: Server, database: str, cloudagent: CloudAgent) -> None:
        self._server = server
        self._database = database
        self.controller = Controller(cloudagent.url, server.url(database))

    def apply(self, campaign: str, did: str, at: str, note: str | None = None) -> None:
        """Apply lists at a time of the past."""
        self.controller.update(
            campaign_name=campaign,
            dynamic_dids=[did],
            fallback_dynamic_dids=["9140002001"],
            record_note=note,
        )
        self.execute(
            f"UPDATE ozonetel_cloudagent.campaigns SET applied_at = '{at}' "
            f"WHERE campaign_name = '{campaign}'; "
            f"UPDATE ozonetel_cloudagent.history SET applied_at = '{at}' "
            "WHERE id = (SELECT max(id) FROM ozonetel_cloudagent.history)"
        )

    def execute(self, statement: str) -> list[dict[str, t.Any]]:
        """Execute a statement, and return its rows with the names of the columns."""
        import psycopg
        from psycopg.rows import dict_row

        url = self._server.url(self._database)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            # The tests' own text, and the guide's.
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(name="past")
def _past(server: Server, database: str, cloudagent: CloudAgent) -> Past:
    return Past(server, database, cloudagent)


def test_which_campaigns_show_a_number(past: Past) -> None:
    past.apply("Sales", "9140001001", "2027-03-01")
    past.apply("Was there once", "9140001001", "2027-03-01")
    past.apply("Was there once", "9140001003", "2027-03-02")
    past.apply("Maybe", "9140001001", "2027-03-01", note="Ticket 1")
    past.controller.change("unconfirmed", campaign_name="Maybe")
    past.controller.update(
        campaign_name="As a fallback",
        dynamic_dids=["9140001003"],
        fallback_dynamic_dids=["9140002001", "9140001001"],
    )
    rows = past.execute(BLOCKS["with a number"])
    assert [(row["campaign_name"], row["confirmed"], row["note"]) for row in rows] == [
        ("As a fallback", True, None),
        ("Maybe", False, "Ticket 1"),
        ("Sales", True, None),
    ]
    assert {row["username"] for row in rows} == {"acme"}
    assert all("@" in row["applied_by"] for row in rows)


def test_what_a_campaign_showed_on_a_day(past: Past) -> None:
    past.apply("Sales", "9140001001", "2027-02-01 12:00 Asia/Kolkata")
    past.apply(
        "Sales", "9140001002", "2027-02-20 12:00 Asia/Kolkata", note="the day begins with it"
    )
    past.apply("Sales", "9140001003", "2027-03-03 10:00 Asia/Kolkata", note="set on that day")
    past.apply("Sales", "9140001004", "2027-03-04 00:00 Asia/Kolkata")
    past.apply("Support", "9140001005", "2027-03-03 10:00 Asia/Kolkata")
    rows = past.execute(BLOCKS["on a day"])
    assert [(row["dynamic_dids"], row["note"]) for row in rows] == [
        (["9140001002"], "the day begins with it"),
        (["9140001003"], "set on that day"),
    ]
    assert rows[0]["replaced_at"] == rows[1]["applied_at"]
    assert all("@" in row["applied_by"] for row in rows)


def test_the_newest_pair_has_no_end(past: Past) -> None:
    past.apply("Sales", "9140001001", "2027-02-01 12:00 Asia/Kolkata")
    (row,) = past.execute(BLOCKS["on a day"])
    assert row["replaced_at"] is None


def test_what_is_not_confirmed(past: Past, cloudagent: CloudAgent) -> None:
    past.apply("Sales", "9140001001", "2027-03-01")
    past.apply("Withdrawn", "9140001001", "2027-03-01")
    past.controller.change("unconfirmed", campaign_name="Withdrawn")
    asked: list[dict[str, t.Any]] = []
    cloudagent.before = lambda _campaign: asked.extend(past.execute(BLOCKS["not confirmed"]))
    past.controller.update(**A, campaign_name="On its way")
    assert [row["campaign_name"] for row in asked] == ["On its way", "Withdrawn"]
    assert "@" in asked[0]["sending_by"]
    assert asked[0]["sending_until"] > asked[0]["sending_since"]
    assert (asked[0]["applied_at"], asked[1]["sending_by"]) == (None, None)


def test_the_history_is_pruned(past: Past) -> None:
    past.apply("Sales", "9140001001", "2011-01-01")
    past.apply("Sales", "9140001002", "2012-01-01")
    past.apply("Support", "9140001001", "2011-01-01")
    past.controller.update(**A, campaign_name="Sales")
    past.execute(BLOCKS["prune"])
    shown = past.controller.show()["campaigns"]
    assert [len(campaign["history"]) for campaign in shown] == [1, 1]
    assert [campaign["dynamic_dids"] for campaign in shown] == [["9140001001"], ["9140001001"]]
    assert past.controller.update(**A, campaign_name="Support")["changed_basis"] == "same"
