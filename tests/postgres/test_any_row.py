# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever somebody's SQL left in the columns: no confirmation that is not there, and no error.

The same for the bytes of files is in tests/properties/test_any_record_file.py.
"""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import record_key
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.info import (
    show_records,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server
from ansible_collections.ozonetel.cloudagent.tests.properties.support import (
    CONFIRMED,
    examples,
    run,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    HANG_SECONDS,
    Ended,
    ModuleDouble,
)

ENDPOINT = "https://in1-ccaas-api.ozonetel.com"
KEY = bytes.fromhex(record_key(ENDPOINT, "acme", "Sales"))
NUMBERS = ["111", "222"]
LISTS = {number: {"dynamic_dids": [number], "fallback_dynamic_dids": ["333"]} for number in NUMBERS}

Row = t.Dict[str, t.Any]

GOOD: Row = {
    "endpoint": ENDPOINT,
    "username": "acme",
    "campaign_name": "Sales",
    "confirmed": True,
    "dynamic_dids": ["111"],
    "fallback_dynamic_dids": ["333"],
    "applied_at": "2027-01-15T08:00:00Z",
    "applied_by": "deploy@runner",
    "note": None,
    "revision": 7,
    "sending_by": None,
    "sending_since": None,
    "sending_until": None,
    "earlier_sending_until": None,
}
HISTORY = ["username", "campaign_name", "dynamic_dids", "fallback_dynamic_dids"]
HISTORY += ["applied_at", "applied_by", "note"]

# PostgreSQL stores no character 0, and no halves of pairs.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
# Arrays of text, as it takes them: of nulls, of arrays, and beginning at any place.
arrays = st.lists(st.sampled_from(NUMBERS) | texts | st.none(), max_size=3) | st.sampled_from(
    ["{}", "{{111,222},{333,444}}", "[0:0]={111}", "{NULL}", '{"a,b"}', "{{{1}}}"]
)
times = st.sampled_from(
    [
        "2027-01-15T08:00:00Z",
        "9999-12-31T23:59:59Z",
        "0044-03-15 12:00:00+00 BC",
        "294276-12-31T23:59:59Z",
        "infinity",
        "-infinity",
    ]
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "endpoint": texts,
        "username": texts,
        "campaign_name": texts | st.just("SALES"),
        "confirmed": st.booleans(),
        "dynamic_dids": st.none() | arrays,
        "fallback_dynamic_dids": st.none() | arrays,
        "applied_at": st.none() | times,
        "applied_by": st.none() | texts,
        "note": st.none() | texts,
        "revision": st.integers(-(2**63), 2**63 - 1),
        "sending_by": st.none() | texts,
        "sending_since": st.none() | times,
        "sending_until": st.none() | times,
        "earlier_sending_until": st.none() | times,
    },
)
earlier = st.fixed_dictionaries(
    {},
    optional={
        "dynamic_dids": arrays,
        "fallback_dynamic_dids": arrays,
        "applied_at": times,
        "applied_by": texts,
        "note": st.none() | texts,
    },
)


class Tables:
    """The tables, as somebody changes them by hand."""

    def __init__(self, url: str) -> None:
        self._url = url
        assert not run(CONFIRMED, **self.options("111")).has_failed
        self._connection = psycopg.connect(url, autocommit=True)

    def fill(self, row: Row, history: list[Row]) -> None:
        """Have these rows only."""
        self._connection.execute(
            "TRUNCATE ozonetel_cloudagent.campaigns, ozonetel_cloudagent.history"
        )
        self._insert("campaigns", {**row, "key": KEY})
        for one in history:
            self._insert("history", {**{name: GOOD[name] for name in HISTORY}, **one, "key": KEY})

    def _insert(self, table: str, row: Row) -> None:
        names, values = ", ".join(row), ", ".join(["%s"] * len(row))
        statement = f"INSERT INTO ozonetel_cloudagent.{table} ({names}) VALUES ({values})"
        self._connection.execute(statement.encode(), list(row.values()))

    def options(self, number: str = "111") -> dict[str, t.Any]:
        return {"record_url": self._url, "timeout": HANG_SECONDS, "diff": True, **LISTS[number]}

    def believed(self) -> set[str]:
        """Return the lists that a run would call unchanged."""
        predicted = {number: run(check_mode=True, **self.options(number)) for number in NUMBERS}
        assert not any(ran.has_failed for ran in predicted.values())
        return {number for number, ran in predicted.items() if not ran.result["changed"]}

    def shown(self, **options: t.Any) -> list[dict[str, t.Any]]:
        """Return what the info module shows."""
        filters: dict[str, t.Any] = dict.fromkeys(("username", "campaign_name", "api_url"))
        module = ModuleDouble(
            **{**self.options(), **filters, "history_limit": 100, "as_update": False, **options}
        )
        with pytest.raises(Ended):
            show_records(module)
        json.dumps(module.result, ensure_ascii=False).encode("utf-8")
        return list(module.result["campaigns"])

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(name="tables")
def _tables(server: Server, database: str) -> t.Iterator[Tables]:
    tables = Tables(server.url(database))
    yield tables
    tables.close()


def is_of(row: Row, number: str) -> bool:
    """Tell whether the row confirms these lists, and of this campaign."""
    names = ("endpoint", "username", "campaign_name", "fallback_dynamic_dids")
    same = all(row[name] == GOOD[name] for name in names) and row["confirmed"]
    return same and row["dynamic_dids"] in ([number], f"[0:0]={{{number}}}")


def test_any_row_confirms_nothing_that_it_does_not_hold(tables: Tables) -> None:
    @examples(150)
    @example({}, [])
    @given(changes, st.lists(earlier, max_size=2))
    def check(changed: Row, history: list[Row]) -> None:
        row = {**GOOD, **changed}
        tables.fill(row, history)
        assert tables.believed() <= {number for number in NUMBERS if is_of(row, number)}
        for options in ({"did": None, "before": None}, {"did": "111", "before": "current"}):
            for campaign in tables.shown(**options):
                assert all(isinstance(number, str) for number in campaign["dynamic_dids"])
        ran = run(CONFIRMED, **tables.options())
        assert not ran.has_failed
        assert ran.result["changed"] or is_of(row, "111")
        if row["sending_until"] is None:
            assert tables.believed() == {"111"}

    check()
